// Everything that can go wrong with a queue's consumer, at once, on the virtual clock: the kit in simulated functions, real SQS, event
// source mapping and DynamoDB of the embedded cloud over HTTP. For tests, and for the bench that runs it with many messages.
import { runConsumer } from "../../handlers/queue/container/run-consumer";
import { createMapping } from "../../handlers/queue/breaker-ports";
import { NonRetryableError, type QueueMessage } from "../../handlers/queue";
import { createJsonClient } from "../../handlers/queue/kit";
import { SQS } from "../../handlers/shared/aws-json";
import type { SimulatedInvocation } from "../../local/cloud";
import { accountRoot } from "../../local/cloud/core/principal";
import { createIoClock } from "./io-clock";
import { LambdaEnvironment, type WorkInLife } from "./lambda-environments";
import { type QueueSystem, startQueueSystem } from "./queue-system";

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

/** What came of a run. */
export interface FaultReport {
  /** Side effects by number of the message. */
  readonly effects: ReadonlyMap<number, number>;
  /** Numbers in order of their effects, by group. */
  readonly order: ReadonlyMap<string, readonly number[]>;
  /** What lies in the dead-letter queue at the end: copies by number of the message. A rejection is sent at least once. */
  readonly deadLetters: ReadonlyMap<number, number>;
  readonly left: number;
  readonly behaviours: ReadonlyMap<number, Behaviour>;
  /** When work was begun, on the clock, in milliseconds; in order. */
  readonly starts: readonly number[];
  /** Work begun while the mapping was paused, but for the grace of what was received before. */
  readonly startsWhilePaused: number;
  /** How often each fault was met. */
  readonly faults: Readonly<Partial<Record<Fault, number>>>;
  /** Highest receive count that a consumer saw, by behaviour. */
  readonly receives: Readonly<Partial<Record<Behaviour, number>>>;
  readonly seconds: number;
}

const TIMEOUT_MS = 15_000;
const CONCURRENCY = 10;
const BATCH = 10;
const GROUPS = 20;
const MAX_RECEIVES = 5;
const LIMIT_SECONDS = 2_000_000;

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

/** Runs until nothing can change any more. */
export async function runFaults(options: FaultOptions): Promise<FaultReport> {
  const io = createIoClock();
  const run = new FaultRun(options);
  const system = await startQueueSystem((invocation) => run.invoke(invocation), {
    clock: io.clock,
    // The order of a group must not end in the dead-letter queue.
    maxReceiveCount: options.fifo ? 1000 : MAX_RECEIVES,
    queue: { visibilityTimeoutSeconds: 90, ...(options.fifo ? { fifoQueue: true } : {}) },
    function: { timeout: TIMEOUT_MS / 1000 },
    mapping: {
      batchSize: BATCH,
      functionResponseTypes: ["ReportBatchItemFailures"],
      scalingConfig: { maximumConcurrency: CONCURRENCY },
    },
  });
  try {
    await system.declare("aws:dynamodb/table:Table", {
      name: "state",
      billingMode: "PAY_PER_REQUEST",
      hashKey: "pk",
      attributes: [{ name: "pk", type: "S" }],
    });
    run.connect(system);
    return await run.finish();
  } finally {
    await system.cloud.stop();
    io.close();
  }
}

class FaultRun {
  private readonly random: () => number;
  private readonly behaviours = new Map<number, Behaviour>();
  private readonly effects = new Map<number, number>();
  private readonly order = new Map<string, number[]>();
  private readonly starts: number[] = [];
  private readonly faults: Partial<Record<Fault, number>> = {};
  private readonly receives: Partial<Record<Behaviour, number>> = {};
  private readonly idle: LambdaEnvironment[] = [];
  private readonly past: SimulatedInvocation[] = [];
  private system: QueueSystem | undefined;
  private variables: Readonly<Record<string, string>> = {};
  private mended = false;
  private invocations = 0;
  private pausedAt = Infinity;
  private startsWhilePaused = 0;

  constructor(private readonly options: FaultOptions) {
    this.random = seeded(options.seed);
  }

  connect(system: QueueSystem): void {
    this.system = system;
    const { cloud } = system;
    const { accessKeyId, secretAccessKey } = cloud.rootCredentials();
    const { perSecond, burst = 1 } = this.options;
    this.variables = {
      AWS_REGION: cloud.region,
      AWS_ENDPOINT_URL: cloud.gatewayOrigin,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      QUEUE_URL: system.queue().url,
      QUEUE_NAME: system.queue().name,
      DEAD_LETTER_QUEUE_URL: system.deadLetters().url,
      STATE_TABLE_NAME: "state",
      IDEMPOTENCY_SECONDS: "31536000",
      BACKOFF_BASE_SECONDS: "2",
      BACKOFF_MAXIMUM_SECONDS: "60",
      ...(perSecond === undefined ? {} : { RATE_LIMIT_PER_SECOND: String(perSecond), RATE_LIMIT_BURST: String(burst) }),
    };
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
    const environment = this.idle.pop() ?? this.createEnvironment(invocation);
    try {
      return await environment.run(invocation, diesAfterMs);
    } catch (error) {
      this.count("functions that crash in mid-batch");
      throw error;
    } finally {
      this.idle.push(environment);
    }
  }

  private createEnvironment({ clock }: SimulatedInvocation): LambdaEnvironment {
    const consumer = { idempotencyKey: ({ body }: QueueMessage) => `order-${String(numberOf(body))}`, work: this.work };
    return new LambdaEnvironment(clock, consumer, this.variables, this.random);
  }

  private readonly work: WorkInLife = async (message, _context, pause) => {
    const { clock } = this.running();
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

  async finish(): Promise<FaultReport> {
    const { clock, send, queue, deadLetters } = this.running();
    const { messages, fifo, onProgress } = this.options;
    const began = clock.now();
    for (let number = 1; number <= messages; number++) {
      const behaviour = this.behaviourOf(number);
      this.behaviours.set(number, behaviour);
      send(JSON.stringify({ number }), fifo ? `group-${String(number % GROUPS)}` : undefined);
    }
    const good = [...this.behaviours.values()].filter((behaviour) => behaviour !== "invalid").length;
    const milestones = fifo ? [this.pause] : [this.worker, this.pause, this.redrive];
    for (let second = 0; second < LIMIT_SECONDS; second++) {
      await clock.advance(1000);
      const left = queue().visible + queue().notVisible + queue().delayed;
      onProgress?.(messages - left);
      // Each at its share of the way, so that all of them meet messages in work.
      const done = (messages - left) / messages;
      if (milestones.length > 0 && done > (fifo ? 0.3 : 0.8 - 0.25 * milestones.length)) await milestones.shift()?.();
      else if (left > 0 || milestones.length > 0) continue;
      else if (this.effects.size < good && deadLetters().visible > 0) await this.redrive();
      else break;
    }
    const left = queue().visible + queue().notVisible + queue().delayed;
    const { effects, order, behaviours, starts, startsWhilePaused, faults, receives } = this;
    return {
      ...{ effects, order, behaviours, starts, startsWhilePaused, faults, receives, left },
      deadLetters: await this.readDeadLetters(),
      seconds: (clock.now() - began) / 1000,
    };
  }

  private async readDeadLetters(): Promise<ReadonlyMap<number, number>> {
    const { cloud, deadLetters } = this.running();
    const settings = { maximumMessages: this.options.messages, waitTimeMs: 0 };
    const found = await cloud.context.queues.receive(deadLetters().arn, settings, accountRoot(cloud.accountId));
    const copies = new Map<number, number>();
    for (const { body } of found) {
      const number = numberOf(JSON.parse(body));
      copies.set(number, (copies.get(number) ?? 0) + 1);
    }
    return copies;
  }

  private behaviourOf(number: number): Behaviour {
    const dice = this.random();
    // One of each at least, so that small runs meet them too.
    if (dice < 0.02 || number === 7) return "flaky";
    if (dice < 0.025 || number === 17) return "slow";
    if (dice < 0.035 || number === 27) return "invalid";
    return !this.options.fifo && (dice < 0.045 || number === 37) ? "broken" : "normal";
  }

  /** The operator pauses consumption in mid-batch and goes on a minute later. */
  private readonly pause = async (): Promise<void> => {
    const { clock, lambda } = this.running();
    const [mapping] = lambda.mappings();
    const control = createMapping(mapping?.uuid ?? "", this.variables, () => clock.now());
    await control.set({ enabled: false });
    this.pausedAt = clock.now();
    this.count("pauses in mid-batch");
    await clock.advance(60_000);
    this.pausedAt = Infinity;
    await control.set({ enabled: true });
  };

  /** What broke is mended, and the dead letters go back while others are being consumed. */
  private readonly redrive = async (): Promise<void> => {
    const { clock, queueArn, deadLetters } = this.running();
    this.mended = true;
    const client = createJsonClient(SQS, this.variables, () => clock.now());
    await client.call("StartMessageMoveTask", {
      SourceArn: deadLetters().arn,
      DestinationArn: queueArn,
      MaxNumberOfMessagesPerSecond: 100,
    });
    this.count("redrives while consuming");
    const seconds = Math.ceil(deadLetters().visible / 100) + 1;
    await clock.advance(seconds * 1000);
  };

  /** A container consumes beside the function and is shut down in mid-batch. */
  private readonly worker = async (): Promise<void> => {
    const { clock } = this.running();
    const stop = new AbortController();
    const life = (milliseconds: number, callback: () => void): (() => void) => {
      const timer = clock.setTimer(milliseconds, callback);
      return () => timer.cancel();
    };
    const running = runConsumer(
      {
        idempotencyKey: ({ body }) => `order-${String(numberOf(body))}`,
        processMessage: (message, context) =>
          this.work(message, context, (milliseconds) => new Promise((resolve) => void life(milliseconds, resolve))),
      },
      { concurrency: 20, visibilitySeconds: 300, messageTimeoutSeconds: 120, graceSeconds: 3600, waitSeconds: 1 },
      {
        environment: this.variables,
        signal: stop.signal,
        overrides: { now: () => clock.now(), random: this.random, startTimer: life, writeLine: () => undefined },
      },
    );
    await clock.advance(3300);
    stop.abort();
    this.count("workers shut down in mid-batch");
    await clock.advance(130_000);
    await running;
  };

  /** Whole milliseconds, as clocks tell them. */
  private between(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least));
  }

  private count(fault: Fault): void {
    this.faults[fault] = (this.faults[fault] ?? 0) + 1;
  }

  private running(): QueueSystem {
    if (!this.system) throw new Error("the run has not been connected");
    return this.system;
  }
}

function numberOf(body: unknown): number {
  return (body as { readonly number: number }).number;
}
