// What a team writes against: messages, their context, the consumer.
import type { Log } from "../shared/log";

/** A message attribute of the sender's own. */
export interface MessageAttribute {
  /** "String", "Number", "Binary", with an optional custom label: "Number.int". */
  readonly dataType: string;
  readonly stringValue?: string;
  /** Base64. */
  readonly binaryValue?: string;
}

/** A message as SQS delivered it, whichever way it came: by Lambda's event source mapping or by a poll of our own. */
export interface ReceivedMessage {
  readonly id: string;
  readonly receiptHandle: string;
  /** The body as it travelled: of a claim check, the reference. */
  readonly text: string;
  readonly attributes: Readonly<Record<string, MessageAttribute>>;
  /** SQS's own attributes: SentTimestamp, ApproximateReceiveCount, MessageGroupId, … */
  readonly system: Readonly<Record<string, string | undefined>>;
  readonly queueArn: string;
}

/** A message as `processMessage` sees it. */
export interface QueueMessage<Body = unknown> {
  readonly id: string;
  /** The parsed JSON, or the text itself when it is no JSON. Its type is a promise of the sender: check it. */
  readonly body: Body;
  /** Text of the body; of a claim check, what the bucket holds. */
  readonly rawBody: string;
  readonly attributes: Readonly<Record<string, MessageAttribute>>;
  /** Group of a FIFO queue; tenant of a fair queue. */
  readonly groupId?: string;
  readonly deduplicationId?: string;
  readonly sequenceNumber?: string;
  /** How often it was received, this time included. */
  readonly receiveCount: number;
  /** Milliseconds since the epoch. */
  readonly sentAt: number;
  /** X-Ray trace header of the sender. */
  readonly traceHeader?: string;
  readonly queueArn: string;
  readonly receiptHandle: string;
}

/** What goes with the processing of one message. */
export interface MessageContext {
  /** Each line carries message id, group, trace header and receive count. */
  readonly log: Log;
  /** Aborts shortly before time is up: the message is then returned, whatever becomes of the work. */
  readonly signal: AbortSignal;
  /** Milliseconds until the signal aborts; never below 0. */
  readonly remainingMs: () => number;
  readonly receiveCount: number;
}

/** Processes one message. Resolving deletes it, rejecting returns it. It can be called twice for one message. */
export type ProcessMessage<Body = unknown> = (message: QueueMessage<Body>, context: MessageContext) => Promise<unknown>;

/** What a team's module exports. */
export interface QueueConsumer<Body = unknown> {
  readonly processMessage: ProcessMessage<Body>;
  /** What makes two messages the same; the message id when left out. */
  readonly idempotencyKey?: (message: QueueMessage<Body>) => string;
  /** Messages of one batch (standard) or groups of one batch (FIFO) that are worked on at the same time. @default KIT_CONCURRENCY */
  readonly concurrency?: number;
}

/** The message as a consumer sees it. @param rawBody text of the body, fetched if need be. */
export function toQueueMessage(received: ReceivedMessage, rawBody: string): QueueMessage {
  const { id, attributes, system, queueArn, receiptHandle } = received;
  const { MessageGroupId, MessageDeduplicationId, SequenceNumber, AWSTraceHeader } = system;
  return {
    id,
    body: parseBody(rawBody),
    rawBody,
    attributes,
    ...(MessageGroupId === undefined ? {} : { groupId: MessageGroupId }),
    ...(MessageDeduplicationId === undefined ? {} : { deduplicationId: MessageDeduplicationId }),
    ...(SequenceNumber === undefined ? {} : { sequenceNumber: SequenceNumber }),
    receiveCount: receiveCountOf(received),
    sentAt: Number(system.SentTimestamp ?? 0),
    ...(AWSTraceHeader === undefined ? {} : { traceHeader: AWSTraceHeader }),
    queueArn,
    receiptHandle,
  };
}

/** How often a message was received, this time included; at least 1. */
export function receiveCountOf({ system }: ReceivedMessage): number {
  const count = Number(system.ApproximateReceiveCount);
  return Number.isInteger(count) && count > 0 ? count : 1;
}

/** Whether the queue of an ARN or URL keeps the order of groups. */
export function isFifo(queue: string): boolean {
  return queue.endsWith(".fifo");
}

/** The value that a text holds as JSON, or the text. */
function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
