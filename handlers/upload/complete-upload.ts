// Completes an upload. Every step can be repeated: the state is taken by a conditional write, S3's answer is read as "already done"
// where it was ours, and the event waits in the row until it is on the bus.
import {
  AlreadyExistsError,
  ChecksumMismatchError,
  PartsMismatchError,
  UploadConflictError,
  UploadNotOpenError,
} from "./errors";
import { TryAgainError } from "../shared/errors";
import { toIso, type Now } from "../shared/clock";
import type { PublicError } from "../shared/errors";
import type { Caller } from "../shared/identity";
import type { Log } from "../shared/log";
import type { CompletedPart, CompleteUploadRequest } from "./contract";
import { findOwn, requireStarted, type StartedUpload } from "./own-upload";
import type { Completion, ObjectStore } from "./ports";
import { runSideEffects, type SideEffectDependencies } from "./side-effects";
import { becomeCompleted, comeToNothing, reviveCompleted, type StoredObject, type UploadRecord } from "./upload";

/** What completing needs. */
export interface CompleteDependencies extends SideEffectDependencies {
  readonly objects: ObjectStore;
  readonly now: Now;
  readonly log: Log;
}

/** How a call of `completeUpload` ended. "repeated": the upload had been completed before. */
export type CompleteResult =
  | { readonly kind: "completed" | "repeated"; readonly record: UploadRecord }
  | { readonly kind: "failed"; readonly error: PublicError };

/** Completes an upload of the caller. Refusals after which the upload can go on are thrown; "failed" is final. */
export async function completeUpload(
  dependencies: CompleteDependencies,
  caller: Caller,
  uploadId: string | undefined,
  request: CompleteUploadRequest,
): Promise<CompleteResult> {
  const { store, objects } = dependencies;
  const found = await findOwn(store, caller, uploadId);
  if (found.state === "completed") return { kind: "repeated", record: found };
  const upload = requireStarted(found, ["open", "completing"]);
  checkPartNumbers(request.parts, upload.partCount);
  // A completion that crashed leaves "completing": the next call takes over.
  const claimed = await store.transition(upload, {
    from: ["open", "completing"],
    to: "completing",
    checksum: request.checksum,
    claimedAt: toIso(dependencies.now()),
  });
  if (!claimed) return readOutcome(dependencies, caller, upload);
  const answer = await objects.complete(claimed, request.parts, request.checksum);
  const outcome = await recognise(objects, claimed, answer);
  if (outcome.kind === "stored") return finish(dependencies, caller, claimed, outcome);
  // Another completion may still be running in S3: its end is not known yet, so nothing is final.
  if (outcome.kind === "conflict" && found.state === "completing") throw new TryAgainError();
  return refuse(dependencies, caller, claimed, outcome.kind);
}

/** S3 forgets a completed upload, and finds its own object in the way: both may mean that an earlier call succeeded. */
async function recognise(objects: ObjectStore, record: UploadRecord, answer: Completion): Promise<Completion> {
  if (answer.kind !== "gone" && answer.kind !== "alreadyExists" && answer.kind !== "conflict") return answer;
  const object = await objects.findObject(record);
  return object ? { kind: "stored", ...object } : answer;
}

async function finish(
  dependencies: CompleteDependencies,
  caller: Caller,
  record: UploadRecord,
  object: StoredObject,
): Promise<CompleteResult> {
  const { store, now } = dependencies;
  const completed =
    (await store.transition(record, becomeCompleted(object, record.checksum, now()))) ??
    (await store.transition(record, reviveCompleted(record, object, now())));
  if (!completed) return readOutcome(dependencies, caller, record);
  await tryNow(dependencies, completed);
  return { kind: "completed", record: completed };
}

async function refuse(
  dependencies: CompleteDependencies,
  caller: Caller,
  record: UploadRecord,
  kind: Exclude<Completion["kind"], "stored">,
): Promise<CompleteResult> {
  const { store, now } = dependencies;
  if (kind === "partsMismatch") {
    await store.transition(record, { from: ["completing"], to: "open" });
    throw new PartsMismatchError("S3 holds other parts than the ones named");
  }
  const error = createFinalError(kind);
  const failed = await store.transition(record, comeToNothing(record, "failed", ["completing"], now(), error.code));
  if (!failed) return readOutcome(dependencies, caller, record);
  await tryNow(dependencies, failed);
  return { kind: "failed", error };
}

function createFinalError(kind: "gone" | "checksumMismatch" | "alreadyExists" | "conflict"): PublicError {
  switch (kind) {
    case "checksumMismatch":
      return new ChecksumMismatchError();
    case "alreadyExists":
      return new AlreadyExistsError();
    case "conflict":
      return new UploadConflictError();
    case "gone":
      return new UploadNotOpenError("is no longer known to S3; start a fresh one");
  }
}

/** The upload is over whatever happens here: a failure is left to the sweeper. */
async function tryNow(dependencies: CompleteDependencies, record: UploadRecord): Promise<void> {
  try {
    await runSideEffects(dependencies, record);
  } catch (error) {
    dependencies.log.error("side effects are left to the sweeper", error, { uploadId: record.uploadId });
  }
}

/** Another call was faster: what it made of the upload is the answer. */
async function readOutcome(
  dependencies: CompleteDependencies,
  caller: Caller,
  { uploadId }: UploadRecord,
): Promise<CompleteResult> {
  const record = await findOwn(dependencies.store, caller, uploadId);
  if (record.state === "completed") return { kind: "repeated", record };
  throw new UploadNotOpenError(record.state === "completing" ? "is being completed" : `is ${record.state}`);
}

function checkPartNumbers(parts: readonly CompletedPart[], partCount: StartedUpload["partCount"]): void {
  if (parts.length !== partCount)
    throw new PartsMismatchError(`${partCount} parts are needed, ${parts.length} were named`);
  const wrong = parts.findIndex(({ partNumber }, index) => partNumber !== index + 1);
  if (wrong >= 0) throw new PartsMismatchError(`Parts must be named in ascending order; part ${wrong + 1} is missing`);
}
