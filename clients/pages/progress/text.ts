// Words and figures of the progress page. Pure.
import type { ConnectionStatus, RunView, StepView } from "../../progress";
import { STATE_WORDS } from "../../progress/words";
import { formatSeconds } from "../upload/format";

/** State of a step, for those who do not see its icon. */
export const STEP_WORDS: Readonly<Record<StepView["state"], string>> = {
  waiting: "waiting",
  running: "running",
  done: "done",
  failed: "failed",
  stopped: "stopped",
  skipped: "not needed",
};

/** What stands beside a step: how long it took, or has been running. @param now milliseconds since the Unix epoch */
export function describeStep({ state, durationMs, since }: StepView, now: number): string {
  if (durationMs !== undefined) return formatSeconds(durationMs / 1000);
  // Clocks of server and device differ: never show less than nothing.
  if (state === "running" && since) return formatSeconds(Math.max(0, Math.floor((now - Date.parse(since)) / 1000)), 0);
  return state === "waiting" ? "" : STEP_WORDS[state];
}

/** How a run stands, as said by a screen reader. */
export function describeRun({ state, percent, steps }: RunView): string {
  const step = steps.find((one) => one.state === "running" || one.state === "failed" || one.state === "stopped");
  return `${percent} percent, ${STATE_WORDS[state].toLowerCase()}${step ? `: ${step.label}` : ""}`;
}

/** Text of the banner; empty when all is well. */
export function describeConnection({ state, error }: ConnectionStatus): string {
  if (state === "reconnecting") return "Connection lost. Reconnecting… Your orders go on meanwhile.";
  if (state === "offline") return "No connection. Still trying… Your orders go on meanwhile.";
  if (state === "stopped" && error) return error.code === "SignInNeeded" ? "Your session has ended." : error.message;
  return "";
}
