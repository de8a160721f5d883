// One queue of Amazon SQS, by its JSON protocol.
import type { AwsJsonClient } from "../shared/aws-json";
import { AwsCallError } from "../shared/errors";
import { SQS_LIMITS } from "./contract";
import type { MessageAttribute, ReceivedMessage } from "./message";

/** A message to send. */
export interface OutgoingMessage {
  readonly text: string;
  readonly attributes?: Readonly<Record<string, MessageAttribute>>;
  readonly groupId?: string;
  readonly deduplicationId?: string;
  readonly traceHeader?: string;
  readonly delaySeconds?: number;
}

/** A message whose visibility changes. */
export interface VisibilityChange {
  readonly receiptHandle: string;
  /** From now on; 0: at once. */
  readonly seconds: number;
}

/** An entry of a batch that SQS refused. */
export interface FailedEntry {
  readonly index: number;
  readonly code: string;
  /** Whether the entry itself is wrong, so that repeating it is useless. */
  readonly senderFault: boolean;
}

/** What to receive. */
export interface ReceiveRequest {
  /** 1 to 10. */
  readonly maximum: number;
  readonly waitSeconds: number;
  readonly visibilitySeconds: number;
}

/** Calls at the same time, where one call does not take all. */
const PARALLEL_CALLS = 8;

/** One queue. */
export class SqsQueue {
  constructor(
    private readonly client: AwsJsonClient,
    /** Its URL. */
    readonly url: string,
  ) {}

  /** Sends one message. Throws AwsCallError. */
  async send(message: OutgoingMessage): Promise<void> {
    await this.call("SendMessage", renderMessage(message));
  }

  /** Sends up to 10 messages. Returns the entries that were refused. Throws AwsCallError when the whole call fails. */
  async sendBatch(messages: readonly OutgoingMessage[]): Promise<readonly FailedEntry[]> {
    const Entries = messages.map((message, index) => ({ Id: String(index), ...renderMessage(message) }));
    return failedEntries(await this.call("SendMessageBatch", { Entries }));
  }

  /** Receives messages with all their attributes. @param queueArn noted on each of them. */
  async receive(request: ReceiveRequest, queueArn: string): Promise<readonly ReceivedMessage[]> {
    const { maximum, waitSeconds, visibilitySeconds } = request;
    const answer = await this.call("ReceiveMessage", {
      MaxNumberOfMessages: maximum,
      WaitTimeSeconds: waitSeconds,
      VisibilityTimeout: visibilitySeconds,
      MessageSystemAttributeNames: ["All"],
      MessageAttributeNames: ["All"],
    });
    return ((answer.Messages ?? []) as readonly WireMessage[]).map((message) => readMessage(message, queueArn));
  }

  /** Deletes a message. */
  async delete(receiptHandle: string): Promise<void> {
    await this.call("DeleteMessage", { ReceiptHandle: receiptHandle });
  }

  /** Changes visibilities, 10 per call, some calls at a time. Returns the positions that were refused; never rejects. */
  async changeVisibility(changes: readonly VisibilityChange[]): Promise<readonly FailedEntry[]> {
    const starts = Array.from({ length: Math.ceil(changes.length / SQS_LIMITS.batchEntries) }, (_, index) => index);
    const failed: FailedEntry[] = [];
    const rest = starts.values();
    const work = async (): Promise<void> => {
      for (const index of rest) failed.push(...(await this.changeTen(changes, index * SQS_LIMITS.batchEntries)));
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL_CALLS, starts.length) }, work));
    return failed;
  }

  private async changeTen(changes: readonly VisibilityChange[], start: number): Promise<readonly FailedEntry[]> {
    const Entries = changes.slice(start, start + SQS_LIMITS.batchEntries).map(({ receiptHandle, seconds }, index) => ({
      Id: String(start + index),
      ReceiptHandle: receiptHandle,
      VisibilityTimeout: seconds,
    }));
    try {
      return failedEntries(await this.call("ChangeMessageVisibilityBatch", { Entries }));
    } catch (error) {
      const code = error instanceof AwsCallError ? error.code : "Unknown";
      return Entries.map(({ Id }) => ({ index: Number(Id), code, senderFault: false }));
    }
  }

  private call(operation: string, input: object): Promise<Readonly<Record<string, unknown>>> {
    return this.client.call(operation, { QueueUrl: this.url, ...input }, isBusy);
  }
}

/** Size of a message as SQS counts it: body, and names, types and values of its attributes. */
export function bytesOf(text: string, attributes: Readonly<Record<string, MessageAttribute>> = {}): number {
  const sizes = Object.entries(attributes).map(
    ([name, { dataType, stringValue = "", binaryValue = "" }]) =>
      Buffer.byteLength(name + dataType + stringValue) + Buffer.byteLength(binaryValue, "base64"),
  );
  return sizes.reduce((sum, size) => sum + size, Buffer.byteLength(text));
}

/** SQS's own words for "slower". */
function isBusy({ code }: AwsCallError): boolean {
  return code === "RequestThrottled" || code === "KmsThrottled";
}

interface WireMessage {
  readonly MessageId: string;
  readonly ReceiptHandle: string;
  readonly Body?: string;
  readonly Attributes?: Readonly<Record<string, string>>;
  readonly MessageAttributes?: Readonly<
    Record<string, { readonly DataType: string; readonly StringValue?: string; readonly BinaryValue?: string }>
  >;
}

function readMessage(message: WireMessage, queueArn: string): ReceivedMessage {
  const attributes = Object.entries(message.MessageAttributes ?? {}).map(
    ([name, { DataType, StringValue, BinaryValue }]): [string, MessageAttribute] => [
      name,
      {
        dataType: DataType,
        ...(StringValue === undefined ? {} : { stringValue: StringValue }),
        ...(BinaryValue === undefined ? {} : { binaryValue: BinaryValue }),
      },
    ],
  );
  return {
    id: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    text: message.Body ?? "",
    attributes: Object.fromEntries(attributes),
    system: message.Attributes ?? {},
    queueArn,
  };
}

function renderMessage(message: OutgoingMessage): object {
  const { text, attributes = {}, groupId, deduplicationId, traceHeader, delaySeconds } = message;
  const rendered = Object.entries(attributes).map(([name, { dataType, stringValue, binaryValue }]) => [
    name,
    {
      DataType: dataType,
      ...(stringValue === undefined ? {} : { StringValue: stringValue }),
      ...(binaryValue === undefined ? {} : { BinaryValue: binaryValue }),
    },
  ]);
  return {
    MessageBody: text,
    ...(rendered.length === 0 ? {} : { MessageAttributes: Object.fromEntries(rendered) as object }),
    ...(groupId === undefined ? {} : { MessageGroupId: groupId }),
    ...(deduplicationId === undefined ? {} : { MessageDeduplicationId: deduplicationId }),
    ...(delaySeconds === undefined ? {} : { DelaySeconds: delaySeconds }),
    ...(traceHeader === undefined
      ? {}
      : { MessageSystemAttributes: { AWSTraceHeader: { DataType: "String", StringValue: traceHeader } } }),
  };
}

function failedEntries(answer: Readonly<Record<string, unknown>>): readonly FailedEntry[] {
  const failed = (answer.Failed ?? []) as readonly { Id: string; Code?: string; SenderFault?: boolean }[];
  return failed.map(({ Id, Code = "Unknown", SenderFault = false }) => ({
    index: Number(Id),
    code: Code,
    senderFault: SenderFault,
  }));
}
