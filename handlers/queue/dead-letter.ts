// Sends a message that no attempt can save to the dead-letter queue, with the reason beside it.
import { REJECTION_ATTRIBUTES } from "./contract";
import type { NonRetryableError } from "./errors";
import { isFifo, type MessageAttribute, type ReceivedMessage } from "./message";
import type { OutgoingMessage } from "./sqs";

/** Attributes that a message can carry. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html */
const MOST_ATTRIBUTES = 10;
/** The reason shares the message's 1 MiB with the body. */
const LONGEST_REASON = 1024;

/**
 * The message for the dead-letter queue. The sender's attributes stay, as many as there is room for beside the reason. On FIFO the
 * group stays too, so that the order within it can be told; the deduplication id is the message id, which is the same for two
 * deliveries of one message and differs for two messages: the sender's own could make SQS drop the second of two within 5 minutes.
 */
export function toRejected(received: ReceivedMessage, error: NonRetryableError): OutgoingMessage {
  const { MessageGroupId: groupId, AWSTraceHeader: traceHeader } = received.system;
  const reasons = {
    [REJECTION_ATTRIBUTES.reason]: text(error.reason),
    [REJECTION_ATTRIBUTES.errorType]: text(error.name),
    [REJECTION_ATTRIBUTES.messageId]: text(received.id),
  };
  const own = Object.entries(received.attributes).filter(([name]) => !(name in reasons));
  const kept = own.slice(0, MOST_ATTRIBUTES - Object.keys(reasons).length);
  return {
    text: received.text,
    attributes: { ...Object.fromEntries(kept), ...reasons },
    ...(groupId === undefined ? {} : { groupId }),
    ...(isFifo(received.queueArn) ? { deduplicationId: received.id } : {}),
    ...(traceHeader === undefined ? {} : { traceHeader }),
  };
}

/** An attribute that SQS accepts: neither empty nor with characters outside its set. */
function text(value: string): MessageAttribute {
  const cleaned = value.slice(0, LONGEST_REASON).replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD]/g, "?");
  return { dataType: "String", stringValue: cleaned === "" ? "unspecified" : cleaned };
}
