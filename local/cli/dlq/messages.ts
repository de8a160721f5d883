// Messages of a dead-letter queue: received without being consumed, and told in the words of the commands.
import type { Message, SQS } from "@aws-sdk/client-sqs";
import { REJECTION_ATTRIBUTE, type Rejection, SQS_LIMITS } from "../../../handlers/queue/contract";
import type { Connection } from "../queues/connection";

/** Seconds that messages stay invisible while the queue is gone through; renewed at half of them, given back earlier. */
const HOLD_SECONDS = 600;
const RENEW_AFTER_MS = (HOLD_SECONDS / 2) * 1000;

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
  /** Milliseconds; only differences count. @default a monotonic clock */
  readonly now?: () => number;
}

/** How a passage ended. */
export interface Passed {
  /** Messages that were seen. */
  readonly seen: number;
  /** Whether held messages kept coming back, so that others may never have been seen. */
  readonly incomplete: boolean;
}

/** What to say of an incomplete passage. */
export const NOT_ALL_SEEN =
  "Not all messages were seen: held ones kept coming back, for their holds could not be renewed. Run the same command again.\n";

/**
 * Goes once through all messages that can be received, until SQS has none, and makes those visible again that are still there, also
 * after a failure.
 */
export async function passThrough(
  { sqs, waitSeconds }: Pick<Connection, "sqs" | "waitSeconds">,
  url: string,
  { limit, signal, visit, now = () => performance.now() }: Passage,
): Promise<Passed> {
  const seen = new Set<string>();
  const held = new Map<string, DeadLetter>();
  let renewedAt = now();
  let returned = 0;
  try {
    while (!signal.aborted && seen.size < limit) {
      if (now() - renewedAt >= RENEW_AFTER_MS) {
        renewedAt = now();
        await changeVisibility(sqs, url, [...held.values()], HOLD_SECONDS);
      }
      const most = Math.min(SQS_LIMITS.batchEntries, limit - seen.size);
      const received = await receive(sqs, url, most, waitSeconds);
      if (received.length === 0) break;
      for (const letter of received) held.set(letter.id, letter);
      const fresh = received.filter(({ id }) => !seen.has(id));
      // What comes back has outlived its hold, and hides what lies behind it. Each once since the last fresh one can still be borne.
      returned = fresh.length > 0 ? 0 : returned + received.length;
      if (returned > seen.size) return { seen: seen.size, incomplete: true };
      for (const { id } of fresh) seen.add(id);
      if (fresh.length > 0) for (const { id } of await visit(fresh)) held.delete(id);
    }
    return { seen: seen.size, incomplete: false };
  } finally {
    await changeVisibility(sqs, url, [...held.values()], 0);
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
  // Moved here by SQS: it failed anew, and an earlier rejection is not the reason.
  const rejection = facts.DeadLetterQueueSourceArn === undefined ? readRejection(original) : undefined;
  return {
    id: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    sentAt: Number(facts.SentTimestamp ?? 0),
    receiveCount: Number(facts.ApproximateReceiveCount ?? 0),
    attributes,
    original,
    ...(facts.MessageGroupId === undefined ? {} : { groupId: facts.MessageGroupId }),
    ...(rejection && { reason: rejection.reason, errorType: rejection.errorType }),
  };
}

/** What the kit wrote on a message that it rejected; undefined for others. */
export function readRejection({ MessageAttributes }: Message): Pick<Rejection, "reason" | "errorType"> | undefined {
  try {
    const text = MessageAttributes?.[REJECTION_ATTRIBUTE]?.StringValue ?? "";
    const { reason, errorType } = JSON.parse(text) as Partial<Record<keyof Rejection, unknown>>;
    return typeof reason === "string" && typeof errorType === "string" ? { reason, errorType } : undefined;
  } catch {
    return undefined;
  }
}

/** What fails does no harm: a message becomes visible by itself when its hold ends. */
async function changeVisibility(
  sqs: SQS,
  url: string,
  letters: readonly DeadLetter[],
  VisibilityTimeout: number,
): Promise<void> {
  for (let at = 0; at < letters.length; at += SQS_LIMITS.batchEntries) {
    const batch = letters.slice(at, at + SQS_LIMITS.batchEntries);
    const Entries = batch.map(({ receiptHandle }, index) => ({
      Id: String(index),
      ReceiptHandle: receiptHandle,
      VisibilityTimeout,
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
