// Stores and pushes a report: invoked by the woven state itself, or by the rule of the EventBridge transport.
import type { Context } from "aws-lambda";
import { Log } from "../shared/log";
import { createMetrics } from "./composition";
import { PROGRESS_METRICS } from "./contract";
import { record } from "./record";
import { createRecorder } from "./recorder";
import { readReport } from "./requests";
import { readSettings } from "./settings";

const settings = readSettings(process.env);
const recorder = createRecorder(settings, process.env);
const metrics = createMetrics(settings);

/** Lambda entry point. Rejects when the report is not stored: the rule tries again, the state goes on. */
export async function handler(payload: unknown, context: Context): Promise<void> {
  const log = new Log({ requestId: context.awsRequestId, route: "report" });
  try {
    const report = readReport(payload);
    await record(recorder(log), report.executionId, { type: "report", report });
  } catch (error) {
    metrics.publish({ name: PROGRESS_METRICS.reportsFailed, value: 1, unit: "Count" });
    log.error("not recorded", error);
    throw error;
  }
}
