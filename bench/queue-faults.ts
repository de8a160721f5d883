// `npm run bench -- queue-faults [--messages N] [--seed N]`: the faults of tests/stack/queue-faults.test.ts with many messages.
import { type FaultReport, runFaults } from "../tests/support/queue-faults";
import { round } from "./statistics";

/** What came of both runs. */
export interface QueueFaultsBenchmark {
  readonly messages: number;
  readonly runs: readonly object[];
}

/** Runs both kinds of queue and prints. Throws when a message was lost or processed twice. */
export async function run(options: ReadonlyMap<string, number>): Promise<QueueFaultsBenchmark> {
  const messages = options.get("messages") ?? 100_000;
  const seed = options.get("seed") ?? 1;
  const runs = [
    await runOnce("standard", { messages, seed, fifo: false, perSecond: 500, burst: 100 }),
    await runOnce("fifo", { messages, seed, fifo: true }),
  ];
  const result = { messages, runs };
  console.log(JSON.stringify(result, undefined, 2));
  return result;
}

async function runOnce(name: string, options: Parameters<typeof runFaults>[0]): Promise<object> {
  const began = performance.now();
  let shown = 0;
  const report = await runFaults({
    ...options,
    onProgress: (done) => {
      if (performance.now() < shown) return;
      shown = performance.now() + 1000;
      process.stderr.write(`\r${name}: ${String(done)} of ${String(options.messages)} messages done `);
    },
  });
  process.stderr.write("\n");
  const counts = judge(report);
  return {
    queue: name,
    ...counts,
    faults: report.faults,
    virtualSeconds: Math.round(report.seconds),
    seconds: round((performance.now() - began) / 1000, 1),
  };
}

function judge({ behaviours, effects, order, deadLetters, left, starts }: FaultReport): object {
  const rejected = [...behaviours.values()].filter((behaviour) => behaviour === "invalid").length;
  const lost = [...behaviours].filter(([number, kind]) => kind !== "invalid" && !effects.has(number)).length;
  const twice = [...effects.values()].filter((times) => times > 1).length;
  const fifo = order.size > 1;
  const disordered = fifo
    ? [...order.values()].filter((numbers) => numbers.some((number, index) => number < (numbers[index - 1] ?? 0)))
        .length
    : 0;
  const counts = { processed: effects.size, rejected: deadLetters.size, lost, twice, left, attempts: starts.length };
  if (lost > 0 || twice > 0 || left > 0 || deadLetters.size !== rejected || disordered > 0) {
    throw new Error(`the run broke its promise: ${JSON.stringify({ ...counts, expected: rejected, disordered })}`);
  }
  return fifo ? { ...counts, groupsOutOfOrder: disordered } : counts;
}
