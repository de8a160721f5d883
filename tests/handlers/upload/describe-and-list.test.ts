// Proves what a client learns about uploads: its own, with the parts that S3 holds.
import assert from "node:assert/strict";
import { describeUpload } from "../../../handlers/upload/describe-upload";
import { listUploads } from "../../../handlers/upload/list-uploads";
import { parseList } from "../../../handlers/upload/requests";
import { createUploadId } from "../../../handlers/upload/upload";
import {
  alice,
  createRecord,
  mallory,
  MemoryObjectStore,
  MemoryUploadStore,
  START_TIME,
} from "../../support/upload-handlers";

describe("Describing an upload", () => {
  let store: MemoryUploadStore;
  let objects: MemoryObjectStore;

  beforeEach(() => {
    store = new MemoryUploadStore();
    objects = new MemoryObjectStore();
    objects.open.add("s3-upload");
    objects.parts = [{ partNumber: 1, size: 5, eTag: '"e"', checksum: "AAAAAAAAAAA=" }];
  });

  it("U10: shows the parts that S3 holds, and the fingerprint by which a device recognises the file", async () => {
    const { uploadId } = store.add(createRecord({ fingerprint: "holiday:12" }));

    const answer = await describeUpload(store, objects, alice, uploadId);

    assert.deepEqual(answer.parts, objects.parts);
    assert.deepEqual([answer.upload.fingerprint, answer.upload.key], ["holiday:12", undefined]);
  });

  it("shows key and version of a completed upload without asking S3", async () => {
    const { uploadId, key } = store.add(createRecord({ state: "completed", versionId: "v1" }));

    const answer = await describeUpload(store, objects, alice, uploadId);

    assert.deepEqual([answer.upload.key, answer.upload.versionId, answer.parts], [key, "v1", []]);
    assert.deepEqual(objects.calls, []);
  });

  it("rejects an open upload that S3 has forgotten", async () => {
    const { uploadId } = store.add(createRecord());
    objects.open.clear();

    await assert.rejects(describeUpload(store, objects, alice, uploadId), { code: "UploadNotOpen" });
  });

  it("U26: rejects another user's upload without asking S3", async () => {
    const { uploadId } = store.add(createRecord());

    await assert.rejects(describeUpload(store, objects, mallory, uploadId), { code: "UploadNotYours" });

    assert.deepEqual(objects.calls, []);
  });
});

describe("Listing uploads", () => {
  it("U26: shows the caller's own, newest first, with a cursor and without cancelled ones", async () => {
    const store = new MemoryUploadStore();
    const states = ["open", "aborted", "completed", "abandoned"] as const;
    const ids = states.map((state, index) => {
      const uploadId = createUploadId(START_TIME + index, (count) => Buffer.alloc(count, index));
      return store.add(createRecord({ uploadId, state })).uploadId;
    });
    store.add(createRecord({ ...mallory, uploadId: createUploadId(START_TIME + 9, (count) => Buffer.alloc(count)) }));

    const first = await listUploads(store, alice, parseList({ limit: "2" }));
    const second = await listUploads(store, alice, parseList({ limit: "2", cursor: first.cursor }));
    const completed = await listUploads(store, alice, parseList({ state: "completed" }));

    assert.deepEqual(
      first.uploads.map(({ uploadId }) => uploadId),
      [ids[3], ids[2]],
    );
    assert.deepEqual(
      second.uploads.map(({ uploadId }) => uploadId),
      [ids[0]],
    );
    assert.equal(second.cursor, undefined);
    assert.deepEqual(
      completed.uploads.map(({ uploadId }) => uploadId),
      [ids[2]],
    );
  });
});
