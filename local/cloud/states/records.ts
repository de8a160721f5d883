// What an execution tells the rest of the cloud: status events, metrics, logs.
import type { CloudContext, MetricDatum } from "../core/service";
import type { Execution } from "./execution/execution";
import type { HistoryEvent } from "./execution/history";
import type { JsonRecord } from "./language/types";
import type { StateMachine, StateMachineLogging } from "./state-machines";

const METRICS = {
  RUNNING: "ExecutionsStarted",
  SUCCEEDED: "ExecutionsSucceeded",
  FAILED: "ExecutionsFailed",
  TIMED_OUT: "ExecutionsTimedOut",
  ABORTED: "ExecutionsAborted",
} as const;

/** Publishes the status event and the metrics of a change. https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html */
export function tellStatus(context: CloudContext, machine: StateMachine, execution: Execution): void {
  const { status, startedAt, stoppedAt, settings } = execution;
  const put = (name: string, value: number, unit: MetricDatum["unit"]): void =>
    context.metrics.put({
      namespace: "AWS/States",
      name,
      dimensions: { StateMachineArn: machine.arn },
      value,
      unit,
      at: context.clock.now(),
    });
  put(execution.redriveCount > 0 && status === "RUNNING" ? "ExecutionsRedriven" : METRICS[status], 1, "Count");
  if (stoppedAt !== undefined) put("ExecutionTime", stoppedAt - startedAt, "Milliseconds");
  context.events.publish({
    source: "aws.states",
    detailType: "Step Functions Execution Status Change",
    resources: [settings.arn],
    accountId: machine.accountId,
    region: machine.region,
    detail: {
      executionArn: settings.arn,
      stateMachineArn: machine.arn,
      stateMachineVersionArn: null,
      stateMachineAliasArn: null,
      name: settings.name,
      status,
      startDate: startedAt,
      stopDate: stoppedAt ?? null,
      input: JSON.stringify(settings.input),
      inputDetails: { included: true },
      output: execution.output === undefined ? null : JSON.stringify(execution.output),
      outputDetails: execution.output === undefined ? null : { included: true },
      error: execution.error ?? null,
      cause: execution.cause ?? null,
      redriveCount: execution.redriveCount,
      redriveDate: execution.redrivenAt ?? null,
    },
  });
}

const FATAL = /^Execution(Failed|Aborted|TimedOut)$/;
const ERROR = /(Failed|Aborted|TimedOut)$/;
const DATA_MEMBERS = ["input", "output", "parameters", "cause", "assignedVariables"];

/** Writes a history event to the log group of the machine. */
export function logEvent(
  context: CloudContext,
  machine: StateMachine,
  logging: StateMachineLogging,
  execution: Execution,
  event: HistoryEvent,
): void {
  if (logging.group === undefined || !isLogged(logging.level, event.type)) return;
  const line = {
    id: String(event.id),
    type: event.type,
    details: logging.includeExecutionData ? event.details : withoutData(event.details),
    redrive_count: String(execution.redriveCount),
    previous_event_id: String(event.previousEventId),
    event_timestamp: String(event.at),
    execution_arn: execution.settings.arn,
  };
  const day = new Date(event.at).toISOString().slice(0, 13).replaceAll(/[T:]/g, "-");
  context.logs.append(logging.group, `states/${machine.name}/${day}/00000000`, JSON.stringify(line));
}

function isLogged(level: StateMachineLogging["level"], type: string): boolean {
  if (level === "ALL") return true;
  if (level === "ERROR") return ERROR.test(type);
  return level === "FATAL" && FATAL.test(type);
}

function withoutData(details: JsonRecord): JsonRecord {
  return Object.fromEntries(Object.entries(details).filter(([name]) => !DATA_MEMBERS.includes(name)));
}
