// What has to happen outside the table once an upload is over: remove its parts, tell the bus. The row remembers what is outstanding,
// so a crash in between only delays it: the sweeper does it again. Both are harmless twice (same event id, abort of nothing).
import type { EventSink, ObjectStore, UploadStore } from "./ports";
import type { StoredObject, UploadRecord } from "./upload";

/** What side effects need. */
export interface SideEffectDependencies {
  readonly store: UploadStore;
  readonly objects: Pick<ObjectStore, "abort">;
  readonly events: EventSink;
}

/**
 * Does what is outstanding for an upload that is over. After a first abort the row stays on the sweeper's list, since parts that
 * were in flight may still arrive.
 * @param last whether this is the sweeper's repetition, after which nothing is left to do.
 */
export async function runSideEffects(
  { store, objects, events }: SideEffectDependencies,
  record: UploadRecord,
  last = false,
): Promise<void> {
  const completed = record.state === "completed" || record.state === "deleted";
  if (!completed && record.s3UploadId !== undefined) await objects.abort(record);
  if (record.pendingEvent !== undefined) await events.publish(record, record.pendingEvent);
  await store.settle(record, completed || last);
}

/**
 * Makes sure that no completion can succeed any more, however many are under way: S3 either removes the upload or has finished it.
 * Returns the object that it has become; undefined: removed.
 */
export async function endAtS3(
  objects: Pick<ObjectStore, "abort" | "findObject">,
  record: UploadRecord,
): Promise<StoredObject | undefined> {
  return (await objects.abort(record)) === "aborted" ? undefined : objects.findObject(record);
}
