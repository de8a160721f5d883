// Real time that a test moves forward, for stacks whose functions run in processes of their own.
import { SystemClock, type Timer } from "../../local/cloud/core/clock";

/** A clock that can be moved forward, its timers with it. */
export class MovableClock extends SystemClock {
  private shift = 0;
  private readonly timers = new Set<{ readonly dueAt: number; readonly callback: () => void; handle: Timer }>();

  override now(): number {
    return super.now() + this.shift;
  }

  override setTimer(delayMs: number, callback: () => void): Timer {
    const run = (): void => {
      this.timers.delete(timer);
      callback();
    };
    const timer = { dueAt: this.now() + delayMs, callback: run, handle: super.setTimer(delayMs, run) };
    this.timers.add(timer);
    return {
      cancel: () => {
        timer.handle.cancel();
        this.timers.delete(timer);
      },
    };
  }

  /** Moves forward; what falls due by that runs at once, the earliest first. */
  move(milliseconds: number): void {
    this.shift += milliseconds;
    const now = this.now();
    for (const timer of [...this.timers].sort((one, other) => one.dueAt - other.dueAt)) {
      timer.handle.cancel();
      timer.handle = super.setTimer(Math.max(0, timer.dueAt - now), timer.callback);
    }
  }
}
