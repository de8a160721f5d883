// Run by EventBridge for every "Object Deleted" of the bucket below the key prefix. Safe to repeat: bytes are given back once per upload.
import type { Context, S3ObjectDeletedNotificationEvent } from "aws-lambda";
import { Log } from "../shared/log";
import { createMetrics, createStore, now } from "./composition";
import { UPLOAD_METRICS } from "./contract";
import { releaseObject, type ObjectDeletion } from "./release-object";
import { readSettings } from "./settings";

const settings = readSettings(process.env);
const { keyPrefix } = settings;
const store = createStore(settings, process.env);
const metrics = createMetrics(settings);

/** Lambda entry point. A failure is thrown: Lambda repeats the event twice. */
export async function handler({ detail }: S3ObjectDeletedNotificationEvent, context: Context): Promise<void> {
  const log = new Log({ requestId: context.awsRequestId, route: "release" });
  const released = await releaseObject({ store, keyPrefix, now }, readDeletion(detail));
  if (released) metrics.publish({ name: UPLOAD_METRICS.bytesReleased, value: released.size, unit: "Bytes" });
  log.info(released ? "released" : "nothing to release", { uploadId: released?.uploadId });
}

/** Unlike the event's type says, only buckets that keep versions tell one. */
function readDeletion(detail: {
  readonly object: { readonly key: string; readonly "version-id"?: string };
  readonly "deletion-type": string;
}): ObjectDeletion {
  const { key, "version-id": versionId } = detail.object;
  const hidden = detail["deletion-type"] === "Delete Marker Created";
  return { key, hidden, ...(versionId === undefined ? {} : { versionId }) };
}
