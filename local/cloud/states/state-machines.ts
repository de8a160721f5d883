// State machines, their versions and aliases, as they are declared.
import { AwsError } from "../core/errors";
import type { StatesDefinition } from "./language/types";

/** Where history events are logged. */
export interface StateMachineLogging {
  readonly level: "ALL" | "ERROR" | "FATAL" | "OFF";
  readonly includeExecutionData: boolean;
  readonly group: string | undefined;
}

/** One revision of a state machine. */
export interface StateMachineRevision {
  readonly revisionId: string;
  /** As declared. */
  readonly text: string;
  readonly definition: StatesDefinition;
  readonly roleArn: string;
  readonly logging: StateMachineLogging;
  readonly tracing: boolean;
  readonly updatedAt: number;
}

/** A Standard state machine. */
export interface StateMachine {
  readonly arn: string;
  readonly name: string;
  readonly accountId: string;
  readonly region: string;
  readonly urn: string;
  readonly createdAt: number;
  latest: StateMachineRevision;
  /** By number. */
  readonly versions: Map<number, StateMachineRevision>;
  /** By name: versions with weights that add up to 100. */
  readonly aliases: Map<string, readonly { readonly version: number; readonly weight: number }[]>;
}

/** What an ARN leads to. */
export interface ResolvedMachine {
  readonly machine: StateMachine;
  readonly revision: StateMachineRevision;
  /** ARN of the version that runs; undefined for an unqualified ARN. */
  readonly versionArn: string | undefined;
  readonly aliasArn: string | undefined;
}

const ARN = /^(arn:aws:states:[a-z0-9-]+:\d{12}:stateMachine:[^:]+)(?::([^:]+))?$/;

/** All state machines of the embedded cloud. */
export class StateMachines {
  private readonly machines = new Map<string, StateMachine>();

  add(machine: StateMachine): void {
    this.machines.set(machine.arn, machine);
  }

  get(arn: string): StateMachine | undefined {
    return this.machines.get(arn);
  }

  remove(arn: string): void {
    this.machines.delete(arn);
  }

  all(): readonly StateMachine[] {
    return [...this.machines.values()];
  }

  /** @param random 0 included, 1 not: which version an alias picks. @throws AwsError StateMachineDoesNotExist, InvalidArn */
  resolve(arn: string, random: number): ResolvedMachine {
    const [, machineArn = "", qualifier] = ARN.exec(arn) ?? [];
    if (machineArn === "") throw new AwsError("InvalidArn", `Invalid Arn: 'Invalid ARN prefix: ${arn}'`);
    const machine = this.machines.get(machineArn);
    const missing = (): AwsError => new AwsError("StateMachineDoesNotExist", `State Machine Does Not Exist: '${arn}'`);
    if (!machine) throw missing();
    if (qualifier === undefined) {
      return { machine, revision: machine.latest, versionArn: undefined, aliasArn: undefined };
    }
    const routes = machine.aliases.get(qualifier);
    const version = routes ? pick(routes, random) : Number(qualifier);
    const revision = machine.versions.get(version);
    if (!revision) throw missing();
    return { machine, revision, versionArn: `${machineArn}:${version}`, aliasArn: routes ? arn : undefined };
  }
}

function pick(routes: readonly { readonly version: number; readonly weight: number }[], random: number): number {
  let left = random * 100;
  for (const { version, weight } of routes) {
    left -= weight;
    if (left < 0) return version;
  }
  return routes.at(-1)?.version ?? 0;
}
