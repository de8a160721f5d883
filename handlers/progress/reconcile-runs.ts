// Looks up runs that count as running: status events are best effort, and a lost one must not leave a viewer waiting for ever.
import { toIso } from "../shared/clock";
import type { ExecutionFacts, RunStore, Workflow } from "./ports";
import { forEachParallel } from "./push";
import { recordExecution, type RecordDependencies } from "./record";
import type { RunRecord } from "./run";

/** What reconciling needs. */
export interface ReconcileDependencies extends RecordDependencies {
  readonly runs: RecordDependencies["runs"] & Pick<RunStore, "running" | "keep">;
  readonly workflow: Pick<Workflow, "describe">;
  readonly hasTime: () => boolean;
}

/** What became of the runs. */
export interface ReconcileResult {
  readonly checked: number;
  /** Runs whose log lacked something. */
  readonly reconciled: number;
  readonly failed: number;
}

/** Status events come within seconds. */
const SETTLED_AFTER_MS = 60_000;
/** DescribeExecution allows 15 calls per second and more, with a burst. */
const PARALLEL_LOOKUPS = 4;
const MINUTE_MS = 60_000;

/** Looks up all running runs, as many as there is time for. */
export async function reconcileRuns(dependencies: ReconcileDependencies): Promise<ReconcileResult> {
  const { runs, now, hasTime, log } = dependencies;
  const counts = { checked: 0, reconciled: 0, failed: 0 };
  // From either end in turn, so that many long runs do not keep the others from being looked up.
  const oldestFirst = Math.floor(now() / MINUTE_MS) % 2 === 0;
  const ids = whileTime(runs.running(toIso(now() - SETTLED_AFTER_MS), oldestFirst), hasTime);
  await forEachParallel(ids, PARALLEL_LOOKUPS, async (executionId) => {
    counts.checked++;
    try {
      if (await reconcileRun(dependencies, executionId)) counts.reconciled++;
    } catch (error) {
      counts.failed++;
      log.error("not reconciled", error, { executionId });
    }
  });
  return counts;
}

async function reconcileRun(dependencies: ReconcileDependencies, executionId: string): Promise<boolean> {
  const { runs, workflow, now, settings } = dependencies;
  const run = await runs.find(executionId);
  if (run?.state !== "running") return false;
  const facts = (await workflow.describe(run.executionArn)) ?? neverBegan(run, now());
  // A run that takes longer than rows are kept must not lose its head.
  if (facts.status === "RUNNING" && run.expiresAt - now() / 1000 < settings.retentionSeconds / 2) await runs.keep(run);
  return recordExecution(dependencies, executionId, facts);
}

/** The start broke off between the run's row and the execution, and nobody repeated it. */
function neverBegan(run: RunRecord, now: number): ExecutionFacts {
  const { startedAt, redrives } = run;
  const error = "ExecutionDoesNotExist";
  return { status: "ABORTED", startedAt, at: toIso(now), redrives, error, cause: "The run never began" };
}

async function* whileTime(ids: AsyncIterable<string>, hasTime: () => boolean): AsyncGenerator<string> {
  for await (const id of ids) {
    if (!hasTime()) return;
    yield id;
  }
}
