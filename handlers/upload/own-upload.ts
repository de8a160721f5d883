// Finds the upload that a call names, if it is the caller's.
import type { Caller } from "../shared/identity";
import { UploadNotOpenError, UploadNotYoursError } from "./errors";
import type { UploadStore } from "./ports";
import { isOwnedBy, isUploadId, type UploadRecord } from "./upload";

/** An upload that S3 knows. */
export type StartedUpload = UploadRecord & { readonly s3UploadId: string };

/** The caller's upload. Throws UploadNotYoursError for foreign and unknown ids alike, before anything else is called. */
export async function findOwn(store: UploadStore, caller: Caller, uploadId: string | undefined): Promise<UploadRecord> {
  const record = isUploadId(uploadId) ? await store.find(caller, uploadId) : undefined;
  if (!record || !isOwnedBy(record, caller)) throw new UploadNotYoursError();
  return record;
}

/** Narrows to an upload in one of these states with its id at S3. Throws UploadNotOpenError. */
export function requireStarted(record: UploadRecord, states: readonly UploadRecord["state"][]): StartedUpload {
  if (!states.includes(record.state)) throw new UploadNotOpenError(`is ${record.state}`);
  const { s3UploadId } = record;
  if (s3UploadId === undefined)
    throw new UploadNotOpenError("has not been started completely; repeat the start with its requestId");
  return { ...record, s3UploadId };
}
