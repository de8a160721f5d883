// What an execution needs from outside: time, chance, and somebody who does the tasks.
import type { Clock } from "../../core/clock";
import type { Randomness } from "../language/intrinsics";
import type { Json, JsonRecord } from "../language/types";

/** A task that is to be done. */
export interface TaskCall {
  /** "arn:aws:states:::lambda:invoke", or the ARN of a function. */
  readonly resource: string;
  readonly input: Json;
  readonly stateName: string;
  /** Aborts when the task's time is up or its execution ends. */
  readonly signal: AbortSignal;
}

/** Does tasks. @throws StatesError with the error's name as Step Functions gives it. */
export type TaskRunner = (call: TaskCall) => Promise<Json>;

/** Surroundings of an execution. */
export interface ExecutionPorts {
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly runTask: TaskRunner;
  /** Registers a task token; returns the function that forgets it. */
  readonly awaitToken: (token: string, wait: TokenWait) => () => void;
  /** Makes task tokens. */
  readonly newToken: () => string;
}

/** What a task token leads to. */
export interface TokenWait {
  succeed(output: Json): void;
  fail(error: string, cause: string): void;
  beat(): void;
}

/** Unchanging facts of an execution, for the context object. */
export interface ExecutionFacts {
  readonly region: string;
  readonly execution: JsonRecord;
  readonly stateMachine: JsonRecord;
}
