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
