// Proves completion: the outcome of every answer of S3, that one completion at a time has an upload, and that repetitions, crashes and
// calls at once lead to one object and one event.
import assert from "node:assert/strict";
import fc from "fast-check";
import { TryAgainError } from "../../../handlers/shared/errors";
import { completeUpload, type CompleteDependencies } from "../../../handlers/upload/complete-upload";
import type { Completion } from "../../../handlers/upload/ports";
import { comeToNothing, type UploadRecord } from "../../../handlers/upload/upload";
import {
  alice,
  CHECKSUM,
  createRecord,
  createTestLog,
  failing,
  mallory,
  MEBIBYTE,
  MemoryEventSink,
  MemoryObjectStore,
  MemoryUploadStore,
  ownerName,
  START_TIME,
} from "../../support/upload-handlers";

/** Lets a scheduler decide when each operation takes effect. */
function slowDown<T extends object>(scheduler: fc.Scheduler, target: T, names: readonly (keyof T & string)[]): void {
  for (const name of names) {
    const act = (target[name] as (...input: unknown[]) => Promise<unknown>).bind(target);
    Object.assign(target, {
      [name]: async (...input: unknown[]) => {
        await scheduler.schedule(Promise.resolve(), name);
        return act(...input);
      },
    });
  }
}

const request = {
  parts: [1, 2, 3].map((partNumber) => ({ partNumber, eTag: `"${partNumber}"`, checksum: CHECKSUM })),
  checksum: CHECKSUM,
};

/** Another body: another checksum, and one part that was sent again. */
const other = {
  parts: request.parts.map((part) => ({ ...part, eTag: `"again-${part.partNumber}"` })),
  checksum: "AAAAAAAAAAE=",
};

describe("Completing an upload", () => {
  let store: MemoryUploadStore;
  let objects: MemoryObjectStore;
  let events: MemoryEventSink;
  let dependencies: CompleteDependencies;

  beforeEach(() => {
    store = new MemoryUploadStore();
    objects = new MemoryObjectStore();
    objects.open.add("s3-upload");
    events = new MemoryEventSink();
    dependencies = { store, objects, events, now: () => START_TIME, log: createTestLog().log };
  });

  it("U20: stores the outcome, keeps the bytes on the quota and emits one event", async () => {
    const record = store.add(createRecord());

    const result = await completeUpload(dependencies, alice, record.uploadId, request);

    assert.equal(result.kind, "completed");
    const { state, versionId, checksum, due, pendingEvent, claimedAt } = store.get(record) ?? {};
    assert.deepEqual(
      [state, versionId, checksum, due, pendingEvent, claimedAt],
      ["completed", "version-1", CHECKSUM, undefined, undefined, new Date(START_TIME).toISOString()],
    );
    assert.deepEqual(store.quotas.get(ownerName(alice)), { bytes: 12 * MEBIBYTE, openUploads: 0 });
    assert.deepEqual(
      events.published.map(({ kind }) => kind),
      ["uploaded"],
    );
  });

  it("U24: answers a repetition with the same upload and without a second event", async () => {
    const { uploadId } = store.add(createRecord());
    await completeUpload(dependencies, alice, uploadId, request);

    const again = await completeUpload(dependencies, alice, uploadId, request);

    assert.equal(again.kind, "repeated");
    assert.equal(events.published.length, 1);
    assert.deepEqual(objects.calls, ["complete s3-upload"]);
  });

  it("U24: makes one object and one event of two simultaneous completions", async () => {
    const { uploadId } = store.add(createRecord());

    const results = await Promise.all([
      completeUpload(dependencies, alice, uploadId, request),
      completeUpload(dependencies, alice, uploadId, request),
    ]);

    assert.deepEqual(results.map(({ kind }) => kind).sort(), ["completed", "repeated"]);
    assert.equal(events.published.length, 1);
  });

  it("U24: recognises its own object after the answer of S3 was lost", async () => {
    const record = store.add(createRecord());
    objects.after = failing("complete");
    await assert.rejects(completeUpload(dependencies, alice, record.uploadId, request), /crashed/);

    const result = await completeUpload(dependencies, alice, record.uploadId, request);

    assert.equal(result.kind, "completed");
    assert.equal(store.get(record)?.versionId, "version-1");
    assert.equal(events.published.length, 1);
  });

  it("U8: recognises its own object where S3 says that the key exists", async () => {
    const record = store.add(createRecord({ state: "completing" }));
    objects.objects.set(record.uploadId, { versionId: "v1" });
    objects.completion = { kind: "alreadyExists" };

    assert.equal((await completeUpload(dependencies, alice, record.uploadId, request)).kind, "completed");
  });

  it("U24: completes after a crash between S3 and the table", async () => {
    const record = store.add(createRecord());
    let transitions = 0;
    store.before = (operation) => {
      if (operation === "transition" && ++transitions === 2) throw new Error("crashed");
    };
    await assert.rejects(completeUpload(dependencies, alice, record.uploadId, request), /crashed/);

    const result = await completeUpload(dependencies, alice, record.uploadId, request);

    assert.equal(result.kind, "completed");
  });

  const finals: readonly [Completion["kind"], string, number][] = [
    ["checksumMismatch", "ChecksumMismatch", 422],
    ["alreadyExists", "AlreadyExists", 409],
    ["conflict", "UploadConflict", 409],
    ["gone", "UploadNotOpen", 409],
  ];
  for (const [kind, code, status] of finals) {
    it(`U8: fails when S3 answers ${kind}: parts removed, quota given back, one event with the reason`, async () => {
      const record = store.add(createRecord());
      objects.completion = { kind };

      const result = await completeUpload(dependencies, alice, record.uploadId, request);

      assert.ok(result.kind === "failed");
      assert.deepEqual([result.error.code, result.error.status], [code, status]);
      const { state, reason } = store.get(record) ?? {};
      assert.deepEqual([state, reason], ["failed", code]);
      assert.equal(objects.open.size, 0);
      assert.deepEqual(store.quotas.get(ownerName(alice)), { bytes: 0, openUploads: 0 });
      assert.deepEqual(
        events.published.map((event) => [event.kind, event.record.reason]),
        [["failed", code]],
      );
    });
  }

  it("rejects another body while a completion has the upload, without asking S3, and lets the first one finish", async () => {
    const record = store.add(createRecord());
    const complete = objects.complete.bind(objects);
    objects.complete = async (...call) => {
      const answer = await complete(...call);
      // The answer is on its way; meanwhile somebody completes with another checksum.
      await assert.rejects(completeUpload(dependencies, alice, record.uploadId, other), {
        code: "UploadNotOpen",
        status: 409,
        message: /^The upload is being completed with other parts or another checksum/,
      });
      return answer;
    };

    const result = await completeUpload(dependencies, alice, record.uploadId, request);

    assert.equal(result.kind, "completed");
    assert.equal(store.get(record)?.checksum, CHECKSUM);
    assert.deepEqual(objects.calls, ["complete s3-upload"]);
    assert.deepEqual(
      events.published.map(({ kind }) => kind),
      ["uploaded"],
    );
  });

  it("U24: takes over from a call with the same body at once, with or without the quotes of ETags", async () => {
    const record = store.add(createRecord());
    objects.before = failing("complete");
    await assert.rejects(completeUpload(dependencies, alice, record.uploadId, request), /crashed/);
    const unquoted = { ...request, parts: request.parts.map((part) => ({ ...part, eTag: String(part.partNumber) })) };

    assert.equal((await completeUpload(dependencies, alice, record.uploadId, unquoted)).kind, "completed");
  });

  it("lets another body take over once the completion cannot be running any more, to the second", async () => {
    const record = store.add(createRecord());
    objects.before = failing("complete");
    await assert.rejects(completeUpload(dependencies, alice, record.uploadId, request), /crashed/);
    const at = (seconds: number): CompleteDependencies => ({ ...dependencies, now: () => START_TIME + seconds * 1000 });

    await assert.rejects(completeUpload(at(32), alice, record.uploadId, other), { code: "UploadNotOpen" });
    const result = await completeUpload(at(33), alice, record.uploadId, other);

    assert.equal(result.kind, "completed");
    assert.equal(store.get(record)?.claimedAt, new Date(START_TIME + 33_000).toISOString());
  });

  it("U24: calls nothing failed that S3 has finished for another call", async () => {
    const record = store.add(createRecord());
    const complete = objects.complete.bind(objects);
    objects.complete = async (...call) => {
      await complete(...call);
      return { kind: "checksumMismatch" };
    };

    const result = await completeUpload(dependencies, alice, record.uploadId, request);

    assert.equal(result.kind, "completed");
    assert.deepEqual(
      events.published.map(({ kind }) => kind),
      ["uploaded"],
    );
  });

  it("answers the same refusal again to the same body, without a second event", async () => {
    const { uploadId } = store.add(createRecord());
    objects.completion = { kind: "checksumMismatch" };
    await completeUpload(dependencies, alice, uploadId, request);

    await assert.rejects(completeUpload(dependencies, alice, uploadId, request), { code: "ChecksumMismatch" });
    await assert.rejects(completeUpload(dependencies, alice, uploadId, other), { code: "UploadNotOpen" });

    assert.equal(events.published.length, 1);
    assert.equal(objects.calls.filter((call) => call.startsWith("complete")).length, 1);
  });

  it("U8: takes a conflict with another call of the same completion for the moment's, on both sides", async () => {
    const record = store.add(createRecord());
    const kinds: string[] = [];
    objects.complete = async () => {
      if (kinds.push("asked") === 1) {
        await assert.rejects(completeUpload(dependencies, alice, record.uploadId, request), TryAgainError);
      }
      return { kind: "conflict" };
    };

    await assert.rejects(completeUpload(dependencies, alice, record.uploadId, request), TryAgainError);

    assert.deepEqual([kinds.length, store.get(record)?.state, objects.open.size], [2, "completing", 1]);
    assert.deepEqual(events.published, []);
  });

  /** While S3 is at work, the row passes to another claim. */
  const changeClaim = (record: UploadRecord, change: Partial<UploadRecord>, kind: Completion["kind"]): void => {
    objects.complete = () => {
      store.replace({ ...(store.get(record) ?? assert.fail()), ...change });
      return Promise.resolve({ kind } as Completion);
    };
  };
  const changes = [
    ["another body has claimed the upload", {}, { attempt: "other" }, "conflict"],
    ["the call had joined another one", { state: "completing" }, { joined: 0 }, "conflict"],
    ["another body has claimed the upload", {}, { attempt: "other" }, "checksumMismatch"],
  ] as const;
  for (const [why, before, change, kind] of changes) {
    it(`U24: calls nothing failed after a ${kind} when ${why} meanwhile`, async () => {
      const record = store.add(createRecord(before));
      changeClaim(record, change, kind);

      await assert.rejects(completeUpload(dependencies, alice, record.uploadId, request), TryAgainError);

      assert.equal(store.get(record)?.state, "completing");
      assert.deepEqual(events.published, []);
    });
  }

  it("leaves another claim in place when the parts of this one do not match", async () => {
    const record = store.add(createRecord());
    changeClaim(record, { attempt: "other" }, "partsMismatch");

    await assert.rejects(completeUpload(dependencies, alice, record.uploadId, request), { code: "PartsMismatch" });

    assert.equal(store.get(record)?.state, "completing");
  });

  it("answers as another call of the same completion did that was told first", async () => {
    const { uploadId } = store.add(createRecord());
    const abort = objects.abort.bind(objects);
    objects.completion = { kind: "checksumMismatch" };
    objects.abort = async (record) => {
      const end = await abort(record);
      objects.completion = undefined;
      objects.abort = abort;
      assert.equal((await completeUpload(dependencies, alice, uploadId, request)).kind, "failed");
      return end;
    };

    await assert.rejects(completeUpload(dependencies, alice, uploadId, request), {
      message: /is no longer known to S3/,
    });

    assert.equal(events.published.length, 1);
  });

  it("rejects with TryAgain when the row changes under every claim", async () => {
    const { uploadId } = store.add(createRecord());
    store.transition = () => Promise.resolve(undefined);

    await assert.rejects(completeUpload(dependencies, alice, uploadId, request), TryAgainError);

    assert.deepEqual(objects.calls, []);
  });

  it("counts the bytes again should S3 finish an upload whose removal it had confirmed", async () => {
    const record = store.add(createRecord());
    const complete = objects.complete.bind(objects);
    objects.complete = async (...call) => {
      const answer = await complete(...call);
      const step = comeToNothing(record, "failed", ["completing"], START_TIME, "ChecksumMismatch");
      await store.transition(record, step);
      return answer;
    };

    const result = await completeUpload(dependencies, alice, record.uploadId, request);

    assert.equal(result.kind, "completed");
    const { state, reason, expiresAt } = store.get(record) ?? {};
    assert.deepEqual([state, reason, expiresAt], ["completed", undefined, undefined]);
    assert.deepEqual(store.quotas.get(ownerName(alice)), { bytes: 12 * MEBIBYTE, openUploads: 0 });
  });

  it("U24: whatever completions come at once, in whatever order, tells one outcome and the true one", async () => {
    const bodies = [request, request, other, { ...request, parts: other.parts }];
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.integer({ min: 0, max: bodies.length - 1 }), { minLength: 2, maxLength: 5 }),
        fc.constantFrom(0, 5_000, 40_000),
        async (scheduler, picks, pace) => {
          const [rows, bucket, bus] = [new MemoryUploadStore(), new MemoryObjectStore(), new MemoryEventSink()];
          bucket.open.add("s3-upload");
          const record = rows.add(createRecord());
          slowDown(scheduler, rows, ["find", "transition"]);
          slowDown(scheduler, bucket, ["complete", "abort", "findObject"]);
          const complete = bucket.complete.bind(bucket);
          bucket.complete = async (upload, parts, checksum) =>
            bucket.open.has("s3-upload") && checksum !== CHECKSUM
              ? { kind: "checksumMismatch" }
              : complete(upload, parts, checksum);
          let time = START_TIME;
          const world = { ...dependencies, store: rows, objects: bucket, events: bus, now: () => (time += pace) };

          const calls = picks.map((pick) =>
            completeUpload(world, alice, record.uploadId, bodies[pick] ?? request).catch((error: unknown) => error),
          );
          await scheduler.waitFor(Promise.all(calls));

          const told = new Set(bus.published.map(({ kind }) => kind));
          assert.ok(told.size <= 1, [...told].join(" and "));
          const stored = bucket.objects.has(record.uploadId);
          if (stored) assert.equal(rows.get(record)?.state, "completed");
          if (told.has("uploaded")) assert.ok(stored);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("U8: takes a conflict with a completion that is still running for the moment's, not for good", async () => {
    const record = store.add({ ...createRecord(), state: "completing" });
    objects.complete = () => Promise.resolve({ kind: "conflict" });

    await assert.rejects(completeUpload(dependencies, alice, record.uploadId, request), TryAgainError);

    assert.equal(store.get(record)?.state, "completing");
    assert.deepEqual(events.published, []);
  });

  it("rejects parts that S3 does not hold, and leaves the upload open to go on", async () => {
    const record = store.add(createRecord());
    objects.completion = { kind: "partsMismatch" };
    await assert.rejects(completeUpload(dependencies, alice, record.uploadId, request), { code: "PartsMismatch" });
    objects.completion = undefined;

    assert.equal(store.get(record)?.state, "open");
    assert.equal((await completeUpload(dependencies, alice, record.uploadId, request)).kind, "completed");
  });

  it("rejects with TryAgain while S3 is busy, and succeeds when repeated", async () => {
    const record = store.add(createRecord());
    objects.before = failing("complete", 1, new TryAgainError());
    await assert.rejects(completeUpload(dependencies, alice, record.uploadId, request), { code: "TryAgain" });

    assert.equal((await completeUpload(dependencies, alice, record.uploadId, request)).kind, "completed");
  });

  const wrongParts = [
    ["too few", request.parts.slice(1)],
    ["too many", [...request.parts, { partNumber: 4, eTag: '"4"', checksum: CHECKSUM }]],
    ["descending", [...request.parts].reverse()],
    ["repeated", request.parts.map((part) => ({ ...part, partNumber: 1 }))],
  ] as const;
  for (const [why, parts] of wrongParts) {
    it(`rejects ${why} parts without asking S3`, async () => {
      const { uploadId } = store.add(createRecord());

      await assert.rejects(completeUpload(dependencies, alice, uploadId, { ...request, parts }), {
        code: "PartsMismatch",
      });

      assert.deepEqual(objects.calls, []);
    });
  }

  for (const state of ["aborted", "abandoned", "failed"] as const) {
    it(`rejects an upload that is ${state}`, async () => {
      const { uploadId } = store.add(createRecord({ state }));

      await assert.rejects(completeUpload(dependencies, alice, uploadId, request), {
        code: "UploadNotOpen",
        message: `The upload is ${state}`,
      });
    });
  }

  it("U26: rejects another user's upload without asking S3", async () => {
    const { uploadId } = store.add(createRecord());

    await assert.rejects(completeUpload(dependencies, mallory, uploadId, request), { code: "UploadNotYours" });

    assert.deepEqual(objects.calls, []);
  });

  it("U20: succeeds while the bus is down, and leaves the event to the sweeper", async () => {
    const record = store.add(createRecord());
    events.failure = new Error("no bus");

    const result = await completeUpload(dependencies, alice, record.uploadId, request);

    assert.equal(result.kind, "completed");
    const { pendingEvent, due } = store.get(record) ?? {};
    assert.deepEqual([pendingEvent, due?.kind], ["uploaded", "sideEffects"]);
  });
});
