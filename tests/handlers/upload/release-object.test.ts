// Proves that the bytes of a deleted object are given back once, for the upload's own object only, however often and late the event comes.
import assert from "node:assert/strict";
import { buildObjectKey } from "../../../handlers/upload/object-key";
import { releaseObject } from "../../../handlers/upload/release-object";
import type { UploadRecord } from "../../../handlers/upload/upload";
import {
  alice,
  createRecord,
  failing,
  mallory,
  MEBIBYTE,
  MemoryUploadStore,
  ownerName,
  START_TIME,
} from "../../support/upload-handlers";

const keyPrefix = "uploads/";
const now = (): number => START_TIME;

describe("Releasing a deleted object", () => {
  let store: MemoryUploadStore;
  let record: UploadRecord;

  beforeEach(() => {
    store = new MemoryUploadStore();
    record = addCompleted();
  });

  function addCompleted(changes: Partial<UploadRecord> = {}): UploadRecord {
    const base = createRecord({ state: "completed", versionId: "v1", ...changes });
    return store.add({ ...base, key: buildObjectKey(keyPrefix, base, base.uploadId, base.fileName) });
  }

  const release = (key = record.key, hidden = true, versionId = "marker"): ReturnType<typeof releaseObject> =>
    releaseObject({ store, keyPrefix, now }, { key, hidden, versionId });
  const bytesOf = (caller = alice): number | undefined => store.quotas.get(ownerName(caller))?.bytes;

  it("gives the bytes back when a delete marker hides the object, and lets the row vanish a week later", async () => {
    const released = await release();

    assert.equal(released?.state, "deleted");
    assert.deepEqual(
      [store.get(record)?.state, store.get(record)?.expiresAt],
      ["deleted", START_TIME / 1000 + 604_800],
    );
    // The count of unfinished uploads, which the fake's `add` has raised, is none of its business.
    assert.deepEqual(store.quotas.get(ownerName(alice)), { bytes: 0, openUploads: 1 });
  });

  it("gives the bytes back when the very version is deleted for good", async () => {
    assert.equal((await release(record.key, false, "v1"))?.state, "deleted");

    assert.equal(bytesOf(), 0);
  });

  it("gives them back once: for a repeated event, and for the version that goes after its marker", async () => {
    const results = [await release(), await release(), await release(record.key, false, "v1")];

    assert.deepEqual(
      results.map((result) => result !== undefined),
      [true, false, false],
    );
    assert.equal(bytesOf(), 0);
  });

  it("gives nothing back for another version of the key, or for a marker that is taken away", async () => {
    assert.equal(await release(record.key, false, "v2"), undefined);

    assert.deepEqual([store.get(record)?.state, bytesOf()], ["completed", 12 * MEBIBYTE]);
  });

  for (const state of ["open", "aborted", "abandoned", "failed", "deleted"] as const) {
    it(`gives nothing back for an upload that is ${state}`, async () => {
      store = new MemoryUploadStore();
      record = addCompleted({ state });

      assert.equal(await release(), undefined);

      assert.deepEqual([store.get(record)?.state, bytesOf()], [state, 12 * MEBIBYTE]);
    });
  }

  it("rejects with TryAgain while the upload is being completed: the row does not know its object yet", async () => {
    store = new MemoryUploadStore();
    record = addCompleted({ state: "completing" });

    await assert.rejects(release(), { code: "TryAgain" });

    assert.equal(bytesOf(), 12 * MEBIBYTE);
  });

  const foreign: readonly (readonly [string, (key: string) => string])[] = [
    ["outside the prefix", (key) => key.replace(keyPrefix, "other/")],
    ["of another name in the same upload", (key) => `${key}.bak`],
    ["with a part more", (key) => `${key}/more`],
    ["of another user with this upload's id", (key) => key.replace("/alice/", "/mallory/")],
    ["that holds no upload id", (key) => key.replace(record.uploadId, "holiday")],
    ["that is too short", () => `${keyPrefix}acme`],
  ];
  for (const [what, change] of foreign) {
    it(`gives nothing back for a key ${what}`, async () => {
      assert.equal(await release(change(record.key)), undefined);

      assert.deepEqual([bytesOf(), bytesOf(mallory)], [12 * MEBIBYTE, undefined]);
    });
  }

  it("gives them back when the event comes again after a crash", async () => {
    store.before = failing("transition");
    await assert.rejects(release(), /crashed/);

    await release();

    assert.equal(bytesOf(), 0);
  });
});
