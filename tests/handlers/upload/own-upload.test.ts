// Proves that ownership is checked on the row itself, even if the table yielded somebody else's.
import assert from "node:assert/strict";
import { findOwn } from "../../../handlers/upload/own-upload";
import { alice, createRecord, mallory, MemoryUploadStore } from "../../support/upload-handlers";

describe("An upload of the caller's own", () => {
  it("U26: rejects a row that is another user's or another tenant's, whatever the table finds", async () => {
    const store = new MemoryUploadStore();
    const record = createRecord();
    store.find = () => Promise.resolve(record);

    assert.equal(await findOwn(store, alice, record.uploadId), record);
    for (const caller of [mallory, { ...alice, tenant: "other" }]) {
      await assert.rejects(findOwn(store, caller, record.uploadId), { code: "UploadNotYours" });
    }
  });

  it("U26: rejects what cannot be an upload id without asking the table", async () => {
    const store = new MemoryUploadStore();
    store.find = () => assert.fail("the table was asked");

    for (const id of [undefined, "", "0190", "../QUOTA", "holiday#1"]) {
      await assert.rejects(findOwn(store, alice, id), { code: "UploadNotYours" });
    }
  });
});
