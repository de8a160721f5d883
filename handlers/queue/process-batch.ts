// Order and concurrency within a batch, and what goes back to the queue.
//
// Standard queues: all messages side by side. FIFO: the messages of a group one after the other, groups side by side; the first
// message of a group that is not done stops the group, and it and all after it go back, so that the order is kept.
import { Metrics, type Log, type MetricScope } from "../shared/log";
import { capVisibility } from "./backoff";
import { KIT_CONCURRENCY, QUEUE_METRICS } from "./contract";
import { isFifo, type ReceivedMessage } from "./message";
import { isDone, processOne, type Kit, type Outcome, type Turn } from "./process-message";
import { SlotStock } from "./rate-limit";
import type { FailedEntry, VisibilityChange } from "./sqs";

/** A message and what became of it. */
export interface Settled {
  readonly received: ReceivedMessage;
  readonly outcome: Outcome;
}

/** Where visibility is changed. Never rejects. */
export interface VisibilityPort {
  changeVisibility(changes: readonly VisibilityChange[]): Promise<readonly FailedEntry[]>;
}

/** Works on a batch. Never rejects. @param onSettled told of each message at once. */
export async function processBatch(
  kit: Kit,
  batch: readonly ReceivedMessage[],
  turn: Turn,
  onSettled: (settled: Settled) => Promise<void> = async () => undefined,
): Promise<readonly Settled[]> {
  const concurrency = Math.max(1, Math.floor(kit.consumer.concurrency ?? KIT_CONCURRENCY));
  const chains = toChains(batch);
  // No more slots ahead than messages can start at once: those of a FIFO group start one after the other.
  const block = Math.min(concurrency, chains.length);
  const slots = kit.rateLimit && new SlotStock(kit.rateLimit, block, batch.length, kit.now);
  const settled = new Map<ReceivedMessage, Outcome>();
  await runBounded(chains, concurrency, async (chain) => {
    let stopped: Outcome | undefined;
    for (const received of chain) {
      const outcome: Outcome = stopped ?? (await processOne(kit, received, turn, slots));
      settled.set(received, outcome);
      await onSettled({ received, outcome });
      // What follows becomes visible together with the message that it waits for.
      if (!stopped && !isDone(outcome)) stopped = { ...outcome, kind: "returned" };
    }
  });
  return batch.map((received) => ({ received, outcome: settled.get(received) ?? { kind: "returned" } }));
}

/** The messages that are worked on one after the other: groups of a FIFO queue, single messages of others. */
export function toChains(batch: readonly ReceivedMessage[]): readonly (readonly ReceivedMessage[])[] {
  const groups = Map.groupBy(batch, ({ queueArn, system, id }) =>
    isFifo(queueArn) ? `g${system.MessageGroupId}` : `m${id}`,
  );
  return [...groups.values()];
}

/** Lets failed messages wait. Failures are logged and change nothing: the visibility timeout then stands. */
export async function applyDelays(
  queue: VisibilityPort | undefined,
  settled: readonly Settled[],
  heldMs: number,
  log: Log,
): Promise<void> {
  const changes = settled.flatMap(({ received, outcome: { delaySeconds } }) =>
    delaySeconds === undefined
      ? []
      : [{ receiptHandle: received.receiptHandle, seconds: capVisibility(delaySeconds, heldMs) }],
  );
  if (changes.length === 0 || !queue) return;
  const failed = await queue.changeVisibility(changes);
  if (failed.length === 0) return;
  const code = failed[0]?.code;
  log.error("back-off not applied", new Error(`refused with ${code}`), { messages: failed.length, code });
}

/** Publishes what became of a batch, as one line. */
export function publishMetrics(kit: Kit, queueName: string, settled: readonly Settled[]): void {
  const scope: MetricScope = {
    namespace: QUEUE_METRICS.namespace,
    dimension: QUEUE_METRICS.dimension,
    dimensionValue: queueName,
  };
  const count = (kind: Outcome["kind"]): number => settled.filter(({ outcome }) => outcome.kind === kind).length;
  new Metrics(scope, kit.now, kit.writeLine).publish(
    { name: QUEUE_METRICS.messagesProcessed, value: count("processed"), unit: "Count" },
    { name: QUEUE_METRICS.messagesFailed, value: count("failed"), unit: "Count" },
    { name: QUEUE_METRICS.messagesRejected, value: count("rejected"), unit: "Count" },
    { name: QUEUE_METRICS.duplicatesSkipped, value: count("duplicate"), unit: "Count" },
    { name: QUEUE_METRICS.messagesReturned, value: count("returned"), unit: "Count" },
  );
}

async function runBounded<T>(items: readonly T[], limit: number, work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const workers = Array.from({ length: Math.min(limit, items.length) }, async () => {
    for (const item of rest) await work(item);
  });
  await Promise.all(workers);
}
