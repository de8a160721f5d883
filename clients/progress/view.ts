// A run as a person wants to see it, from its description and its log. Pure: the same log gives the same view, on every screen.
import type { ProgressEvent, ProgressStep, RunDescription } from "../../handlers/progress/contract";
import type { KnownDurations } from "./remaining";

/** How far a step is. "skipped": the run succeeded without it; "stopped": the run was cancelled or timed out in it. */
export type StepState = "waiting" | "running" | "done" | "failed" | "stopped" | "skipped";

/** A step of a run. */
export interface StepView extends ProgressStep {
  readonly state: StepState;
  /** Milliseconds since the event before, when it is done: how long it took, unless steps run side by side. */
  readonly durationMs?: number;
  /** ISO 8601: since when it may be running. */
  readonly since?: string;
}

/** A run as it is shown. */
export interface RunView extends RunDescription {
  readonly steps: readonly StepView[];
  /** For `remainingSeconds`. */
  readonly expected?: KnownDurations;
  /** All events, in order. */
  readonly log: readonly ProgressEvent[];
  /** ISO 8601, once it has ended. */
  readonly endedAt?: string;
  /** Why it failed, timed out or was aborted. */
  readonly error?: NonNullable<ProgressEvent["error"]>;
}

/** Puts description and log together. */
export function viewRun(run: RunDescription, log: readonly ProgressEvent[]): RunView {
  const done = new Map<string, number>();
  const labels = new Map(run.steps.map((declared) => [declared.step, declared]));
  let since = run.startedAt;
  for (const { kind, step, at, label = step ?? "" } of log) {
    if (step !== undefined && !labels.has(step)) labels.set(step, { step, label, weight: 0 });
    if (kind === "step" && step !== undefined) done.set(step, Math.max(0, Date.parse(at) - Date.parse(since)));
    // Items are within their step.
    if (kind !== "item") since = at;
  }
  const last = log.at(-1);
  const ended = last?.kind === run.state ? last : undefined;
  const names = [...labels.keys()];
  // What comes before a step that is done was passed over, or is not of this version of the workflow.
  const next = names[names.findLastIndex((step) => done.has(step)) + 1];
  const steps = [...labels.values()].map((declared): StepView => {
    const durationMs = done.get(declared.step);
    if (durationMs !== undefined) return { ...declared, state: "done", durationMs };
    const state = declared.step === next || run.state === "succeeded" ? CURRENT[run.state] : "waiting";
    return { ...declared, state, ...(state === "running" && { since }) };
  });
  return {
    ...run,
    steps,
    log,
    ...(ended && { endedAt: ended.at }),
    ...(ended?.error && { error: ended.error }),
  };
}

/** State of the step after the last one that is done. */
const CURRENT: Readonly<Record<RunDescription["state"], StepState>> = {
  running: "running",
  succeeded: "skipped",
  failed: "failed",
  "timed-out": "stopped",
  aborted: "stopped",
};
