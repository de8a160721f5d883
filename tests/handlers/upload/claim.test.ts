// Proves under which conditions a completion takes an upload on: the write must fail when the row is no longer the one that was read.
import assert from "node:assert/strict";
import { identifyAttempt, planClaim } from "../../../handlers/upload/claim";
import { CHECKSUM, createRecord, START_TIME } from "../../support/upload-handlers";

const claimedAt = new Date(START_TIME).toISOString();
const claim = { to: "completing", attempt: "mine", checksum: CHECKSUM, claimedAt };

describe("Claims on an upload", () => {
  const plan = (changes: Parameters<typeof createRecord>[0]): unknown =>
    planClaim(createRecord(changes), "mine", CHECKSUM, START_TIME);

  it("take an open upload only while it is open", () => {
    assert.deepEqual(plan({ state: "open", attempt: "earlier" }), { ...claim, from: ["open"], joined: 0 });
  });

  it("join the same completion only while it is that one", () => {
    const joined = { ...claim, from: ["completing"], joined: 1, where: { attempt: "mine" } };

    assert.deepEqual(plan({ state: "completing", attempt: "mine", claimedAt }), joined);
  });

  it("take over a dead completion only while nobody else has", () => {
    const dead = new Date(START_TIME - 33_000).toISOString();
    const taken = { ...claim, from: ["completing"], joined: 1 };

    assert.deepEqual(plan({ state: "completing", attempt: "other", claimedAt: dead }), {
      ...taken,
      where: { claimedAt: dead },
    });
    assert.deepEqual(plan({ state: "completing" }), { ...taken, where: { claimedAt: null } });
  });

  it("rejects another body while the first completion may be running", () => {
    const recent = new Date(START_TIME - 32_999).toISOString();

    assert.throws(() => plan({ state: "completing", attempt: "other", claimedAt: recent }), { code: "UploadNotOpen" });
  });

  it("tell bodies apart by every part's number, ETag and checksum, and by the whole checksum", () => {
    const part = { partNumber: 1, eTag: '"e"', checksum: CHECKSUM };
    const bodies = [
      { parts: [part], checksum: CHECKSUM },
      { parts: [part], checksum: "AAAAAAAAAAE=" },
      { parts: [{ ...part, partNumber: 2 }], checksum: CHECKSUM },
      { parts: [{ ...part, eTag: '"f"' }], checksum: CHECKSUM },
      { parts: [{ ...part, checksum: "AAAAAAAAAAE=" }], checksum: CHECKSUM },
      { parts: [part, part], checksum: CHECKSUM },
    ];

    assert.equal(new Set(bodies.map(identifyAttempt)).size, bodies.length);
  });
});
