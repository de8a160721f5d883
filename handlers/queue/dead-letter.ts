// Sends a message that no attempt can save to the dead-letter queue, with the reason beside it.
import { REJECTION_ATTRIBUTE, SQS_LIMITS, type Rejection } from "./contract";
import type { NonRetryableError } from "./errors";
import { isFifo, type MessageAttribute, type ReceivedMessage } from "./message";
import { bytesOf, type OutgoingMessage } from "./sqs";

/** Attributes that a message can carry. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html */
const MOST_ATTRIBUTES = 10;
const LONGEST_REASON = 1024;
const LONGEST_NAME = 128;

/**
 * The message for the dead-letter queue. The sender's attributes stay, nine of them at most: the tenth place is the reason's. The
 * reason is cut to the room that body and attributes leave, and left out when there is none. On FIFO the group stays too, so that
 * the order within it can be told; the deduplication id is the message id, which is the same for two deliveries of one message and
 * differs for two messages: the sender's own could make SQS drop the second of two within 5 minutes.
 */
export function toRejected(received: ReceivedMessage, error: NonRetryableError): OutgoingMessage {
  const { MessageGroupId: groupId, AWSTraceHeader: traceHeader } = received.system;
  const own = Object.entries(received.attributes).filter(([name]) => name !== REJECTION_ATTRIBUTE);
  const kept = Object.fromEntries(own.slice(0, MOST_ATTRIBUTES - 1));
  const room = SQS_LIMITS.maximumMessageBytes - bytesOf(received.text, kept);
  const rejection = renderRejection(
    {
      reason: clean(error.reason, LONGEST_REASON),
      errorType: clean(error.name, LONGEST_NAME),
      messageId: received.id,
    },
    room - bytesOf("", { [REJECTION_ATTRIBUTE]: attribute("") }),
  );
  return {
    text: received.text,
    attributes: rejection === undefined ? kept : { ...kept, [REJECTION_ATTRIBUTE]: attribute(rejection) },
    ...(groupId === undefined ? {} : { groupId }),
    ...(isFifo(received.queueArn) ? { deduplicationId: received.id } : {}),
    ...(traceHeader === undefined ? {} : { traceHeader }),
  };
}

/** As JSON of no more than so many bytes; undefined when even an empty reason is too long. */
function renderRejection(rejection: Rejection, room: number): string | undefined {
  let left = room - Buffer.byteLength(JSON.stringify({ ...rejection, reason: "" }));
  if (left < 0) return undefined;
  let reason = "";
  for (const character of rejection.reason) {
    left -= Buffer.byteLength(JSON.stringify(character)) - 2;
    if (left < 0) break;
    reason += character;
  }
  return JSON.stringify({ ...rejection, reason });
}

function attribute(stringValue: string): MessageAttribute {
  return { dataType: "String", stringValue };
}

/** Without characters that SQS refuses; not empty. */
function clean(value: string, longest: number): string {
  const cleaned = value.slice(0, longest).replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "?");
  return cleaned === "" ? "unspecified" : cleaned;
}
