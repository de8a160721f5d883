// Proves the sign route's logic: whose parts are signed, with which sizes, and how large an answer can get.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { CHECKSUM_HEADER } from "../../../handlers/upload/contract";
import { resolvePartEndpoints } from "../../../handlers/upload/presign";
import { signParts, type SignDependencies } from "../../../handlers/upload/sign-parts";
import {
  alice,
  CHECKSUM,
  createRecord,
  createRules,
  mallory,
  MEBIBYTE,
  MemoryUploadStore,
  START_TIME,
} from "../../support/upload-handlers";

const rules = createRules({ acceleration: true });

function createDependencies(store: MemoryUploadStore, sessionToken = "token"): SignDependencies {
  return {
    settings: { rules, region: "eu-west-1" },
    store,
    endpoints: resolvePartEndpoints({ ...rules, bucketName: "media", region: "eu-west-1" }, {}),
    credentials: () => ({ accessKeyId: "ASIA", secretAccessKey: "secret", sessionToken }),
    now: () => START_TIME + 999,
  };
}

describe("Signing parts", () => {
  let store: MemoryUploadStore;

  beforeEach(() => {
    store = new MemoryUploadStore();
  });

  it("U27: binds every part to its exact size and checksum", async () => {
    const { uploadId } = store.add(createRecord());
    const parts = [1, 3].map((partNumber) => ({ partNumber, checksum: CHECKSUM }));

    const answer = await signParts(createDependencies(store), alice, uploadId, { parts });

    assert.deepEqual(
      answer.parts.map(({ partNumber, size }) => [partNumber, size]),
      [
        [1, 5 * MEBIBYTE],
        [3, 2 * MEBIBYTE],
      ],
    );
    const [first] = answer.parts;
    assert.ok(first);
    assert.deepEqual(first.headers, { [CHECKSUM_HEADER]: CHECKSUM });
    assert.match(first.url, /^https:\/\/media\.s3\.eu-west-1\.amazonaws\.com\/uploads\/acme/);
    assert.match(first.acceleratedUrl ?? "", /^https:\/\/media\.s3-accelerate\.amazonaws\.com\/uploads\/acme/);
    assert.equal(answer.expiresAt, "2026-01-01T00:05:00.000Z");
  });

  it("signs the one empty part of an empty file", async () => {
    const { uploadId } = store.add(createRecord({ size: 0, partCount: 1 }));

    const answer = await signParts(createDependencies(store), alice, uploadId, {
      parts: [{ partNumber: 1, checksum: CHECKSUM }],
    });

    assert.equal(answer.parts[0]?.size, 0);
  });

  it("U4: keeps 100 parts with a token of 2 kB under 1 MB, and signs them again", async () => {
    const { uploadId } = store.add(createRecord({ size: 500 * MEBIBYTE, partCount: 100 }));
    const parts = Array.from({ length: 100 }, (_, index) => ({ partNumber: index + 1, checksum: CHECKSUM }));
    const dependencies = createDependencies(store, randomBytes(1536).toString("base64"));

    const first = await signParts(dependencies, alice, uploadId, { parts });
    const second = await signParts(dependencies, alice, uploadId, { parts });

    assert.ok(Buffer.byteLength(JSON.stringify(first)) < 1_000_000);
    assert.deepEqual(second, first);
  });

  it("rejects a part beyond the plan", async () => {
    const { uploadId } = store.add(createRecord());

    await assert.rejects(
      signParts(createDependencies(store), alice, uploadId, { parts: [{ partNumber: 4, checksum: CHECKSUM }] }),
      { code: "InvalidRequest", message: "partNumber must be at most 3, got 4" },
    );
  });

  for (const state of ["completing", "completed", "aborted", "abandoned", "failed"] as const) {
    it(`rejects an upload that is ${state}`, async () => {
      const { uploadId } = store.add(createRecord({ state }));
      const parts = [{ partNumber: 1, checksum: CHECKSUM }];

      await assert.rejects(signParts(createDependencies(store), alice, uploadId, { parts }), { code: "UploadNotOpen" });
    });
  }

  it("rejects an upload that S3 does not know yet", async () => {
    const { s3UploadId: _id, ...record } = createRecord();
    store.add(record);
    const parts = [{ partNumber: 1, checksum: CHECKSUM }];

    await assert.rejects(signParts(createDependencies(store), alice, record.uploadId, { parts }), {
      code: "UploadNotOpen",
      message: /repeat the start/,
    });
  });

  it("U26: rejects the upload of another user, another tenant and of nobody with one and the same answer", async () => {
    const { uploadId } = store.add(createRecord());
    const parts = [{ partNumber: 1, checksum: CHECKSUM }];
    const attempts = [
      [mallory, uploadId],
      [{ tenant: "other", user: "alice" }, uploadId],
      [alice, "01940000-0000-7000-8000-000000000000"],
      [alice, "../../x"],
      [alice, undefined],
    ] as const;

    for (const [caller, id] of attempts) {
      await assert.rejects(signParts(createDependencies(store), caller, id, { parts }), {
        code: "UploadNotYours",
        status: 403,
        message: "There is no such upload of yours",
      });
    }
  });
});
