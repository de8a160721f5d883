// Faults on demand: lets tests see how callers take what S3 does on a bad day.
import { sleep, type Clock } from "../core/clock";
import { AwsError } from "../core/errors";

/** What goes wrong, and with which calls. Exactly one of the outcomes; `delayMs` goes with any of them, or alone. */
export interface FaultRule {
  /** "UploadPart"; left out: any operation. */
  readonly operation?: string;
  /** Only keys that start so. */
  readonly keyPrefix?: string;
  /** Only this call of those that fit, counted from 1. */
  readonly nth?: number;
  /** Share of the calls that fit, 0 to 1, drawn by `random`. */
  readonly probability?: number;
  /** Draws for `probability`: seed it to repeat a run. @default Math.random */
  readonly random?: () => number;
  /** Ends after so many faults. @default - never */
  readonly times?: number;
  /** Waits on the injected clock before anything else. */
  readonly delayMs?: number;
  /** Answers instead of processing: 500 InternalError, 503 SlowDown. */
  readonly status?: 500 | 503;
  /** Ends the connection without an answer, before or after the call was processed. */
  readonly drop?: "before" | "after";
  /** CompleteMultipartUpload only: 200 with an error document, as S3 does when it fails after it began to answer. */
  readonly errorInside200?: boolean;
}

/** What happens to one call. */
export type Fault = Pick<FaultRule, "drop" | "errorInside200">;

/** Rules in force, in the order of injection; the first that fits decides. */
export class FaultInjector {
  private readonly rules = new Map<FaultRule, { seen: number; injected: number }>();

  constructor(private readonly clock: Clock) {}

  /** Adds a rule; returns the function that removes it. */
  inject(rule: FaultRule): () => void {
    this.rules.set(rule, { seen: 0, injected: 0 });
    return () => this.rules.delete(rule);
  }

  /** Applies delay and status at once; returns what is to happen to the connection. @throws AwsError of the rule. */
  async apply(operation: string, key: string): Promise<Fault> {
    const rule = this.choose(operation, key);
    if (!rule) return {};
    if (rule.delayMs !== undefined) await sleep(this.clock, rule.delayMs);
    if (rule.status === 500) throw internalError();
    if (rule.status === 503) throw new AwsError("SlowDown", "Please reduce your request rate.", 503);
    return rule;
  }

  private choose(operation: string, key: string): FaultRule | undefined {
    for (const [rule, state] of this.rules) {
      if (rule.operation !== undefined && rule.operation !== operation) continue;
      if (rule.keyPrefix !== undefined && !key.startsWith(rule.keyPrefix)) continue;
      if (rule.times !== undefined && state.injected >= rule.times) continue;
      state.seen++;
      if (rule.nth !== undefined && state.seen !== rule.nth) continue;
      if (rule.probability !== undefined && (rule.random ?? Math.random)() >= rule.probability) continue;
      state.injected++;
      return rule;
    }
    return undefined;
  }
}

/** S3's answer when it fails itself. */
export function internalError(): AwsError {
  return new AwsError("InternalError", "We encountered an internal error. Please try again.", 500);
}
