// Rows of the progress table: keys, and runs as attributes and back. The contract describes them.
import { PROGRESS_TABLE, type ProgressStep, type RunState } from "./contract";
import type { RunPosition } from "./ports";
import type { RunRecord } from "./run";
import { numberIn, textIn, toNumber, type Row } from "./table";

const { partitionKey, sortKey, timeToLive, runningIndex } = PROGRESS_TABLE;
const HEAD = "head";

/** Prefixes of sort keys. */
export const PREFIX = { event: "event#", subscriber: "subscriber#", run: "run#" } as const;
/** Key of a run. */
export const runKey = (executionId: string): Row => key(runPartition(executionId), HEAD);
/** Key of an event. Ten digits, so that they sort as numbers do. */
export const eventKey = (executionId: string, sequence: number): Row =>
  key(runPartition(executionId), eventSort(sequence));
/** Key of a large detail. */
export const detailKey = (executionId: string, reportKey: string): Row =>
  key(runPartition(executionId), `detail#${reportKey}`);
/** Key of a subscription, as seen from the run. */
export const subscriberKey = (executionId: string, connectionId: string): Row =>
  key(runPartition(executionId), `${PREFIX.subscriber}${connectionId}`);
/** Key of a connection. */
export const connectionKey = (connectionId: string): Row => key(connectionPartition(connectionId), HEAD);
/** Key of a subscription, as seen from the connection. */
export const subscriptionKey = (connectionId: string, executionId: string): Row =>
  key(connectionPartition(connectionId), `${PREFIX.run}${executionId}`);
/** Key of a ticket. */
export const ticketKey = (hash: string): Row => key(`ticket#${hash}`, HEAD);
/** Key of a run in its owner's list. */
export const userRunKey = (owner: string, { startedAt, executionId }: RunRecord): Row =>
  key(userPartition(owner), `${PREFIX.run}${startedAt}#${executionId}`);
/** Key of a user's starts of one minute. */
export const startsKey = (owner: string, minute: number): Row => key(userPartition(owner), `starts#${minute}`);
/** Key of what was learned about the workflow. */
export const durationsKey = (): Row => key("workflow", "durations");
/** Key of the place where looking up runs goes on. */
export const positionKey = (): Row => key("workflow", "position");

/** Partition of a run. */
export const runPartition = (executionId: string): string => `run#${executionId}`;
/** Partition of a connection. */
export const connectionPartition = (connectionId: string): string => `connection#${connectionId}`;
/** Partition of a user. */
export const userPartition = (owner: string): string => `user#${owner}`;
/** Sort key of an event. */
export const eventSort = (sequence: number): string => `${PREFIX.event}${String(sequence).padStart(10, "0")}`;

/** When DynamoDB may remove a row. @param at seconds since the epoch. */
export function expiry(at: number): Row {
  return { [timeToLive]: toNumber(at) };
}

/** A run as a row. */
export function toRunRow(run: RunRecord): Row {
  return {
    ...runKey(run.executionId),
    ...(run.owner === undefined ? {} : { owner: { S: run.owner } }),
    executionArn: { S: run.executionArn },
    [runningIndex.sortKey]: { S: run.startedAt },
    state: { S: run.state },
    sequence: toNumber(run.sequence),
    done: toNumber(run.done),
    redrives: toNumber(run.redrives),
    steps: { S: JSON.stringify(run.steps) },
    ...(run.state === "running" ? { [runningIndex.partitionKey]: { S: runningIndex.value } } : {}),
    ...expiry(run.expiresAt),
  };
}

/** A row as a run. */
export function toRun(row: Row): RunRecord {
  const owner = textIn(row, "owner");
  const endedAt = textIn(row, "endedAt");
  const completed = row.completed;
  return {
    executionId: executionIdOf(row),
    executionArn: textIn(row, "executionArn") ?? "",
    ...(owner === undefined ? {} : { owner }),
    startedAt: textIn(row, runningIndex.sortKey) ?? "",
    state: (textIn(row, "state") ?? "running") as RunState,
    ...(endedAt === undefined ? {} : { endedAt }),
    sequence: numberIn(row, "sequence") ?? 0,
    done: numberIn(row, "done") ?? 0,
    completed: new Set(completed && "SS" in completed ? completed.SS : []),
    redrives: numberIn(row, "redrives") ?? 0,
    steps: JSON.parse(textIn(row, "steps") ?? "[]") as readonly ProgressStep[],
    expiresAt: numberIn(row, timeToLive) ?? 0,
  };
}

/** Start of a query of the index behind a run. */
export function runningStart({ executionId, startedAt }: RunPosition): Row {
  return {
    ...runKey(executionId),
    [runningIndex.partitionKey]: { S: runningIndex.value },
    [runningIndex.sortKey]: { S: startedAt },
  };
}

/** Execution id of a row of a run's partition. */
export function executionIdOf(row: Row): string {
  return (textIn(row, partitionKey) ?? "").slice(runPartition("").length);
}

/** What follows a prefix in a row's sort key; undefined when it begins otherwise. */
export function afterPrefix(row: Row, prefix: string): string | undefined {
  const sort = textIn(row, sortKey) ?? "";
  return sort.startsWith(prefix) ? sort.slice(prefix.length) : undefined;
}

function key(partition: string, sort: string): Row {
  return { [partitionKey]: { S: partition }, [sortKey]: { S: sort } };
}
