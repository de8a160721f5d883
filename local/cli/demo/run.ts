// Runs the demonstration: starts the cloud with its program, sends the messages, reads both systems each second until they are done.
import path from "node:path";
import type { WorkOrder } from "../../../handlers/work/contract";
import type { Cloud } from "../../cloud";
import type { SimulatedFunction } from "../../cloud/cloud";
import { sleep, VirtualClock } from "../../cloud/core/clock";
import { accountRoot } from "../../cloud/core/principal";
import { renderErrors } from "../report";
import { startSession } from "../session";
import { createGauge, type Gauge, type Reading, readSystems, type System, type SystemName } from "./systems";

const ROOT = path.join(__dirname, "..", "..", "..");
const SECOND_MS = 1000;
/** A demonstration that has not ended by then never will. */
const MOST_SECONDS = 1800;

/** What to run. */
export interface DemoOptions {
  readonly messages: number;
  readonly durationMs: number;
  /** Virtual time: the functions are simulated, and a minute passes in a blink. */
  readonly fast: boolean;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Is told each second. */
  readonly onSample: (sample: Sample) => void;
}

/** Both systems at a moment. */
export interface Sample {
  readonly seconds: number;
  readonly readings: Readonly<Record<SystemName, Reading>>;
}

/** What was seen. */
export interface DemoResult {
  readonly samples: readonly Sample[];
  /** Whether both systems came to rest; false when the demonstration was interrupted. */
  readonly finished: boolean;
}

/** Runs. Nothing is left behind, whatever happens. */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const clock = options.fast ? new VirtualClock(Date.now()) : undefined;
  const { cloud, evaluation } = await startSession({
    project: {
      name: "throttling-demo",
      stack: "demo",
      folder: ROOT,
      program: path.join(ROOT, "examples", "throttling-demo.ts"),
      config: { "aws:region": "eu-west-1" },
      secretKeys: [],
    },
    port: 0,
    signal: options.signal,
    onEvent: () => undefined,
    log: options.log,
    ...(clock && { clock, simulateFunction: simulateWork }),
  });
  try {
    if (evaluation.errors.length > 0) {
      throw new Error(`the demonstration's program did not start:\n${renderErrors(evaluation)}`);
    }
    return await watch(cloud, readSystems(evaluation.outputs.systems?.value), options, clock);
  } finally {
    await cloud.stop();
  }
}

async function watch(
  cloud: Cloud,
  systems: readonly System[],
  { messages, durationMs, signal, onSample }: DemoOptions,
  clock: VirtualClock | undefined,
): Promise<DemoResult> {
  let sent = 0;
  const gauge = createGauge(cloud, () => sent);
  const samples: Sample[] = [];
  const take = (): Sample => {
    const sample = readAll(gauge, systems);
    samples.push(sample);
    onSample(sample);
    return sample;
  };
  take();
  for (const system of systems) sendAll(cloud, system, messages, durationMs);
  sent = messages;
  for (let second = 1; second <= MOST_SECONDS; second++) {
    if (clock) await clock.advance(SECOND_MS);
    else await sleep(cloud.context.clock, SECOND_MS, signal).catch(() => undefined);
    if (signal.aborted) return { samples, finished: false };
    if (isAtRest(take())) return { samples, finished: true };
  }
  throw new Error(`messages were still in a queue after ${MOST_SECONDS} s`);
}

function readAll(gauge: Gauge, systems: readonly System[]): Sample {
  const readings = Object.fromEntries(systems.map((system) => [system.name, gauge.read(system)]));
  return { seconds: Math.round(gauge.elapsedMs() / SECOND_MS), readings: readings as Sample["readings"] };
}

/** Every message has been deleted or is in a dead-letter queue. */
function isAtRest({ readings }: Sample): boolean {
  return Object.values(readings).every(({ left, concurrency }) => left === 0 && concurrency === 0);
}

function sendAll(cloud: Cloud, { queueArn }: System, messages: number, durationMs: number): void {
  const sender = accountRoot(cloud.accountId);
  for (let sequence = 1; sequence <= messages; sequence++) {
    const order: WorkOrder = { durationMs, outcome: "succeed", sequence, loadId: "demo" };
    cloud.context.queues.send(queueArn, { body: JSON.stringify(order) }, sender);
  }
}

/** What handlers/work does with these messages, on the virtual clock. */
const simulateWork: SimulatedFunction = async ({ event, clock }) => {
  for (const { body } of (event as { readonly Records: readonly { readonly body: string }[] }).Records) {
    await sleep(clock, (JSON.parse(body) as WorkOrder).durationMs);
  }
  return { batchItemFailures: [] };
};
