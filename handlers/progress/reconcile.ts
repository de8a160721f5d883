// Scheduled by EventBridge every few minutes. Safe to repeat and to run twice at once: every entry is written once.
import type { Context } from "aws-lambda";
import { Log } from "../shared/log";
import { createMetrics, createWorkflow } from "./composition";
import { PROGRESS_METRICS } from "./contract";
import { reconcileRuns, type ReconcileResult } from "./reconcile-runs";
import { createRecorder } from "./recorder";
import { readSettings } from "./settings";

/** Time kept back for the runs that are under way when the function's time runs out. */
const RESERVE_MS = 15_000;

const settings = readSettings(process.env);
const recorder = createRecorder(settings, process.env);
const workflow = createWorkflow(settings, process.env);
const metrics = createMetrics(settings);

/** Lambda entry point. */
export async function handler(_event: unknown, context: Context): Promise<ReconcileResult> {
  const log = new Log({ requestId: context.awsRequestId, route: "reconcile" });
  const hasTime = (): boolean => context.getRemainingTimeInMillis() > RESERVE_MS;
  const result = await reconcileRuns({ ...recorder(log), workflow, hasTime });
  metrics.publish({ name: PROGRESS_METRICS.runsReconciled, value: result.reconciled, unit: "Count" });
  log.info("reconciled", { ...result });
  return result;
}
