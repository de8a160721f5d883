// Starts a run, once per user and key.
import { toIso } from "../shared/clock";
import type { ClientMessage } from "./contract";
import { BadRequestError, RunNotFoundError, TooManyStartsError } from "./errors";
import type { ConnectionStore, RunStore, Workflow } from "./ports";
import { startLog } from "./progress-log";
import { newRun } from "./record";
import { replay, type Replay } from "./replay";
import { nameExecution, type RunRecord } from "./run";
import type { ProgressSettings } from "./settings";

/** What a start needs. */
export interface StartDependencies {
  readonly runs: RunStore;
  readonly connections: Pick<ConnectionStore, "subscribe" | "unsubscribe">;
  readonly workflow: Pick<Workflow, "start">;
  readonly settings: ProgressSettings;
  readonly now: () => number;
}

/**
 * Writes the run, subscribes, then starts the execution: no report can come before there is a run, and no event before there is a
 * viewer. A start that breaks off is finished by its repetition, since the key leads to the same name.
 */
export async function startRun(
  dependencies: StartDependencies,
  owner: string,
  connectionId: string,
  { idempotencyKey, input }: ClientMessage & { action: "start" },
): Promise<Replay> {
  const { runs, connections, now } = dependencies;
  const executionId = nameExecution(owner, idempotencyKey);
  const known = await runs.find(executionId);
  const { run, created } = known ? { run: known, created: false } : await createRun(dependencies, owner, executionId);
  // A name is the hash of its owner, so only a run started elsewhere under that very name can end here.
  if (run.owner !== owner) throw new RunNotFoundError();
  await connections.subscribe(connectionId, executionId);
  if (run.state === "running") await begin(dependencies, run, created, connectionId, input);
  return replay(runs, run, 0, now());
}

async function createRun(
  { runs, settings, now }: StartDependencies,
  owner: string,
  executionId: string,
): Promise<{ readonly run: RunRecord; readonly created: boolean }> {
  await countStart(runs, owner, settings);
  const run = { ...newRun(settings, executionId, toIso(now()), now()), owner };
  if (await runs.create(run, startLog(run))) return { run, created: true };
  const other = await runs.find(executionId);
  if (!other) throw new RunNotFoundError();
  return { run: other, created: false };
}

async function begin(
  { workflow, runs, connections }: StartDependencies,
  run: RunRecord,
  created: boolean,
  connectionId: string,
  input: unknown,
): Promise<void> {
  try {
    await workflow.start(run.executionId, JSON.stringify(input));
  } catch (error) {
    // Refused for good: nothing has begun, and nothing will with this input. After any other failure, and where too many runs are
    // under way, the same key may have been sent again and have begun meanwhile; if it has not, the reconciler ends the run.
    if (created && error instanceof BadRequestError) {
      await connections.unsubscribe(connectionId, run.executionId);
      await runs.remove(run);
    }
    throw error;
  }
}

/** @throws TooManyStartsError */
export async function countStart(
  runs: Pick<RunStore, "countStart">,
  owner: string,
  { startsPerMinute }: Pick<ProgressSettings, "startsPerMinute">,
): Promise<void> {
  if (await runs.countStart(owner, startsPerMinute)) return;
  throw new TooManyStartsError(`At most ${startsPerMinute} runs per minute may be started; try again in a minute`);
}
