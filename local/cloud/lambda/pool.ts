// All execution environments: one per concurrent event, reused while warm, ended when idle.
import type { Timer } from "../core/clock";
import { AwsError } from "../core/errors";
import { anonymous } from "../core/principal";
import type { CloudContext } from "../core/service";
import type { EnvironmentInfo } from "./control";
import type { FunctionDefinition } from "./definition";
import { Environment, type EnvironmentOwner } from "./environment";
import { assumeRole } from "./role";
import type { FunctionRunner, Job, Outcome } from "./runner";
import { RuntimeApi } from "./runtime-api";

/** How many processes, and for how long. */
export interface PoolSettings {
  /** Time on the clock after which an idle environment ends, in milliseconds. */
  readonly idleMs: number;
  /** Processes at a time. Beyond, events wait: a machine is not a Region. */
  readonly maximumEnvironments: number;
}

interface WaitingEvent {
  readonly definition: FunctionDefinition;
  readonly job: Job;
  readonly resolve: (outcome: Promise<Outcome>) => void;
}

/** Credentials that end sooner are not given to one more event. */
const CREDENTIALS_MARGIN_MS = 60_000;

/** Runs events in environments. */
export class EnvironmentPool implements EnvironmentOwner, FunctionRunner {
  readonly runtimeApi = new RuntimeApi();
  private readonly running = new Set<Environment>();
  private readonly idleTimers = new Map<Environment, Timer>();
  private readonly retired = new WeakSet<FunctionDefinition>();
  private readonly waiting: WaitingEvent[] = [];
  private stopped = false;

  constructor(
    readonly context: CloudContext,
    private readonly settings: PoolSettings,
  ) {}

  async run(definition: FunctionDefinition, job: Job): Promise<Outcome> {
    const warm = this.findWarm(definition);
    if (warm) return warm.run(job);
    if (this.running.size >= this.settings.maximumEnvironments && !this.evict()) {
      return new Promise((resolve) => this.waiting.push({ definition, job, resolve }));
    }
    return this.startCold(definition, job);
  }

  retire(definition: FunctionDefinition): void {
    this.retired.add(definition);
    for (const environment of this.running) {
      if (environment.definition === definition && environment.available) void environment.kill();
    }
  }

  kill(requestId: string): void {
    for (const environment of this.running) {
      if (environment.currentRequestId === requestId) void environment.kill();
    }
  }

  environments(): readonly EnvironmentInfo[] {
    return [...this.running].map(({ id, definition, state, pid, log }) => ({
      id,
      functionName: definition.name,
      state,
      logStream: log.stream,
      ...(pid === undefined ? {} : { pid }),
    }));
  }

  onStateChange(environment: Environment): void {
    this.idleTimers.get(environment)?.cancel();
    this.idleTimers.delete(environment);
    if (environment.state === "dead") this.running.delete(environment);
    else if (environment.state === "idle" && this.retired.has(environment.definition)) void environment.kill();
    else if (environment.state === "idle") {
      const timer = this.context.clock.setTimer(this.settings.idleMs, () => void environment.kill());
      this.idleTimers.set(environment, timer);
    }
    if (environment.state === "idle" || environment.state === "dead") this.serveWaiting();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.waiting.length = 0;
    for (const timer of this.idleTimers.values()) timer.cancel();
    await Promise.all([...this.running].map((environment) => environment.kill()));
    await this.runtimeApi.stop();
  }

  /** The most recently used one, so that the others become idle and end. */
  private findWarm(definition: FunctionDefinition): Environment | undefined {
    const deadline = this.context.clock.now() + definition.timeoutSeconds * 1000 + CREDENTIALS_MARGIN_MS;
    let best: Environment | undefined;
    for (const environment of this.running) {
      if (environment.definition !== definition || !environment.available) continue;
      if ((environment.credentials.expiresAt ?? Infinity) < deadline) {
        if (environment.state === "idle") void environment.kill();
        continue;
      }
      if (!best || isBetter(environment, best)) best = environment;
    }
    return best;
  }

  private async startCold(definition: FunctionDefinition, job: Job): Promise<Outcome> {
    if (this.stopped) throw new AwsError("ServiceException", "The local run has ended", 500);
    const { access } = this.context;
    const credentials = assumeRole(this.context, definition);
    const principal = access.find(credentials.accessKeyId)?.principal ?? anonymous;
    const id = this.context.uniqueId(32);
    const environment = new Environment(this, definition, id, credentials, principal);
    this.running.add(environment);
    const outcome = environment.run(job);
    await environment.start();
    return outcome;
  }

  /** Ends the least recently used idle environment; false when there is none. */
  private evict(): boolean {
    const idle = [...this.running].filter(({ state, available }) => state === "idle" && available);
    const [oldest] = idle.sort((one, other) => one.lastUsedAt - other.lastUsedAt);
    if (!oldest) return false;
    this.running.delete(oldest);
    void oldest.kill();
    return true;
  }

  private serveWaiting(): void {
    const next = this.stopped ? undefined : this.waiting.shift();
    if (next) next.resolve(this.run(next.definition, next.job));
  }
}

function isBetter(one: Environment, other: Environment): boolean {
  if (one.state !== other.state) return one.state === "idle";
  return one.lastUsedAt > other.lastUsedAt;
}
