// Proves cancelling: parts and quota are given back, once, however often the call comes and wherever it crashes.
import assert from "node:assert/strict";
import { abortUpload } from "../../../handlers/upload/abort-upload";
import { listUploads } from "../../../handlers/upload/list-uploads";
import { parseList } from "../../../handlers/upload/requests";
import {
  alice,
  createRecord,
  failing,
  mallory,
  MemoryObjectStore,
  MemoryUploadStore,
  ownerName,
  START_TIME,
} from "../../support/upload-handlers";

describe("Cancelling an upload", () => {
  let store: MemoryUploadStore;
  let objects: MemoryObjectStore;
  const now = (): number => START_TIME;

  beforeEach(() => {
    store = new MemoryUploadStore();
    objects = new MemoryObjectStore();
    objects.open.add("s3-upload");
  });

  it("U9: removes parts, takes the upload off the list and gives the quota back; a second time succeeds too", async () => {
    const { uploadId } = store.add(createRecord());

    const first = await abortUpload({ store, objects, now }, alice, uploadId);
    const second = await abortUpload({ store, objects, now }, alice, uploadId);

    assert.deepEqual([first, second], [true, false]);
    assert.equal(objects.open.size, 0);
    assert.deepEqual(store.quotas.get(ownerName(alice)), { bytes: 0, openUploads: 0 });
    assert.deepEqual(await listUploads(store, alice, parseList({})), { uploads: [] });
  });

  it("U9: lets the row vanish a week later", async () => {
    const record = store.add(createRecord());

    await abortUpload({ store, objects, now }, alice, record.uploadId);

    assert.equal(store.get(record)?.expiresAt, START_TIME / 1000 + 7 * 24 * 3600);
  });

  it("U9: removes the parts on the second call when S3 failed on the first", async () => {
    const { uploadId } = store.add(createRecord());
    objects.before = failing("abort");
    await assert.rejects(abortUpload({ store, objects, now }, alice, uploadId), /crashed/);

    await abortUpload({ store, objects, now }, alice, uploadId);

    assert.equal(objects.open.size, 0);
    assert.deepEqual(store.quotas.get(ownerName(alice)), { bytes: 0, openUploads: 0 });
  });

  it("asks S3 for nothing when S3 never knew the upload", async () => {
    const { s3UploadId: _id, ...record } = createRecord();
    store.add(record);

    await abortUpload({ store, objects, now }, alice, record.uploadId);

    assert.deepEqual(objects.calls, []);
  });

  it("U9: cancels an upload whose completion has crashed, and gives the quota back", async () => {
    const record = store.add(createRecord({ state: "completing", claimedAt: new Date(START_TIME).toISOString() }));
    const later = (): number => START_TIME + 60_000;

    assert.equal(await abortUpload({ store, objects, now: later }, alice, record.uploadId), true);

    assert.equal(objects.open.size, 0);
    assert.equal(store.get(record)?.state, "aborted");
    assert.deepEqual(store.quotas.get(ownerName(alice)), { bytes: 0, openUploads: 0 });
  });

  it("rejects an upload whose crashed completion has reached S3", async () => {
    const record = store.add(createRecord({ state: "completing", claimedAt: new Date(START_TIME).toISOString() }));
    objects.open.clear();
    const later = (): number => START_TIME + 60_000;

    await assert.rejects(abortUpload({ store, objects, now: later }, alice, record.uploadId), {
      code: "UploadNotOpen",
      message: /repeat the completion/,
    });

    assert.equal(store.get(record)?.state, "completing");
  });

  it("rejects an upload whose completion may still be running, without asking S3", async () => {
    const record = store.add(createRecord({ state: "completing", claimedAt: new Date(START_TIME).toISOString() }));
    const soon = (): number => START_TIME + 10_000;

    await assert.rejects(abortUpload({ store, objects, now: soon }, alice, record.uploadId), { code: "UploadNotOpen" });

    assert.deepEqual(objects.calls, []);
  });

  for (const state of ["completing", "completed"] as const) {
    it(`rejects an upload that is ${state}, without asking S3`, async () => {
      const { uploadId } = store.add(createRecord({ state }));

      await assert.rejects(abortUpload({ store, objects, now }, alice, uploadId), { code: "UploadNotOpen" });

      assert.deepEqual(objects.calls, []);
    });
  }

  it("U26: rejects another user's upload without asking S3", async () => {
    const record = store.add(createRecord());

    await assert.rejects(abortUpload({ store, objects, now }, mallory, record.uploadId), { code: "UploadNotYours" });

    assert.deepEqual([objects.calls, store.get(record)?.state], [[], "open"]);
  });
});
