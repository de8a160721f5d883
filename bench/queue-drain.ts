// One drain of a queue on the virtual clock, in a process of its own so that its memory can be told: node bench/queue-drain.ts MESSAGES.
// Prints one JSON object; progress goes to stderr. Called by bench/queue.ts.
import { sleep } from "../local/cloud/core/clock";
import { startQueueSystem } from "../tests/support/queue-system";
import { round } from "./statistics";

/** Invocations at a time. */
export const DRAIN_CONCURRENCY = 50;
/** Seconds of each invocation. */
export const DRAIN_SECONDS = 1;

/** What was measured. */
export interface Drain {
  readonly messages: number;
  /** On the virtual clock, from the first send to the empty queue. */
  readonly drainSeconds: number;
  readonly invocations: number;
  /** Real time and CPU of it all, sending included. */
  readonly seconds: number;
  readonly cpuMicrosecondsPerMessage: number;
  readonly peakMegabytes: number;
  /** Heap in use before the first message, with all of them in the queue, and when all are gone. */
  readonly heapMegabytes: { readonly before: number; readonly full: number; readonly after: number };
}

async function drain(messages: number): Promise<Drain> {
  const system = await startQueueSystem(({ clock }) => sleep(clock, DRAIN_SECONDS * 1000), {
    mapping: { scalingConfig: { maximumConcurrency: DRAIN_CONCURRENCY } },
  });
  const before = heapMegabytes();
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  for (let number = 0; number < messages; number++) system.send(`message ${String(number)}`);
  const full = heapMegabytes();
  let drainSeconds = 0;
  let shown = 0;
  for (let left = messages; left > 0; drainSeconds++) {
    await system.clock.advance(1000);
    const { visible, notVisible } = system.queue();
    left = visible + notVisible;
    if (performance.now() < shown) continue;
    shown = performance.now() + 500;
    process.stderr.write(`\r${String(messages - left)} of ${String(messages)} messages `);
  }
  const { user, system: kernel } = process.cpuUsage(cpu);
  const seconds = round((performance.now() - began) / 1000, 1);
  process.stderr.write("\n");
  const result = {
    messages,
    drainSeconds,
    invocations: system.metric("Invocations"),
    seconds,
    cpuMicrosecondsPerMessage: round((user + kernel) / messages, 0),
    peakMegabytes: round(process.resourceUsage().maxRSS / 1024, 0),
    heapMegabytes: { before, full, after: heapMegabytes() },
  };
  await system.cloud.stop();
  return result;
}

function heapMegabytes(): number {
  globalThis.gc?.();
  return round(process.memoryUsage().heapUsed / 2 ** 20, 0);
}

if (require.main === module) {
  void drain(Number(process.argv[2])).then((result) => console.log(JSON.stringify(result)));
}
