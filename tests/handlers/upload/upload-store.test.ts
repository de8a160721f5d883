// Proves the upload store on DynamoDB's own semantics (local/cloud/dynamodb: conditions, transactions, indexes), and that the store
// in memory, with which the other tests work, behaves the same.
import assert from "node:assert/strict";
import { AwsJsonClient, DYNAMODB, readJsonClientSettings } from "../../../handlers/shared/aws-json";
import { UPLOAD_HANDLERS, type UploadHandlerName } from "../../../handlers/upload/contract";
import { DynamoUploadStore } from "../../../handlers/upload/dynamo-store";
import { DynamoTable } from "../../../handlers/upload/dynamo-table";
import type { UploadStore } from "../../../handlers/upload/ports";
import {
  becomeCompleted,
  becomeDeleted,
  comeToNothing,
  createUploadId,
  type Transition,
  type UploadRecord,
} from "../../../handlers/upload/upload";
import { startDynamoDb, uploadTable, type DynamoDbRun } from "../../support/dynamodb-service";
import { alice, createRecord, mallory, MemoryUploadStore, START_TIME } from "../../support/upload-handlers";

const TABLE_NAME = "uploads";
const limits = { maximumBytesPerUser: 1000, maximumOpenUploadsPerUser: 3 };
const DAY_MS = 24 * 3600 * 1000;

async function openDynamo(): Promise<DynamoDbRun & { store: UploadStore }> {
  const run = await startDynamoDb(uploadTable(TABLE_NAME));
  const environment = {
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "id",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_ENDPOINT_URL_DYNAMODB: run.stub.endpoint,
  };
  const settings = readJsonClientSettings(DYNAMODB, environment, () => START_TIME);
  return { ...run, store: new DynamoUploadStore(new DynamoTable(new AwsJsonClient(DYNAMODB, settings), TABLE_NAME)) };
}

/** The n-th upload of a user, reserved but not yet known to S3. */
function createNth(index: number, changes: Partial<UploadRecord> = {}): UploadRecord {
  const { s3UploadId: _id, ...record } = createRecord({ size: 100, ...changes });
  return { ...record, uploadId: createUploadId(START_TIME + index, (count) => Buffer.alloc(count, index)) };
}

function requestIdOf(index: number): string {
  return `request-000000-${index}`;
}

const kinds = ["DynamoDB", "memory"] as const;
for (const kind of kinds) {
  describe(`Upload store (${kind})`, () => {
    let store: UploadStore;
    let close: () => Promise<void>;

    beforeEach(async () => {
      if (kind === "memory") {
        store = new MemoryUploadStore();
        close = async () => undefined;
      } else {
        const opened = await openDynamo();
        store = opened.store;
        close = () => opened.stop();
      }
    });

    afterEach(() => close());

    async function reserve(index: number, changes: Partial<UploadRecord> = {}): Promise<UploadRecord> {
      const record = createNth(index, changes);
      assert.deepEqual(await store.reserve(record, requestIdOf(index), limits, START_TIME), { kind: "reserved" });
      return record;
    }

    it("U2: writes one ownership row per upload, found by its owner alone", async () => {
      const record = await reserve(1, { fingerprint: "abc" });

      assert.deepEqual(await store.find(alice, record.uploadId), record);
      assert.equal(await store.find(mallory, record.uploadId), undefined);
      assert.equal(await store.find({ tenant: "other", user: "alice" }, record.uploadId), undefined);
    });

    it("U24: answers a repeated request id with the upload it belongs to, and takes no quota again", async () => {
      const first = await reserve(1, { size: 900 });

      const again = await store.reserve(createNth(2, { size: 900 }), requestIdOf(1), limits, START_TIME + 1000);

      assert.deepEqual(again, { kind: "repeated", record: first });
    });

    it("U24: lets one of many simultaneous reservations with one request id through", async () => {
      const candidates = [1, 2, 3].map((index) => createNth(index));

      const results = await Promise.allSettled(
        candidates.map((record) => store.reserve(record, requestIdOf(1), limits, START_TIME)),
      );

      const reserved = results.filter((result) => result.status === "fulfilled" && result.value.kind === "reserved");
      assert.equal(reserved.length, 1);
    });

    it("U24: forgets a request id after a day, and keeps those of different users apart", async () => {
      await reserve(1);

      const later = await store.reserve(createNth(2), requestIdOf(1), limits, START_TIME + DAY_MS);
      const other = await store.reserve(createNth(3, mallory), requestIdOf(1), limits, START_TIME);

      assert.deepEqual([later, other], [{ kind: "reserved" }, { kind: "reserved" }]);
    });

    it("U7: rejects what exceeds the user's bytes, to the byte, and writes nothing", async () => {
      await reserve(1, { size: 400 });
      const tooLarge = createNth(2, { size: 601 });

      assert.deepEqual(await store.reserve(tooLarge, requestIdOf(2), limits, START_TIME), { kind: "quotaExceeded" });

      assert.equal(await store.find(alice, tooLarge.uploadId), undefined);
      await reserve(2, { size: 600 });
    });

    it("U7: rejects more unfinished uploads than allowed, and any when none is", async () => {
      for (const index of [1, 2, 3]) await reserve(index, { size: 0 });

      const fourth = await store.reserve(createNth(4, { size: 0 }), requestIdOf(4), limits, START_TIME);
      const none = { maximumBytesPerUser: 1000, maximumOpenUploadsPerUser: 0 };
      const forbidden = await store.reserve(createNth(5, mallory), requestIdOf(5), none, START_TIME);
      const huge = await store.reserve(createNth(6, { ...mallory, size: 2000 }), requestIdOf(6), limits, START_TIME);

      assert.deepEqual(
        [fourth, forbidden, huge].map((result) => result.kind),
        Array(3).fill("quotaExceeded"),
      );
    });

    it("attaches the id of S3 once", async () => {
      const record = await reserve(1);

      const results = [await store.attach(record, "first"), await store.attach(record, "second")];

      assert.deepEqual(results, [true, false]);
      assert.equal((await store.find(alice, record.uploadId))?.s3UploadId, "first");
    });

    it("rejects the id of S3 for an upload that has ended", async () => {
      const record = await reserve(1);
      await store.transition(record, comeToNothing(record, "aborted", ["open"], START_TIME));

      assert.equal(await store.attach(record, "late"), false);
    });

    it("lets one of two simultaneous steps win, and gives the quota back once", async () => {
      const record = await reserve(1, { size: 1000 });
      const step = comeToNothing(record, "aborted", ["open"], START_TIME);

      const results = await Promise.all([store.transition(record, step), store.transition(record, step)]);

      assert.equal(results.filter((result) => result !== undefined).length, 1);
      await reserve(2, { size: 1000 });
      const third = await store.reserve(createNth(3, { size: 1 }), requestIdOf(3), limits, START_TIME);
      assert.equal(third.kind, "quotaExceeded");
    });

    it("keeps the bytes of a completed upload on the quota, but not its count", async () => {
      const one = { maximumBytesPerUser: 1000, maximumOpenUploadsPerUser: 1 };
      const record = createNth(1, { size: 400 });
      await store.reserve(record, requestIdOf(1), one, START_TIME);
      await store.transition(record, { from: ["open"], to: "completing", checksum: "sum" });
      await store.transition(record, becomeCompleted({ versionId: "v1" }, "sum", START_TIME));

      const tooLarge = await store.reserve(createNth(2, { size: 601 }), requestIdOf(2), one, START_TIME);
      const fits = await store.reserve(createNth(3, { size: 600 }), requestIdOf(3), one, START_TIME);

      assert.deepEqual([tooLarge.kind, fits.kind], ["quotaExceeded", "reserved"]);
    });

    it("gives the bytes of a deleted object back, once", async () => {
      const record = await reserve(1, { size: 1000 });
      assert.equal(await store.transition(record, becomeDeleted(record, START_TIME)), undefined);
      await store.transition(record, becomeCompleted({ versionId: "v1" }, "sum", START_TIME));
      const step = becomeDeleted(record, START_TIME);

      const results = await Promise.all([store.transition(record, step), store.transition(record, step)]);

      assert.equal(results.filter((result) => result !== undefined).length, 1);
      assert.equal((await store.find(alice, record.uploadId))?.state, "deleted");
      await reserve(2, { size: 1000 });
      const third = await store.reserve(createNth(3, { size: 1 }), requestIdOf(3), limits, START_TIME);
      assert.equal(third.kind, "quotaExceeded");
    });

    it("takes a step only while the claim is the one that it names", async () => {
      const record = await reserve(1);
      const claim = (attempt: string, where?: Transition["where"]): Transition => ({
        from: ["open", "completing"],
        to: "completing",
        attempt,
        claimedAt: "2026-01-01T00:00:00.000Z",
        joined: 0,
        ...(where ? { where } : {}),
      });

      const results = [];
      for (const step of [
        claim("none", { attempt: "a" }),
        claim("a", { claimedAt: null }),
        claim("b", { claimedAt: null }),
        claim("c", { attempt: "b" }),
        claim("d", { attempt: "a", claimedAt: "2026-01-01T00:00:00.000Z" }),
      ]) {
        results.push((await store.transition(record, step))?.attempt);
      }

      assert.deepEqual(results, [undefined, "a", undefined, undefined, "d"]);
      const { attempt, joined, ...found } = (await store.find(alice, record.uploadId)) ?? assert.fail();
      assert.deepEqual([attempt, joined, "where" in found], ["d", 0, false]);
    });

    it("returns the record as it is stored after each step", async () => {
      const record = await reserve(1);

      const completing = await store.transition(record, { from: ["open"], to: "completing", checksum: "sum" });
      assert.ok(completing);
      assert.deepEqual(await store.find(alice, record.uploadId), completing);
      const completed = await store.transition(completing, becomeCompleted({ versionId: "v1" }, "sum", START_TIME));
      assert.ok(completed);
      assert.deepEqual(await store.find(alice, record.uploadId), completed);

      assert.equal(completed.pendingEvent, "uploaded");
      assert.equal(await store.transition(completed, { from: ["open"], to: "completing" }), undefined);
    });

    it("settles an event, and with `finished` takes the row off the sweeper's list", async () => {
      const record = await reserve(1);
      const failed = await store.transition(
        record,
        comeToNothing(record, "failed", ["open"], START_TIME, "AlreadyExists"),
      );
      assert.ok(failed);

      await store.settle(failed, false);
      const once = await store.find(alice, record.uploadId);
      await store.settle(failed, true);
      const twice = await store.find(alice, record.uploadId);

      assert.deepEqual([once?.pendingEvent, once?.due?.kind], [undefined, "sideEffects"]);
      assert.equal(twice?.due, undefined);
      assert.equal(twice?.reason, "AlreadyExists");
    });

    it("settles nothing of a row that has gone on to another state", async () => {
      const record = await reserve(1);
      await store.transition(record, comeToNothing(record, "failed", ["open"], START_TIME, "AlreadyExists"));

      await store.settle(record, true);

      const { pendingEvent, due } = (await store.find(alice, record.uploadId)) ?? assert.fail();
      assert.deepEqual([pendingEvent, due?.kind], ["failed", "sideEffects"]);
    });

    it("lists what is due by kind and time, of all users", async () => {
      const records = [createNth(1), createNth(2, mallory), createNth(3)];
      for (const [index, record] of records.entries()) {
        await store.reserve(record, requestIdOf(index), limits, START_TIME);
      }
      const [first, second, third] = records;
      assert.ok(first && second && third);
      await store.transition(third, comeToNothing(third, "aborted", ["open"], START_TIME));

      const early = await store.listDue("unfinished", START_TIME + DAY_MS - 1, 100);
      const unfinished = await store.listDue("unfinished", START_TIME + DAY_MS, 100);
      const sideEffects = await store.listDue("sideEffects", START_TIME + DAY_MS, 100);

      assert.deepEqual(early, []);
      const byId = new Map(unfinished.map(({ uploadId, caller }) => [uploadId, caller]));
      assert.deepEqual(
        byId,
        new Map([
          [first.uploadId, alice],
          [second.uploadId, mallory],
        ]),
      );
      assert.deepEqual(sideEffects, [{ caller: alice, uploadId: third.uploadId }]);
    });

    it("lists a user's uploads newest first, page by page, without half-started ones", async () => {
      const many = { maximumBytesPerUser: 10_000, maximumOpenUploadsPerUser: 20 };
      for (let index = 0; index < 7; index++) {
        const record = createNth(index, index === 3 ? mallory : {});
        await store.reserve(record, requestIdOf(index), many, START_TIME);
        if (index !== 5) await store.attach(record, `s3-${index}`);
      }

      const ids: string[] = [];
      let after: string | undefined;
      do {
        const page = await store.list(alice, { states: ["open"], limit: 2, ...(after ? { after } : {}) });
        ids.push(...page.records.map(({ uploadId }) => uploadId));
        after = page.next;
      } while (after);

      assert.deepEqual(
        ids,
        [6, 4, 2, 1, 0].map((index) => createNth(index).uploadId),
      );
    });

    it("lists only the states asked for", async () => {
      const record = await reserve(1);
      await store.attach(record, "s3");

      assert.deepEqual(await store.list(alice, { states: ["completed"], limit: 10 }), { records: [] });
    });
  });
}

describe("Upload store and permissions", () => {
  it("U17: needs no table action beyond those that the contract names", async () => {
    const { stub, store, stop } = await openDynamo();
    const record = createNth(1);
    const used: Record<string, () => Promise<unknown>> = {
      start: () => store.reserve(record, requestIdOf(1), limits, START_TIME).then(() => store.attach(record, "s3")),
      sign: () => store.find(alice, record.uploadId),
      describe: () => store.find(alice, record.uploadId),
      list: () => store.list(alice, { states: ["open"], limit: 1 }),
      complete: () => store.transition(record, { from: ["open"], to: "completing" }),
      sweep: () => store.listDue("unfinished", START_TIME, 1).then(() => store.settle(record, true)),
      abort: () => store.transition(record, comeToNothing(record, "aborted", ["completing"], START_TIME)),
      release: () =>
        store.find(alice, record.uploadId).then(() => store.transition(record, becomeDeleted(record, START_TIME))),
    };

    for (const [name, act] of Object.entries(used)) {
      stub.questions.length = 0;
      await act();
      const { tableActions, indexActions } = UPLOAD_HANDLERS[name as UploadHandlerName];
      const allowed: readonly string[] = [...tableActions, ...indexActions];
      assert.ok(stub.questions.length > 0);
      assert.deepEqual(
        stub.questions.map(({ action }) => action).filter((action) => !allowed.includes(action)),
        [],
      );
    }
    await stop();
  });
});
