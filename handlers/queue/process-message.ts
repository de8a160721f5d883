// What happens to one message, from the body to the outcome. Every message can arrive twice: see idempotency.ts.
import { Log, type LineWriter, type LogFields } from "../shared/log";
import { backoffSeconds, type BackoffSettings } from "./backoff";
import { resolveBody, type BodyStore } from "./claim-check";
import { toRejected } from "./dead-letter";
import { isNonRetryable, isRetryLater, type NonRetryableError } from "./errors";
import type { Claim, IdempotencyStore } from "./idempotency";
import { receiveCountOf, toQueueMessage, type QueueConsumer, type QueueMessage, type ReceivedMessage } from "./message";
import type { SlotStock, TokenBucket } from "./rate-limit";
import type { OutgoingMessage } from "./sqs";

/** What processing needs. A missing part is switched off. */
export interface Kit {
  readonly consumer: QueueConsumer;
  readonly backoff?: BackoffSettings;
  readonly idempotency?: IdempotencyStore;
  readonly rateLimit?: TokenBucket;
  readonly bodies?: BodyStore;
  readonly deadLetters?: { send(message: OutgoingMessage): Promise<void> };
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Resolves after so many milliseconds, or when the signal aborts. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Calls back once, after so many milliseconds. Returns what cancels it. */
  readonly startTimer: (milliseconds: number, callback: () => void) => () => void;
  readonly writeLine?: LineWriter;
}

/** Time within which the messages of a batch are worked on. */
export interface Turn {
  /** Aborts at the deadline, or when the worker stops. */
  readonly signal: AbortSignal;
  /** When the signal aborts at the latest, in milliseconds since the epoch. */
  readonly deadline: number;
  /** When nobody works on the messages any more, whatever happens. */
  readonly claimUntil: () => number;
  /** Fields of every log line. */
  readonly fields: LogFields;
  /** Told of claims, for a worker that has to renew them. */
  readonly onClaim?: (received: ReceivedMessage, claim: Claim) => void;
}

/**
 * What became of a message. "processed", "duplicate" and "rejected" are done with; the others go back to the queue: "failed" was
 * tried, "returned" was not. `delaySeconds` is the wait before the next attempt; without it the visibility timeout stands.
 */
export interface Outcome {
  readonly kind: "processed" | "duplicate" | "rejected" | "failed" | "returned";
  readonly delaySeconds?: number;
}

/** Whether a message is done with and can be deleted. */
export function isDone({ kind }: Outcome): boolean {
  return kind === "processed" || kind === "duplicate" || kind === "rejected";
}

/** Works on one message. Never rejects, and resolves as soon as time is up. */
export async function processOne(
  kit: Kit,
  received: ReceivedMessage,
  turn: Turn,
  slots: SlotStock | undefined,
): Promise<Outcome> {
  const attempt = new Attempt(kit, received, turn, slots);
  if (turn.signal.aborted) return attempt.outOfTime();
  return new Promise((resolve) => {
    const stop = (): void => resolve(attempt.outOfTime());
    turn.signal.addEventListener("abort", stop, { once: true });
    void attempt.run().then((outcome) => {
      turn.signal.removeEventListener("abort", stop);
      resolve(outcome);
    });
  });
}

/** One attempt at one message. */
class Attempt {
  private started = false;
  private claim: Claim | undefined;
  private readonly log: Log;

  constructor(
    private readonly kit: Kit,
    private readonly received: ReceivedMessage,
    private readonly turn: Turn,
    private readonly slots: SlotStock | undefined,
  ) {
    const { MessageGroupId, AWSTraceHeader } = received.system;
    const fields = {
      ...turn.fields,
      messageId: received.id,
      groupId: MessageGroupId,
      traceHeader: AWSTraceHeader,
      receiveCount: receiveCountOf(received),
    };
    this.log = new Log(fields, kit.writeLine);
  }

  async run(): Promise<Outcome> {
    try {
      return await this.attempt();
    } catch (error) {
      return await this.fail(error);
    }
  }

  /** The outcome of a message whose time is up. Its claim stays: the work may still be under way until the deadline. */
  outOfTime(): Outcome {
    this.log.error("message returned", new Error("time is up"), { started: this.started });
    const kind = this.started ? "failed" : "returned";
    const delay = this.backoff();
    const held = this.claim ? Math.ceil((this.turn.claimUntil() - this.kit.now()) / 1000) : 0;
    return delay === undefined ? { kind } : { kind, delaySeconds: Math.max(delay, held) };
  }

  private async attempt(): Promise<Outcome> {
    const { bodies } = this.kit;
    const message = toQueueMessage(this.received, await resolveBody(this.received.text, bodies, this.turn.signal));
    const slot = await this.waitForSlot();
    if (typeof slot === "object") return slot;
    if (this.turn.signal.aborted) return { kind: "returned" };
    const met = await this.claimMessage(message);
    if (met) {
      if (slot !== undefined) this.slots?.giveBack(slot);
      return met;
    }
    if (isAborted(this.turn.signal)) {
      await this.release();
      return { kind: "returned" };
    }
    this.started = true;
    await this.kit.consumer.processMessage(message, {
      log: this.log,
      signal: this.turn.signal,
      remainingMs: () => Math.max(0, this.turn.deadline - this.kit.now()),
      receiveCount: message.receiveCount,
    });
    await this.complete();
    return { kind: "processed" };
  }

  /** The slot that was waited for, the outcome when none is free in time, undefined without a rate limit. */
  private async waitForSlot(): Promise<number | Outcome | undefined> {
    if (!this.slots) return undefined;
    const { now, random, sleep } = this.kit;
    // Half of the time is left to the work itself.
    const latest = now() + (this.turn.deadline - now()) / 2;
    const slot = await this.slots.next(latest);
    if ("retryAfterMs" in slot) {
      // Spread, or all that were returned would come back at once.
      const delaySeconds = Math.ceil((slot.retryAfterMs / 1000) * (1 + random()));
      this.log.info("returned by the rate limit", { delaySeconds });
      return { kind: "returned", delaySeconds };
    }
    await sleep(Math.max(0, slot.startAt - now()), this.turn.signal);
    return slot.startAt;
  }

  /** Claims the message. Returns the outcome when it is not ours. */
  private async claimMessage(message: QueueMessage): Promise<Outcome | undefined> {
    const { idempotency, consumer, now } = this.kit;
    if (!idempotency) return undefined;
    const result = await idempotency.claim(keyOf(consumer, message), this.turn.claimUntil());
    if (result.kind === "claimed") {
      this.claim = result.claim;
      this.turn.onClaim?.(this.received, result.claim);
      return undefined;
    }
    if (result.kind === "completed") {
      this.log.info("duplicate skipped");
      return { kind: "duplicate" };
    }
    // Until the other's claim falls, and no less than its back-off: each look costs a receive.
    const wait = Math.ceil((result.until - now()) / 1000);
    const delaySeconds = Math.max(1, wait, this.backoff() ?? 0);
    this.log.info("duplicate in progress", { delaySeconds });
    return { kind: "returned", delaySeconds };
  }

  private async fail(error: unknown): Promise<Outcome> {
    if (isNonRetryable(error) && !this.turn.signal.aborted && (await this.reject(error))) return { kind: "rejected" };
    const delaySeconds = isRetryLater(error) && error.delaySeconds >= 0 ? error.delaySeconds : this.backoff();
    this.log.error("message failed", error, { delaySeconds });
    await this.release();
    return delaySeconds === undefined ? { kind: "failed" } : { kind: "failed", delaySeconds };
  }

  /** Sends the message to the dead-letter queue. Returns false when that is not possible: an ordinary failure then. */
  private async reject(error: NonRetryableError): Promise<boolean> {
    const { deadLetters } = this.kit;
    if (!deadLetters) return false;
    try {
      await deadLetters.send(toRejected(this.received, error));
    } catch (failure) {
      this.log.error("not sent to the dead-letter queue", failure);
      return false;
    }
    this.log.error("message rejected", error);
    // Not remembered as done: what is redriven, or corrected and sent again, has the same key.
    await this.release();
    return true;
  }

  /** The work is done: a claim that cannot be completed must not make it be done again. */
  private async complete(): Promise<void> {
    if (!this.claim) return;
    try {
      if (!(await this.kit.idempotency?.complete(this.claim))) this.log.info("the claim had fallen to another worker");
    } catch (error) {
      this.log.error("completion not remembered", error);
    }
  }

  private async release(): Promise<void> {
    if (!this.claim) return;
    try {
      await this.kit.idempotency?.release(this.claim);
    } catch (error) {
      this.log.error("claim not released", error);
    }
  }

  private backoff(): number | undefined {
    const { backoff, random } = this.kit;
    return backoff && backoffSeconds(backoff, receiveCountOf(this.received), random());
  }
}

/** What makes two messages the same. An empty key would do so for all that have none: all but the first would be lost. */
function keyOf({ idempotencyKey }: QueueConsumer, message: QueueMessage): string {
  const key: unknown = idempotencyKey?.(message) ?? message.id;
  if (typeof key !== "string" || key === "") throw new TypeError("idempotencyKey must return a text that is not empty");
  return key;
}

/** A call, since it changes during an await. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
