// What an execution tells the rest of the cloud: status events, metrics, logs.
import type { CloudContext, MetricDatum } from "../core/service";
import type { Execution } from "./execution/execution";
import type { HistoryEvent } from "./execution/history";
import type { JsonRecord } from "./language/types";
import type { StateMachine, StateMachineLogging } from "./state-machines";

/** Escaped input and output together. https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html */
const MAXIMUM_EVENT_DATA_BYTES = 248 * 1024;

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
      stateMachineVersionArn: settings.stateMachineVersionArn ?? null,
      stateMachineAliasArn: settings.stateMachineAliasArn ?? null,
      name: settings.name,
      status,
      startDate: startedAt,
      stopDate: stoppedAt ?? null,
      ...dataOf(execution),
      error: execution.error ?? null,
      cause: execution.cause ?? null,
      redriveCount: execution.redriveCount,
      redriveDate: execution.redrivenAt ?? null,
    },
  });
}

/** Input and output as long as an event has room for both; else the input is left out, then the output. */
function dataOf({ settings, output: result }: Execution): JsonRecord {
  const input = JSON.stringify(settings.input);
  const output = result === undefined ? null : JSON.stringify(result);
  const bytes = (text: string | null): number => Buffer.byteLength(JSON.stringify(text));
  const withInput = bytes(input) + bytes(output) <= MAXIMUM_EVENT_DATA_BYTES;
  const withOutput = withInput || bytes(output) <= MAXIMUM_EVENT_DATA_BYTES;
  return {
    input: withInput ? input : null,
    inputDetails: { included: withInput },
    output: withOutput ? output : null,
    outputDetails: output === null ? null : { included: withOutput },
  };
}

const FATAL = /^Execution(Failed|Aborted|TimedOut)$/;
const ERROR = /(Failed|Aborted|TimedOut)$|^FailStateEntered$/;
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
    previous_event_id: String(event.shownPreviousEventId ?? event.previousEventId),
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
