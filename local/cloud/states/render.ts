// What the API of Step Functions answers: executions, machines, histories, pages.
import { AwsError } from "../core/errors";
import { type JsonObject, numberOf, textOf } from "../core/json-api";
import type { Execution } from "./execution/execution";
import type { HistoryEvent } from "./execution/history";
import type { StateMachine, StateMachineRevision } from "./state-machines";

const PAGE = 100;
const MAXIMUM_PAGE = 1000;
const DATA_MEMBERS = ["input", "output", "parameters", "assignedVariables"];

/** Step Functions sends times in seconds. */
export function seconds(milliseconds: number): number {
  return milliseconds / 1000;
}

/** An execution in a list. */
export function summarise(execution: Execution): JsonObject {
  const { settings, status, startedAt, stoppedAt, redriveCount } = execution;
  return {
    executionArn: settings.arn,
    stateMachineArn: settings.stateMachineArn,
    ...optional("stateMachineVersionArn", settings.stateMachineVersionArn),
    ...optional("stateMachineAliasArn", settings.stateMachineAliasArn),
    name: settings.name,
    status,
    startDate: seconds(startedAt),
    redriveCount,
    ...optional("stopDate", stoppedAt === undefined ? undefined : seconds(stoppedAt)),
  };
}

/** @param notRedrivable why it cannot be redriven */
export function describeExecution(execution: Execution, notRedrivable: string | undefined): JsonObject {
  const { settings, output, error, cause, redrivenAt } = execution;
  return {
    ...summarise(execution),
    input: JSON.stringify(settings.input),
    inputDetails: { included: true },
    ...(output === undefined ? {} : { output: JSON.stringify(output), outputDetails: { included: true } }),
    ...optional("error", error),
    ...optional("cause", cause),
    ...optional("redriveDate", redrivenAt === undefined ? undefined : seconds(redrivenAt)),
    redriveStatus: notRedrivable === undefined ? "REDRIVABLE" : "NOT_REDRIVABLE",
    ...optional("redriveStatusReason", notRedrivable),
  };
}

/** @param versionArn where a version is asked for */
export function describeMachine(
  machine: StateMachine,
  revision: StateMachineRevision,
  versionArn: string | undefined,
): JsonObject {
  return {
    ...revisionOf(machine, revision),
    stateMachineArn: versionArn ?? machine.arn,
    status: "ACTIVE",
    type: "STANDARD",
    creationDate: seconds(versionArn === undefined ? machine.createdAt : revision.updatedAt),
  };
}

/** The revision that an execution runs. */
export function describeMachineForExecution(machine: StateMachine, revision: StateMachineRevision): JsonObject {
  return { ...revisionOf(machine, revision), stateMachineArn: machine.arn, updateDate: seconds(revision.updatedAt) };
}

function revisionOf(machine: StateMachine, revision: StateMachineRevision): JsonObject {
  const { level, includeExecutionData, group } = revision.logging;
  const logGroupArn = `arn:aws:logs:${machine.region}:${machine.accountId}:log-group:${group ?? ""}:*`;
  return {
    name: machine.name,
    definition: revision.text,
    roleArn: revision.roleArn,
    revisionId: revision.revisionId,
    loggingConfiguration: {
      level,
      includeExecutionData,
      destinations: group === undefined ? [] : [{ cloudWatchLogsLogGroup: { logGroupArn } }],
    },
    tracingConfiguration: { enabled: revision.tracing },
  };
}

/** A page of the history. */
export function renderHistory(execution: Execution, input: JsonObject): JsonObject {
  const withData = input.includeExecutionData !== false;
  const { events } = execution.history;
  const { items, nextToken } = page(input.reverseOrder === true ? events.toReversed() : events, input);
  return { events: items.map((event) => renderEvent(event, withData)), ...nextToken };
}

function renderEvent(event: HistoryEvent, withData: boolean): JsonObject {
  const { id, previousEventId, shownPreviousEventId = previousEventId, at, type, detailsMember, details } = event;
  const shown = withData
    ? { ...details, ...truncation(details) }
    : Object.fromEntries(Object.entries(details).filter(([name]) => !DATA_MEMBERS.includes(name)));
  return {
    id,
    previousEventId: shownPreviousEventId,
    timestamp: seconds(at),
    type,
    ...(detailsMember === undefined ? {} : { [detailsMember]: shown }),
  };
}

/** AWS says of each text of data whether it was cut off; by API it never is. */
function truncation(details: JsonObject): JsonObject {
  const entries = ["input", "output", "assignedVariables"]
    .filter((name) => Object.hasOwn(details, name))
    .map((name) => [`${name}Details`, { truncated: false }] as const);
  return Object.fromEntries(entries);
}

function optional(name: string, value: unknown): JsonObject {
  return value === undefined ? {} : { [name]: value };
}

/** One page of a list, by `maxResults` and `nextToken`. @throws AwsError InvalidToken, ValidationException */
export function page<T>(
  all: readonly T[],
  input: JsonObject,
): { readonly items: readonly T[]; readonly nextToken: { readonly nextToken?: string } } {
  const wanted = numberOf(input, "maxResults") ?? 0;
  if (!Number.isInteger(wanted) || wanted < 0 || wanted > MAXIMUM_PAGE) {
    throw new AwsError(
      "ValidationException",
      `1 validation error detected: Value '${wanted}' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to ${MAXIMUM_PAGE}`,
    );
  }
  const size = wanted === 0 ? PAGE : wanted;
  const token = textOf(input, "nextToken");
  const from = token === undefined ? 0 : /^\d+$/.test(token) ? Number(token) : NaN;
  if (!Number.isSafeInteger(from)) throw new AwsError("InvalidToken", `Invalid Token: '${token ?? ""}'`);
  const items = all.slice(from, from + size);
  return { items, nextToken: from + size < all.length ? { nextToken: String(from + size) } : {} };
}
