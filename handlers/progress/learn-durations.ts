// Learns from a run that has succeeded, after its viewers know. An estimate is worth no failure: whatever goes wrong is only logged.
import type { Log } from "../shared/log";
import { toIso } from "../shared/clock";
import type { ExpectedDurations } from "./contract";
import { describeDurations, learn, measureRun } from "./durations";
import type { DurationStore, RunStore } from "./ports";
import type { ProgressSettings } from "./settings";

/** What learning needs. */
export interface LearningDependencies {
  readonly runs: Pick<RunStore, "events">;
  readonly durations: DurationStore;
  readonly settings: Pick<ProgressSettings, "steps">;
  /** Waits, in milliseconds. */
  readonly pause: (milliseconds: number) => Promise<void>;
  readonly random: () => number;
  readonly log: Log;
}

/** More than a run may report: 500 times, its start and its end. */
const MOST_EVENTS = 600;
/** Where so many runs end at once, one that is left out makes no difference. */
const ATTEMPTS = 5;
const LONGEST_PAUSE_MS = 50;

/** Learns from a run that has succeeded at its first try. Never rejects. @param startedAt,endedAt ISO 8601, by the clock of Step Functions */
export async function learnDurations(
  { runs, durations, settings, pause, random, log }: LearningDependencies,
  executionId: string,
  startedAt: string,
  endedAt: string,
): Promise<void> {
  try {
    const { events } = await runs.events(executionId, 0, MOST_EVENTS);
    const measured = measureRun(events, startedAt, endedAt);
    for (let attempt = 0; measured && attempt < ATTEMPTS; attempt++) {
      const seen = await durations.find();
      if (await durations.replace(seen, learn(seen?.durations, measured, settings.steps))) return;
      await pause(random() * LONGEST_PAUSE_MS);
    }
    log.info("left out of the durations", { executionId });
  } catch (error) {
    log.error("not learned", error, { executionId });
  }
}

/** What was learned so far, for an answer; undefined when there is nothing, or it cannot be read. Never rejects. */
export async function findExpected(
  { durations, log }: Pick<LearningDependencies, "durations" | "log">,
  now: () => number,
): Promise<ExpectedDurations | undefined> {
  try {
    const learned = await durations.find();
    return learned && describeDurations(learned.durations, toIso(now()));
  } catch (error) {
    log.error("durations not read", error);
    return undefined;
  }
}
