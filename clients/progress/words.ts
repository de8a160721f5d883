// What happens to a run, in words: the same on the page and in the terminal. Pure.
import type { ProgressEvent, RunState } from "../../handlers/progress/contract";

/** State of a run. */
export const STATE_WORDS: Readonly<Record<RunState, string>> = {
  running: "Running",
  succeeded: "Done",
  failed: "Failed",
  "timed-out": "Timed out",
  aborted: "Cancelled",
};

/** One line of a log. */
export function describeEvent({ kind, label, step, error }: ProgressEvent): string {
  const reason = error ? `: ${describeError(error)}` : "";
  const lines: Readonly<Record<ProgressEvent["kind"], string>> = {
    started: "Started",
    step: label ?? step ?? "A step is done",
    item: `${label ?? step ?? "Items"} (some items are done)`,
    succeeded: "Done",
    failed: `Failed${reason}`,
    "timed-out": `Timed out${reason}`,
    aborted: `Cancelled${reason}`,
    redriven: "Tried again from the failed step",
  };
  return lines[kind];
}

/** Why a run ended early. */
export function describeError({ name, cause }: NonNullable<ProgressEvent["error"]>): string {
  return [name, cause].filter(Boolean).join(": ");
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long a run may still take, no more exact than it is known; empty when it is not. @param seconds of `remainingSeconds` */
export function describeRemaining(seconds: number | undefined): string {
  if (seconds === undefined) return "";
  if (seconds <= 0) return "taking longer than usual";
  if (seconds < 10) return "a few seconds left";
  // Up to one and a half of a unit the smaller one says more.
  if (seconds < 1.5 * MINUTE) return `about ${Math.round(seconds / 5) * 5} s left`;
  if (seconds < 1.5 * HOUR) return `about ${Math.round(seconds / MINUTE)} min left`;
  if (seconds < 1.5 * DAY) return `about ${Math.round(seconds / HOUR)} h left`;
  return `about ${Math.round(seconds / DAY)} days left`;
}
