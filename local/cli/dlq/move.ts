// Moves messages one by one, where SQS's own move task cannot: chosen messages, and FIFO queues. No message is lost: it is deleted
// from the dead-letter queue only once the other queue has it. Stopped in between, a standard queue may have a message twice; a FIFO
// queue drops the second one, because the message id in the dead-letter queue is its deduplication id.
import type { MessageAttributeValue, SendMessageBatchRequestEntry, SQS } from "@aws-sdk/client-sqs";
import { REJECTION_ATTRIBUTE } from "../../../handlers/queue/contract";
import { inBatches } from "../queues/batches";
import type { Connection } from "../queues/connection";
import type { Pace } from "../queues/pace";
import type { Queue } from "../queues/queue";
import type { Filter } from "./filters";
import { type DeadLetter, passThrough, type Passed, readRejection, removeLetters } from "./messages";

/** What to move. */
export interface Move {
  readonly from: Queue;
  readonly to: Queue;
  readonly filter: Filter;
  /** Most messages to move. */
  readonly limit: number;
  readonly pace: Pace;
  /** Ends the move after the batch that is under way. */
  readonly signal: AbortSignal;
  onProgress(moved: number): void;
}

/** What became of it. */
export interface Moved extends Passed {
  readonly moved: number;
  /** Messages that are still in the dead-letter queue although they were meant, each with the reason. */
  readonly failures: readonly Failure[];
}

/** A message that stayed where it was. */
export interface Failure {
  readonly id: string;
  readonly reason: string;
}

/** Moves. */
export async function moveLetters(connection: Connection, move: Move): Promise<Moved> {
  const { sqs } = connection;
  const { from, to, filter, limit, pace, onProgress } = move;
  const failures: Failure[] = [];
  const enough = new AbortController();
  const blocked = new Set<string>();
  let moved = 0;
  const passed = await passThrough(connection, from.url, {
    limit: Number.POSITIVE_INFINITY,
    signal: AbortSignal.any([move.signal, enough.signal]),
    visit: async (batch) => {
      const meant = batch.filter(filter).slice(0, limit - moved);
      await pace(meant.length);
      const sent = to.fifo
        ? await sendInOrder(sqs, to, meant, blocked, failures)
        : await send(sqs, to, meant, failures);
      const left = sent.length === 0 ? [] : await removeLetters(sqs, from.url, sent);
      for (const { id } of left) {
        failures.push({ id, reason: `was sent to ${to.name}, and could not be deleted here: it is in both queues` });
      }
      moved += sent.length;
      if (moved >= limit) enough.abort();
      onProgress(moved);
      return sent.filter((letter) => !left.includes(letter));
    },
  });
  return { ...passed, moved, failures };
}

async function send(
  sqs: SQS,
  to: Queue,
  letters: readonly DeadLetter[],
  failures: Failure[],
): Promise<readonly DeadLetter[]> {
  const sent: DeadLetter[] = [];
  const entries = letters.map((letter, index) => toEntry(letter, String(index), false));
  for (const batch of inBatches(entries)) {
    const { Successful = [], Failed = [] } = await sqs.sendMessageBatch({ QueueUrl: to.url, Entries: [...batch] });
    for (const { Id } of Successful) sent.push(...letters.slice(Number(Id), Number(Id) + 1));
    for (const { Id, Code, Message } of Failed) {
      failures.push({ id: letters[Number(Id)]?.id ?? "", reason: `${Code ?? ""}: ${Message ?? ""}` });
    }
  }
  return sent;
}

/** One by one: after a failure the group stays behind as a whole, or its order would be lost. */
async function sendInOrder(
  sqs: SQS,
  to: Queue,
  letters: readonly DeadLetter[],
  blocked: Set<string>,
  failures: Failure[],
): Promise<readonly DeadLetter[]> {
  const sent: DeadLetter[] = [];
  for (const letter of letters) {
    const { Id: _, ...message } = toEntry(letter, "", true);
    const group = message.MessageGroupId ?? "";
    if (blocked.has(group)) {
      failures.push({ id: letter.id, reason: `stays behind a message of its group ${group} that could not be sent` });
      continue;
    }
    try {
      await sqs.sendMessage({ QueueUrl: to.url, ...message });
      sent.push(letter);
    } catch (error) {
      blocked.add(group);
      failures.push({ id: letter.id, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return sent;
}

/** Everything that a producer can set is as it was. The rejection ends here: another failure would be told with its reason. */
function toEntry({ id, body, original }: DeadLetter, Id: string, fifo: boolean): SendMessageBatchRequestEntry {
  const { MessageGroupId, AWSTraceHeader } = original.Attributes ?? {};
  const rejected = readRejection(original) !== undefined;
  return {
    Id,
    MessageBody: body,
    MessageAttributes: Object.fromEntries(
      Object.entries(original.MessageAttributes ?? {})
        .filter(([name]) => !(rejected && name === REJECTION_ATTRIBUTE))
        .map(([name, value]) => [name, withoutLists(value)]),
    ),
    ...(MessageGroupId === undefined ? {} : { MessageGroupId }),
    ...(fifo ? { MessageDeduplicationId: id } : {}),
    ...(AWSTraceHeader === undefined
      ? {}
      : { MessageSystemAttributes: { AWSTraceHeader: { DataType: "String", StringValue: AWSTraceHeader } } }),
  };
}

/** SQS refuses the lists that are part of the type. */
function withoutLists({ DataType, StringValue, BinaryValue }: MessageAttributeValue): MessageAttributeValue {
  return { DataType, ...(StringValue === undefined ? { BinaryValue } : { StringValue }) };
}
