// Reads the parameters of SQS calls.
import { AwsError } from "../../core/errors";
import { isJsonObject, type JsonObject, textOf, textsOf } from "../../core/json-api";
import type { GatewayCall, MessageAttribute, OutgoingMessage } from "../../core/service";
import { type Ask, authorizeQueue } from "../access";
import { invalidParameter, invalidValue, missingParameter } from "../errors";
import type { Activity } from "../activity";
import type { Messaging } from "../messaging";
import type { MoveTasks } from "../move-tasks";
import type { Queue } from "../queue";
import type { Queues } from "../queues";
import type { CloudContext } from "../../core/service";

/** What operations work with. */
export interface SqsParts {
  readonly context: CloudContext;
  readonly queues: Queues;
  readonly messaging: Messaging;
  readonly moveTasks: MoveTasks;
  readonly activity: Activity;
}

/** Asks for the caller of a call at the gateway. */
export function askOf(call: GatewayCall): Ask {
  return (question) => void call.authorize(question);
}

/** A parameter that must be there, as text. */
export function required(input: JsonObject, parameter: string): string {
  const value = textOf(input, parameter);
  if (value !== undefined && value !== "") return value;
  throw missingParameter(parameter);
}

/** A whole number within bounds; undefined when it is left out. */
export function integer(input: JsonObject, parameter: string, minimum: number, maximum: number): number | undefined {
  const value = input[parameter];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  throw invalidValue(value, parameter, `Must be >= ${minimum} and <= ${maximum}, if provided.`);
}

/** The queue of a call. */
export function queueOf({ queues }: SqsParts, input: JsonObject, call: GatewayCall): Queue {
  const queue = queues.requireUrl(required(input, "QueueUrl"), call.region);
  call.describe({ resource: queue.arn });
  return queue;
}

/** The queue of a call, once the caller may do this with it. */
export function authorizedQueue(parts: SqsParts, input: JsonObject, call: GatewayCall, action: string): Queue {
  const queue = queueOf(parts, input, call);
  authorizeQueue(askOf(call), queue, action);
  return queue;
}

/** A message as SendMessage and the entries of a batch describe it. */
export function messageOf(input: JsonObject): OutgoingMessage {
  const body = textOf(input, "MessageBody");
  if (body === undefined) throw missingParameter("MessageBody");
  const groupId = textOf(input, "MessageGroupId");
  const deduplicationId = textOf(input, "MessageDeduplicationId");
  const delaySeconds = integer(input, "DelaySeconds", 0, 900);
  const attributes = attributesOf(input, "MessageAttributes");
  const traceHeader = traceHeaderOf(attributesOf(input, "MessageSystemAttributes"));
  return {
    body,
    attributes,
    ...(groupId !== undefined && { groupId }),
    ...(deduplicationId !== undefined && { deduplicationId }),
    ...(delaySeconds !== undefined && { delaySeconds }),
    ...(traceHeader !== undefined && { traceHeader }),
  };
}

/** Attributes by name, as the JSON protocol spells them. */
export function attributesOf(input: JsonObject, parameter: string): Readonly<Record<string, MessageAttribute>> {
  const given = input[parameter];
  if (!isJsonObject(given)) return {};
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, attributeOf(name, value)]));
}

function attributeOf(name: string, value: unknown): MessageAttribute {
  if (!isJsonObject(value)) throw invalidParameter(`The message attribute '${name}' must be an object.`);
  if (textsOf(value, "StringListValues").length + textsOf(value, "BinaryListValues").length > 0) {
    throw new AwsError("UnsupportedOperation", "Message attribute list values are not supported.");
  }
  const [stringValue, binaryValue] = [textOf(value, "StringValue"), textOf(value, "BinaryValue")];
  return {
    dataType: textOf(value, "DataType") ?? "",
    ...(stringValue !== undefined && { stringValue }),
    ...(binaryValue !== undefined && { binaryValue }),
  };
}

function traceHeaderOf(attributes: Readonly<Record<string, MessageAttribute>>): string | undefined {
  for (const [name, { dataType, stringValue }] of Object.entries(attributes)) {
    if (name !== "AWSTraceHeader") throw invalidParameter(`Message system attribute name '${name}' is invalid.`);
    if (dataType !== "String" || !stringValue) {
      throw invalidParameter("The message system attribute 'AWSTraceHeader' must be of type 'String' and not empty.");
    }
  }
  return attributes.AWSTraceHeader?.stringValue;
}

/** One page of a list, and the token of the next one. */
export function pageOf<T>(
  input: JsonObject,
  items: readonly T[],
  maximum: number,
): { page: readonly T[]; next?: string } {
  const limit = integer(input, "MaxResults", 1, maximum);
  const token = textOf(input, "NextToken");
  const from = token === undefined ? 0 : Number(Buffer.from(token, "base64").toString());
  if (!Number.isInteger(from) || from < 0 || from > items.length) {
    throw invalidParameter("Invalid or expired next token.");
  }
  const to = from + (limit ?? maximum);
  // Without MaxResults SQS answers at most a thousand and gives no token.
  if (limit === undefined || to >= items.length) return { page: items.slice(from, to) };
  return { page: items.slice(from, to), next: Buffer.from(String(to)).toString("base64") };
}
