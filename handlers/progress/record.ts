// Puts what happened into the log of its run, then tells the viewers.
import { toIso } from "../shared/clock";
import type { Metrics } from "../shared/log";
import { MAXIMUM_EVENT_BYTES, PROGRESS_METRICS, type ProgressEvent } from "./contract";
import { BusyRunError, InvalidReportError } from "./errors";
import { learnDurations, type LearningDependencies } from "./learn-durations";
import type { ExecutionFacts, RunStore } from "./ports";
import { appendToLog, startLog, type FinalKind, type Happening } from "./progress-log";
import { pushToSubscribers, type PushDependencies } from "./push";
import { executionArnOf, type RunRecord } from "./run";
import type { ProgressSettings } from "./settings";

/** What recording needs. */
export interface RecordDependencies extends PushDependencies {
  readonly runs: Pick<RunStore, "find" | "create" | "append">;
  readonly settings: Pick<ProgressSettings, "stateMachineArn" | "steps" | "retentionSeconds">;
  readonly metrics: Pick<Metrics, "publish">;
  /** Waits, in milliseconds. */
  readonly pause: (milliseconds: number) => Promise<void>;
  readonly random: () => number;
}

/** What recording the state of an execution needs. */
export interface ExecutionDependencies extends RecordDependencies {
  readonly runs: RecordDependencies["runs"] & LearningDependencies["runs"];
  readonly durations: LearningDependencies["durations"];
}

/** Parallel branches that report at once write one after the other; each round lets one of them through. */
const ATTEMPTS = 40;
/** Longest wait after the first lost round; it grows up to the other. Full jitter. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 150;

/** Stores and pushes what happened. Returns the event, or undefined when it was known. @throws BusyRunError, AwsCallError. */
export async function record(
  dependencies: RecordDependencies,
  executionId: string,
  happening: Happening,
): Promise<ProgressEvent | undefined> {
  const { runs, pause, random } = dependencies;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const seen = (await runs.find(executionId)) ?? (await createForeign(dependencies, executionId, happening));
    const redrive = findRedrive(seen, happening);
    const entry = appendToLog(seen, redrive ?? happening);
    if (!entry) return undefined;
    // The parts are limited one by one; this holds whatever is added to them.
    const text = JSON.stringify(entry.event);
    if (Buffer.byteLength(text) > MAXIMUM_EVENT_BYTES) throw new InvalidReportError("its event is too large");
    if (await runs.append(seen, entry)) {
      await announce(dependencies, entry.event, text);
      if (!redrive) return entry.event;
      continue;
    }
    await pause(random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * (attempt + 1)));
  }
  throw new BusyRunError(executionId);
}

/** A report from after the end of its run, by the clock of Step Functions, has overtaken the news that the run was redriven. */
function findRedrive({ endedAt, redrives, completed }: RunRecord, happening: Happening): Happening | undefined {
  if (happening.type !== "report" || endedAt === undefined) return undefined;
  const { at, key } = happening.report;
  if (completed.has(key) || Date.parse(at) <= Date.parse(endedAt)) return undefined;
  return { type: "redriven", at, redrives: redrives + 1 };
}

/** Brings the log up to the execution's state, whatever has been lost before. Returns whether anything was missing. */
export async function recordExecution(
  dependencies: ExecutionDependencies,
  executionId: string,
  facts: ExecutionFacts,
): Promise<boolean> {
  const { status, startedAt, at, redrives } = facts;
  const created = await ensureRun(dependencies, executionId, startedAt);
  const redriven =
    redrives > 0 ? await record(dependencies, executionId, { type: "redriven", at, redrives }) : undefined;
  const kind = status === "RUNNING" || status === "PENDING_REDRIVE" ? undefined : FINAL_KIND_OF[status];
  if (kind === undefined) return created || redriven !== undefined;
  const error = kind === "succeeded" ? {} : { error: nameError(kind, facts) };
  const end = await record(dependencies, executionId, { type: "final", kind, at, redrives, ...error });
  // The time between a failure and its redrive says nothing about the workflow.
  if (end && kind === "succeeded" && redrives === 0) await learnDurations(dependencies, executionId, startedAt, at);
  return end !== undefined;
}

const FINAL_KIND_OF = {
  SUCCEEDED: "succeeded",
  FAILED: "failed",
  TIMED_OUT: "timed-out",
  ABORTED: "aborted",
} as const satisfies Record<string, FinalKind>;

const DEFAULT_ERROR = { failed: "States.TaskFailed", "timed-out": "States.Timeout", aborted: "Aborted" } as const;

function nameError(
  kind: Exclude<FinalKind, "succeeded">,
  { error, cause = "" }: ExecutionFacts,
): { readonly name: string; readonly cause: string } {
  return { name: error ?? DEFAULT_ERROR[kind], cause: readCause(cause) };
}

/** Lambda gives the cause as JSON with a stack trace, which tells viewers of the inside and nothing that they need. */
function readCause(cause: string): string {
  try {
    const { errorMessage } = JSON.parse(cause) as { readonly errorMessage?: unknown };
    return typeof errorMessage === "string" ? errorMessage : cause;
  } catch {
    return cause;
  }
}

/** A run that was started elsewhere gets its first entry with the first sign of it. */
async function ensureRun(dependencies: RecordDependencies, executionId: string, startedAt: string): Promise<boolean> {
  if (await dependencies.runs.find(executionId)) return false;
  return (await create(dependencies, executionId, startedAt)).created;
}

async function createForeign(
  dependencies: RecordDependencies,
  executionId: string,
  happening: Happening,
): Promise<RunRecord> {
  const { run, created } = await create(
    dependencies,
    executionId,
    happening.type === "report" ? happening.report.at : happening.at,
  );
  const current = created ? run : await dependencies.runs.find(executionId);
  if (!current) throw new BusyRunError(executionId);
  return current;
}

async function create(
  { runs, settings, now }: RecordDependencies,
  executionId: string,
  startedAt: string,
): Promise<{ readonly run: RunRecord; readonly created: boolean }> {
  const run = newRun(settings, executionId, startedAt, now());
  return { run, created: await runs.create(run, startLog(run)) };
}

/** A run with its first number taken. */
export function newRun(
  { stateMachineArn, steps, retentionSeconds }: RecordDependencies["settings"],
  executionId: string,
  startedAt: string,
  now: number,
): RunRecord {
  return {
    executionId,
    executionArn: executionArnOf(stateMachineArn, executionId),
    startedAt: toIso(Date.parse(startedAt)),
    state: "running",
    sequence: 1,
    done: 0,
    completed: new Set(),
    redrives: 0,
    steps,
    expiresAt: Math.floor(now / 1000) + retentionSeconds,
  };
}

async function announce(dependencies: RecordDependencies, event: ProgressEvent, text: string): Promise<void> {
  const { sent, gone } = await pushToSubscribers(dependencies, event.executionId, text);
  const { executionId, sequence, kind } = event;
  dependencies.log.info("recorded", { executionId, sequence, kind, sent, gone });
  const { reportsStored, messagesPushed, connectionsGone } = PROGRESS_METRICS;
  dependencies.metrics.publish(
    { name: reportsStored, value: 1, unit: "Count" },
    { name: messagesPushed, value: sent, unit: "Count" },
    { name: connectionsGone, value: gone, unit: "Count" },
  );
}
