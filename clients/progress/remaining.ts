// How long a run may still take, by what the server has learned from runs before. Pure.
import type { ExpectedDurations } from "../../handlers/progress/contract";
import type { RunView } from "./view";

/** What the server sent. */
export interface KnownDurations extends ExpectedDurations {
  /** When the client got it: milliseconds since the Unix epoch by the device's clock, which may be wrong. */
  readonly receivedAt?: number;
}

/**
 * Seconds until a run should succeed: never below 0, and 0 for as long as it takes longer than usual. Undefined when it does not run,
 * and until a run has succeeded.
 * @param now milliseconds since the Unix epoch, by the device's clock
 */
export function remainingSeconds(
  { state, startedAt, expected, log }: Pick<RunView, "state" | "startedAt" | "expected" | "log">,
  now: number,
): number | undefined {
  if (state !== "running" || !expected) return undefined;
  let after = expected.totalSeconds;
  let since = startedAt;
  for (const { kind, step = "", at } of log) {
    // Not a number where the server knows nothing: a new step, or one with the name of a member that every object has.
    const seconds = Number(kind === "step" ? expected.secondsAfter[step] : kind === "redriven" ? after : undefined);
    if (!(seconds >= 0)) continue;
    after = seconds;
    since = at;
  }
  const sentAt = Date.parse(expected.sentAt);
  const elapsedMs = sentAt - Date.parse(since) + now - (expected.receivedAt ?? sentAt);
  return Math.max(0, after - elapsedMs / 1000);
}
