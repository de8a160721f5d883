// Proves the sweeper, and with random crashes that nothing is left behind: no open multipart upload, no held quota, no lost event.
import assert from "node:assert/strict";
import fc from "fast-check";
import { abortUpload } from "../../../handlers/upload/abort-upload";
import { releaseObject } from "../../../handlers/upload/release-object";
import { completeUpload } from "../../../handlers/upload/complete-upload";
import { startUpload } from "../../../handlers/upload/start-upload";
import { sweepUploads, type SweepDependencies } from "../../../handlers/upload/sweep-uploads";
import { createUploadId, toEventDetail, type UploadRecord } from "../../../handlers/upload/upload";
import {
  alice,
  CHECKSUM,
  createRecord,
  createRules,
  createTestLog,
  failing,
  MEBIBYTE,
  MemoryEventSink,
  MemoryObjectStore,
  MemoryUploadStore,
  ownerName,
  START_TIME,
} from "../../support/upload-handlers";

const HOUR_MS = 3600 * 1000;

interface World {
  readonly store: MemoryUploadStore;
  readonly objects: MemoryObjectStore;
  readonly events: MemoryEventSink;
  readonly time: { now: number };
  readonly dependencies: SweepDependencies;
  readonly lines: string[];
  /** Uploads whose object has been deleted. */
  readonly deleted: UploadRecord[];
}

function createWorld(): World {
  const [store, objects, events] = [new MemoryUploadStore(), new MemoryObjectStore(), new MemoryEventSink()];
  const time = { now: START_TIME };
  const { log, lines } = createTestLog();
  const dependencies = { store, objects, events, now: () => time.now, log, hasTime: () => true };
  return { store, objects, events, time, dependencies, lines, deleted: [] };
}

describe("Sweeping uploads", () => {
  let world: World;

  beforeEach(() => {
    world = createWorld();
    world.objects.open.add("s3-upload");
  });

  it("leaves uploads alone before their time", async () => {
    const record = world.store.add(createRecord());
    world.time.now = START_TIME + 24 * HOUR_MS - 1;

    assert.deepEqual(await sweepUploads(world.dependencies), { settled: 0, abandoned: 0, stale: 0 });

    assert.equal(world.store.get(record)?.state, "open");
  });

  it("U20: abandons an unfinished upload: parts removed, quota given back, one event", async () => {
    const record = world.store.add(createRecord());
    world.time.now = START_TIME + 24 * HOUR_MS;

    const first = await sweepUploads(world.dependencies);
    const second = await sweepUploads(world.dependencies);

    assert.deepEqual([first.abandoned, second.abandoned], [1, 0]);
    assert.equal(world.store.get(record)?.state, "abandoned");
    assert.equal(world.objects.open.size, 0);
    assert.deepEqual(world.store.quotas.get(ownerName(alice)), { bytes: 0, openUploads: 0 });
    assert.deepEqual(
      world.events.published.map(({ kind }) => kind),
      ["abandoned"],
    );
  });

  it("repeats the removal once for parts that were in flight, then lets go of the row", async () => {
    const record = world.store.add(createRecord());
    await abortUpload({ ...world.dependencies }, alice, record.uploadId);
    world.objects.open.add("s3-upload");
    world.time.now = START_TIME + HOUR_MS;

    await sweepUploads(world.dependencies);

    assert.equal(world.objects.open.size, 0);
    assert.equal(world.store.get(record)?.due, undefined);
  });

  it("finds out that a crashed completion had reached S3", async () => {
    const record = world.store.add(createRecord({ state: "completing", checksum: CHECKSUM }));
    world.objects.open.clear();
    world.objects.objects.set(record.uploadId, { versionId: "v9", checksum: CHECKSUM });
    world.time.now = START_TIME + 24 * HOUR_MS;

    const result = await sweepUploads(world.dependencies);

    assert.equal(result.abandoned, 0);
    assert.deepEqual([world.store.get(record)?.state, world.store.get(record)?.versionId], ["completed", "v9"]);
    assert.deepEqual(
      world.events.published.map(({ kind }) => kind),
      ["uploaded"],
    );
  });

  it("frees the quota of an upload that never reached S3", async () => {
    const { s3UploadId: _id, ...record } = createRecord();
    world.store.add(record);
    world.time.now = START_TIME + 24 * HOUR_MS;

    await sweepUploads(world.dependencies);

    assert.deepEqual(world.store.quotas.get(ownerName(alice)), { bytes: 0, openUploads: 0 });
    assert.deepEqual(world.objects.calls, []);
  });

  it("U20: emits a lost event later, with the same event id", async () => {
    const record = world.store.add(
      createRecord({
        state: "completed",
        pendingEvent: "uploaded",
        due: { kind: "sideEffects", at: new Date(START_TIME).toISOString() },
      }),
    );

    const first = await sweepUploads(world.dependencies);
    const second = await sweepUploads(world.dependencies);

    assert.deepEqual([first.settled, second.settled], [1, 0]);
    assert.deepEqual(
      world.events.published.map(({ kind }) => kind),
      ["uploaded"],
    );
    const ids = [record, { ...record, fileName: "other" }].map((each) => toEventDetail(each, "uploaded", "b").eventId);
    assert.equal(ids[0], ids[1]);
    assert.notEqual(ids[0], toEventDetail(record, "failed", "b").eventId);
  });

  it("U20: emits the lost event of an upload whose object is gone again, without asking S3", async () => {
    const due = { kind: "sideEffects", at: new Date(START_TIME).toISOString() } as const;
    const record = world.store.add(createRecord({ state: "deleted", pendingEvent: "uploaded", due }));

    await sweepUploads(world.dependencies);

    assert.deepEqual(
      world.events.published.map(({ kind }) => kind),
      ["uploaded"],
    );
    assert.deepEqual([world.objects.calls, world.store.get(record)?.due], [[], undefined]);
  });

  it("goes on after a failure, and counts what it could not settle as stale", async () => {
    for (const index of [1, 2]) {
      world.store.add(createRecord({ uploadId: createUploadId(START_TIME, (count) => Buffer.alloc(count, index)) }));
    }
    world.time.now = START_TIME + 24 * HOUR_MS;
    world.store.before = failing("transition");

    const first = await sweepUploads(world.dependencies);
    const second = await sweepUploads(world.dependencies);

    assert.deepEqual([first.abandoned, first.stale], [1, 1]);
    assert.deepEqual([second.abandoned, second.stale], [1, 0]);
    assert.equal(world.lines.filter((line) => line.includes("could not be swept")).length, 1);
  });

  it("leaves alone what the index still lists, but the row no longer does", async () => {
    const settled = createRecord({ state: "completed" });
    const { due: _due, ...record } = settled;
    world.store.add(record);
    const reference = { caller: alice, uploadId: record.uploadId };
    world.store.listDue = () => Promise.resolve([reference]);

    assert.deepEqual(await sweepUploads(world.dependencies), { settled: 0, abandoned: 0, stale: 0 });

    assert.deepEqual([world.objects.calls, world.store.get(record)?.state], [[], "completed"]);
  });

  it("stops when its time is up and counts the rest as stale", async () => {
    world.store.add(createRecord());
    world.time.now = START_TIME + 24 * HOUR_MS;

    const result = await sweepUploads({ ...world.dependencies, hasTime: () => false });

    assert.deepEqual(result, { settled: 0, abandoned: 0, stale: 1 });
  });

  it("U33: leaves nothing behind after random crashes, repetitions and cancellations", async () => {
    const step = fc.record({
      call: fc.constantFrom("start", "complete", "abort", "sweep", "delete"),
      crash: fc.constantFrom(
        "none",
        "find",
        "attach",
        "transition",
        "settle",
        "create",
        "abort",
        "complete",
        "bus",
        "answer",
      ),
      hours: fc.integer({ min: 0, max: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
        const everyStep = createWorld();
        for (const { call, crash, hours } of steps) {
          everyStep.time.now += hours * HOUR_MS;
          armCrash(everyStep, crash);
          await callOnce(everyStep, call).catch(() => undefined);
        }

        armCrash(everyStep, "none");
        for (let run = 0; run < 3; run++) {
          everyStep.time.now += 25 * HOUR_MS;
          await sweepUploads(everyStep.dependencies);
          // Lambda repeats an event that failed.
          for (const upload of everyStep.deleted) await tellDeletion(everyStep, upload);
        }

        assertNothingLeft(everyStep);
      }),
      { numRuns: 400 },
    );
  });
});

function armCrash({ store, objects, events }: World, crash: string): void {
  store.before = failing(crash);
  // The id of a multipart upload whose creation was not answered is unknown to all: the lifecycle rule's part, not ours.
  objects.before = failing(crash);
  objects.after = failing(crash === "answer" ? "complete" : "none");
  events.failure = crash === "bus" ? new Error("no bus") : undefined;
}

const input = { fileName: "a.mp4", size: MEBIBYTE, contentType: "video/mp4", requestId: "request-00000001" };

async function callOnce(world: World, call: string): Promise<void> {
  const { store, objects, dependencies, time } = world;
  const upload = store.records.values().next().value;
  const uploadId = upload?.uploadId;
  const part = { partNumber: 1, eTag: '"e"', checksum: CHECKSUM };
  if (call === "start") {
    const settings = { rules: createRules(), keyPrefix: "" };
    const newUploadId = (): string => createUploadId(time.now, (count) => Buffer.alloc(count, store.records.size));
    await startUpload({ ...dependencies, settings, newUploadId }, alice, input);
  } else if (call === "complete") {
    await completeUpload(dependencies, alice, uploadId, { parts: [part], checksum: CHECKSUM });
  } else if (call === "abort") {
    await abortUpload(dependencies, alice, uploadId);
  } else if (call === "sweep") {
    await sweepUploads(dependencies);
  } else if (upload && objects.objects.delete(upload.uploadId)) {
    world.deleted.push(upload);
    await tellDeletion(world, upload);
  }
}

async function tellDeletion({ store, time }: World, { key }: UploadRecord): Promise<void> {
  await releaseObject({ store, keyPrefix: "", now: () => time.now }, { key, hidden: true });
}

function assertNothingLeft({ store, objects, events }: World): void {
  const known = [...store.records.values()].map(({ s3UploadId }) => s3UploadId);
  assert.deepEqual(
    [...objects.open].filter((id) => known.includes(id)),
    [],
  );
  let bytes = 0;
  for (const record of store.records.values()) {
    assert.ok(["completed", "deleted", "aborted", "abandoned", "failed"].includes(record.state), record.state);
    assert.equal(record.state === "completed", objects.objects.has(record.uploadId));
    assert.deepEqual([record.due, record.pendingEvent], [undefined, undefined]);
    if (record.state === "completed") bytes += record.size;
    const kinds = new Set(
      events.published.filter(({ uploadId }) => uploadId === record.uploadId).map(({ kind }) => kind),
    );
    const expected = {
      completed: ["uploaded"],
      deleted: ["uploaded"],
      aborted: [],
      abandoned: ["abandoned"],
      failed: ["failed"],
    }[record.state as "failed"];
    assert.deepEqual([...kinds], expected);
  }
  const quota = store.quotas.get(ownerName(alice)) ?? { bytes: 0, openUploads: 0 };
  assert.deepEqual(quota, { bytes, openUploads: 0 });
}
