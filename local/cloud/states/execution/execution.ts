// One execution from start to end, and from there on again by redrive.
import type { Timer } from "../../core/clock";
import { Cancelled } from "./cancellation";
import { Checkpoints } from "./checkpoints";
import { History, type HistoryEvent } from "./history";
import { runSequence } from "./interpreter";
import type { ExecutionPorts } from "./ports";
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
  private readonly checkpoints = new Checkpoints();
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
    const started = this.history.add("ExecutionStarted", 0, "executionStartedEventDetails", {
      input: JSON.stringify(input),
      roleArn,
    });
    this.settings.onStatus(this);
    this.finished = this.work(started);
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
    this.controller.abort();
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
      this.timer = ports.clock.setTimer(definition.TimeoutSeconds * 1000, () => this.timeOut());
    }
    const frame = {
      run: { ports, history: this.history, checkpoints: this.checkpoints, facts: this.facts() },
      definition,
      language: definition.QueryLanguage ?? "JSONPath",
      path: "",
      signal: this.controller.signal,
      context: {},
      variables: new Map<string, Json>(),
      previous,
    } as const;
    try {
      const output = await runSequence(frame, input);
      if (this.status !== "RUNNING") return;
      this.output = output;
      this.end("SUCCEEDED", "ExecutionSucceeded", "executionSucceededEventDetails", { output: JSON.stringify(output) });
    } catch (error) {
      if (error instanceof Cancelled || this.status !== "RUNNING") return;
      const known = error instanceof StatesError ? error : new StatesError("States.Runtime", String(error));
      this.end("FAILED", "ExecutionFailed", "executionFailedEventDetails", { error: known.error, cause: known.reason });
    }
  }

  private timeOut(): void {
    if (this.status !== "RUNNING") return;
    this.end("TIMED_OUT", "ExecutionTimedOut", "executionTimedOutEventDetails", { error: "States.Timeout" });
    this.controller.abort();
  }

  private end(status: ExecutionStatus, type: string, member: string, details: JsonRecord): void {
    this.timer?.cancel();
    this.status = status;
    this.stoppedAt = this.settings.ports.clock.now();
    if (typeof details.error === "string") this.error = details.error;
    if (typeof details.cause === "string") this.cause = details.cause;
    this.history.add(type, this.history.events.length, member, details);
    this.settings.onStatus(this);
  }

  private facts(): { readonly execution: JsonRecord; readonly stateMachine: JsonRecord } {
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
      stateMachine: { Id: stateMachineArn, Name: stateMachineName },
    };
  }
}
