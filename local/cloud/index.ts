// The embedded cloud: starts everything, stops everything.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Cloud, CloudOptions } from "./cloud";
import { createContext } from "./context";
import { SystemClock } from "./core/clock";
import type { Clock } from "./core/clock";
import type { CloudContext, EndpointInfo, Listener, Service } from "./core/service";
import { TraceLog } from "./core/trace";
import { createGateway } from "./gateway";
import type { Gateway } from "./gateway";
import { createAccessControl } from "./iam";
import type { LocalAccessControl } from "./iam";
import { Listeners, PortInUseError, PortPlan } from "./ports";
import { createServices } from "./services";
import type { CloudServices } from "./services";

export type { Cloud, CloudOptions, DemoUser, SimulatedFunction, SimulatedInvocation } from "./cloud";
export { PortInUseError } from "./ports";

/** Account of resources whose provider names no other. */
export const defaultAccountId = "000000000000";
/** Region of resources when neither the program nor the stack names one. */
export const defaultRegion = "eu-west-1";

/**
 * Starts the embedded cloud.
 *
 * @throws PortInUseError when a planned port is taken; everything that had started is stopped again.
 */
export async function startCloud(options: CloudOptions = {}): Promise<Cloud> {
  const starting = new StartingCloud(options);
  try {
    return await starting.start();
  } catch (error) {
    // What went wrong first is what the caller must hear.
    await starting.stop().catch(() => undefined);
    throw error;
  }
}

class StartingCloud {
  private readonly clock: Clock;
  private readonly accountId: string;
  private readonly region: string;
  private readonly traces = new TraceLog();
  private readonly access: LocalAccessControl;
  private readonly ports: PortPlan;
  private readonly listeners: Listeners;
  private readonly endpoints = new Set<EndpointInfo>();
  private dataDirectory: string | undefined;
  private gateway: Gateway | undefined;
  private accelerate: Listener | undefined;
  private services: CloudServices | undefined;
  private stopping: Promise<void> | undefined;

  constructor(private readonly options: CloudOptions) {
    this.clock = options.clock ?? new SystemClock();
    this.accountId = options.accountId ?? defaultAccountId;
    this.region = options.region ?? defaultRegion;
    this.access = createAccessControl({ clock: this.clock });
    this.ports = new PortPlan(options.port ?? 0);
    this.listeners = new Listeners(this.ports);
  }

  async start(): Promise<Cloud> {
    const { clock, accountId, region, access, traces, listeners, endpoints } = this;
    this.dataDirectory = await mkdtemp(path.join(this.options.dataDirectory ?? tmpdir(), "serverless-patterns-"));
    const context = createContext({
      clock,
      accountId,
      region,
      dataDirectory: this.dataDirectory,
      access,
      listeners,
      traces,
      endpoints,
      services: () => present(this.services, "the services"),
      gateway: () => present(this.gateway, "the gateway"),
      accelerate: () => present(this.accelerate, "the accelerate endpoint"),
    });
    const services = createServices(context, access, this.options.simulateFunction);
    this.services = services;
    const gateway = await this.startGateway(context, services.all);
    for (const service of services.all) await service.start?.();

    const models = new Map(services.all.flatMap((service) => service.models).map((model) => [model.type, model]));
    const allowed = this.options.allowedTypes;
    return {
      context,
      services: services.all,
      traces,
      hosts: context.hosts,
      accountId,
      region,
      gatewayOrigin: gateway.origin,
      endpoints: () => [...endpoints].sort((a, b) => Number(b.page ?? false) - Number(a.page ?? false)),
      model: (type) => (allowed && !allowed.includes(type) ? undefined : models.get(type)),
      invoke: (token) => services.all.find(({ invokes }) => invokes?.[token])?.invokes?.[token],
      rootCredentials: (account = accountId) => access.rootCredentials(account),
      demoUsers: () => services.userPools.demoUsers(),
      localise: (value) => context.hosts.localise(value),
      stop: () => this.stop(),
    };
  }

  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  private async startGateway(context: Pick<CloudContext, "uniqueId">, services: readonly Service[]): Promise<Gateway> {
    const { clock, traces, access, ports, options } = this;
    const uniqueId = (length: number): string => context.uniqueId(length);
    const gateway = createGateway({
      clock,
      traces,
      access,
      uniqueId,
      services,
      ...(options.log && { log: options.log }),
    });
    this.gateway = gateway;
    await onPort(ports.take("gateway"), (port) => gateway.start(port, "127.0.0.1"));
    this.accelerate = await onPort(ports.take("gateway"), (port) => gateway.serveAccelerate(port, "127.0.0.1"));
    this.endpoints.add({ label: "AWS APIs", url: gateway.origin, urn: "" });
    this.endpoints.add({ label: "S3 Transfer Acceleration", url: this.accelerate.origin, urn: "" });
    return gateway;
  }

  /** One failure must not keep the others running: everything is tried, the first error is thrown at the end. */
  private async end(): Promise<void> {
    const steps = [
      ...[...(this.services?.all ?? [])].reverse().map((service) => () => service.stop?.()),
      () => this.listeners.closeAll(),
      () => this.gateway?.stop(),
      () => this.dataDirectory && rm(this.dataDirectory, { recursive: true, force: true }),
    ];
    const errors: unknown[] = [];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}

async function onPort<T>(port: number, listen: (port: number) => Promise<T>): Promise<T> {
  try {
    return await listen(port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") throw new PortInUseError(port);
    throw error;
  }
}

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`${what} have not started`);
  return value;
}
