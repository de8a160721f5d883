// What the consumer kit costs per message, beside Powertools and a bare handler: CPU of this process, rounds interleaved.
import { fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as os from "node:os";
import * as path from "node:path";
import type { Context, SQSEvent } from "aws-lambda";
import * as esbuild from "esbuild";
import type * as handlers from "./queue-handlers";
import { median, round } from "./statistics";

/** One way of processing. Medians over the rounds. */
export interface Overhead {
  readonly way: string;
  /** Microseconds of CPU per message in the function's process. */
  readonly cpuMicroseconds: number;
  /** Microseconds that a message takes, ten of them side by side in a batch. */
  readonly wallMicroseconds: number;
  /** CPU against the first way of its group. */
  readonly ratio: number;
}

/** What was measured. */
export interface OverheadBenchmark {
  readonly rounds: number;
  readonly batchSize: number;
  readonly plain: readonly Overhead[];
  readonly idempotent: readonly Overhead[];
}

const BATCH_SIZE = 10;
const PLAIN = ["bare", "powertools", "kit"] as const;
const IDEMPOTENT = ["powertoolsIdempotent", "kitIdempotent"] as const;
const PLAIN_BATCHES = 3000;
const IDEMPOTENT_BATCHES = 60;
const LABELS: Readonly<Record<keyof typeof handlers, string>> = {
  bare: "bare handler",
  powertools: "Powertools batch",
  kit: "consumer kit",
  powertoolsIdempotent: "Powertools batch and idempotency",
  kitIdempotent: "consumer kit with idempotency",
};

/** Measures. */
export async function measureOverhead(rounds: number): Promise<OverheadBenchmark> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bench-queue-"));
  const database = fork(path.join(__dirname, "queue-database.ts"), { execArgv: ["-r", "tsx/cjs"] });
  const ended = new Promise((resolve) => database.once("exit", resolve));
  try {
    const environment = await new Promise<handlers.DatabaseEnvironment>((resolve, reject) => {
      database.once("message", (message) => resolve(message as handlers.DatabaseEnvironment));
      database.once("exit", () => reject(new Error("the database did not start")));
    });
    return {
      rounds,
      batchSize: BATCH_SIZE,
      plain: await measureGroup(PLAIN, folder, environment, rounds, PLAIN_BATCHES),
      idempotent: await measureGroup(IDEMPOTENT, folder, environment, rounds, IDEMPOTENT_BATCHES),
    };
  } finally {
    if (database.connected) database.disconnect();
    await ended;
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function measureGroup(
  names: readonly (keyof typeof handlers)[],
  folder: string,
  environment: handlers.DatabaseEnvironment,
  rounds: number,
  batches: number,
): Promise<readonly Overhead[]> {
  const ways = names.map((name) => ({
    name,
    way: load(name, folder, environment),
    cpu: [] as number[],
    wall: [] as number[],
  }));
  // One round more than counted: the first one compiles.
  for (let index = 0; index <= rounds; index++) {
    for (const { name, way, cpu, wall } of ways) {
      process.stderr.write(`\rround ${String(index)} of ${String(rounds)}: ${LABELS[name]}${" ".repeat(24)}`);
      const sample = await measure(way, batches);
      if (index === 0) continue;
      cpu.push(sample.cpu);
      wall.push(sample.wall);
    }
  }
  process.stderr.write("\n");
  const first = median(ways[0]?.cpu ?? []);
  return ways.map(({ name, cpu, wall }) => ({
    way: LABELS[name],
    cpuMicroseconds: round(median(cpu)),
    wallMicroseconds: round(median(wall)),
    ratio: round(median(cpu) / first),
  }));
}

/** Bundles one way as it would be deployed, and loads it. */
function load(name: keyof typeof handlers, folder: string, environment: handlers.DatabaseEnvironment): handlers.Way {
  const file = path.join(folder, `${name}.js`);
  esbuild.buildSync({
    stdin: { contents: `export { ${name} } from "./queue-handlers";`, resolveDir: __dirname },
    outfile: file,
    bundle: true,
    minify: true,
    treeShaking: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    mainFields: ["module", "main"],
    legalComments: "none",
    logLevel: "error",
  });
  const module = createRequire(file)(file) as Record<
    typeof name,
    (environment: handlers.DatabaseEnvironment) => handlers.Way
  >;
  return module[name](environment);
}

async function measure(way: handlers.Way, batches: number): Promise<{ readonly cpu: number; readonly wall: number }> {
  const events = Array.from({ length: batches }, createEvent);
  const context = { awsRequestId: "request", getRemainingTimeInMillis: () => 30_000 } as Context;
  globalThis.gc?.();
  const [began, before] = [performance.now(), process.cpuUsage()];
  for (const event of events) {
    const { batchItemFailures } = await way(event, context);
    if (batchItemFailures.length > 0) throw new Error("a message failed");
  }
  const { user, system } = process.cpuUsage(before);
  const messages = batches * BATCH_SIZE;
  return { cpu: (user + system) / messages, wall: ((performance.now() - began) * 1000) / messages };
}

function createEvent(): SQSEvent {
  const records = Array.from({ length: BATCH_SIZE }, (_, index) => ({
    messageId: randomUUID(),
    receiptHandle: "AQEB-handle",
    body: JSON.stringify({ orderId: index, customer: "c-1", lines: [{ sku: "s-1", count: 2 }] }),
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: "1790000000000",
      SenderId: "AIDAEXAMPLE",
      ApproximateFirstReceiveTimestamp: "1790000000001",
    },
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:eu-west-1:123456789012:work",
    awsRegion: "eu-west-1",
  }));
  return { Records: records };
}
