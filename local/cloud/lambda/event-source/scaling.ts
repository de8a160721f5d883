// How many batches of a mapping are processed at a time, as AWS documents it.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
import type { MappingSettings } from "./settings";

/** What happened since the last step. */
export interface Demand {
  /** Every slot was taken and the queue had more. */
  readonly backlog: boolean;
  /** An invocation was throttled, or invocations failed and none succeeded. */
  readonly refused: boolean;
}

/** Standard mode begins with five batches at a time, and adds up to 300 a minute. */
const STANDARD = { start: 5, perSecond: 300 / 60, maximum: 1250 } as const;
/** Provisioned mode adds up to 1,000 a minute. */
const PROVISIONED_PER_SECOND = 1000 / 60;
const BATCHES_PER_POLLER = 10;
/** AWS says "gradually": a tenth each second. */
const BACK_OFF = 0.1;

/** Sixty sixtieths must make one. */
const ROUNDING = 1e-6;

/** Milliseconds between two steps. */
export const STEP_MS = 1000;

/** The number of batches that may be in process, step by step. */
export class Scaling {
  private readonly start: number;
  private readonly perSecond: number;
  private readonly maximum: number;
  private exact: number;

  /** @param current limit before a change of the settings, which goes on as far as the new ones allow. */
  constructor(
    { pollers, maximumConcurrency = STANDARD.maximum }: Pick<MappingSettings, "pollers" | "maximumConcurrency">,
    current = 0,
  ) {
    if (pollers) {
      this.start = pollers.minimum * BATCHES_PER_POLLER;
      this.perSecond = PROVISIONED_PER_SECOND;
      this.maximum = pollers.maximum * BATCHES_PER_POLLER;
    } else {
      this.maximum = Math.min(STANDARD.maximum, maximumConcurrency);
      this.start = Math.min(STANDARD.start, this.maximum);
      this.perSecond = STANDARD.perSecond;
    }
    this.exact = Math.min(Math.max(current, this.start), this.maximum);
  }

  /** Batches that may be in process now. */
  get limit(): number {
    return Math.floor(this.exact + ROUNDING);
  }

  /** Whether another step could change anything. */
  wants({ backlog, refused }: Demand): boolean {
    return refused ? this.exact > this.start || backlog : backlog && this.exact < this.maximum;
  }

  /** One second has passed. */
  step({ backlog, refused }: Demand): void {
    if (refused) this.exact = Math.max(this.start, this.exact * (1 - BACK_OFF));
    else if (backlog) this.exact = Math.min(this.maximum, this.exact + this.perSecond);
  }

  /** The queue was found empty. */
  idle(): void {
    this.exact = this.start;
  }
}
