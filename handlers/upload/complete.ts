// POST /uploads/{uploadId}/complete. Safe to repeat: a completed upload is answered again, without a second event.
import { serve } from "../shared/http";
import { completeUpload } from "./complete-upload";
import { createEventSink, createMetrics, createStore, frameOf, now } from "./composition";
import { UPLOAD_METRICS } from "./contract";
import { parseComplete } from "./requests";
import { createS3Client, S3ObjectStore } from "./s3-object-store";
import { readSettings } from "./settings";
import { describe } from "./upload";

const settings = readSettings(process.env);
const objects = new S3ObjectStore(createS3Client(settings, process.env), settings);
const store = createStore(settings, process.env);
const events = createEventSink(settings, process.env);
const metrics = createMetrics(settings);

/** Lambda entry point. */
export const handler = serve(frameOf(settings, "complete"), async ({ caller, path, readBody, log }) => {
  const dependencies = { store, objects, events, now, log };
  const result = await completeUpload(dependencies, caller, path.uploadId, parseComplete(readBody()));
  if (result.kind === "failed") {
    metrics.publish({ name: UPLOAD_METRICS.uploadsFailed, value: 1, unit: "Count" });
    throw result.error;
  }
  if (result.kind === "completed") {
    metrics.publish(
      { name: UPLOAD_METRICS.uploadsCompleted, value: 1, unit: "Count" },
      { name: UPLOAD_METRICS.bytesCompleted, value: result.record.size, unit: "Bytes" },
    );
  }
  return { status: 200, body: { upload: describe(result.record) } };
});
