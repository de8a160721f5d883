// POST /uploads/{uploadId}/parts. Safe to repeat: it changes nothing. Kept free of the AWS SDK: see U30.
import { readCredentials } from "../shared/aws-environment";
import { serve } from "../shared/http";
import { createMetrics, createStore, frameOf, now } from "./composition";
import { UPLOAD_METRICS } from "./contract";
import { resolvePartEndpoints } from "./presign";
import { parseSign } from "./requests";
import { readSettings } from "./settings";
import { signParts } from "./sign-parts";

const settings = readSettings(process.env);
const { acceleration, dualStack, signWindow } = settings.rules;
const dependencies = {
  settings,
  store: createStore(settings, process.env),
  endpoints: resolvePartEndpoints({ ...settings, acceleration, dualStack }, process.env),
  credentials: () => readCredentials(process.env),
  now,
};
const metrics = createMetrics(settings);

/** Lambda entry point. */
export const handler = serve(frameOf(settings, "sign"), async ({ caller, path, readBody }) => {
  const body = await signParts(dependencies, caller, path.uploadId, parseSign(readBody(), signWindow));
  metrics.publish({ name: UPLOAD_METRICS.partsSigned, value: body.parts.length, unit: "Count" });
  return { status: 200, body };
});
