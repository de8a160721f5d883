// What runs a function's events: real processes, or the simulation of a test in virtual time.
import type { EnvironmentInfo } from "./control";
import type { FunctionDefinition } from "./definition";
import type { InvocationStatus } from "./log-lines";

/** An event on its way to a handler. */
export interface Job {
  readonly requestId: string;
  readonly payload: Buffer;
  /** ARN as the caller named it; the handler sees it in its context. */
  readonly invokedArn: string;
  /** Called when the handler has received the event. */
  readonly onDelivered?: () => void;
}

/** What became of an event. */
export interface Outcome {
  readonly payload: Buffer;
  readonly status: InvocationStatus;
  readonly errorType?: string;
  readonly durationMs: number;
  readonly initDurationMs?: number;
  readonly logTail: Buffer;
}

/** Runs events, one execution environment per concurrent event. */
export interface FunctionRunner {
  /** @throws AwsError when the function's role cannot be assumed. */
  run(definition: FunctionDefinition, job: Job): Promise<Outcome>;
  /** Ends the environments of a version that was replaced or deleted; busy ones finish their event first. */
  retire(definition: FunctionDefinition): void;
  /** Ends the environment that runs this event, as a crash would. */
  kill(requestId: string): void;
  environments(): readonly EnvironmentInfo[];
  stop(): Promise<void>;
}
