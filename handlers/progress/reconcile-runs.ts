// Looks up runs that count as running: status events are best effort, and a lost one must not leave a viewer waiting for ever.
import { toIso } from "../shared/clock";
import type { ExecutionFacts, RunPosition, RunStore, Workflow } from "./ports";
import { forEachParallel } from "./push";
import { recordExecution, type ExecutionDependencies } from "./record";
import type { RunRecord } from "./run";

/** What reconciling needs. */
export interface ReconcileDependencies extends ExecutionDependencies {
  readonly runs: ExecutionDependencies["runs"] & Pick<RunStore, "running" | "keep" | "findPosition" | "setPosition">;
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
/** Five per second: all that an account does with Step Functions shares the 10 to 15 calls of DescribeExecution per second. */
const LOOKUP_INTERVAL_MS = 200;
/** An end that is slow to push does not keep the others waiting. */
const PARALLEL_LOOKUPS = 4;

/** Looks up running runs, as many as there is time for. The next time goes on where this one broke off, so that each gets its turn. */
export async function reconcileRuns(dependencies: ReconcileDependencies): Promise<ReconcileResult> {
  const { runs, now, log } = dependencies;
  const counts = { checked: 0, reconciled: 0, failed: 0 };
  const running = runs.running(toIso(now() - SETTLED_AFTER_MS), await runs.findPosition());
  await forEachParallel(paceWhileTime(dependencies, running), PARALLEL_LOOKUPS, async ({ executionId }) => {
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
  const { runs, workflow, now } = dependencies;
  const run = await runs.find(executionId);
  if (run?.state !== "running") return false;
  const facts = (await workflow.describe(run.executionArn)) ?? neverBegan(run, now());
  // A run that takes longer than rows are kept must lose none of its own.
  if (facts.status === "RUNNING") await runs.keep(run);
  return recordExecution(dependencies, executionId, facts);
}

/** The start broke off between the run's row and the execution, and nobody repeated it. */
function neverBegan(run: RunRecord, now: number): ExecutionFacts {
  const { startedAt, redrives } = run;
  const error = "ExecutionDoesNotExist";
  return { status: "ABORTED", startedAt, at: toIso(now), redrives, error, cause: "The run never began" };
}

async function* paceWhileTime(
  { runs, now, pause, hasTime }: ReconcileDependencies,
  running: AsyncIterable<RunPosition>,
): AsyncGenerator<RunPosition> {
  let last: RunPosition | undefined;
  let next = now();
  for await (const position of running) {
    const wait = next - now();
    if (wait > 0) await pause(wait);
    if (!hasTime()) {
      if (last) await runs.setPosition(last);
      return;
    }
    next = now() + LOOKUP_INTERVAL_MS;
    last = position;
    yield position;
  }
}
