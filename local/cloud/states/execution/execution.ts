// One execution from start to end, and from there on again by redrive.
import type { Timer } from "../../core/clock";
import { Cancelled, setLongTimer } from "./cancellation";
import { Checkpoint } from "./checkpoints";
import type { Frame } from "./frame";
import { History, type HistoryEvent } from "./history";
import { runSequence } from "./interpreter";
import type { ExecutionFacts, ExecutionPorts } from "./ports";
import { StatesError } from "../language/errors";
import type { Json, JsonRecord, StatesDefinition } from "../language/types";

/** Status of an execution. */
export type ExecutionStatus = "RUNNING" | "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED";

/** What an execution is made of. */
export interface ExecutionSettings {
  readonly arn: string;
  readonly name: string;
  readonly stateMachineArn: string;
  readonly stateMachineName: string;
  /** Where the execution was started by a version or an alias. */
  readonly stateMachineVersionArn?: string | undefined;
  readonly stateMachineAliasArn?: string | undefined;
  readonly roleArn: string;
  readonly definition: StatesDefinition;
  readonly input: Json;
  readonly ports: ExecutionPorts;
  readonly onEvent: (execution: Execution, event: HistoryEvent) => void;
  readonly onStatus: (execution: Execution) => void;
}

/** A Standard execution. */
export class Execution {
  status: ExecutionStatus = "RUNNING";
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  stoppedAt: number | undefined;
  output: Json | undefined;
  error: string | undefined;
  cause: string | undefined;
  redriveCount = 0;
  redrivenAt: number | undefined;
  readonly history: History;
  private checkpoint = new Checkpoint();
  private controller = new AbortController();
  private timer: Timer | undefined;
  private finished: Promise<void> | undefined;

  constructor(readonly settings: ExecutionSettings) {
    this.startedAt = settings.ports.clock.now();
    this.history = new History(settings.ports.clock, (event) => settings.onEvent(this, event));
  }

  /** Starts; the work goes on in the background. */
  start(): void {
    const { input, roleArn } = this.settings;
    this.history.add("ExecutionStarted", 0, "executionStartedEventDetails", {
      input: JSON.stringify(input),
      roleArn,
    });
    this.settings.onStatus(this);
    // AWS links the first state to nothing.
    this.finished = this.work(0);
  }

  /** Goes on from the failed state. The caller has checked that it may. */
  redrive(): void {
    this.redriveCount++;
    this.redrivenAt = this.settings.ports.clock.now();
    this.status = "RUNNING";
    this.stoppedAt = undefined;
    this.error = undefined;
    this.cause = undefined;
    this.controller = new AbortController();
    const redriven = this.history.add("ExecutionRedriven", 0, "executionRedrivenEventDetails", {
      redriveCount: this.redriveCount,
    });
    this.settings.onStatus(this);
    this.finished = this.work(redriven);
  }

  /** Aborts a running execution. */
  stop(error: string | undefined, cause: string | undefined): void {
    if (this.status !== "RUNNING") return;
    const details = { ...(error === undefined ? {} : { error }), ...(cause === undefined ? {} : { cause }) };
    this.end("ABORTED", "ExecutionAborted", "executionAbortedEventDetails", details);
  }

  /** Cuts the execution off without a trace: the run of the embedded cloud ends. */
  async discard(): Promise<void> {
    this.timer?.cancel();
    this.controller.abort();
    await this.finished;
  }

  private async work(previous: number): Promise<void> {
    const { definition, ports, input } = this.settings;
    if (definition.TimeoutSeconds !== undefined) {
      this.timer = setLongTimer(ports.clock, definition.TimeoutSeconds * 1000, () => this.timeOut());
    }
    const { signal } = this.controller;
    const frame: Frame = {
      run: { ports, history: this.history, facts: this.facts(), signal },
      definition,
      language: definition.QueryLanguage ?? "JSONPath",
      checkpoint: this.checkpoint,
      signal,
      context: {},
      variables: new Map<string, Json>(),
      previous,
      shown: undefined,
      current: undefined,
    };
    try {
      const output = await runSequence(frame, input);
      // Meanwhile it may have been stopped, and even redriven.
      if (signal.aborted) return;
      this.output = output;
      this.end("SUCCEEDED", "ExecutionSucceeded", "executionSucceededEventDetails", { output: JSON.stringify(output) });
    } catch (error) {
      if (error instanceof Cancelled || signal.aborted) return;
      const known = error instanceof StatesError ? error : new StatesError("States.Runtime", String(error));
      this.end("FAILED", "ExecutionFailed", "executionFailedEventDetails", { error: known.error, cause: known.reason });
    }
  }

  private timeOut(): void {
    if (this.status !== "RUNNING") return;
    this.end("TIMED_OUT", "ExecutionTimedOut", "executionTimedOutEventDetails", { error: "States.Timeout" });
  }

  private end(status: ExecutionStatus, type: string, member: string, details: JsonRecord): void {
    this.timer?.cancel();
    this.status = status;
    this.stoppedAt = this.settings.ports.clock.now();
    if (typeof details.error === "string") this.error = details.error;
    if (typeof details.cause === "string") this.cause = details.cause;
    this.history.add(type, this.history.events.length, member, details);
    // Nothing is to be added after the last event.
    this.controller.abort();
    if (status === "SUCCEEDED") this.checkpoint = new Checkpoint();
    this.settings.onStatus(this);
  }

  private facts(): ExecutionFacts {
    const { arn, name, input, roleArn, stateMachineArn, stateMachineName } = this.settings;
    return {
      execution: {
        Id: arn,
        Input: input,
        Name: name,
        RoleArn: roleArn,
        StartTime: new Date(this.startedAt).toISOString(),
        RedriveCount: this.redriveCount,
        ...(this.redrivenAt === undefined ? {} : { RedriveTime: new Date(this.redrivenAt).toISOString() }),
      },
      region: stateMachineArn.split(":")[3] ?? "",
      stateMachine: { Id: stateMachineArn, Name: stateMachineName },
    };
  }
}
