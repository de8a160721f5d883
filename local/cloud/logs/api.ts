// The data plane of CloudWatch Logs.
import { AwsError } from "../core/errors";
import {
  type JsonObject,
  type JsonOperation,
  numberOf,
  objectsOf,
  requiredText,
  textOf,
  textsOf,
} from "../core/json-api";
import type { CloudContext, GatewayCall } from "../core/service";
import { compileFilterPattern } from "./filter-pattern";
import { groupArn, type GroupPlace, type LogGroup, type LogGroups, type LogLine, type LogStream } from "./store";

const INVALID = "InvalidParameterException";
const MAX_BATCH_EVENTS = 10_000;
const MAX_BATCH_BYTES = 1_048_576;
const EVENT_OVERHEAD_BYTES = 26;
const HOUR_MS = 3_600_000;
const GROUP_NAME = /^[.\-_/#A-Za-z0-9]{1,512}$/;
const STREAM_NAME = /^[^:*]{1,512}$/;

/** Operations of CloudWatch Logs by name. */
export function logOperations(context: CloudContext, groups: LogGroups): Readonly<Record<string, JsonOperation>> {
  return {
    CreateLogGroup: (input, call) => createLogGroup(groups, input, call),
    CreateLogStream: (input, call) => createLogStream(groups, input, call),
    PutLogEvents: (input, call) => putLogEvents(context, groups, input, call),
    FilterLogEvents: (input, call) => filterLogEvents(groups, input, call),
    GetLogEvents: (input, call) => getLogEvents(groups, input, call),
    DescribeLogGroups: (input, call) => describeLogGroups(groups, input, call),
    DescribeLogStreams: (input, call) => describeLogStreams(groups, input, call),
  };
}

/** The group that a request names, by name or by ARN. */
function placeIn(input: JsonObject, call: GatewayCall): GroupPlace {
  const identifier = textOf(input, "logGroupIdentifier") ?? requiredText(input, "logGroupName", INVALID);
  const [, region, accountId, name] = /^arn:aws:logs:([^:]+):(\d{12}):log-group:([^:]+)$/.exec(identifier) ?? [];
  return {
    accountId: accountId ?? call.principal.accountId,
    region: region ?? call.region,
    name: name ?? identifier,
  };
}

/** Asks for permission. Group-level calls name no stream, but policies end in ":*". */
function authorize(call: GatewayCall, operation: string, place: GroupPlace, stream = ""): void {
  const resource = `${groupArn(place)}:log-stream:${stream}`;
  call.describe({ resource });
  call.authorize({ action: `logs:${operation}`, resource, resourceAccountId: place.accountId });
}

function existing(groups: LogGroups, place: GroupPlace): LogGroup {
  const group = groups.find(place);
  if (!group) throw new AwsError("ResourceNotFoundException", "The specified log group does not exist.");
  return group;
}

function requireStream(group: LogGroup, name: string): void {
  if (!group.streams.has(name)) {
    throw new AwsError("ResourceNotFoundException", "The specified log stream does not exist.");
  }
}

function createLogGroup(groups: LogGroups, input: JsonObject, call: GatewayCall): JsonObject {
  const place = placeIn(input, call);
  authorize(call, "CreateLogGroup", place);
  if (!GROUP_NAME.test(place.name)) throw new AwsError(INVALID, `Invalid log group name: ${place.name}`);
  if (groups.find(place)) {
    throw new AwsError("ResourceAlreadyExistsException", "The specified log group already exists");
  }
  groups.create(place).kmsKeyId = textOf(input, "kmsKeyId");
  return {};
}

function createLogStream(groups: LogGroups, input: JsonObject, call: GatewayCall): JsonObject {
  const place = placeIn(input, call);
  const name = requiredText(input, "logStreamName", INVALID);
  authorize(call, "CreateLogStream", place, name);
  if (!STREAM_NAME.test(name)) throw new AwsError(INVALID, `Invalid log stream name: ${name}`);
  const group = existing(groups, place);
  if (group.streams.has(name)) {
    throw new AwsError("ResourceAlreadyExistsException", "The specified log stream already exists");
  }
  groups.createStream(group, name);
  return {};
}

interface InputEvent {
  readonly timestamp: number;
  readonly message: string;
}

function putLogEvents(context: CloudContext, groups: LogGroups, input: JsonObject, call: GatewayCall): JsonObject {
  const place = placeIn(input, call);
  const stream = requiredText(input, "logStreamName", INVALID);
  authorize(call, "PutLogEvents", place, stream);
  const group = existing(groups, place);
  requireStream(group, stream);
  const events = objectsOf(input, "logEvents").map((event) => ({
    timestamp: numberOf(event, "timestamp") ?? Number.NaN,
    message: requiredText(event, "message", INVALID),
  }));
  checkBatch(events);
  const now = context.clock.now();
  const isTooOld = ({ timestamp }: InputEvent): boolean => timestamp < now - 14 * 24 * HOUR_MS;
  const isTooNew = ({ timestamp }: InputEvent): boolean => timestamp > now + 2 * HOUR_MS;
  for (const event of events) {
    if (!isTooOld(event) && !isTooNew(event)) groups.write(group, stream, event.timestamp, event.message);
  }
  const tooOld = events.filter(isTooOld).length;
  const tooNew = events.findIndex(isTooNew);
  const rejected = {
    ...(tooOld > 0 ? { tooOldLogEventEndIndex: tooOld } : {}),
    ...(tooNew >= 0 ? { tooNewLogEventStartIndex: tooNew } : {}),
  };
  const info = Object.keys(rejected).length > 0 ? { rejectedLogEventsInfo: rejected } : {};
  return { nextSequenceToken: context.uniqueId(32), ...info };
}

function checkBatch(events: readonly InputEvent[]): void {
  if (events.length < 1 || events.length > MAX_BATCH_EVENTS) {
    throw new AwsError(INVALID, `logEvents must hold 1 to ${MAX_BATCH_EVENTS} events, got ${events.length}`);
  }
  const bytes = events.reduce((sum, { message }) => sum + Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES, 0);
  if (bytes > MAX_BATCH_BYTES)
    throw new AwsError(INVALID, `Upload too large: ${bytes} bytes exceeds limit of ${MAX_BATCH_BYTES}`);
  const times = events.map(({ timestamp }) => timestamp);
  if (times.some((time) => !Number.isInteger(time) || time < 0))
    throw new AwsError(INVALID, "timestamp must be a number");
  if (times.some((time, index) => index > 0 && time < (times[index - 1] ?? 0))) {
    throw new AwsError(INVALID, "Log events in a single PutLogEvents request must be in chronological order.");
  }
  if ((times.at(-1) ?? 0) - (times[0] ?? 0) > 24 * HOUR_MS) {
    throw new AwsError(
      INVALID,
      "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
    );
  }
}

function limitOf(input: JsonObject, most: number, usual = most): number {
  const limit = numberOf(input, "limit") ?? usual;
  if (limit >= 1 && limit <= most) return limit;
  const bound = limit < 1 ? "greater than or equal to 1" : `less than or equal to ${most}`;
  throw new AwsError(
    INVALID,
    `1 validation error detected: Value '${limit}' at 'limit' failed to satisfy constraint: Member must have value ${bound}`,
  );
}

function inTime(input: JsonObject): (line: LogLine) => boolean {
  const start = numberOf(input, "startTime") ?? 0;
  const end = numberOf(input, "endTime") ?? Number.POSITIVE_INFINITY;
  return ({ timestamp }) => timestamp >= start && timestamp <= end;
}

function filterLogEvents(groups: LogGroups, input: JsonObject, call: GatewayCall): JsonObject {
  const place = placeIn(input, call);
  authorize(call, "FilterLogEvents", place);
  const group = existing(groups, place);
  const names = textsOf(input, "logStreamNames");
  const prefix = textOf(input, "logStreamNamePrefix") ?? "";
  if (names.length > 0 && prefix) {
    throw new AwsError(INVALID, "logStreamNames and logStreamNamePrefix cannot both be specified");
  }
  const matches = compileFilterPattern(textOf(input, "filterPattern") ?? "");
  const after = Number(textOf(input, "nextToken") ?? 0);
  const limit = limitOf(input, MAX_BATCH_EVENTS);
  const found = groups
    .lines(group)
    .filter(inTime(input))
    .filter(({ stream }) => (names.length === 0 || names.includes(stream)) && stream.startsWith(prefix))
    .filter(({ sequence, message }) => sequence > after && matches(message));
  const page = found.slice(0, limit);
  const next = found.length > limit ? { nextToken: String(page.at(-1)?.sequence) } : {};
  return {
    events: page.map((line) => ({ ...eventOf(line), logStreamName: line.stream, eventId: String(line.sequence) })),
    ...next,
  };
}

function eventOf({ timestamp, message, ingestedAt }: LogLine): JsonObject {
  return { timestamp, message, ingestionTime: ingestedAt };
}

/** Tokens are "f/" or "b/" and the sequence number of the line that they continue from. */
function getLogEvents(groups: LogGroups, input: JsonObject, call: GatewayCall): JsonObject {
  const place = placeIn(input, call);
  const stream = requiredText(input, "logStreamName", INVALID);
  authorize(call, "GetLogEvents", place, stream);
  const group = existing(groups, place);
  requireStream(group, stream);
  const limit = limitOf(input, MAX_BATCH_EVENTS);
  const lines = groups.lines(group).filter((line) => line.stream === stream && inTime(input)(line));
  const [, direction, position] = /^([fb])\/(\d+)$/.exec(textOf(input, "nextToken") ?? "") ?? [];
  const from = Number(position ?? 0);
  let page = input.startFromHead === true ? lines.slice(0, limit) : lines.slice(-limit);
  if (direction === "f") page = lines.filter(({ sequence }) => sequence > from).slice(0, limit);
  if (direction === "b") page = lines.filter(({ sequence }) => sequence < from).slice(-limit);
  return {
    events: page.map(eventOf),
    nextForwardToken: `f/${page.at(-1)?.sequence ?? from}`,
    nextBackwardToken: `b/${page[0]?.sequence ?? from}`,
  };
}

/** One page of a list; tokens are the index of the next member. */
function pageOf<T>(input: JsonObject, items: readonly T[]): { page: readonly T[]; next: JsonObject } {
  const limit = limitOf(input, 50);
  const start = Number(textOf(input, "nextToken") ?? 0);
  const end = start + limit;
  return { page: items.slice(start, end), next: end < items.length ? { nextToken: String(end) } : {} };
}

function describeLogGroups(groups: LogGroups, input: JsonObject, call: GatewayCall): JsonObject {
  const { accountId } = call.principal;
  authorize(call, "DescribeLogGroups", { accountId, region: call.region, name: "" });
  const prefix = textOf(input, "logGroupNamePrefix") ?? "";
  const found = groups
    .all()
    .filter((group) => group.accountId === accountId && group.region === call.region && group.name.startsWith(prefix))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const { page, next } = pageOf(input, found);
  return { logGroups: page.map((group) => describeGroup(groups, group)), ...next };
}

function describeGroup(groups: LogGroups, group: LogGroup): JsonObject {
  return {
    logGroupName: group.name,
    arn: `${groupArn(group)}:*`,
    logGroupArn: groupArn(group),
    creationTime: group.createdAt,
    logGroupClass: group.logGroupClass,
    metricFilterCount: 0,
    storedBytes: groups.lines(group).reduce((sum, { message }) => sum + Buffer.byteLength(message), 0),
    ...(group.retentionInDays > 0 ? { retentionInDays: group.retentionInDays } : {}),
    ...(group.kmsKeyId ? { kmsKeyId: group.kmsKeyId } : {}),
  };
}

function describeLogStreams(groups: LogGroups, input: JsonObject, call: GatewayCall): JsonObject {
  const place = placeIn(input, call);
  authorize(call, "DescribeLogStreams", place);
  const group = existing(groups, place);
  const prefix = textOf(input, "logStreamNamePrefix") ?? "";
  const byTime = textOf(input, "orderBy") === "LastEventTime";
  if (byTime && prefix) throw new AwsError(INVALID, "Cannot order by LastEventTime with a logStreamNamePrefix.");
  const found = [...group.streams.values()]
    .filter(({ name }) => name.startsWith(prefix))
    .sort((a, b) => (byTime ? (a.lastEventAt ?? 0) - (b.lastEventAt ?? 0) : a.name < b.name ? -1 : 1));
  if (input.descending === true) found.reverse();
  const { page, next } = pageOf(input, found);
  return { logStreams: page.map((stream) => describeStream(group, stream)), ...next };
}

function describeStream(group: LogGroup, stream: LogStream): JsonObject {
  return {
    logStreamName: stream.name,
    arn: `${groupArn(group)}:log-stream:${stream.name}`,
    creationTime: stream.createdAt,
    ...(stream.firstEventAt === undefined ? {} : { firstEventTimestamp: stream.firstEventAt }),
    ...(stream.lastEventAt === undefined ? {} : { lastEventTimestamp: stream.lastEventAt }),
  };
}
