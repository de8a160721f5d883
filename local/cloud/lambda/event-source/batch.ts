// Messages on their way to a function: records as Lambda writes them, joined to events of at most 6 MiB.
import type { ReceivedMessage } from "../../core/service";
import { SYNCHRONOUS_PAYLOAD_BYTES } from "../limits";

/** A message as a record of the event, ready to be sent. */
export interface PreparedRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly json: string;
  readonly bytes: number;
}

/** Messages that a function gets in one event. */
export interface Batch {
  readonly messageIds: readonly string[];
  /** In the order of `messageIds`. */
  readonly receiptHandles: readonly string[];
  readonly payload: Buffer;
  /** When the first of them becomes visible again, in milliseconds since the epoch. */
  readonly deadline: number;
}

/** A record of the event, with AWS's own members. */
export function toRecord(message: ReceivedMessage, queueArn: string): Readonly<Record<string, unknown>> {
  return {
    messageId: message.messageId,
    receiptHandle: message.receiptHandle,
    body: message.body,
    attributes: message.systemAttributes,
    messageAttributes: attributesOf(message),
    md5OfBody: message.md5OfBody,
    eventSource: "aws:sqs",
    eventSourceARN: queueArn,
    awsRegion: queueArn.split(":")[3] ?? "",
  };
}

function attributesOf({ attributes }: ReceivedMessage): Readonly<Record<string, unknown>> {
  const named: Record<string, unknown> = {};
  for (const name in attributes) {
    const attribute = attributes[name];
    if (!attribute) continue;
    const { stringValue, binaryValue, dataType } = attribute;
    named[name] = {
      ...(stringValue === undefined ? {} : { stringValue }),
      ...(binaryValue === undefined ? {} : { binaryValue }),
      stringListValues: [],
      binaryListValues: [],
      dataType,
    };
  }
  return named;
}

/** Serialises a record once, so that its size is known and its text can be joined. */
export function prepare(message: ReceivedMessage, record: Readonly<Record<string, unknown>>): PreparedRecord {
  const json = JSON.stringify(record);
  const { messageId, receiptHandle } = message;
  return { messageId, receiptHandle, json, bytes: Buffer.byteLength(json) };
}

const HEAD = '{"Records":[';
const TAIL = "]}";

/** Gathers records until a batch is full: by number, or by size. */
export class Gathering {
  private records: PreparedRecord[] = [];
  private bytes = HEAD.length + TAIL.length;
  private deadline = Infinity;

  constructor(private readonly batchSize: number) {}

  get size(): number {
    return this.records.length;
  }

  get isFull(): boolean {
    return this.records.length >= this.batchSize;
  }

  /** Adds a record; returns the batch that had to go first because this record did not fit into it. */
  add(record: PreparedRecord, deadline: number): Batch | undefined {
    const overflows = this.size > 0 && this.bytes + record.bytes + 1 > SYNCHRONOUS_PAYLOAD_BYTES;
    const full = overflows ? this.take() : undefined;
    this.records.push(record);
    this.bytes += record.bytes + 1;
    this.deadline = Math.min(this.deadline, deadline);
    return full;
  }

  /** The batch so far; the next one begins. */
  take(): Batch {
    const { records, deadline } = this;
    this.records = [];
    this.bytes = HEAD.length + TAIL.length;
    this.deadline = Infinity;
    return {
      messageIds: records.map(({ messageId }) => messageId),
      receiptHandles: records.map(({ receiptHandle }) => receiptHandle),
      payload: Buffer.from(`${HEAD}${records.map(({ json }) => json).join(",")}${TAIL}`),
      deadline,
    };
  }
}
