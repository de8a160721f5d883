// What a receiver gets: receipt handles and messages as SQS shows them.
import { AwsError } from "../core/errors";
import type { ReceivedMessage } from "../core/service";
import { md5OfBody } from "./digests";
import { invalidValue } from "./errors";
import { type MessageIds, sequenceNumber, type StoredMessage } from "./message";
import type { Queue } from "./queue";

/** A message as its receiver sees it, with a handle for this receive. */
export function deliver(queue: Queue, ids: MessageIds, message: StoredMessage): ReceivedMessage {
  const { draft } = message;
  return {
    messageId: ids.idOf(message.serial),
    receiptHandle: handleOf(queue, message),
    body: draft.body,
    md5OfBody: md5OfBody(draft.body),
    systemAttributes: systemAttributes(queue, message),
    attributes: draft.attributes ?? {},
  };
}

function systemAttributes(queue: Queue, message: StoredMessage): Readonly<Record<string, string>> {
  const { draft } = message;
  const attributes: Record<string, string> = {
    ApproximateReceiveCount: String(message.receiveCount),
    SentTimestamp: String(message.sentAt),
    SenderId: draft.senderId,
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
  };
  if (draft.groupId !== undefined) attributes.MessageGroupId = draft.groupId;
  if (draft.deduplicationId !== undefined) attributes.MessageDeduplicationId = draft.deduplicationId;
  if (queue.fifo) attributes.SequenceNumber = sequenceNumber(message.sequence);
  if (draft.traceHeader !== undefined) attributes.AWSTraceHeader = draft.traceHeader;
  if (draft.deadLetterSource !== undefined) attributes.DeadLetterQueueSourceArn = draft.deadLetterSource;
  return attributes;
}

/** Receipt handle of the latest receive of a message. */
function handleOf(queue: Queue, { serial, receiveCount }: StoredMessage): string {
  return `AQEB${Buffer.from(`${queue.key}/${serial}/${receiveCount}`).toString("base64url")}`;
}

/** A receipt handle, taken apart. */
export interface Receipt {
  readonly serial: number;
  readonly receiveCount: number;
}

/** Reads a receipt handle. @throws AwsError when this queue has never given it out. */
export function readHandle(queue: Queue, handle: string): Receipt {
  const text = handle.startsWith("AQEB") ? Buffer.from(handle.slice(4), "base64url").toString() : "";
  const [, key, serial, count] = /^([^/]+)\/(\d+)\/(\d+)$/.exec(text) ?? [];
  if (key !== queue.key || serial === undefined || count === undefined) {
    throw new AwsError("ReceiptHandleIsInvalid", `The input receipt handle "${handle}" is not a valid receipt handle.`);
  }
  return { serial: Number(serial), receiveCount: Number(count) };
}

/** FIFO queues take no handle whose visibility timeout is over. */
export function expiredHandle(handle: string): AwsError {
  return invalidValue(handle, "ReceiptHandle", "The receipt handle has expired.");
}
