// Cancels and redrives runs.
import { toIso } from "../shared/clock";
import type { RunDescription } from "./contract";
import { RunConflictError } from "./errors";
import type { RunStore, Workflow } from "./ports";
import { record, recordExecution, type ExecutionDependencies } from "./record";
import { describeRun, type RunRecord } from "./run";
import type { ProgressSettings } from "./settings";
import { countStart } from "./start-run";

/** What control needs. */
export interface ControlDependencies extends ExecutionDependencies {
  readonly runs: RunStore;
  readonly workflow: Pick<Workflow, "stop" | "redrive" | "describe">;
  readonly settings: ProgressSettings;
}

/** Stops a run. A run that has ended stays as it is. */
export async function cancelRun(dependencies: ControlDependencies, run: RunRecord): Promise<RunDescription> {
  const { workflow } = dependencies;
  if (run.state !== "running") return describeRun(run);
  if (!(await workflow.stop(run.executionArn))) throw new RunConflictError("The run has not begun yet; try again");
  // The status event comes too, as a rule; which of the two is first makes no difference.
  const facts = await workflow.describe(run.executionArn);
  if (facts) await recordExecution(dependencies, run.executionId, facts);
  return describeAgain(dependencies, run);
}

/** Goes on at the step that failed. */
export async function redriveRun(dependencies: ControlDependencies, run: RunRecord): Promise<RunDescription> {
  const { runs, workflow, settings, now } = dependencies;
  if (run.state === "running") throw new RunConflictError("The run is under way");
  if (run.state === "succeeded") throw new RunConflictError("The run has succeeded; there is nothing to repeat");
  await countStart(runs, run.owner ?? "", settings);
  if (!(await workflow.redrive(run.executionArn))) {
    throw new RunConflictError("The run cannot be redriven any more; start a new one");
  }
  // Written here and not only upon the status event: the reconciler looks after running runs only.
  const redrives = run.redrives + 1;
  await record(dependencies, run.executionId, { type: "redriven", at: toIso(now()), redrives });
  return describeAgain(dependencies, run);
}

async function describeAgain({ runs }: ControlDependencies, run: RunRecord): Promise<RunDescription> {
  return describeRun((await runs.find(run.executionId)) ?? run);
}
