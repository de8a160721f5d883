// Scheduled by EventBridge every 15 minutes. Safe to repeat and to run twice at once: every step is a conditional write.
import type { Context, ScheduledEvent } from "aws-lambda";
import { Log } from "../shared/log";
import { createEventSink, createMetrics, createStore, now } from "./composition";
import { UPLOAD_METRICS } from "./contract";
import { createS3Client, S3ObjectStore } from "./s3-object-store";
import { readSettings } from "./settings";
import { sweepUploads, type SweepResult } from "./sweep-uploads";

/** Time kept back for the batch that is under way when the function's time runs out. */
const RESERVE_MS = 30_000;

const settings = readSettings(process.env);
const objects = new S3ObjectStore(createS3Client(settings, process.env), settings);
const store = createStore(settings, process.env);
const events = createEventSink(settings, process.env);
const metrics = createMetrics(settings);

/** Lambda entry point. */
export async function handler(_event: ScheduledEvent, context: Context): Promise<SweepResult> {
  const log = new Log({ requestId: context.awsRequestId, route: "sweep" });
  const hasTime = (): boolean => context.getRemainingTimeInMillis() > RESERVE_MS;
  const result = await sweepUploads({ store, objects, events, now, log, hasTime });
  metrics.publish(
    { name: UPLOAD_METRICS.staleUploads, value: result.stale, unit: "Count" },
    { name: UPLOAD_METRICS.abandonedUploads, value: result.abandoned, unit: "Count" },
  );
  log.info("swept", { ...result });
  return result;
}
