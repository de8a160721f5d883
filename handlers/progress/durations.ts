// How long runs take, learned from those that succeeded. Pure.
import { LEARNING_RUNS, type ExpectedDurations, type ProgressEvent, type ProgressStep } from "./contract";

/** A mean, and how many runs it is of, at most LEARNING_RUNS. */
export interface MeanSeconds {
  readonly runs: number;
  readonly seconds: number;
}

/** What is known of a workflow's runs. */
export interface Durations {
  /** From the start to the success. */
  readonly total: MeanSeconds;
  /** By step: from its event to the success. A mean of its own each, for not every run comes by every step. */
  readonly after: Readonly<Record<string, MeanSeconds>>;
}

/** One run, measured. */
export interface RunDurations {
  readonly total: number;
  readonly after: ReadonlyMap<string, number>;
}

/** Measures a run by its log. Returns undefined when its times make no sense. @param startedAt,endedAt ISO 8601 */
export function measureRun(
  events: readonly ProgressEvent[],
  startedAt: string,
  endedAt: string,
): RunDurations | undefined {
  const untilEnd = (at: string): number => (Date.parse(endedAt) - Date.parse(at)) / 1000;
  const total = untilEnd(startedAt);
  const steps = events.flatMap(({ kind, step, at }) => (kind === "step" && step !== undefined ? [{ step, at }] : []));
  const after = new Map(steps.map(({ step, at }) => [step, untilEnd(at)]));
  // Not a number is not sensible either.
  return [total, ...after.values()].every((seconds) => seconds >= 0) ? { total, after } : undefined;
}

/** Takes a run into account. Steps that are not declared any more are forgotten. */
export function learn(known: Durations | undefined, run: RunDurations, steps: readonly ProgressStep[]): Durations {
  const old = new Map(Object.entries(known?.after ?? {}));
  const after = steps.flatMap(({ step }) => {
    const mean = blend(old.get(step), run.after.get(step));
    return mean ? [[step, mean] as const] : [];
  });
  return { total: blend(known?.total, run.total) ?? { runs: 0, seconds: 0 }, after: Object.fromEntries(after) };
}

function blend(mean: MeanSeconds | undefined, seconds: number | undefined): MeanSeconds | undefined {
  if (seconds === undefined) return mean;
  if (!mean) return { runs: 1, seconds };
  const runs = Math.min(mean.runs + 1, LEARNING_RUNS);
  return { runs, seconds: toMilliseconds(mean.seconds + (seconds - mean.seconds) / runs) };
}

/** What a viewer is told. @param sentAt the present, as ISO 8601 */
export function describeDurations({ total, after }: Durations, sentAt: string): ExpectedDurations {
  const secondsAfter = Object.entries(after).map(([step, { seconds }]) => [step, seconds] as const);
  return {
    runs: total.runs,
    sentAt,
    totalSeconds: total.seconds,
    secondsAfter: Object.fromEntries(secondsAfter),
  };
}

function toMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
