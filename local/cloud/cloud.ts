// What the embedded cloud offers to those who run it: the engine's adapter, the command line, the console and the tests.
import type { Credentials } from "./core/access";
import type { Clock } from "./core/clock";
import type { HostMap } from "./core/hosts";
import type { ResourceModel } from "./core/resource-model";
import type { CloudContext, EndpointInfo, Service } from "./core/service";
import type { TraceLog } from "./core/trace";

/** How to start the embedded cloud. Everything is optional. */
export interface CloudOptions {
  /** @default - wall-clock time */
  readonly clock?: Clock;
  /** Account of resources whose provider names no other. @default `"000000000000"` */
  readonly accountId?: string;
  /** Region of resources that name no other. @default `"eu-west-1"` */
  readonly region?: string;
  /** 0 takes free ports; another number is the first of a hundred (see `PortPlan`). @default `0` */
  readonly port?: number;
  /** Parent folder of the data, which are removed at the end. @default - the system's temporary folder */
  readonly dataDirectory?: string;
  /** Only these resource types may be declared. @default - every type that has a model */
  readonly allowedTypes?: readonly string[];
  /**
   * Runs every function in this process, on the cloud's clock, instead of its bundle in a process of its own: for virtual time, which
   * does not wait for real processes. @default - real processes
   */
  readonly simulateFunction?: SimulatedFunction;
  /** Receives lines for the operator: never secrets. @default - nothing is printed */
  readonly log?: (line: string) => void;
}

/** What a simulated function is given. */
export interface SimulatedInvocation {
  /** Physical name of the function. */
  readonly functionName: string;
  /** URN of the declared function. */
  readonly urn: string;
  /** The parsed event. */
  readonly event: unknown;
  readonly requestId: string;
  /** Time on the clock at which the function times out, in milliseconds. */
  readonly deadline: number;
  readonly clock: Clock;
}

/** A function's work: resolves with its result, throws as a handler would. */
export type SimulatedFunction = (invocation: SimulatedInvocation) => Promise<unknown>;

/** A user that exists for trying things out; made anew in each run. */
export interface DemoUser {
  readonly userPoolId: string;
  readonly username: string;
  readonly password: string;
}

/** A running embedded cloud. */
export interface Cloud {
  readonly context: CloudContext;
  readonly services: readonly Service[];
  readonly traces: TraceLog;
  readonly hosts: HostMap;
  readonly accountId: string;
  readonly region: string;
  /** "http://127.0.0.1:<port>": where AWS APIs answer. */
  readonly gatewayOrigin: string;
  /** Endpoints that answer now, pages for people first. */
  endpoints(): readonly EndpointInfo[];
  /** The model of a resource type; undefined when the type is unknown or not allowed. */
  model(type: string): ResourceModel | undefined;
  /** Provider functions by token. */
  invoke(token: string): NonNullable<Service["invokes"]>[string] | undefined;
  /** Long-lived credentials of the account's administrator, for commands of this repository and tests. */
  rootCredentials(accountId?: string): Credentials;
  demoUsers(): readonly DemoUser[];
  /** Replaces AWS's URLs by the local ones in any strings of `value`. */
  localise<T>(value: T): T;
  /** Ends everything, in reverse order, and removes the data. Idempotent. */
  stop(): Promise<void>;
}
