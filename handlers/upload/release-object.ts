// Gives a user's bytes back when the object of a finished upload is deleted: by a program, a person or a lifecycle rule. The event may come
// twice, late, and once more when the version behind a delete marker goes: the step is taken from "completed" alone, so only once.
import { TryAgainError } from "../shared/errors";
import type { Now } from "../shared/clock";
import { parseObjectKey } from "./object-key";
import type { UploadStore } from "./ports";
import { becomeDeleted, type UploadRecord } from "./upload";

/** What releasing needs. */
export interface ReleaseDependencies {
  readonly store: Pick<UploadStore, "find" | "transition">;
  readonly keyPrefix: string;
  readonly now: Now;
}

/** What S3 tells of a deletion. */
export interface ObjectDeletion {
  readonly key: string;
  /** Of the version that is gone, or of the delete marker that was made. */
  readonly versionId?: string;
  /** Whether the object is still there as an older version, hidden by a delete marker. */
  readonly hidden: boolean;
}

/**
 * Marks the upload of a deleted object, and takes its bytes off the quota. Returns the upload; undefined when there was nothing to do.
 * Throws TryAgainError while the upload is being completed: the deletion was faster than the row.
 */
export async function releaseObject(
  { store, keyPrefix, now }: ReleaseDependencies,
  deletion: ObjectDeletion,
): Promise<UploadRecord | undefined> {
  const reference = parseObjectKey(keyPrefix, deletion.key);
  const record = reference && (await store.find(reference.caller, reference.uploadId));
  if (record?.key !== deletion.key) return undefined;
  if (record.state === "completing") throw new TryAgainError();
  if (!isOwnVersion(record, deletion)) return undefined;
  return store.transition(record, becomeDeleted(record, now()));
}

/** A delete marker hides whatever lies below; else another program's version of the same key may have gone, or a marker. */
function isOwnVersion({ versionId }: UploadRecord, deletion: ObjectDeletion): boolean {
  return deletion.hidden || deletion.versionId === versionId;
}
