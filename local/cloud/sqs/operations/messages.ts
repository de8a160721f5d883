// SendMessage, ReceiveMessage, DeleteMessage, ChangeMessageVisibility and PurgeQueue.
import { AwsError } from "../../core/errors";
import { type JsonObject, type JsonOperation, textOf, textsOf } from "../../core/json-api";
import type { GatewayCall, MessageAttribute, ReceivedMessage } from "../../core/service";
import { authorizeReceive, authorizeSend } from "../access";
import { md5OfAttributes, md5OfBody } from "../digests";
import { prepareMessage } from "../drafts";
import { missingParameter } from "../errors";
import type { SentMessage } from "../messaging";
import { MAX_VISIBILITY_SECONDS } from "../settings";
import { askOf, attributesOf, authorizedQueue, integer, messageOf, queueOf, required, type SqsParts } from "./input";

const MAX_MESSAGES = 10;
const MAX_WAIT_SECONDS = 20;
const PURGE_INTERVAL_MS = 60_000;
const SYSTEM_ATTRIBUTES = [
  "All",
  "SenderId",
  "SentTimestamp",
  "ApproximateReceiveCount",
  "ApproximateFirstReceiveTimestamp",
  "SequenceNumber",
  "MessageDeduplicationId",
  "MessageGroupId",
  "AWSTraceHeader",
  "DeadLetterQueueSourceArn",
];

/** Operations on single messages. */
export function messageOperations(parts: SqsParts): Readonly<Record<string, JsonOperation>> {
  const { messaging, queues, activity, context } = parts;
  return {
    SendMessage(input, call) {
      const queue = queueOf(parts, input, call);
      authorizeSend(askOf(call), call.principal, queue);
      const prepared = prepareMessage(queue, messageOf(input), call.principal.userId);
      const [sent] = messaging.send(queue, [prepared]);
      if (sent) call.describe({ detail: { messageId: sent.messageId, bytes: prepared.draft.bytes } });
      return sent ? sentAnswer(input, sent) : {};
    },
    async ReceiveMessage(input, call) {
      const queue = queueOf(parts, input, call);
      authorizeReceive(askOf(call), call.principal, queue);
      const waitSeconds = integer(input, "WaitTimeSeconds", 0, MAX_WAIT_SECONDS) ?? queue.settings.waitSeconds;
      const visibilitySeconds = integer(input, "VisibilityTimeout", 0, MAX_VISIBILITY_SECONDS);
      const names = systemNames(input);
      const attemptId = textOf(input, "ReceiveRequestAttemptId");
      const messages = await messaging.receive(queue, {
        limit: integer(input, "MaxNumberOfMessages", 1, MAX_MESSAGES) ?? 1,
        waitMs: waitSeconds * 1000,
        visibilityMs: (visibilitySeconds ?? queue.settings.visibilitySeconds) * 1000,
        signal: signalOf(call),
        ...(attemptId !== undefined && { attemptId }),
      });
      call.describe({ detail: { messages: messages.length } });
      if (messages.length === 0) return {};
      const attributeNames = textsOf(input, "MessageAttributeNames");
      return { Messages: messages.map((message) => received(message, names, attributeNames)) };
    },
    DeleteMessage(input, call) {
      const queue = authorizedQueue(parts, input, call, "sqs:DeleteMessage");
      messaging.delete(queue, required(input, "ReceiptHandle"));
      return {};
    },
    ChangeMessageVisibility(input, call) {
      const queue = authorizedQueue(parts, input, call, "sqs:ChangeMessageVisibility");
      const handle = required(input, "ReceiptHandle");
      messaging.changeVisibility(queue, handle, visibilityMs(input));
      return {};
    },
    PurgeQueue(input, call) {
      const queue = authorizedQueue(parts, input, call, "sqs:PurgeQueue");
      const now = context.clock.now();
      if (now - queue.lastPurgeAt < PURGE_INTERVAL_MS) {
        const { name } = queue.identity;
        throw new AwsError(
          "PurgeQueueInProgress",
          `Only one PurgeQueue operation on ${name} is allowed every 60 seconds.`,
          403,
        );
      }
      queue.lastPurgeAt = now;
      const messages = queue.purge();
      activity.record(queue, "purged", messages);
      queues.changed(queue);
      call.describe({ detail: { messages } });
      return {};
    },
  };
}

/** VisibilityTimeout of a change, in milliseconds. */
export function visibilityMs(input: JsonObject): number {
  const seconds = integer(input, "VisibilityTimeout", 0, MAX_VISIBILITY_SECONDS);
  if (seconds === undefined) throw missingParameter("VisibilityTimeout");
  return seconds * 1000;
}

/** What the sender is told, with the digests that it compares. */
export function sentAnswer(input: JsonObject, { messageId, sequenceNumber }: SentMessage): JsonObject {
  const md5 = md5OfAttributes(attributesOf(input, "MessageAttributes"));
  const systemMd5 = md5OfAttributes(attributesOf(input, "MessageSystemAttributes"));
  return {
    MessageId: messageId,
    MD5OfMessageBody: md5OfBody(textOf(input, "MessageBody") ?? ""),
    ...(md5 !== undefined && { MD5OfMessageAttributes: md5 }),
    ...(systemMd5 !== undefined && { MD5OfMessageSystemAttributes: systemMd5 }),
    ...(sequenceNumber !== undefined && { SequenceNumber: sequenceNumber }),
  };
}

function systemNames(input: JsonObject): readonly string[] {
  const names = [...textsOf(input, "AttributeNames"), ...textsOf(input, "MessageSystemAttributeNames")];
  const unknown = names.find((name) => !SYSTEM_ATTRIBUTES.includes(name));
  if (unknown === undefined) return names;
  throw new AwsError("InvalidAttributeName", `Unknown Attribute ${unknown}.`);
}

/** Ends when the client goes away. */
function signalOf({ response }: GatewayCall): AbortSignal {
  const controller = new AbortController();
  response.once("close", () => controller.abort());
  return controller.signal;
}

function received(
  message: ReceivedMessage,
  systemNames: readonly string[],
  attributeNames: readonly string[],
): JsonObject {
  const all = systemNames.includes("All");
  const system = Object.entries(message.systemAttributes).filter(([name]) => all || systemNames.includes(name));
  const attributes = Object.entries(message.attributes).filter(([name]) => isWanted(name, attributeNames));
  const md5 = md5OfAttributes(Object.fromEntries(attributes));
  return {
    MessageId: message.messageId,
    ReceiptHandle: message.receiptHandle,
    MD5OfBody: message.md5OfBody,
    Body: message.body,
    ...(system.length > 0 && { Attributes: Object.fromEntries(system) }),
    ...(md5 !== undefined && {
      MD5OfMessageAttributes: md5,
      MessageAttributes: Object.fromEntries(attributes.map(([name, value]) => [name, shown(value)])),
    }),
  };
}

/** A name, a prefix with ".*", or all. */
function isWanted(name: string, wanted: readonly string[]): boolean {
  return wanted.some((each) => {
    if (each === "All" || each === ".*") return true;
    return each.endsWith(".*") ? name.startsWith(each.slice(0, -1)) || name === each.slice(0, -2) : name === each;
  });
}

function shown({ dataType, stringValue, binaryValue }: MessageAttribute): JsonObject {
  return {
    DataType: dataType,
    ...(stringValue !== undefined && { StringValue: stringValue }),
    ...(binaryValue !== undefined && { BinaryValue: binaryValue }),
  };
}
