// Waiting that ends early: when an execution is stopped, times out, or a sibling branch has failed.
import type { Clock, Timer } from "../../core/clock";
import { StatesError } from "../language/errors";

/** Why a part of an execution was cut off. Not an error that Catch or Retry could take. */
export class Cancelled extends Error {
  constructor() {
    super("cancelled");
    this.name = "Cancelled";
  }
}

/** Longest delay that the timers of Node take, in milliseconds; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A timer that may wait for years. */
export function setLongTimer(clock: Clock, delayMs: number, callback: () => void): Timer {
  let timer: Timer;
  const arm = (left: number): void => {
    const more = left - LONGEST_TIMER_MS;
    timer = clock.setTimer(Math.min(left, LONGEST_TIMER_MS), () => (more > 0 ? arm(more) : callback()));
  };
  arm(delayMs);
  return { cancel: () => timer.cancel() };
}

/** A signal that aborts with its parent. `release` lets go of the parent. */
export function childSignal(parent: AbortSignal): { readonly controller: AbortController; release(): void } {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort();
  if (parent.aborted) controller.abort();
  else parent.addEventListener("abort", onAbort, { once: true });
  return { controller, release: () => parent.removeEventListener("abort", onAbort) };
}

/** Limits of a task. */
export interface TaskLimits {
  readonly timeoutMs?: number;
  readonly heartbeatMs?: number;
}

/** What a running task may be told. */
export interface TaskWait {
  /** Puts the heartbeat's deadline off. */
  beat(): void;
}

/**
 * Waits for `work` within limits.
 * @throws StatesError States.Timeout or States.HeartbeatTimeout; Cancelled when the signal aborts.
 */
export function waitFor<T>(
  clock: Clock,
  signal: AbortSignal,
  limits: TaskLimits,
  work: (wait: TaskWait) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let timeout: Timer | undefined;
    let heartbeat: Timer | undefined;
    let settled = false;
    const settle = (end: () => void): void => {
      settled = true;
      timeout?.cancel();
      heartbeat?.cancel();
      signal.removeEventListener("abort", onAbort);
      end();
    };
    const onAbort = (): void => settle(() => reject(new Cancelled()));
    if (signal.aborted) {
      reject(new Cancelled());
      return;
    }
    signal.addEventListener("abort", onAbort, { once: true });
    const beat = (): void => {
      heartbeat?.cancel();
      if (limits.heartbeatMs === undefined || settled) return;
      heartbeat = setLongTimer(clock, limits.heartbeatMs, () =>
        settle(() => reject(new StatesError("States.HeartbeatTimeout", ""))),
      );
    };
    beat();
    if (limits.timeoutMs !== undefined) {
      timeout = setLongTimer(clock, limits.timeoutMs, () =>
        settle(() => reject(new StatesError("States.Timeout", ""))),
      );
    }
    work({ beat }).then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(toError(error))),
    );
  });
}

/** Sleeps on the clock. @throws Cancelled */
export function pause(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  let timer: Timer | undefined;
  return waitFor(
    clock,
    signal,
    {},
    () =>
      new Promise<void>((resolve) => {
        timer = setLongTimer(clock, milliseconds, resolve);
      }),
  ).finally(() => timer?.cancel());
}

/** What was thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
