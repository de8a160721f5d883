// Cancels an upload. The state goes first, in one write with the quota, so it is released once however often the call comes; every
// call removes the parts again, which is harmless.
import type { Now } from "../shared/clock";
import type { Caller } from "../shared/identity";
import { UploadNotOpenError } from "./errors";
import { findOwn } from "./own-upload";
import type { ObjectStore, UploadStore } from "./ports";
import { comeToNothing, isCompletionCrashed, type UploadRecord } from "./upload";

/** What cancelling needs. */
export interface AbortDependencies {
  readonly store: UploadStore;
  readonly objects: Pick<ObjectStore, "abort">;
  readonly now: Now;
}

/** Aborts an upload of the caller. Returns whether this call did it; false: it had come to nothing before. */
export async function abortUpload(
  { store, objects, now }: AbortDependencies,
  caller: Caller,
  uploadId: string | undefined,
): Promise<boolean> {
  const found = await findOwn(store, caller, uploadId);
  const aborted = (await mayAbort(objects, found, now()))
    ? await store.transition(found, comeToNothing(found, "aborted", [found.state], now()))
    : undefined;
  // Somebody else was faster, or it was over before: the stored state decides. It also knows an S3 id attached meanwhile.
  const current = await findOwn(store, caller, uploadId);
  requireOver(current);
  if (current.s3UploadId !== undefined) await objects.abort(current);
  return aborted !== undefined;
}

/** A crashed completion may have reached S3: only an upload that S3 still holds can be cancelled, and then no longer succeed. */
async function mayAbort(objects: AbortDependencies["objects"], record: UploadRecord, now: number): Promise<boolean> {
  if (record.state === "open") return true;
  return isCompletionCrashed(record, now) && (await objects.abort(record)) === "aborted";
}

function requireOver({ state }: UploadRecord): void {
  if (state === "completed") throw new UploadNotOpenError("is completed and cannot be cancelled any more");
  if (state === "completing" || state === "open") {
    throw new UploadNotOpenError("is being completed; repeat the completion to learn how it ended");
  }
}
