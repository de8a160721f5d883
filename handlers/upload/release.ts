// Run by EventBridge for every "Object Deleted" of the bucket below the key prefix. Safe to repeat: bytes are given back once per upload.
import type { Context, S3ObjectDeletedNotificationEvent } from "aws-lambda";
import { Log } from "../shared/log";
import { createMetrics, createStore, now } from "./composition";
import { UPLOAD_METRICS } from "./contract";
import { releaseObject } from "./release-object";
import { readSettings } from "./settings";

const settings = readSettings(process.env);
const { keyPrefix } = settings;
const store = createStore(settings, process.env);
const metrics = createMetrics(settings);

/** Lambda entry point. A failure is thrown: Lambda repeats the event twice. */
export async function handler({ detail }: S3ObjectDeletedNotificationEvent, context: Context): Promise<void> {
  const log = new Log({ requestId: context.awsRequestId, route: "release" });
  // Unlike its type says, only buckets that keep versions have one.
  const { key, "version-id": versionId }: { readonly key: string; readonly "version-id"?: string } = detail.object;
  const hidden = detail["deletion-type"] === "Delete Marker Created";
  const deletion = { key, hidden, ...(versionId === undefined ? {} : { versionId }) };
  const released = await releaseObject({ store, keyPrefix, now }, deletion);
  if (released) metrics.publish({ name: UPLOAD_METRICS.bytesReleased, value: released.size, unit: "Bytes" });
  log.info(released ? "released" : "nothing to release", { uploadId: released?.uploadId });
}
