// All executions of one cloud: started, found again, stopped, redriven.
import { AwsError } from "../core/errors";
import type { CloudContext } from "../core/service";
import { uuidFrom } from "../core/uuid";
import { Execution } from "./execution/execution";
import type { HistoryEvent } from "./execution/history";
import type { TokenWait } from "./execution/ports";
import { Integrations } from "./integrations/registry";
import type { Json } from "./language/types";
import { logEvent, tellStatus } from "./records";
import type { ResolvedMachine, StateMachine, StateMachines } from "./state-machines";

/** Finished executions that are kept; the oldest go first. */
const KEPT = 2000;
const REDRIVABLE_MS = 14 * 24 * 3_600_000;
const MAXIMUM_INPUT_BYTES = 262_144;
const NAME = /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/]{1,80}$/;

/** What listeners hear: every history event. */
export type ExecutionListener = (execution: Execution, event: HistoryEvent) => void;

/** Executions and task tokens. */
export class Executions {
  private readonly byArn = new Map<string, Execution>();
  private readonly tokens = new Map<string, TokenWait>();
  private readonly listeners = new Set<ExecutionListener>();
  private readonly integrations: Integrations;

  constructor(
    private readonly context: CloudContext,
    private readonly machines: StateMachines,
  ) {
    this.integrations = new Integrations(context);
  }

  all(): readonly Execution[] {
    return [...this.byArn.values()];
  }

  subscribe(listener: ExecutionListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** @throws AwsError ExecutionDoesNotExist */
  get(arn: string): Execution {
    const execution = this.byArn.get(arn);
    if (execution) return execution;
    throw new AwsError("ExecutionDoesNotExist", `Execution Does Not Exist: '${arn}'`);
  }

  /** Starts an execution, or returns the running one with the same name and input. @throws AwsError */
  start(resolved: ResolvedMachine, name: string | undefined, inputText = "{}"): Execution {
    const { machine } = resolved;
    const chosen = name ?? uuidFrom(this.context.uniqueId(32));
    if (!NAME.test(chosen)) throw new AwsError("InvalidName", `Invalid Name: '${chosen}'`);
    const input = parseInput(inputText);
    const arn = `${machine.arn.replace(":stateMachine:", ":execution:")}:${chosen}`;
    const existing = this.byArn.get(arn);
    if (existing) {
      const same = existing.status === "RUNNING" && JSON.stringify(existing.settings.input) === JSON.stringify(input);
      if (same) return existing;
      throw new AwsError("ExecutionAlreadyExists", `Execution Already Exists: '${arn}'`);
    }
    const execution = this.create(resolved, arn, chosen, input);
    this.byArn.set(arn, execution);
    this.dropOldest();
    execution.start();
    return execution;
  }

  /** @throws AwsError ExecutionNotRedrivable */
  redrive(execution: Execution): void {
    const refuse = (reason: string): never => {
      throw new AwsError("ExecutionNotRedrivable", reason);
    };
    if (execution.status === "RUNNING" || execution.status === "SUCCEEDED") {
      refuse(`Execution is ${execution.status} and cannot be redriven`);
    }
    const age = this.context.clock.now() - (execution.stoppedAt ?? 0);
    if (age > REDRIVABLE_MS) refuse("Execution has exceeded the redrivable period of 14 days");
    const machine = this.machines.get(execution.settings.stateMachineArn);
    if (!machine) refuse("The state machine of the execution does not exist");
    execution.redrive();
  }

  /** @throws AwsError TaskDoesNotExist */
  token(token: string): TokenWait {
    const wait = this.tokens.get(token);
    if (wait) return wait;
    throw new AwsError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'");
  }

  async stop(): Promise<void> {
    await Promise.all([...this.byArn.values()].map((execution) => execution.discard()));
    this.integrations.stop();
    this.listeners.clear();
  }

  private create(resolved: ResolvedMachine, arn: string, name: string, input: Json): Execution {
    const { machine, revision } = resolved;
    const { context } = this;
    const owner = {
      roleArn: revision.roleArn,
      region: machine.region,
      stateMachineArn: machine.arn,
      executionArn: arn,
      executionName: name,
    };
    return new Execution({
      arn,
      name,
      stateMachineArn: machine.arn,
      stateMachineName: machine.name,
      roleArn: revision.roleArn,
      definition: revision.definition,
      input,
      ports: {
        clock: context.clock,
        randomness: { uuid: () => uuidFrom(context.uniqueId(32)), random: () => Math.random() },
        runTask: this.integrations.runnerFor(owner),
        newToken: () => context.uniqueId(64),
        awaitToken: (token, wait) => {
          this.tokens.set(token, wait);
          return () => this.tokens.delete(token);
        },
      },
      onEvent: (execution, event) => {
        logEvent(context, machine, revision.logging, execution, event);
        for (const listener of this.listeners) listener(execution, event);
      },
      onStatus: (execution) => tellStatus(context, machine, execution),
    });
  }

  private dropOldest(): void {
    for (const [arn, { status }] of this.byArn) {
      if (this.byArn.size <= KEPT) return;
      if (status !== "RUNNING") this.byArn.delete(arn);
    }
  }
}

/** Executions of one machine, newest first. */
export function executionsOf(executions: Executions, machine: StateMachine): readonly Execution[] {
  return executions
    .all()
    .filter(({ settings }) => settings.stateMachineArn === machine.arn)
    .toReversed();
}

function parseInput(text: string): Json {
  if (Buffer.byteLength(text) > MAXIMUM_INPUT_BYTES) {
    throw new AwsError(
      "ValidationException",
      `1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to ${MAXIMUM_INPUT_BYTES}`,
    );
  }
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new AwsError("InvalidExecutionInput", `Invalid State Machine Execution Input: '${(error as Error).message}'`);
  }
}
