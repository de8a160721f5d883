// The report without a function: Step Functions itself stores the event and posts it to every subscriber. One Parallel with one branch
// holds it all, so that one Catch guards it all.
import type * as pulumi from "@pulumi/pulumi";
import {
  MAXIMUM_DETAIL_BYTES,
  PROGRESS_PROTOCOL_VERSION,
  PROGRESS_TABLE,
  WHOLE,
} from "../../../handlers/progress/contract";
import type { StateObject } from "./language";
import type { StateNames } from "./names";
import { KEEP_INPUT, literal, objectOf, retryTransient, type CommonDelivery, type ReportSource } from "./report";

/** Where the direct transport stores and posts. */
export interface DirectDelivery extends CommonDelivery {
  readonly transport: "direct";
  readonly tableName: pulumi.Input<string>;
  /** "<api>.execute-api.<region>.amazonaws.com" */
  readonly apiEndpoint: pulumi.Input<string>;
  readonly stageName: string;
  readonly retentionSeconds: number;
  /** Most subscribers that one report is posted to. Set by weaving. @default 40 */
  readonly maximumPosts?: number;
}

/** Iterations of an inline Map that AWS runs at once: all posts of a report are one round, so that no viewer waits for another. */
const MAXIMUM_POSTS = 40;
/** Seconds after which an attempt of one task is given up. Five tasks may stand in a row: count, store, find, post, forget. */
const TASK_TIMEOUT_SECONDS = 2;
/** Of the 25,000 events that the history of a run may have, those that all reports together may take when nothing is tried again. */
const HISTORY_BUDGET = 6000;
const EVENTS_OF_REPORT = 30;
const EVENTS_OF_POST = 9;

/** Most reports of a run with this transport. */
export const MAXIMUM_DIRECT_REPORTS = 100;

/** How many subscribers each report is posted to, so that a run never ends for the length of its history. */
export function boundPosts(reports: number): number {
  const posts = Math.floor((HISTORY_BUDGET / reports - EVENTS_OF_REPORT) / EVENTS_OF_POST);
  return Math.max(1, Math.min(MAXIMUM_POSTS, posts));
}

const TRANSIENT_TABLE = [
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "RequestLimitExceededException",
  "ThrottlingException",
  // The status of the run is being written.
  "TransactionConflictException",
  "InternalServerError",
  "InternalServerErrorException",
  "SdkClientException",
];
const TRANSIENT_POST = ["ApiGateway.429", "ApiGateway.500", "ApiGateway.502", "ApiGateway.503", "ApiGateway.504"];

const { partitionKey, sortKey, timeToLive, runningIndex } = PROGRESS_TABLE;
const RUN = '"run#" & $states.context.Execution.Name';
/** AWS writes a time with as many digits as it has; the table holds milliseconds, and compares times as texts. */
const inMilliseconds = (time: string): string => `$fromMillis($toMillis(${time}))`;
const ENTERED_AT = inMilliseconds("$states.context.State.EnteredTime");
const text = (source: string): StateObject => ({ S: `{% ${source} %}` });
const number = (source: string): StateObject => ({ N: `{% $string(${source}) %}` });

/** The Parallel state, without what leads on from it. @param base name of the report. */
export function buildDirectReport(
  base: string,
  source: ReportSource,
  delivery: DirectDelivery,
  names: StateNames,
): StateObject {
  const name = (what: string): string => names.next(base, what);
  const [count, store, find, push] = [name("count"), name("store"), name("find"), name("push")];
  const known = name("known");
  const detail = source.detail === undefined ? undefined : { name: name("detail"), source: source.detail };
  const states = {
    ...(detail === undefined ? {} : { [detail.name]: buildDetail(detail.source, count) }),
    [count]: buildCount(source, delivery, store, known),
    [store]: buildStore(delivery, find),
    [find]: buildFind(delivery, push),
    [push]: buildPush(base, delivery, names),
    [known]: { Type: "Pass", QueryLanguage: "JSONata", Output: {}, End: true },
  };
  return {
    Type: "Parallel",
    QueryLanguage: "JSONata",
    Branches: [{ StartAt: detail?.name ?? count, States: states }],
  };
}

const task = (delivery: DirectDelivery, integration: string, errors: readonly string[]): StateObject => ({
  Type: "Task",
  QueryLanguage: "JSONata",
  Resource: delivery.resourceOf(integration),
  TimeoutSeconds: TASK_TIMEOUT_SECONDS,
  Retry: retryTransient(errors),
});
const tableTask = (delivery: DirectDelivery, action: string): StateObject =>
  task(
    delivery,
    `dynamodb:${action}`,
    TRANSIENT_TABLE.map((error) => `DynamoDB.${error}`),
  );

/** The detail before anything is written: when it fails, nothing has happened yet. Bytes are those of its JSON in UTF-8. */
function buildDetail(source: string, next: string): StateObject {
  const bytes = '$length($replace($encodeUrlComponent($string({"d": $detail})), /%[0-9A-F]{2}/, "_")) - 6';
  return {
    Type: "Pass",
    QueryLanguage: "JSONata",
    Output:
      `{% ($detail := (${source}); $bytes := $exists($detail) ? ${bytes} : 0; ` +
      `{"detail": $bytes <= ${MAXIMUM_DETAIL_BYTES} ? $detail, "detailBytes": $bytes > ${MAXIMUM_DETAIL_BYTES} ? $bytes}) %}`,
    Next: next,
  };
}

/**
 * Next number, sum of shares and the report's key in one write. Refused for a key that is there already, and for a run that has ended,
 * unless the report is from after the end: then the run was redriven. A run that was started elsewhere gets its head here, and its place
 * in the index that the reconciler reads.
 */
function buildCount(source: ReportSource, delivery: DirectDelivery, next: string, known: string): StateObject {
  const attribute = (name: string): string => `$states.result.Attributes.${name}.N`;
  const event = objectOf([
    ["version", String(PROGRESS_PROTOCOL_VERSION)],
    ["type", literal("progress")],
    ["executionId", "$states.context.Execution.Name"],
    ["sequence", `$number(${attribute("sequence")})`],
    ["at", ENTERED_AT],
    ["kind", literal(source.kind)],
    ["percent", `$floor(99 * $min([$number(${attribute("done")}), ${WHOLE}]) / ${WHOLE})`],
    ["step", literal(source.step)],
    ["label", literal(source.label)],
    ...(source.detail === undefined
      ? []
      : ([
          ["detail", "$states.input.detail"],
          ["detailBytes", "$states.input.detailBytes"],
        ] as const)),
  ]);
  return {
    ...tableTask(delivery, "updateItem"),
    Arguments: {
      TableName: delivery.tableName,
      Key: { [partitionKey]: text(RUN), [sortKey]: { S: "head" } },
      UpdateExpression:
        "SET #startedAt = if_not_exists(#startedAt, :startedAt), #executionArn = if_not_exists(#executionArn, :executionArn), " +
        "#state = if_not_exists(#state, :running), #running = if_not_exists(#running, :index), " +
        "#expiresAt = if_not_exists(#expiresAt, :expiresAt) " +
        "ADD #sequence :one, #done :share, #completed :keys",
      ConditionExpression:
        "NOT contains(#completed, :key) AND (attribute_not_exists(#state) OR #state = :running OR #endedAt < :at)",
      ExpressionAttributeNames: {
        "#startedAt": "startedAt",
        "#executionArn": "executionArn",
        "#state": "state",
        "#endedAt": "endedAt",
        "#running": runningIndex.partitionKey,
        "#expiresAt": timeToLive,
        "#sequence": "sequence",
        "#done": "done",
        "#completed": "completed",
      },
      ExpressionAttributeValues: {
        ":startedAt": text(inMilliseconds("$states.context.Execution.StartTime")),
        ":executionArn": text("$states.context.Execution.Id"),
        ":running": { S: "running" },
        ":at": text(ENTERED_AT),
        ":index": { S: runningIndex.value },
        ":expiresAt": number(expiresAt(delivery)),
        ":one": { N: "1" },
        ":share": number(`(${source.share})`),
        ":keys": { SS: [`{% ${source.key} %}`] },
        ":key": text(source.key),
      },
      ReturnValues: "UPDATED_NEW",
    },
    Output: `{% ($event := ${event}; {"event": $event, "text": $string($event)}) %}`,
    Catch: [{ ErrorEquals: ["DynamoDB.ConditionalCheckFailedException"], Output: {}, Next: known }],
    Next: next,
  };
}

function expiresAt({ retentionSeconds }: DirectDelivery): string {
  return `$floor($toMillis($states.context.State.EnteredTime) / 1000) + ${retentionSeconds}`;
}

function buildStore(delivery: DirectDelivery, next: string): StateObject {
  return {
    ...tableTask(delivery, "putItem"),
    Arguments: {
      TableName: delivery.tableName,
      Item: {
        [partitionKey]: text(RUN),
        [sortKey]: text('"event#" & $pad($string($states.input.event.sequence), -10, "0")'),
        event: text("$states.input.text"),
        [timeToLive]: number(expiresAt(delivery)),
      },
    },
    Output: KEEP_INPUT,
    Next: next,
  };
}

/** Subscribers, those of this moment included. Those beyond the limit find the event when they ask: a missing number tells them. */
function buildFind(delivery: DirectDelivery, next: string): StateObject {
  return {
    ...task(
      delivery,
      "aws-sdk:dynamodb:query",
      TRANSIENT_TABLE.map((error) => `DynamoDb.${error}`),
    ),
    Arguments: {
      TableName: delivery.tableName,
      ConsistentRead: true,
      KeyConditionExpression: "#run = :run AND begins_with(#entry, :subscriber)",
      ExpressionAttributeNames: { "#run": partitionKey, "#entry": sortKey },
      ExpressionAttributeValues: { ":run": text(RUN), ":subscriber": { S: "subscriber#" } },
      ProjectionExpression: "connectionId",
      Limit: delivery.maximumPosts ?? MAXIMUM_POSTS,
    },
    Output: '{% {"event": $states.input.event, "connections": [$states.result.Items.connectionId.S]} %}',
    Next: next,
  };
}

/** To every subscriber that was found. Whatever happens to one does not matter to the others. */
function buildPush(base: string, delivery: DirectDelivery, names: StateNames): StateObject {
  const [post, forget, done] = [names.next(base, "post"), names.next(base, "forget"), names.next(base, "done")];
  const goOn = [{ ErrorEquals: ["States.ALL"], Output: {}, Next: done }];
  return {
    Type: "Map",
    QueryLanguage: "JSONata",
    Items: "{% $states.input.connections %}",
    ItemSelector: { connectionId: "{% $states.context.Map.Item.Value %}", event: "{% $states.input.event %}" },
    MaxConcurrency: MAXIMUM_POSTS,
    ItemProcessor: {
      ProcessorConfig: { Mode: "INLINE" },
      StartAt: post,
      States: {
        [post]: {
          ...task(delivery, "apigateway:invoke", TRANSIENT_POST),
          Arguments: {
            ApiEndpoint: delivery.apiEndpoint,
            Method: "POST",
            Stage: delivery.stageName,
            Path: '{% "/@connections/" & $states.input.connectionId %}',
            AuthType: "IAM_ROLE",
            RequestBody: "{% $states.input.event %}",
          },
          Output: {},
          // Gone, and nothing else: the subscription is removed.
          Catch: [{ ErrorEquals: ["ApiGateway.410"], Output: KEEP_INPUT, Next: forget }, ...goOn],
          Next: done,
        },
        [forget]: {
          ...tableTask(delivery, "deleteItem"),
          Arguments: {
            TableName: delivery.tableName,
            Key: { [partitionKey]: text(RUN), [sortKey]: text('"subscriber#" & $states.input.connectionId') },
          },
          Output: {},
          Catch: goOn,
          Next: done,
        },
        [done]: { Type: "Pass", QueryLanguage: "JSONata", End: true },
      },
    },
    Output: {},
    End: true,
  };
}
