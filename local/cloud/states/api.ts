// The operations of AWS Step Functions (target AWSStepFunctions).
import { AwsError } from "../core/errors";
import { type JsonObject, type JsonOperation, numberOf, requiredText, textOf } from "../core/json-api";
import type { GatewayCall } from "../core/service";
import type { Execution } from "./execution/execution";
import type { HistoryEvent } from "./execution/history";
import { type Executions, executionsOf } from "./executions";
import type { Json } from "./language/types";
import { findingsOf } from "./language/validate";
import type { StateMachine, StateMachines } from "./state-machines";

const PAGE = 100;
const HISTORY_PAGE = 1000;

/** All operations. */
export function statesOperations(
  machines: StateMachines,
  executions: Executions,
): Readonly<Record<string, JsonOperation>> {
  const resolve = (arn: string): ReturnType<StateMachines["resolve"]> => machines.resolve(arn, Math.random());
  const execution = (input: JsonObject, call: GatewayCall, action: string): Execution => {
    const arn = requiredText(input, "executionArn");
    authorize(call, action, arn);
    return executions.get(arn);
  };
  return {
    StartExecution: (input, call) => {
      const arn = requiredText(input, "stateMachineArn");
      authorize(call, "StartExecution", arn);
      const started = executions.start(resolve(arn), textOf(input, "name"), textOf(input, "input"));
      return { executionArn: started.settings.arn, startDate: seconds(started.startedAt) };
    },
    StopExecution: (input, call) => {
      const stopped = execution(input, call, "StopExecution");
      stopped.stop(textOf(input, "error"), textOf(input, "cause"));
      return { stopDate: seconds(stopped.stoppedAt ?? 0) };
    },
    RedriveExecution: (input, call) => {
      const redriven = execution(input, call, "RedriveExecution");
      executions.redrive(redriven);
      return { redriveDate: seconds(redriven.redrivenAt ?? 0) };
    },
    DescribeExecution: (input, call) => describeExecution(execution(input, call, "DescribeExecution")),
    GetExecutionHistory: (input, call) => readHistory(execution(input, call, "GetExecutionHistory"), input),
    ListExecutions: (input, call) => {
      const arn = requiredText(input, "stateMachineArn");
      authorize(call, "ListExecutions", arn);
      const status = textOf(input, "statusFilter");
      const all = executionsOf(executions, resolve(arn).machine).filter(
        (candidate) => status === undefined || candidate.status === status,
      );
      const { items, nextToken } = page(all, input, PAGE);
      return { executions: items.map(summarise), ...nextToken };
    },
    DescribeStateMachine: (input, call) => {
      const arn = requiredText(input, "stateMachineArn");
      authorize(call, "DescribeStateMachine", arn);
      const { machine, revision } = resolve(arn);
      return describeMachine(machine, revision);
    },
    DescribeStateMachineForExecution: (input, call) => {
      const { settings } = execution(input, call, "DescribeStateMachineForExecution");
      const machine = machines.get(settings.stateMachineArn);
      if (!machine) throw new AwsError("StateMachineDoesNotExist", "State Machine Does Not Exist");
      return describeMachine(machine, machine.latest);
    },
    ListStateMachines: (_input, call) => {
      authorize(call, "ListStateMachines", "*");
      return {
        stateMachines: machines.all().map(({ arn, name, createdAt }) => ({
          stateMachineArn: arn,
          name,
          type: "STANDARD",
          creationDate: seconds(createdAt),
        })),
      };
    },
    ValidateStateMachineDefinition: (input, call) => {
      authorize(call, "ValidateStateMachineDefinition", "*");
      const findings = findingsOf(requiredText(input, "definition"));
      return {
        result: findings.length === 0 ? "OK" : "FAIL",
        diagnostics: findings.map(({ code, message }) => ({ severity: "ERROR", code, message })),
        truncated: false,
      };
    },
    SendTaskSuccess: (input, call) => {
      authorize(call, "SendTaskSuccess", "*");
      const output = parseOutput(requiredText(input, "output"));
      executions.token(requiredText(input, "taskToken")).succeed(output);
      return {};
    },
    SendTaskFailure: (input, call) => {
      authorize(call, "SendTaskFailure", "*");
      executions
        .token(requiredText(input, "taskToken"))
        .fail(textOf(input, "error") ?? "", textOf(input, "cause") ?? "");
      return {};
    },
    SendTaskHeartbeat: (input, call) => {
      authorize(call, "SendTaskHeartbeat", "*");
      executions.token(requiredText(input, "taskToken")).beat();
      return {};
    },
  };
}

function authorize(call: GatewayCall, action: string, resource: string): void {
  call.describe({ resource });
  const resourceAccountId = resource === "*" ? call.principal.accountId : (resource.split(":")[4] ?? "");
  call.authorize({ action: `states:${action}`, resource, resourceAccountId });
}

/** Step Functions sends times in seconds. */
function seconds(milliseconds: number): number {
  return milliseconds / 1000;
}

function parseOutput(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new AwsError("InvalidOutput", `Invalid Output: '${(error as Error).message}'`);
  }
}

function summarise(execution: Execution): JsonObject {
  const { settings, status, startedAt, stoppedAt, redriveCount } = execution;
  return {
    executionArn: settings.arn,
    stateMachineArn: settings.stateMachineArn,
    name: settings.name,
    status,
    startDate: seconds(startedAt),
    redriveCount,
    ...(stoppedAt === undefined ? {} : { stopDate: seconds(stoppedAt) }),
  };
}

function describeExecution(execution: Execution): JsonObject {
  const { settings, output, error, cause, redrivenAt, status } = execution;
  const redrivable = status !== "RUNNING" && status !== "SUCCEEDED";
  return {
    ...summarise(execution),
    input: JSON.stringify(settings.input),
    inputDetails: { included: true },
    ...(output === undefined ? {} : { output: JSON.stringify(output), outputDetails: { included: true } }),
    ...(error === undefined ? {} : { error }),
    ...(cause === undefined ? {} : { cause }),
    ...(redrivenAt === undefined ? {} : { redriveDate: seconds(redrivenAt) }),
    redriveStatus: redrivable ? "REDRIVABLE" : "NOT_REDRIVABLE",
    ...(redrivable ? {} : { redriveStatusReason: `Execution is ${status} and cannot be redriven` }),
  };
}

function describeMachine(machine: StateMachine, revision: StateMachine["latest"]): JsonObject {
  const { level, includeExecutionData, group } = revision.logging;
  return {
    stateMachineArn: machine.arn,
    name: machine.name,
    status: "ACTIVE",
    definition: revision.text,
    roleArn: revision.roleArn,
    type: "STANDARD",
    creationDate: seconds(machine.createdAt),
    revisionId: revision.revisionId,
    loggingConfiguration: {
      level,
      includeExecutionData,
      destinations:
        group === undefined
          ? []
          : [
              {
                cloudWatchLogsLogGroup: {
                  logGroupArn: `arn:aws:logs:${machine.region}:${machine.accountId}:log-group:${group}:*`,
                },
              },
            ],
    },
    tracingConfiguration: { enabled: revision.tracing },
  };
}

function readHistory(execution: Execution, input: JsonObject): JsonObject {
  const withData = input.includeExecutionData !== false;
  const ordered = input.reverseOrder === true ? execution.history.events.toReversed() : execution.history.events;
  const { items, nextToken } = page(ordered, input, HISTORY_PAGE);
  return { events: items.map((event) => renderEvent(event, withData)), ...nextToken };
}

function renderEvent(event: HistoryEvent, withData: boolean): JsonObject {
  const { id, previousEventId, at, type, detailsMember, details } = event;
  const shown = withData
    ? details
    : Object.fromEntries(Object.entries(details).filter(([name]) => !["input", "output", "parameters"].includes(name)));
  return {
    id,
    previousEventId,
    timestamp: seconds(at),
    type,
    ...(detailsMember === undefined ? {} : { [detailsMember]: shown }),
  };
}

function page<T>(
  all: readonly T[],
  input: JsonObject,
  defaultSize: number,
): { readonly items: readonly T[]; readonly nextToken: { readonly nextToken?: string } } {
  const wanted = numberOf(input, "maxResults") ?? 0;
  const size = wanted === 0 ? defaultSize : Math.min(wanted, 1000);
  const token = textOf(input, "nextToken");
  const from = token === undefined ? 0 : Number(token);
  if (!Number.isInteger(from) || from < 0) throw new AwsError("InvalidToken", `Invalid Token: '${token ?? ""}'`);
  const items = all.slice(from, from + size);
  return { items, nextToken: from + size < all.length ? { nextToken: String(from + size) } : {} };
}
