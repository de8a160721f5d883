// `npm run bench -- queue [--messages LARGEST] [--rounds N]`: how long a queue takes to drain and what the embedded cloud needs for it,
// from a thousand messages to a million; and what the consumer kit costs per message beside its peers.
import { execFileSync } from "node:child_process";
import * as path from "node:path";
import { estimateDrain, standardRampSeconds } from "../components/throttled-queue-consumer/sizing";
import { DRAIN_CONCURRENCY, DRAIN_SECONDS, type Drain } from "./queue-drain";
import { measureOverhead, type OverheadBenchmark } from "./queue-overhead";
import { formatTable, round } from "./statistics";

/** A drain beside what was expected of it. */
export interface JudgedDrain extends Drain {
  /** Messages ÷ concurrency × duration. */
  readonly plainSeconds: number;
  /** Drain time against that, without the seconds that the ramp costs. */
  readonly deviation: number;
  /** By the component's estimator. */
  readonly estimatedSeconds: number;
  readonly estimateDeviation: number;
}

/** What was measured. */
export interface QueueBenchmark {
  readonly concurrency: number;
  readonly secondsPerMessage: number;
  /** Seconds by which the ramp from 5 invocations delays the end. */
  readonly rampCostSeconds: number;
  readonly drains: readonly JudgedDrain[];
  readonly overhead: OverheadBenchmark;
}

const SIZES = [1000, 10_000, 100_000, 1_000_000];
/** Lambda's own pollers begin with so many invocations. */
const FIRST_CONCURRENCY = 5;

/** Measures and prints. */
export async function run(options: ReadonlyMap<string, number>): Promise<QueueBenchmark> {
  const largest = options.get("messages") ?? 1_000_000;
  const overhead = await measureOverhead(options.get("rounds") ?? 7);
  printOverhead(overhead);
  const ramp = standardRampSeconds(DRAIN_CONCURRENCY);
  const rampCostSeconds = ramp * (1 - (FIRST_CONCURRENCY + DRAIN_CONCURRENCY) / 2 / DRAIN_CONCURRENCY);
  const drains = SIZES.filter((size) => size <= largest).map((size) => judge(drain(size), rampCostSeconds));
  printDrains(drains, rampCostSeconds);
  return {
    concurrency: DRAIN_CONCURRENCY,
    secondsPerMessage: DRAIN_SECONDS,
    rampCostSeconds: round(rampCostSeconds),
    drains,
    overhead,
  };
}

/** In a process of its own, with its progress on our stderr. */
function drain(messages: number): Drain {
  const script = path.join(__dirname, "queue-drain.ts");
  const output = execFileSync(process.execPath, ["--expose-gc", "-r", "tsx/cjs", script, String(messages)], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(output) as Drain;
}

function judge(drained: Drain, rampCostSeconds: number): JudgedDrain {
  const { messages, drainSeconds } = drained;
  const plainSeconds = (messages / DRAIN_CONCURRENCY) * DRAIN_SECONDS;
  const { seconds: estimatedSeconds } = estimateDrain({
    messages,
    secondsPerBatch: DRAIN_SECONDS,
    maximumConcurrency: DRAIN_CONCURRENCY,
  });
  return {
    ...drained,
    plainSeconds,
    deviation: round((drainSeconds - rampCostSeconds) / plainSeconds - 1, 4),
    estimatedSeconds: round(estimatedSeconds, 1),
    estimateDeviation: round(drainSeconds / estimatedSeconds - 1, 4),
  };
}

function printDrains(drains: readonly JudgedDrain[], rampCostSeconds: number): void {
  const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;
  console.log(`\nramp from ${FIRST_CONCURRENCY} to ${DRAIN_CONCURRENCY}: ${rampCostSeconds.toFixed(2)} s more`);
  console.log(
    formatTable([
      ["messages", "drained in", "n/c × d", "without ramp", "estimate", "CPU/message", "peak", "real time"],
      ...drains.map((one) => [
        String(one.messages),
        `${String(one.drainSeconds)} s`,
        `${String(one.plainSeconds)} s`,
        percent(one.deviation),
        percent(one.estimateDeviation),
        `${String(one.cpuMicrosecondsPerMessage)} µs`,
        `${String(one.peakMegabytes)} MB`,
        `${String(one.seconds)} s`,
      ]),
    ]),
  );
}

function printOverhead({ plain, idempotent }: OverheadBenchmark): void {
  const rows = [...plain, ...idempotent].map(({ way, cpuMicroseconds, wallMicroseconds, ratio }) => [
    way,
    `${String(cpuMicroseconds)} µs`,
    `${String(wallMicroseconds)} µs`,
    String(ratio),
  ]);
  console.log(formatTable([["way", "CPU per message", "time per message", "ratio"], ...rows]));
}
