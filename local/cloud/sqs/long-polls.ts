// Receivers that wait for a first message: woken at once when one can be received.
import type { Clock, Timer } from "../core/clock";
import type { StoredMessage } from "./message";
import type { Queue } from "./queue";

/** How to receive, with the queue's own values filled in. */
export interface PollRequest {
  readonly limit: number;
  readonly waitMs: number;
  readonly visibilityMs: number;
  readonly signal?: AbortSignal;
}

interface Poll extends PollRequest {
  end(messages: readonly StoredMessage[]): void;
}

/** The waiting receivers of one queue, served in the order in which they came. */
export class LongPolls {
  private readonly polls = new Set<Poll>();
  private wakeTimer: Timer | undefined;
  private wakeAt = Number.POSITIVE_INFINITY;
  private serving = false;

  constructor(
    private readonly clock: Clock,
    private readonly queue: Queue,
  ) {}

  /** Receives at once, or waits for a first message; empty when the wait ends or is aborted. */
  receive(request: PollRequest): Promise<readonly StoredMessage[]> {
    if (request.signal?.aborted) return Promise.resolve([]);
    const messages = this.queue.receive(request.limit, request.visibilityMs, this.clock.now());
    if (messages.length > 0 || request.waitMs <= 0) {
      this.plan();
      return Promise.resolve(messages);
    }
    return this.wait(request);
  }

  /** Serves waiting receivers. Call whenever messages may have become available. */
  wake(): void {
    if (this.polls.size === 0 || this.serving) return;
    this.serving = true;
    for (const poll of this.polls) {
      const messages = this.queue.receive(poll.limit, poll.visibilityMs, this.clock.now());
      if (messages.length === 0) break;
      poll.end(messages);
    }
    this.serving = false;
    this.plan();
  }

  /** Ends every wait. */
  stop(): void {
    for (const poll of this.polls) poll.end([]);
    this.cancelWake();
  }

  private wait(request: PollRequest): Promise<readonly StoredMessage[]> {
    return new Promise((resolve) => {
      const { signal } = request;
      const end = (messages: readonly StoredMessage[]): void => {
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
        this.polls.delete(poll);
        if (this.polls.size === 0) this.cancelWake();
        resolve(messages);
      };
      const onAbort = (): void => end([]);
      const timer = this.clock.setTimer(request.waitMs, () => end([]));
      const poll: Poll = { ...request, end };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.polls.add(poll);
      this.plan();
    });
  }

  /** Sets the one timer for the next message that becomes visible by itself. */
  private plan(): void {
    const next = this.polls.size === 0 ? undefined : this.queue.nextVisibleAt();
    if (next === undefined || next >= this.wakeAt) return;
    this.cancelWake();
    this.wakeAt = next;
    this.wakeTimer = this.clock.setTimer(next - this.clock.now(), () => {
      this.cancelWake();
      this.wake();
      this.plan();
    });
  }

  private cancelWake(): void {
    this.wakeTimer?.cancel();
    this.wakeTimer = undefined;
    this.wakeAt = Number.POSITIVE_INFINITY;
  }
}
