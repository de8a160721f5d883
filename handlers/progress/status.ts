// "Step Functions Execution Status Change" from the default bus. Events may come twice, late and in any order.
import type { Context } from "aws-lambda";
import { Log } from "../shared/log";
import { recordStatus } from "./record-status";
import { createRecorder } from "./recorder";
import { readStatusEvent } from "./requests";
import { readSettings } from "./settings";

const settings = readSettings(process.env);
const recorder = createRecorder(settings, process.env);

/** Lambda entry point. */
export async function handler(event: unknown, context: Context): Promise<void> {
  const log = new Log({ requestId: context.awsRequestId, route: "status" });
  const { executionId, stateMachineArn, facts } = readStatusEvent(event);
  if (stateMachineArn === settings.stateMachineArn) await recordStatus(recorder(log), executionId, facts);
  else log.refusal("ForeignStateMachine");
}
