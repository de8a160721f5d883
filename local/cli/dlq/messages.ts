// Messages of a dead-letter queue: received without being consumed, and told in the words of the commands.
import type { Message, SQS } from "@aws-sdk/client-sqs";
import { REJECTION_ATTRIBUTES, SQS_LIMITS } from "../../../handlers/queue/contract";
import type { Connection } from "../queues/connection";

/** Seconds that messages stay invisible while the queue is gone through; given back earlier. */
const HOLD_SECONDS = 600;

/** A message. */
export interface DeadLetter {
  readonly id: string;
  readonly receiptHandle: string;
  readonly body: string;
  /** Milliseconds since the epoch. */
  readonly sentAt: number;
  readonly receiveCount: number;
  readonly groupId?: string;
  /** Why the kit rejected it; left out when it was simply received too often. */
  readonly reason?: string;
  /** Class of the error with which the kit rejected it. */
  readonly errorType?: string;
  /** Text of the message attributes; binary ones in Base64. */
  readonly attributes: Readonly<Record<string, string>>;
  /** As SQS gave it. */
  readonly original: Message;
}

/** How to go through a queue. */
export interface Passage {
  /** Most messages to look at. */
  readonly limit: number;
  /** Ends the passage before the next batch. */
  readonly signal: AbortSignal;
  /** Sees each batch in the queue's order. @returns messages that are gone from the queue: they are not given back. */
  visit(batch: readonly DeadLetter[]): Promise<readonly DeadLetter[]>;
}

/**
 * Goes once through all messages that can be received, and makes those visible again that are still there, also after a failure.
 * @returns how many messages it saw.
 */
export async function passThrough(
  { sqs, waitSeconds }: Pick<Connection, "sqs" | "waitSeconds">,
  url: string,
  { limit, signal, visit }: Passage,
): Promise<number> {
  const seen = new Set<string>();
  const held = new Map<string, DeadLetter>();
  try {
    while (!signal.aborted && seen.size < limit) {
      const most = Math.min(SQS_LIMITS.batchEntries, limit - seen.size);
      const received = await receive(sqs, url, most, waitSeconds);
      for (const letter of received) held.set(letter.id, letter);
      // What comes back has outlived its hold: the queue has been gone through.
      const fresh = received.filter(({ id }) => !seen.has(id));
      if (fresh.length === 0) break;
      for (const { id } of fresh) seen.add(id);
      for (const { id } of await visit(fresh)) held.delete(id);
    }
    return seen.size;
  } finally {
    await giveBack(sqs, url, [...held.values()]);
  }
}

async function receive(sqs: SQS, url: string, most: number, waitSeconds: number): Promise<readonly DeadLetter[]> {
  const { Messages = [] } = await sqs.receiveMessage({
    QueueUrl: url,
    MaxNumberOfMessages: most,
    VisibilityTimeout: HOLD_SECONDS,
    WaitTimeSeconds: waitSeconds,
    MessageSystemAttributeNames: ["All"],
    MessageAttributeNames: ["All"],
  });
  return Messages.map(toDeadLetter);
}

function toDeadLetter(original: Message): DeadLetter {
  const { MessageId = "", ReceiptHandle = "", Body = "", Attributes: facts = {} } = original;
  const attributes = Object.fromEntries(
    Object.entries(original.MessageAttributes ?? {}).map(([name, { StringValue, BinaryValue }]) => [
      name,
      StringValue ?? Buffer.from(BinaryValue ?? []).toString("base64"),
    ]),
  );
  const reason = attributes[REJECTION_ATTRIBUTES.reason];
  const errorType = attributes[REJECTION_ATTRIBUTES.errorType];
  return {
    id: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    sentAt: Number(facts.SentTimestamp ?? 0),
    receiveCount: Number(facts.ApproximateReceiveCount ?? 0),
    attributes,
    original,
    ...(facts.MessageGroupId === undefined ? {} : { groupId: facts.MessageGroupId }),
    ...(reason === undefined ? {} : { reason }),
    ...(errorType === undefined ? {} : { errorType }),
  };
}

/** Messages that cannot be given back become visible by themselves when the hold ends. */
async function giveBack(sqs: SQS, url: string, letters: readonly DeadLetter[]): Promise<void> {
  for (let at = 0; at < letters.length; at += SQS_LIMITS.batchEntries) {
    const batch = letters.slice(at, at + SQS_LIMITS.batchEntries);
    const Entries = batch.map(({ receiptHandle }, index) => ({
      Id: String(index),
      ReceiptHandle: receiptHandle,
      VisibilityTimeout: 0,
    }));
    await sqs.changeMessageVisibilityBatch({ QueueUrl: url, Entries }).catch(() => undefined);
  }
}

/** Deletes; tries a second time what failed. @returns messages that are still there. */
export async function removeLetters(
  sqs: SQS,
  url: string,
  letters: readonly DeadLetter[],
): Promise<readonly DeadLetter[]> {
  let left = letters;
  for (let attempt = 0; attempt < 2 && left.length > 0; attempt++) {
    const Entries = left.map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle }));
    const answer = await sqs.deleteMessageBatch({ QueueUrl: url, Entries }).catch(() => undefined);
    const failed = new Set(answer ? answer.Failed?.map(({ Id }) => Id) : Entries.map(({ Id }) => Id));
    left = left.filter((_, index) => failed.has(String(index)));
  }
  return left;
}
