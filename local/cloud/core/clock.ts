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
  cancelled: boolean;
}

/** Time that moves only when a test says so. */
export class VirtualClock implements Clock {
  /** Binary heap, the next timer first. Cancelled timers leave it when their time comes. */
  private readonly heap: PendingTimer[] = [];
  private order = 0;

  /** @param settle lets what was begun come to rest; the default waits for promises, not for sockets. */
  constructor(
    private current = Date.UTC(2026, 0, 1),
    private readonly settle: () => Promise<void> = settlePromises,
  ) {}

  now(): number {
    return this.current;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { dueAt: this.current + Math.max(0, delayMs), order: this.order++, callback, cancelled: false };
    this.push(timer);
    return { cancel: () => void (timer.cancelled = true) };
  }

  /** Moves time forward and runs each timer that falls due, in order. Lets promises settle between two timers. */
  async advance(milliseconds: number): Promise<void> {
    const target = this.current + milliseconds;
    // What was begun before may still set timers that fall due.
    await this.settle();
    for (let next = this.heap[0]; next && next.dueAt <= target; next = this.heap[0]) {
      this.pop();
      if (next.cancelled) continue;
      this.current = Math.max(this.current, next.dueAt);
      next.callback();
      await this.settle();
    }
    this.current = target;
    await this.settle();
  }

  private push(timer: PendingTimer): void {
    const { heap } = this;
    let index = heap.length;
    heap.push(timer);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (!parent || !isBefore(timer, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = timer;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const [one, other] = [heap[left], heap[left + 1]];
      const least = one && other && isBefore(other, one) ? other : one;
      if (!least || !isBefore(least, last)) break;
      heap[index] = least;
      index = least === one ? left : left + 1;
    }
    heap[index] = last;
  }
}

function isBefore(one: PendingTimer, other: PendingTimer): boolean {
  return one.dueAt === other.dueAt ? one.order < other.order : one.dueAt < other.dueAt;
}

function settlePromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
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
