// Completes an upload. Every step can be repeated: the upload is claimed by a conditional write, S3's answer is read as "already done"
// where it was ours, and the event waits in the row until it is on the bus. An upload is called failed only after S3 has removed it, so
// that no other call can complete it any more.
import {
  AlreadyExistsError,
  ChecksumMismatchError,
  PartsMismatchError,
  UploadConflictError,
  UploadNotOpenError,
} from "./errors";
import { TryAgainError } from "../shared/errors";
import type { Now } from "../shared/clock";
import type { PublicError } from "../shared/errors";
import type { Caller } from "../shared/identity";
import type { Log } from "../shared/log";
import { identifyAttempt, planClaim } from "./claim";
import type { CompletedPart, CompleteUploadRequest } from "./contract";
import { findOwn, requireStarted, type StartedUpload } from "./own-upload";
import type { Completion, ObjectStore } from "./ports";
import { endAtS3, runSideEffects, type SideEffectDependencies } from "./side-effects";
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

/** A call that has claimed the upload, by the identity of its body. */
interface ClaimedUpload {
  readonly record: UploadRecord;
  readonly attempt: string;
}

/** Reads of the row per call: each further one follows a step of another call in between. */
const CLAIM_TRIES = 3;

/** Completes an upload of the caller. Refusals after which the upload can go on are thrown; "failed" is final, and told once. */
export async function completeUpload(
  dependencies: CompleteDependencies,
  caller: Caller,
  uploadId: string | undefined,
  request: CompleteUploadRequest,
): Promise<CompleteResult> {
  const attempt = identifyAttempt(request);
  for (let tries = 0; tries < CLAIM_TRIES; tries++) {
    const found = await findOwn(dependencies.store, caller, uploadId);
    if (found.state === "completed") return { kind: "repeated", record: found };
    requireNotFailed(found, attempt);
    const upload = requireStarted(found, ["open", "completing"]);
    checkPartNumbers(request.parts, upload.partCount);
    const step = planClaim(upload, attempt, request.checksum, dependencies.now());
    const record = await dependencies.store.transition(upload, step);
    if (record) return carryOut(dependencies, { record, attempt }, request);
  }
  throw new TryAgainError();
}

async function carryOut(
  dependencies: CompleteDependencies,
  claim: ClaimedUpload,
  request: CompleteUploadRequest,
): Promise<CompleteResult> {
  const { objects } = dependencies;
  const answer = await objects.complete(claim.record, request.parts, request.checksum);
  const outcome = await recognise(objects, claim.record, answer);
  return outcome.kind === "stored" ? finish(dependencies, claim, outcome) : refuse(dependencies, claim, outcome.kind);
}

/** S3 forgets a completed upload, and finds its own object in the way: both may mean that an earlier call succeeded. */
async function recognise(objects: ObjectStore, record: UploadRecord, answer: Completion): Promise<Completion> {
  if (answer.kind !== "gone" && answer.kind !== "alreadyExists" && answer.kind !== "conflict") return answer;
  const object = await objects.findObject(record);
  return object ? { kind: "stored", ...object } : answer;
}

async function finish(
  dependencies: CompleteDependencies,
  claim: ClaimedUpload,
  object: StoredObject,
): Promise<CompleteResult> {
  const { store, now } = dependencies;
  const { record } = claim;
  const completed =
    (await store.transition(record, becomeCompleted(object, record.checksum, now()))) ??
    (await store.transition(record, reviveCompleted(record, object, now())));
  if (!completed) return readOutcome(dependencies, claim);
  await tryNow(dependencies, completed);
  return { kind: "completed", record: completed };
}

async function refuse(
  dependencies: CompleteDependencies,
  claim: ClaimedUpload,
  kind: Exclude<Completion["kind"], "stored">,
): Promise<CompleteResult> {
  const { store, objects, now } = dependencies;
  const { record, attempt } = claim;
  if (kind === "partsMismatch") {
    await store.transition(record, { from: ["completing"], to: "open", where: { attempt } });
    throw new PartsMismatchError("S3 holds other parts than the ones named");
  }
  // The conflict may be with another call of this completion, whose end is not known yet.
  if (kind === "conflict" && !(await isAlone(dependencies, claim))) throw new TryAgainError();
  const object = kind === "gone" ? undefined : await endAtS3(objects, record);
  if (object) return finish(dependencies, claim, object);
  const error = createFinalError(kind);
  const step = comeToNothing(record, "failed", ["completing"], now(), error.code);
  const failed = await store.transition(record, { ...step, where: { attempt } });
  if (!failed) return readOutcome(dependencies, claim);
  await tryNow(dependencies, failed);
  return { kind: "failed", error };
}

async function isAlone({ store }: CompleteDependencies, { record, attempt }: ClaimedUpload): Promise<boolean> {
  const current = await findOwn(store, record, record.uploadId);
  return record.joined === 0 && current.joined === 0 && current.attempt === attempt;
}

const FINAL_KINDS = ["checksumMismatch", "alreadyExists", "conflict", "gone"] as const;

function createFinalError(kind: (typeof FINAL_KINDS)[number]): PublicError {
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

/** A completion that has failed is answered as it was the first time. */
function requireNotFailed({ state, attempt: failed, reason }: UploadRecord, attempt: string): void {
  if (state !== "failed" || failed !== attempt) return;
  const error = FINAL_KINDS.map(createFinalError).find(({ code }) => code === reason);
  if (error) throw error;
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
  { store }: CompleteDependencies,
  { record: claimed, attempt }: ClaimedUpload,
): Promise<CompleteResult> {
  const record = await findOwn(store, claimed, claimed.uploadId);
  if (record.state === "completed") return { kind: "repeated", record };
  requireNotFailed(record, attempt);
  if (record.state === "completing") throw new TryAgainError();
  throw new UploadNotOpenError(`is ${record.state}`);
}

function checkPartNumbers(parts: readonly CompletedPart[], partCount: StartedUpload["partCount"]): void {
  if (parts.length !== partCount)
    throw new PartsMismatchError(`${partCount} parts are needed, ${parts.length} were named`);
  const wrong = parts.findIndex(({ partNumber }, index) => partNumber !== index + 1);
  if (wrong >= 0) throw new PartsMismatchError(`Parts must be named in ascending order; part ${wrong + 1} is missing`);
}
