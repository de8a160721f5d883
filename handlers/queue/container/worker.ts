// Polls, keeps messages invisible while they are worked on, deletes what is done, returns what is not.
import type { Log } from "../../shared/log";
import { capVisibility } from "../backoff";
import type { Claim } from "../idempotency";
import type { ReceivedMessage } from "../message";
import { applyDelays, processBatch, publishMetrics, type Settled } from "../process-batch";
import { isDone, type Kit } from "../process-message";
import type { SqsQueue } from "../sqs";
import type { ContainerSettings } from "./settings";

/** What a worker needs. */
export interface WorkerDependencies {
  readonly kit: Kit;
  readonly settings: ContainerSettings;
  /** The queue by connections that wait as long as a poll does and that break when the worker stops. */
  readonly polls: SqsQueue;
  /** The queue for everything else. */
  readonly queue: SqsQueue;
  readonly queueArn: string;
  readonly queueName: string;
  readonly log: Log;
  readonly onPoll: () => void;
  /** Told when all slots hold a message, so that nothing polls, and when that ends. */
  readonly onOccupied: (full: boolean) => void;
}

interface Held {
  readonly received: ReceivedMessage;
  readonly receivedAt: number;
  claim?: Claim;
}

/** Messages of one receive. */
const RECEIVE_MAXIMUM = 10;
/** Polls at the same time; each brings up to 10 messages. */
const MOST_POLLERS = 8;
const PAUSE_AFTER_FAILURE_MS = 1000;
/** Extensions within one visibility timeout: one may get lost. */
const EXTENSIONS = 3;

/** One worker. */
export class Worker {
  private readonly held = new Map<ReceivedMessage, Held>();
  private readonly batches = new Set<Promise<void>>();
  private readonly stopWork = new AbortController();
  private free: number;
  private waiting: (() => void)[] = [];
  private stopping = false;

  constructor(private readonly dependencies: WorkerDependencies) {
    this.free = dependencies.settings.concurrency;
  }

  /** Works until the signal aborts and all messages are settled. */
  async run(signal: AbortSignal): Promise<void> {
    const { settings, log } = this.dependencies;
    const heartbeat = setInterval(() => void this.extend(), (settings.visibilitySeconds * 1000) / EXTENSIONS);
    log.info("started", { concurrency: settings.concurrency });
    const stopped = whenAborted(signal).then(() => this.stop());
    const pollers = Math.min(MOST_POLLERS, Math.ceil(settings.concurrency / RECEIVE_MAXIMUM));
    await Promise.all(Array.from({ length: pollers }, () => this.poll(signal)));
    // Only now has the last poll brought what it may bring.
    const grace = await stopped;
    while (this.batches.size > 0) await Promise.all(this.batches);
    clearTimeout(grace);
    clearInterval(heartbeat);
    log.info("stopped");
  }

  private async poll(signal: AbortSignal): Promise<void> {
    const { settings, polls, queueArn, log, onPoll } = this.dependencies;
    while (!this.stopping) {
      const capacity = await this.takeCapacity();
      if (this.isStopping()) return;
      let batch: readonly ReceivedMessage[] = [];
      try {
        const { waitSeconds, visibilitySeconds } = settings;
        batch = await polls.receive({ maximum: capacity, waitSeconds, visibilitySeconds }, queueArn);
        onPoll();
      } catch (error) {
        if (this.isStopping()) return;
        log.error("poll failed", error);
        await this.pauseAfterFailure(signal);
      }
      this.giveCapacity(capacity - batch.length);
      if (batch.length > 0) this.start(batch);
    }
  }

  /** With jitter: a failing service fails for all workers at once. */
  private pauseAfterFailure(signal: AbortSignal): Promise<void> {
    const { random, sleep } = this.dependencies.kit;
    return sleep(random() * PAUSE_AFTER_FAILURE_MS, signal);
  }

  private start(batch: readonly ReceivedMessage[]): void {
    const work = this.work(batch).catch((error: unknown) => this.dependencies.log.error("batch failed", error));
    this.batches.add(work);
    void work.then(() => this.batches.delete(work));
  }

  private async work(batch: readonly ReceivedMessage[]): Promise<void> {
    const { kit, settings, queueName, onOccupied } = this.dependencies;
    const receivedAt = kit.now();
    for (const received of batch) this.held.set(received, { received, receivedAt });
    if (this.held.size >= settings.concurrency) onOccupied(true);
    const timeoutMs = settings.messageTimeoutSeconds * 1000;
    const time = new AbortController();
    const cancel = kit.startTimer(timeoutMs, () => time.abort(new Error("the message's time is up")));
    try {
      const turn = {
        signal: AbortSignal.any([time.signal, this.stopWork.signal]),
        deadline: receivedAt + timeoutMs,
        claimUntil: () => this.nextVisible(),
        fields: { queueName },
        onClaim: (received: ReceivedMessage, claim: Claim) => {
          const held = this.held.get(received);
          if (held) held.claim = claim;
        },
      };
      const settled = await processBatch(kit, batch, turn, (one) => this.settle(one, receivedAt));
      publishMetrics(kit, queueName, settled);
    } finally {
      cancel();
      // Nothing of the batch stays held, whatever went wrong.
      for (const received of batch) this.letGo(received);
    }
  }

  /** Deletes a message that is done with; lets others come back. */
  private async settle(settled: Settled, receivedAt: number): Promise<void> {
    const { kit, queue, log } = this.dependencies;
    const { received, outcome } = settled;
    this.letGo(received);
    if (!isDone(outcome)) {
      const delayed = this.stopping ? { received, outcome: { ...outcome, delaySeconds: 0 } } : settled;
      await applyDelays(queue, [delayed], kit.now() - receivedAt, log);
      return;
    }
    try {
      await queue.delete(received.receiptHandle);
    } catch (error) {
      log.error("not deleted, will come again", error, { messageId: received.id });
    }
  }

  private letGo(received: ReceivedMessage): void {
    if (!this.held.delete(received)) return;
    this.dependencies.onOccupied(false);
    this.giveCapacity(1);
  }

  /** Keeps the messages in work invisible, and their claims held. */
  private async extend(): Promise<void> {
    const { kit, settings, queue, log } = this.dependencies;
    const all = [...this.held.values()];
    if (all.length === 0) return;
    const changes = all.map(({ received, receivedAt }) => ({
      receiptHandle: received.receiptHandle,
      seconds: capVisibility(settings.visibilitySeconds, kit.now() - receivedAt),
    }));
    const renewals = all.flatMap(({ claim }) => (claim ? [kit.idempotency?.renew(claim, this.nextVisible())] : []));
    const results = await Promise.allSettled([queue.changeVisibility(changes), ...renewals]);
    for (const result of results) if (result.status === "rejected") log.error("claim not renewed", result.reason);
  }

  /** Takes nothing new. Returns the timer after which what is unfinished is given up. */
  private stop(): NodeJS.Timeout {
    const { settings, log } = this.dependencies;
    this.stopping = true;
    log.info("stopping", { messages: this.held.size });
    this.wakeAll();
    return setTimeout(() => this.stopWork.abort(new Error("the worker stops")), settings.graceSeconds * 1000);
  }

  private nextVisible(): number {
    return this.dependencies.kit.now() + this.dependencies.settings.visibilitySeconds * 1000;
  }

  private async takeCapacity(): Promise<number> {
    while (this.free === 0 && !this.stopping) await new Promise<void>((resolve) => this.waiting.push(resolve));
    const taken = Math.min(RECEIVE_MAXIMUM, this.free);
    this.free -= taken;
    return taken;
  }

  private giveCapacity(count: number): void {
    this.free += count;
    if (count > 0) this.wakeAll();
  }

  private wakeAll(): void {
    for (const wake of this.waiting.splice(0)) wake();
  }

  /** A call, since it changes during an await. */
  private isStopping(): boolean {
    return this.stopping;
  }
}

function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
