// Everything that can go wrong with a queue's consumer, at once, on the virtual clock: the kit in simulated functions, real SQS, event
// source mapping and DynamoDB of the embedded cloud over HTTP. For tests, and for the bench that runs it with many messages.
import { createMapping } from "../../handlers/queue/breaker-ports";
import { runConsumer } from "../../handlers/queue/container/run-consumer";
import { createJsonClient } from "../../handlers/queue/kit";
import { SQS } from "../../handlers/shared/aws-json";
import { accountRoot } from "../../local/cloud/core/principal";
import {
  type Behaviour,
  type Fault,
  type FaultOptions,
  FaultyConsumer,
  idempotencyKey,
  numberOf,
  TIMEOUT_MS,
} from "./faulty-consumer";
import { createIoClock } from "./io-clock";
import { type QueueSystem, startQueueSystem } from "./queue-system";

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

const CONCURRENCY = 10;
const BATCH = 10;
const GROUPS = 20;
const MAX_RECEIVES = 5;
const LIMIT_SECONDS = 2_000_000;

/** Runs until nothing can change any more. */
export async function runFaults(options: FaultOptions): Promise<FaultReport> {
  const io = createIoClock();
  const consumer = new FaultyConsumer(options, io.clock);
  const system = await startQueueSystem((invocation) => consumer.invoke(invocation), {
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
    consumer.variables = variablesOf(system, options);
    return await new FaultRun(options, system, consumer).finish();
  } finally {
    await system.cloud.stop();
    io.close();
  }
}

/** The environment of the functions, and of the worker. */
function variablesOf(system: QueueSystem, options: FaultOptions): Readonly<Record<string, string>> {
  const { cloud } = system;
  const { accessKeyId, secretAccessKey } = cloud.rootCredentials();
  const { perSecond, burst = 1 } = options;
  return {
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

/** What the operator does meanwhile. */
class FaultRun {
  constructor(
    private readonly options: FaultOptions,
    private readonly system: QueueSystem,
    private readonly consumer: FaultyConsumer,
  ) {}

  async finish(): Promise<FaultReport> {
    const { clock, send, queue, deadLetters } = this.system;
    const { messages, fifo, onProgress } = this.options;
    const began = clock.now();
    for (let number = 1; number <= messages; number++) {
      this.consumer.assign(number);
      send(JSON.stringify({ number }), fifo ? `group-${String(number % GROUPS)}` : undefined);
    }
    const good = [...this.consumer.behaviours.values()].filter((behaviour) => behaviour !== "invalid").length;
    const milestones = fifo ? [this.pause] : [this.worker, this.pause, this.redrive];
    for (let second = 0; second < LIMIT_SECONDS; second++) {
      await clock.advance(1000);
      const left = queue().visible + queue().notVisible + queue().delayed;
      onProgress?.(messages - left);
      // Each at its share of the way, so that all of them meet messages in work.
      const done = (messages - left) / messages;
      if (milestones.length > 0 && done > (fifo ? 0.3 : 0.8 - 0.25 * milestones.length)) await milestones.shift()?.();
      else if (left > 0 || milestones.length > 0) continue;
      else if (this.consumer.effects.size < good && deadLetters().visible > 0) await this.redrive();
      else break;
    }
    const left = queue().visible + queue().notVisible + queue().delayed;
    const { effects, order, behaviours, starts, startsWhilePaused, faults, receives } = this.consumer;
    return {
      ...{ effects, order, behaviours, starts, startsWhilePaused, faults, receives, left },
      deadLetters: await this.readDeadLetters(),
      seconds: (clock.now() - began) / 1000,
    };
  }

  private async readDeadLetters(): Promise<ReadonlyMap<number, number>> {
    const { cloud, deadLetters } = this.system;
    const settings = { maximumMessages: this.options.messages, waitTimeMs: 0 };
    const found = await cloud.context.queues.receive(deadLetters().arn, settings, accountRoot(cloud.accountId));
    const copies = new Map<number, number>();
    for (const { body } of found) {
      const number = numberOf(JSON.parse(body));
      copies.set(number, (copies.get(number) ?? 0) + 1);
    }
    return copies;
  }

  /** The operator pauses consumption in mid-batch and goes on a minute later. */
  private readonly pause = async (): Promise<void> => {
    const { clock, lambda } = this.system;
    const [mapping] = lambda.mappings();
    const control = createMapping(mapping?.uuid ?? "", this.consumer.variables, () => clock.now());
    await control.set({ enabled: false });
    this.consumer.pausedAt = clock.now();
    this.consumer.count("pauses in mid-batch");
    await clock.advance(60_000);
    this.consumer.pausedAt = Infinity;
    await control.set({ enabled: true });
  };

  /** What broke is mended, and the dead letters go back while others are being consumed. */
  private readonly redrive = async (): Promise<void> => {
    const { clock, queueArn, deadLetters } = this.system;
    this.consumer.mended = true;
    const client = createJsonClient(SQS, this.consumer.variables, () => clock.now());
    await client.call("StartMessageMoveTask", {
      SourceArn: deadLetters().arn,
      DestinationArn: queueArn,
      MaxNumberOfMessagesPerSecond: 100,
    });
    this.consumer.count("redrives while consuming");
    const seconds = Math.ceil(deadLetters().visible / 100) + 1;
    await clock.advance(seconds * 1000);
  };

  /** A container consumes beside the function and is shut down in mid-batch. */
  private readonly worker = async (): Promise<void> => {
    const { clock } = this.system;
    const stop = new AbortController();
    const life = (milliseconds: number, callback: () => void): (() => void) => {
      const timer = clock.setTimer(milliseconds, callback);
      return () => timer.cancel();
    };
    const running = runConsumer(
      {
        idempotencyKey,
        processMessage: (message, context) =>
          this.consumer.work(
            message,
            context,
            (milliseconds) => new Promise((resolve) => void life(milliseconds, resolve)),
          ),
      },
      { concurrency: 20, visibilitySeconds: 300, messageTimeoutSeconds: 120, graceSeconds: 3600, waitSeconds: 1 },
      {
        environment: this.consumer.variables,
        signal: stop.signal,
        overrides: {
          now: () => clock.now(),
          random: this.consumer.random,
          startTimer: life,
          writeLine: () => undefined,
        },
      },
    );
    await clock.advance(3300);
    stop.abort();
    this.consumer.count("workers shut down in mid-batch");
    await clock.advance(130_000);
    await running;
  };
}
