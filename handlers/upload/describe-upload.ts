// Shows an upload and, while it is open, the parts that S3 holds: what another device or a reloaded page needs to go on.
import type { Caller } from "../shared/identity";
import type { DescribeUploadResponse } from "./contract";
import { UploadNotOpenError } from "./errors";
import { findOwn } from "./own-upload";
import type { ObjectStore, UploadStore } from "./ports";
import { describe } from "./upload";

/** Describes an upload of the caller. */
export async function describeUpload(
  store: UploadStore,
  objects: ObjectStore,
  caller: Caller,
  uploadId: string | undefined,
): Promise<DescribeUploadResponse> {
  const record = await findOwn(store, caller, uploadId);
  if (record.state !== "open" || record.s3UploadId === undefined) return { upload: describe(record), parts: [] };
  const parts = await objects.listParts(record);
  // Nothing can be added to it: to call it open would make the client send everything in vain.
  if (!parts) throw new UploadNotOpenError("has lost its parts at S3 (lifecycle rule); start a fresh one");
  return { upload: describe(record), parts };
}
