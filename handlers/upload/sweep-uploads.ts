// The sweeper. Run every few minutes; two runs at once are harmless, since every step is a conditional write.
//
// - uploads past their `abandonAt` are abandoned: parts removed, quota given back, event emitted;
// - side effects that a crash left undone are done (removal of parts, events), and every removal is repeated once, for parts that
//   were in flight during the first.
import type { Now } from "../shared/clock";
import type { Log } from "../shared/log";
import type { ObjectStore, UploadReference } from "./ports";
import { endAtS3, runSideEffects, type SideEffectDependencies } from "./side-effects";
import { becomeCompleted, comeToNothing, type DueKind, type UploadRecord } from "./upload";

/** What sweeping needs. */
export interface SweepDependencies extends SideEffectDependencies {
  readonly objects: ObjectStore;
  readonly now: Now;
  readonly log: Log;
  /** Whether there is time for another batch. */
  readonly hasTime: () => boolean;
}

/** What a run did. */
export interface SweepResult {
  readonly abandoned: number;
  /** Uploads past their time that could not be settled in this run. */
  readonly stale: number;
  readonly settled: number;
}

/** Uploads that are worked on at the same time. */
const BATCH = 10;
/** Uploads of one kind per run; what is left waits for the next. */
const LIMIT = 1000;

/** Does everything that is due. One upload's failure does not keep the others waiting. */
export async function sweepUploads(dependencies: SweepDependencies): Promise<SweepResult> {
  const settled = await sweepKind(dependencies, "sideEffects", (record) => settleUpload(dependencies, record));
  const unfinished = await sweepKind(dependencies, "unfinished", (record) => abandonUpload(dependencies, record));
  return {
    settled: settled.done,
    abandoned: unfinished.done,
    stale: unfinished.failed,
  };
}

async function settleUpload(dependencies: SweepDependencies, record: UploadRecord): Promise<boolean> {
  await runSideEffects(dependencies, record, true);
  return true;
}

/** Abandons an unfinished upload. Returns false when it turns out finished. */
async function abandonUpload(dependencies: SweepDependencies, record: UploadRecord): Promise<boolean> {
  if (record.s3UploadId !== undefined && (await isStored(dependencies, record))) return false;
  const { store, now } = dependencies;
  const step = comeToNothing(record, "abandoned", [record.state], now());
  const abandoned = await store.transition(record, step);
  if (abandoned) await runSideEffects(dependencies, abandoned);
  return abandoned !== undefined;
}

/** A completion that crashed may have reached S3, whatever the state says. */
async function isStored(dependencies: SweepDependencies, record: UploadRecord): Promise<boolean> {
  const { store, objects, now } = dependencies;
  const object = await endAtS3(objects, record);
  if (!object) return false;
  const completed = await store.transition(record, becomeCompleted(object, record.checksum, now()));
  if (completed) await runSideEffects(dependencies, completed);
  return true;
}

interface KindResult {
  readonly done: number;
  readonly failed: number;
}

async function sweepKind(
  dependencies: SweepDependencies,
  kind: DueKind,
  act: (record: UploadRecord) => Promise<boolean>,
): Promise<KindResult> {
  const due = await dependencies.store.listDue(kind, dependencies.now(), LIMIT);
  let done = 0;
  let failed = 0;
  for (let start = 0; start < due.length; start += BATCH) {
    if (!dependencies.hasTime()) return { done, failed: failed + due.length - start };
    const batch = due.slice(start, start + BATCH);
    const results = await Promise.all(batch.map((reference) => sweepOne(dependencies, kind, reference, act)));
    done += results.filter((result) => result === "done").length;
    failed += results.filter((result) => result === "failed").length;
  }
  return { done, failed };
}

async function sweepOne(
  { store, log }: SweepDependencies,
  kind: DueKind,
  { caller, uploadId }: UploadReference,
  act: (record: UploadRecord) => Promise<boolean>,
): Promise<"done" | "skipped" | "failed"> {
  try {
    const record = await store.find(caller, uploadId);
    // The index lags behind the table: the row decides.
    if (record?.due?.kind !== kind) return "skipped";
    return (await act(record)) ? "done" : "skipped";
  } catch (error) {
    log.error("an upload could not be swept", error, { uploadId });
    return "failed";
  }
}
