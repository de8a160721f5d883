// A run as the handlers know it, and what its owner sees of it.
import { createHash } from "node:crypto";
import { WHOLE, type ProgressStep, type RunDescription, type RunState } from "./contract";

/** The head row of a run. */
export interface RunRecord {
  readonly executionId: string;
  readonly executionArn: string;
  /** Left out for a run that was started elsewhere: nobody may see it here. */
  readonly owner?: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly state: RunState;
  /** ISO 8601, when it has ended. */
  readonly endedAt?: string | undefined;
  readonly sequence: number;
  /** Of WHOLE. */
  readonly done: number;
  /** Keys of the reports and status changes that are in the log. */
  readonly completed: ReadonlySet<string>;
  /** Redrives that are in the log. */
  readonly redrives: number;
  readonly steps: readonly ProgressStep[];
  /** Seconds since the epoch. */
  readonly expiresAt: number;
}

/** Percent of a run: 100 only after success, so that a viewer never takes the last step for the end. */
export function percentOf({ state, done }: Pick<RunRecord, "state" | "done">): number {
  return state === "succeeded" ? 100 : Math.floor((99 * Math.min(done, WHOLE)) / WHOLE);
}

/** What the owner sees. */
export function describeRun(run: RunRecord): RunDescription {
  const { executionId, startedAt, state, sequence, steps } = run;
  return { executionId, startedAt, state, percent: percentOf(run), sequence, steps };
}

/** Name of the execution that a user's key leads to, always the same. 64 hexadecimal digits: within the 80 characters of Step Functions. */
export function nameExecution(owner: string, idempotencyKey: string): string {
  return createHash("sha256")
    .update(JSON.stringify([owner, idempotencyKey]))
    .digest("hex");
}

/** ARN of an execution. Executions started through an alias carry the machine's own ARN too. */
export function executionArnOf(stateMachineArn: string, executionId: string): string {
  return `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${executionId}`;
}
