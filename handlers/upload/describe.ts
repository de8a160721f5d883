// GET /uploads/{uploadId}. Safe to repeat: it changes nothing.
import { serve } from "../shared/http";
import { createStore, frameOf } from "./composition";
import { describeUpload } from "./describe-upload";
import { createS3Client, S3ObjectStore } from "./s3-object-store";
import { readSettings } from "./settings";

const settings = readSettings(process.env);
const store = createStore(settings, process.env);
const objects = new S3ObjectStore(createS3Client(settings, process.env), settings);

/** Lambda entry point. */
export const handler = serve(frameOf(settings, "describe"), async ({ caller, path }) => {
  return { status: 200, body: await describeUpload(store, objects, caller, path.uploadId) };
});
