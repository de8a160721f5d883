// A consumer behind a queue to which everything happens: its functions hang and die, its messages fail, arrive twice and late.
import { NonRetryableError, type QueueMessage } from "../../handlers/queue";
import type { SimulatedInvocation } from "../../local/cloud/cloud";
import type { Clock } from "../../local/cloud/core/clock";
import { LambdaEnvironment, type WorkInLife } from "./lambda-environments";

/** How a message behaves. */
export type Behaviour = "normal" | "flaky" | "slow" | "invalid" | "broken";

/** What goes wrong in a run. */
export type Fault =
  | "functions that hang"
  | "functions that crash in mid-batch"
  | "messages slower than the function's time"
  | "batches delivered twice at once"
  | "batches delivered again later"
  | "workers shut down in mid-batch"
  | "pauses in mid-batch"
  | "redrives while consuming";

/** Size and kind of a run. */
export interface FaultOptions {
  readonly messages: number;
  readonly seed: number;
  readonly fifo: boolean;
  /** @default - no bucket */
  readonly perSecond?: number;
  readonly burst?: number;
  readonly onProgress?: (done: number) => void;
}

/** Seconds that an invocation may take. */
export const TIMEOUT_MS = 15_000;

/** Numbers from 0 to below 1 that a seed decides (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The consumer, and what it has seen. */
export class FaultyConsumer {
  readonly behaviours = new Map<number, Behaviour>();
  /** Side effects by number of the message. */
  readonly effects = new Map<number, number>();
  /** Numbers in order of their effects, by group. */
  readonly order = new Map<string, number[]>();
  /** When work was begun, on the clock, in milliseconds; in order. */
  readonly starts: number[] = [];
  readonly faults: Partial<Record<Fault, number>> = {};
  readonly receives: Partial<Record<Behaviour, number>> = {};
  startsWhilePaused = 0;
  /** Whether the downstream takes what it could not take at first. */
  mended = false;
  /** When consumption was paused. */
  pausedAt = Infinity;
  /** Variables of the functions' environment. */
  variables: Readonly<Record<string, string>> = {};
  readonly random: () => number;
  private readonly idle: LambdaEnvironment[] = [];
  private readonly past: SimulatedInvocation[] = [];
  private invocations = 0;

  constructor(
    private readonly options: FaultOptions,
    private readonly clock: Clock,
  ) {
    this.random = seeded(options.seed);
  }

  /** A function's invocation, with what goes wrong in it. */
  async invoke(invocation: SimulatedInvocation): Promise<unknown> {
    const dice = this.random();
    const number = ++this.invocations;
    if (dice < 0.01 || number === 5) {
      this.count("functions that hang");
      return new Promise(() => undefined);
    }
    const crashes = dice < 0.04 || number === 3;
    const again = this.twin(invocation);
    if (again) void this.runIn(again);
    const result = await this.runIn(invocation, crashes ? this.between(1, 2000) : undefined);
    if (!this.options.fifo && (this.random() < 0.1 || this.past.length === 0)) this.past.push(invocation);
    return result;
  }

  /** An event that is delivered beside its first delivery, or long after it. */
  private twin(invocation: SimulatedInvocation): SimulatedInvocation | undefined {
    const dice = this.random();
    if (dice < 0.03 || this.invocations === 7) {
      this.count("batches delivered twice at once");
      return invocation;
    }
    const old = dice < 0.06 || this.invocations === 25 ? this.past.shift() : undefined;
    if (!old) return undefined;
    this.count("batches delivered again later");
    return { ...old, deadline: invocation.deadline };
  }

  private async runIn(invocation: SimulatedInvocation, diesAfterMs?: number): Promise<unknown> {
    const environment = this.idle.pop() ?? this.createEnvironment();
    try {
      return await environment.run(invocation, diesAfterMs);
    } catch (error) {
      this.count("functions that crash in mid-batch");
      throw error;
    } finally {
      this.idle.push(environment);
    }
  }

  private createEnvironment(): LambdaEnvironment {
    return new LambdaEnvironment(this.clock, { idempotencyKey, work: this.work }, this.variables, this.random);
  }

  /** What the team wrote. */
  readonly work: WorkInLife = async (message, _context, pause) => {
    const { clock } = this;
    const number = numberOf(message.body);
    const behaviour = this.behaviours.get(number) ?? "normal";
    this.starts.push(clock.now());
    if (clock.now() > this.pausedAt + TIMEOUT_MS) this.startsWhilePaused++;
    this.receives[behaviour] = Math.max(this.receives[behaviour] ?? 0, message.receiveCount);
    const first = message.receiveCount === 1;
    if (behaviour === "slow" && first) this.count("messages slower than the function's time");
    await pause(behaviour === "slow" && first ? 4 * TIMEOUT_MS : this.between(100, 1000));
    if (behaviour === "invalid") throw new NonRetryableError(`order ${String(number)} makes no sense`);
    if (behaviour === "broken" && !this.mended) throw new Error("the downstream cannot take this one yet");
    if (behaviour === "flaky" && first) throw new Error("the downstream had a bad moment");
    // The side effect: from here to the return nothing can come in between.
    this.effects.set(number, (this.effects.get(number) ?? 0) + 1);
    const group = message.groupId ?? "";
    const order = this.order.get(group) ?? [];
    order.push(number);
    this.order.set(group, order);
  };

  /** Decides how a message behaves. */
  assign(number: number): void {
    this.behaviours.set(number, this.choose(number));
  }

  private choose(number: number): Behaviour {
    const dice = this.random();
    // One of each at least, so that small runs meet them too.
    if (dice < 0.02 || number === 7) return "flaky";
    if (dice < 0.025 || number === 17) return "slow";
    if (dice < 0.035 || number === 27) return "invalid";
    return !this.options.fifo && (dice < 0.045 || number === 37) ? "broken" : "normal";
  }

  /** Notes that a fault was met. */
  count(fault: Fault): void {
    this.faults[fault] = (this.faults[fault] ?? 0) + 1;
  }

  /** Whole milliseconds, as clocks tell them. */
  private between(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least));
  }
}

/** The key of an order, not of a message: a copy in the dead-letter queue has the same one. */
export function idempotencyKey({ body }: QueueMessage): string {
  return `order-${String(numberOf(body))}`;
}

/** The number of a message. */
export function numberOf(body: unknown): number {
  return (body as { readonly number: number }).number;
}
