// Proves the start of uploads: what is refused before anything is written, what is written, and that any crash can be resumed.
import assert from "node:assert/strict";
import { S3_LIMITS } from "../../../handlers/upload/contract";
import type { StartInput } from "../../../handlers/upload/requests";
import { startUpload, type StartDependencies } from "../../../handlers/upload/start-upload";
import { createUploadId } from "../../../handlers/upload/upload";
import {
  alice,
  createRules,
  failing,
  mallory,
  MEBIBYTE,
  MemoryObjectStore,
  MemoryUploadStore,
  ownerName,
  START_TIME,
} from "../../support/upload-handlers";

const input: StartInput = {
  fileName: "Holiday.mp4",
  size: 12 * MEBIBYTE,
  contentType: "video/mp4",
  requestId: "request-00000001",
};

describe("Starting an upload", () => {
  let store: MemoryUploadStore;
  let objects: MemoryObjectStore;
  let dependencies: StartDependencies;

  beforeEach(() => {
    let count = 0;
    store = new MemoryUploadStore();
    objects = new MemoryObjectStore();
    dependencies = createDependencies({});
    function createDependencies(rules: Parameters<typeof createRules>[0]): StartDependencies {
      return {
        settings: { rules: createRules(rules), keyPrefix: "uploads/" },
        store,
        objects,
        now: () => START_TIME,
        newUploadId: () => createUploadId(START_TIME, (length) => Buffer.alloc(length, ++count)),
      };
    }
  });

  function withRules(rules: Parameters<typeof createRules>[0]): StartDependencies {
    return { ...dependencies, settings: { rules: createRules(rules), keyPrefix: "uploads/" } };
  }

  it("U2: answers with the plan and keeps the key to itself", async () => {
    const { created, response } = await startUpload(dependencies, alice, input);

    assert.equal(created, true);
    const { uploadId, ...shown } = response.upload;
    assert.deepEqual(shown, {
      fileName: "Holiday.mp4",
      size: 12 * MEBIBYTE,
      contentType: "video/mp4",
      state: "open",
      partSize: 5 * MEBIBYTE,
      partCount: 3,
      createdAt: "2026-01-01T00:00:00.000Z",
      abandonAt: "2026-01-02T00:00:00.000Z",
    });
    const record = await store.find(alice, uploadId);
    assert.equal(record?.key, `uploads/acme/alice/${uploadId}/Holiday.mp4`);
    assert.equal(record.s3UploadId, "s3-upload-1");
    assert.equal(response.signWindow, 100);
  });

  it("U18: stores the approved type without the client's parameters", async () => {
    const { response } = await startUpload(dependencies, alice, { ...input, contentType: "VIDEO/MP4; evil=1" });

    assert.equal(response.upload.contentType, "video/mp4");
  });

  it("raises the wished part size to what S3 needs", async () => {
    const rules = { maximumFileBytes: S3_LIMITS.maximumObjectBytes, maximumBytesPerUser: S3_LIMITS.maximumObjectBytes };
    const size = S3_LIMITS.maximumObjectBytes;

    const { response } = await startUpload(withRules(rules), alice, { ...input, size, partSize: 1 });

    assert.deepEqual([response.upload.partSize, response.upload.partCount], [S3_LIMITS.maximumPartBytes, 10_000]);
  });

  const refusals = [
    {
      why: "a type off the list",
      rules: {},
      change: { contentType: "application/x-msdownload" },
      code: "ContentTypeNotAllowed",
    },
    { why: "a malformed type", rules: {}, change: { contentType: "video" }, code: "InvalidRequest" },
    {
      why: "an extension off the list",
      rules: { allowedExtensions: [".mov"] },
      change: {},
      code: "ContentTypeNotAllowed",
    },
    {
      why: "no extension with a list",
      rules: { allowedExtensions: [".mov"] },
      change: { fileName: "a" },
      code: "ContentTypeNotAllowed",
    },
    { why: "a size over the limit", rules: { maximumFileBytes: 12 * MEBIBYTE - 1 }, change: {}, code: "FileTooLarge" },
    {
      why: "bytes over the quota",
      rules: { maximumBytesPerUser: 12 * MEBIBYTE - 1 },
      change: {},
      code: "QuotaExceeded",
    },
    { why: "uploads over the quota", rules: { maximumOpenUploadsPerUser: 0 }, change: {}, code: "QuotaExceeded" },
    { why: "missing first bytes", rules: { verifyFirstBytes: true }, change: {}, code: "InvalidRequest" },
    {
      why: "other first bytes",
      rules: { verifyFirstBytes: true },
      change: { firstBytes: Buffer.from("MZ......") },
      code: "ContentMismatch",
    },
    {
      why: "more first bytes than the file has",
      rules: { verifyFirstBytes: true },
      change: { size: 1, firstBytes: Buffer.from("ab") },
      code: "InvalidRequest",
    },
  ];
  for (const { why, rules, change, code } of refusals) {
    it(`U7: rejects ${why} before anything is written or asked of S3`, async () => {
      await assert.rejects(startUpload(withRules(rules), alice, { ...input, ...change }), { code });

      assert.equal(store.records.size, 0);
      assert.deepEqual(objects.calls, []);
    });
  }

  it("U18: takes matching first bytes, and none of an empty file", async () => {
    const checked = withRules({ verifyFirstBytes: true });

    await startUpload(checked, alice, { ...input, firstBytes: Buffer.from("000000206674797069736f6d", "hex") });
    await startUpload(checked, alice, { ...input, requestId: "request-00000002", size: 0 });

    assert.equal(store.records.size, 2);
  });

  it("U24: returns the same upload for the same request id, without a second multipart upload", async () => {
    const first = await startUpload(dependencies, alice, input);

    const second = await startUpload(dependencies, alice, input);

    assert.deepEqual(second, { created: false, response: first.response });
    assert.equal(objects.open.size, 1);
  });

  it("U24: does not mix up users with one request id", async () => {
    const first = await startUpload(dependencies, alice, input);

    const second = await startUpload(dependencies, mallory, input);

    assert.notEqual(second.response.upload.uploadId, first.response.upload.uploadId);
  });

  it("rejects a request id that was used for another file", async () => {
    await startUpload(dependencies, alice, input);

    for (const other of [{ size: 5 }, { fileName: "b.mp4" }, { contentType: "video/webm" }]) {
      await assert.rejects(startUpload(dependencies, alice, { ...input, ...other }), {
        code: "InvalidRequest",
        message: "requestId was used for another file; make a fresh one for each upload",
      });
    }
  });

  it("U24: goes on after a crash between reservation and S3", async () => {
    objects.before = failing("create");
    await assert.rejects(startUpload(dependencies, alice, input), /crashed/);

    const { response } = await startUpload(dependencies, alice, input);

    assert.equal(store.records.size, 1);
    assert.equal((await store.find(alice, response.upload.uploadId))?.s3UploadId, "s3-upload-1");
    assert.deepEqual(store.quotas.get(ownerName(alice)), { bytes: 12 * MEBIBYTE, openUploads: 1 });
  });

  it("U24: goes on after a crash between S3 and the table, with a new multipart upload", async () => {
    store.before = failing("attach");
    await assert.rejects(startUpload(dependencies, alice, input), /crashed/);

    const { response } = await startUpload(dependencies, alice, input);

    assert.equal((await store.find(alice, response.upload.uploadId))?.s3UploadId, "s3-upload-2");
  });

  it("U24: keeps its multipart upload when the table has its id, though the write says no after a lost answer", async () => {
    const attach = store.attach.bind(store);
    store.attach = async (...call) => {
      await attach(...call);
      return false;
    };

    const { response } = await startUpload(dependencies, alice, input);

    assert.deepEqual([...objects.open], ["s3-upload-1"]);
    assert.equal((await store.find(alice, response.upload.uploadId))?.s3UploadId, "s3-upload-1");
  });

  it("U24: removes what the slower of two simultaneous starts created", async () => {
    const [first, second] = await Promise.all([
      startUpload(dependencies, alice, input),
      startUpload(dependencies, alice, input),
    ]);

    assert.deepEqual(first.response, second.response);
    assert.equal(objects.open.size, 1);
    assert.ok(objects.open.has(store.records.values().next().value?.s3UploadId ?? ""));
  });
});
