// Proves completion: the outcome of every answer of S3, and that repetitions and crashes lead to one object and one event.
import assert from "node:assert/strict";
import { TryAgainError } from "../../../handlers/shared/errors";
import { completeUpload, type CompleteDependencies } from "../../../handlers/upload/complete-upload";
import type { Completion } from "../../../handlers/upload/ports";
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

const request = {
  parts: [1, 2, 3].map((partNumber) => ({ partNumber, eTag: `"${partNumber}"`, checksum: CHECKSUM })),
  checksum: CHECKSUM,
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

  it("U24: completes after all when another completion had failed while S3 was at work", async () => {
    const record = store.add(createRecord());
    const complete = objects.complete.bind(objects);
    let other: Promise<unknown> | undefined;
    objects.complete = async (...call) => {
      if (other) return { kind: "checksumMismatch" };
      const answer = await complete(...call);
      // The answer is on its way; meanwhile somebody completes with a wrong checksum.
      other = completeUpload(dependencies, alice, record.uploadId, { ...request, checksum: "AAAAAAAAAAA=" });
      await other;
      return answer;
    };

    const result = await completeUpload(dependencies, alice, record.uploadId, request);

    assert.equal(result.kind, "completed");
    const { state, reason, expiresAt } = store.get(record) ?? {};
    assert.deepEqual([state, reason, expiresAt], ["completed", undefined, undefined]);
    assert.deepEqual(store.quotas.get(ownerName(alice)), { bytes: 12 * MEBIBYTE, openUploads: 0 });
    assert.deepEqual(
      events.published.map(({ kind }) => kind),
      ["failed", "uploaded"],
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
