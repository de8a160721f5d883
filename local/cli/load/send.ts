// Sends the messages of a load in batches, at a rate.
import type { SendMessageBatchRequestEntry, SQS } from "@aws-sdk/client-sqs";
import { SQS_LIMITS } from "../../../handlers/queue/contract";
import type { Pace } from "../queues/pace";
import type { Queue } from "../queues/queue";
import { type LoadMessage, type LoadPlan, planLoad } from "./orders";

/** How to send. */
export interface Sending {
  readonly sqs: SQS;
  readonly queue: Queue;
  readonly plan: LoadPlan;
  readonly pace: Pace;
  /** Ends it before the next batch. */
  readonly signal: AbortSignal;
  onProgress(sent: number): void;
}

/** Sends. @returns the number of messages that the queue has taken. @throws Error when it refuses one. */
export async function sendLoad({ sqs, queue, plan, pace, signal, onProgress }: Sending): Promise<number> {
  let sent = 0;
  let batch: SendMessageBatchRequestEntry[] = [];
  const flush = async (): Promise<void> => {
    await pace(batch.length);
    if (signal.aborted || batch.length === 0) return;
    const { Successful = [], Failed = [] } = await sqs.sendMessageBatch({ QueueUrl: queue.url, Entries: batch });
    sent += Successful.length;
    onProgress(sent);
    const [refused] = Failed;
    if (refused) throw new Error(`${queue.name} refused a message: ${refused.Code ?? ""} ${refused.Message ?? ""}`);
    batch = [];
  };
  for (const message of planLoad(plan)) {
    if (signal.aborted) break;
    batch.push(toEntry(message, queue.fifo));
    if (batch.length === SQS_LIMITS.batchEntries) await flush();
  }
  await flush();
  return sent;
}

function toEntry({ order, group }: LoadMessage, fifo: boolean): SendMessageBatchRequestEntry {
  const id = String(order.sequence);
  return {
    Id: id,
    MessageBody: JSON.stringify(order),
    ...(group === undefined ? {} : { MessageGroupId: group }),
    ...(fifo ? { MessageDeduplicationId: `${order.loadId}-${id}` } : {}),
  };
}
