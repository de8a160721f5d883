// A change of status from the bus. Reports of the EventBridge transport come over the bus too, each may overtake the other, and nothing
// follows an end in the log: so an end waits a moment for reports that are missing.
import type { ExecutionFacts } from "./ports";
import { recordExecution, type ExecutionDependencies } from "./record";
import type { ProgressSettings } from "./settings";

/** What a change of status needs. */
export interface StatusDependencies extends ExecutionDependencies {
  readonly settings: ProgressSettings;
}

const POLL_MS = 250;

/** Records a change of status. */
export async function recordStatus(
  dependencies: StatusDependencies,
  executionId: string,
  facts: ExecutionFacts,
): Promise<void> {
  if (facts.status !== "RUNNING") await awaitReports(dependencies, executionId);
  await recordExecution(dependencies, executionId, facts);
}

/** Waits until all declared steps are reported, for as long as the settings allow. A step that was passed over costs the whole time. */
async function awaitReports({ runs, settings, now, pause }: StatusDependencies, executionId: string): Promise<void> {
  const deadline = now() + settings.reportGraceSeconds * 1000;
  while (now() < deadline) {
    const run = await runs.find(executionId);
    if (run?.steps.every(({ step }) => run.completed.has(step))) return;
    await pause(Math.min(POLL_MS, deadline - now()));
  }
}
