// All executions of one cloud: started, found again, stopped, redriven.
import { createHash } from "node:crypto";
import { AwsError } from "../core/errors";
import type { CloudContext } from "../core/service";
import { uuidFrom } from "../core/uuid";
import { Execution } from "./execution/execution";
import { type HistoryEvent, MAXIMUM_EVENTS } from "./execution/history";
import type { TokenWait } from "./execution/ports";
import { Integrations } from "./integrations/registry";
import type { Json } from "./language/types";
import { checkExecutionName, parseInput } from "./limits";
import { logEvent, tellStatus } from "./records";
import type { ResolvedMachine, StateMachine, StateMachines } from "./state-machines";

/** Finished executions that are kept; the oldest go first. */
const KEPT = 2000;
/** What the histories of all executions may weigh before the oldest finished ones go, in bytes. */
const KEPT_BYTES = 128 * 1024 * 1024;
const DAY_MS = 24 * 3_600_000;
const REDRIVABLE_MS = 14 * DAY_MS;
/** After its end, so long a name stays taken. */
const NAME_MS = 90 * DAY_MS;
const TOKEN = /^[a-z0-9]{64}$/;
const MACHINE_MARK = 12;

/** What listeners hear: every history event. */
export type ExecutionListener = (execution: Execution, event: HistoryEvent) => void;

/** Executions and task tokens. */
export class Executions {
  private readonly byArn = new Map<string, Execution>();
  private readonly tokens = new Map<string, TokenWait>();
  private readonly listeners = new Set<ExecutionListener>();
  private readonly integrations: Integrations;
  private readonly origins = new WeakMap<Execution, ResolvedMachine>();
  /** What finished histories weigh: each, and all together. */
  private readonly weights = new WeakMap<Execution, number>();
  private weight = 0;
  private stopped = false;

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
    if (this.stopped) throw new AwsError("ServiceUnavailable", "The cloud is stopping", 503);
    const { machine } = resolved;
    const chosen = name ?? uuidFrom(this.context.uniqueId(32));
    checkExecutionName(chosen);
    const input = parseInput(inputText);
    const arn = `${machine.arn.replace(":stateMachine:", ":execution:")}:${chosen}`;
    const existing = this.byArn.get(arn);
    const isFree = existing?.stoppedAt !== undefined && this.context.clock.now() - existing.stoppedAt > NAME_MS;
    if (existing && !isFree) {
      const same = existing.status === "RUNNING" && JSON.stringify(existing.settings.input) === JSON.stringify(input);
      if (same) return existing;
      throw new AwsError("ExecutionAlreadyExists", `Execution Already Exists: '${arn}'`);
    }
    const execution = this.create(resolved, arn, chosen, input);
    if (existing) this.drop(arn, existing);
    this.byArn.set(arn, execution);
    this.origins.set(execution, resolved);
    this.dropOldest();
    execution.start();
    return execution;
  }

  /** The machine and the revision that an execution runs. */
  originOf(execution: Execution): ResolvedMachine | undefined {
    return this.origins.get(execution);
  }

  /** Ends the executions of a machine that is deleted. */
  abortAll(machine: StateMachine): void {
    for (const execution of executionsOf(this, machine)) execution.stop(undefined, undefined);
  }

  /** Why an execution cannot be redriven; undefined when it can. */
  notRedrivable({ status, stoppedAt = 0, history, settings }: Execution): string | undefined {
    if (status === "RUNNING" || status === "SUCCEEDED") return `Execution is ${status} and cannot be redriven`;
    if (this.context.clock.now() - stoppedAt > REDRIVABLE_MS) {
      return "Execution has exceeded the redrivable period of 14 days";
    }
    if (history.events.length >= MAXIMUM_EVENTS - 1) return "Execution history event limit exceeded";
    return this.machines.get(settings.stateMachineArn)
      ? undefined
      : "The state machine of the execution does not exist";
  }

  /** @throws AwsError ExecutionNotRedrivable */
  redrive(execution: Execution): void {
    const reason = this.notRedrivable(execution);
    if (reason !== undefined) throw new AwsError("ExecutionNotRedrivable", reason);
    execution.redrive();
  }

  /** ARN of the machine that made a token; undefined when that machine is gone. @throws AwsError InvalidToken */
  machineOfToken(token: string): string | undefined {
    if (!TOKEN.test(token)) throw new AwsError("InvalidToken", "Invalid Token: 'Invalid token'");
    return this.machines.all().find(({ arn }) => token.endsWith(markOf(arn)))?.arn;
  }

  /** @throws AwsError TaskTimedOut when nobody waits for the token any more */
  token(token: string): TokenWait {
    const wait = this.tokens.get(token);
    if (wait) return wait;
    throw new AwsError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'");
  }

  async stop(): Promise<void> {
    this.stopped = true;
    const discarded = [...this.byArn.values()].map((execution) => execution.discard());
    this.integrations.stop();
    await Promise.all(discarded);
    this.tokens.clear();
    this.listeners.clear();
  }

  private create(resolved: ResolvedMachine, arn: string, name: string, input: Json): Execution {
    const { machine, revision, versionArn, aliasArn } = resolved;
    const { context } = this;
    const mark = markOf(machine.arn);
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
      stateMachineVersionArn: versionArn,
      stateMachineAliasArn: aliasArn,
      roleArn: revision.roleArn,
      definition: revision.definition,
      input,
      ports: {
        clock: context.clock,
        randomness: { uuid: () => uuidFrom(context.uniqueId(32)), random: () => Math.random() },
        runTask: this.integrations.runnerFor(owner),
        newToken: () => context.uniqueId(64 - MACHINE_MARK) + mark,
        awaitToken: (token, wait) => {
          this.tokens.set(token, wait);
          return () => this.tokens.delete(token);
        },
      },
      onEvent: (execution, event) => {
        logEvent(context, machine, revision.logging, execution, event);
        for (const listener of this.listeners) listener(execution, event);
      },
      onStatus: (execution) => {
        if (execution.status !== "RUNNING") this.account(execution);
        tellStatus(context, machine, execution);
      },
    });
  }

  /** Counts what the history of an execution that has ended weighs. */
  private account(execution: Execution): void {
    this.weight += execution.history.weight - (this.weights.get(execution) ?? 0);
    this.weights.set(execution, execution.history.weight);
    this.dropOldest(execution);
  }

  private dropOldest(spared?: Execution): void {
    for (const [arn, execution] of this.byArn) {
      if (this.byArn.size <= KEPT && this.weight <= KEPT_BYTES) return;
      if (execution.status !== "RUNNING" && execution !== spared) this.drop(arn, execution);
    }
  }

  private drop(arn: string, execution: Execution): void {
    this.weight -= this.weights.get(execution) ?? 0;
    this.byArn.delete(arn);
  }
}

/** How a token tells which machine made it, without naming it. */
function markOf(machineArn: string): string {
  return createHash("sha256").update(machineArn).digest("hex").slice(0, MACHINE_MARK);
}

/** Executions of one machine, newest first. */
export function executionsOf(executions: Executions, machine: StateMachine): readonly Execution[] {
  return executions
    .all()
    .filter(({ settings }) => settings.stateMachineArn === machine.arn)
    .toReversed();
}
