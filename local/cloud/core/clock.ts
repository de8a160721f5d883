// Time, injected. Every timeout, expiry and retry of the embedded cloud goes through a Clock, so that tests do not sleep.

/** A timer that has been set and can still be cancelled. */
export interface Timer {
  cancel(): void;
}

/** The source of time for every service of the embedded cloud. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Runs `callback` once, `delayMs` milliseconds from now. A waiting timer does not keep the process alive. */
  setTimer(delayMs: number, callback: () => void): Timer;
}

/** Wall-clock time. `skewMs` shifts `now()`, for tests of clock skew. */
export class SystemClock implements Clock {
  constructor(private readonly skewMs = 0) {}

  now(): number {
    return Date.now() + this.skewMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const handle = setTimeout(callback, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  }
}

interface PendingTimer {
  readonly dueAt: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Time that moves only when a test says so. */
export class VirtualClock implements Clock {
  private readonly pending = new Set<PendingTimer>();
  private order = 0;

  constructor(private current = Date.UTC(2026, 0, 1)) {}

  now(): number {
    return this.current;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { dueAt: this.current + Math.max(0, delayMs), order: this.order++, callback };
    this.pending.add(timer);
    return { cancel: () => this.pending.delete(timer) };
  }

  /** Moves time forward and runs each timer that falls due, in order. Lets promises settle between two timers. */
  async advance(milliseconds: number): Promise<void> {
    const target = this.current + milliseconds;
    for (let next = this.earliest(target); next; next = this.earliest(target)) {
      this.pending.delete(next);
      this.current = Math.max(this.current, next.dueAt);
      next.callback();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.current = target;
    await new Promise((resolve) => setImmediate(resolve));
  }

  private earliest(limit: number): PendingTimer | undefined {
    let best: PendingTimer | undefined;
    for (const timer of this.pending) {
      if (timer.dueAt > limit) continue;
      if (!best || timer.dueAt < best.dueAt || (timer.dueAt === best.dueAt && timer.order < best.order)) best = timer;
    }
    return best;
  }
}

/** Resolves after `delayMs` on the given clock, or rejects with the signal's reason when it aborts first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason as Error);
    };
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
