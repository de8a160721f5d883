// DELETE /uploads/{uploadId}. Safe to repeat: the second call succeeds too.
import { serve } from "../shared/http";
import { abortUpload } from "./abort-upload";
import { createMetrics, createStore, frameOf, now } from "./composition";
import { UPLOAD_METRICS } from "./contract";
import { createS3Client, S3ObjectStore } from "./s3-object-store";
import { readSettings } from "./settings";

const settings = readSettings(process.env);
const objects = new S3ObjectStore(createS3Client(settings, process.env), settings);
const dependencies = { store: createStore(settings, process.env), objects, now };
const metrics = createMetrics(settings);

/** Lambda entry point. */
export const handler = serve(frameOf(settings, "abort"), async ({ caller, path }) => {
  const aborted = await abortUpload(dependencies, caller, path.uploadId);
  if (aborted) metrics.publish({ name: UPLOAD_METRICS.uploadsAborted, value: 1, unit: "Count" });
  return { status: 204 };
});
