// Runs the scaling model second by second, for as long as a step can change anything: an idle mapping sets no timer.
import type { Clock, Timer } from "../../core/clock";
import { Scaling, STEP_MS } from "./scaling";
import type { MappingSettings } from "./settings";

/** The limit of one mapping over time. */
export class Pace {
  /** The last receive brought all that was asked for: the queue has more. */
  backlog = false;
  private scaling: Scaling;
  private timer: Timer | undefined;
  private refused = false;
  private succeeded = 0;
  private failed = 0;
  private stopped = false;

  /** @param onStep called after each step: slots may have become free. */
  constructor(
    private readonly clock: Clock,
    settings: MappingSettings,
    private readonly onStep: () => void,
  ) {
    this.scaling = new Scaling(settings);
  }

  /** Batches that may be in process now. */
  get limit(): number {
    return this.scaling.limit;
  }

  reconfigure(settings: MappingSettings): void {
    this.scaling = new Scaling(settings, this.limit);
  }

  /** An invocation was throttled. */
  onRefused(): void {
    this.refused = true;
    this.watch();
  }

  /** A batch was processed, all of it or a part; or all of it failed. */
  onConcluded(succeeded: boolean): void {
    if (succeeded) this.succeeded++;
    else this.failed++;
  }

  /** The queue is empty, and nothing is in process. */
  onIdle(): void {
    this.scaling.idle();
  }

  /** Sets the timer of the next step, if there is to be one. */
  watch(): void {
    if (this.timer || this.stopped || !this.scaling.wants(this.demand())) return;
    this.timer = this.clock.setTimer(STEP_MS, () => {
      this.timer = undefined;
      this.scaling.step(this.demand());
      this.refused = false;
      this.succeeded = 0;
      this.failed = 0;
      this.onStep();
      this.watch();
    });
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  private demand(): { backlog: boolean; refused: boolean } {
    return { backlog: this.backlog, refused: this.refused || (this.failed > 0 && this.succeeded === 0) };
  }
}
