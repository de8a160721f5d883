// POST /uploads. Safe to repeat: the request id leads to the same upload.
import { serve } from "../shared/http";
import { createMetrics, createStore, frameOf, newUploadId, now } from "./composition";
import { UPLOAD_METRICS } from "./contract";
import { parseStart } from "./requests";
import { createS3Client, S3ObjectStore } from "./s3-object-store";
import { readSettings } from "./settings";
import { startUpload } from "./start-upload";

const settings = readSettings(process.env);
const objects = new S3ObjectStore(createS3Client(settings, process.env), settings);
const dependencies = { settings, store: createStore(settings, process.env), objects, now, newUploadId };
const metrics = createMetrics(settings);

/** Lambda entry point. */
export const handler = serve(frameOf(settings, "start"), async ({ caller, readBody }) => {
  const { created, response } = await startUpload(dependencies, caller, parseStart(readBody()));
  if (created) metrics.publish({ name: UPLOAD_METRICS.uploadsStarted, value: 1, unit: "Count" });
  return { status: created ? 201 : 200, body: response };
});
