// `npm run load`: messages of simulated work for a queue, on the local run and on AWS.
import { randomUUID } from "node:crypto";
import { type ParsedOptions, UsageError } from "../arguments";
import { type Command, EXIT, type InterruptibleContext, runCommand } from "../command";
import { estimateBatchSeconds, estimateDrain } from "../../../components/throttled-queue-consumer/sizing";
import { KIT_CONCURRENCY } from "../../../handlers/queue/contract";
import { type Connection, PLACE_OPTIONS, withConnection } from "../queues/connection";
import { createPace, wait } from "../queues/pace";
import { depthOf, findQueue, type Queue, readQueue } from "../queues/queue";
import { createStatusLine, drawBar, type Output } from "../status-line";
import { describeDuration, readDuration, readNumber, readWhole } from "../values";
import { readConsumer } from "./consumer";
import type { LoadPlan } from "./orders";
import { sendLoad } from "./send";

const SHARE = { least: 0, most: 1 };
/** Lambda's longest run, less a margin for the handler: see WorkOrder. */
const MOST_DURATION_MS = 840_000;

const COMMAND: Command = {
  name: "npm run load",
  summary: "Sends messages of simulated work to a queue.",
  usage: [["QUEUE --messages 25 --duration 10s [options]"]],
  operands: [1, 1],
  options: [
    { name: "messages", value: "N", description: "how many (default: 25)" },
    { name: "duration", value: "TIME", description: "how long each takes, 0s to 14m (default: 1s)" },
    { name: "failure-rate", value: "SHARE", description: "share that fails on every attempt, 0 to 1 (default: 0)" },
    { name: "fail-once-rate", value: "SHARE", description: "share that fails on the first attempt only (default: 0)" },
    { name: "reject-rate", value: "SHARE", description: "share that can never be processed (default: 0)" },
    { name: "groups", value: "N", description: "tenants that the messages belong to (default: none; FIFO: 1)" },
    { name: "noisy", value: "SHARE", description: "share of the first tenant, with --groups (default: all alike)" },
    { name: "rate", value: "N", description: "messages a second (default: as fast as it goes)" },
    { name: "seed", value: "N", description: "the same seed gives the same load (default: 1)" },
    {
      name: "concurrency",
      value: "N",
      description: "workers, for the estimate (default: what the queue's mapping says)",
    },
    { name: "watch", description: "waits until the queue is empty" },
    { name: "json", description: "prints one line of JSON" },
    ...PLACE_OPTIONS,
  ],
  notes: "QUEUE is a queue's name, its URL, its ARN or the name of a stack output that holds one.",
};

/** What the options ask for. */
interface Wishes {
  readonly plan: LoadPlan;
  readonly rate: number | undefined;
  readonly concurrency: number | undefined;
}

/** Runs the command. @returns the exit code, one of EXIT. */
export function runLoad(context: InterruptibleContext): Promise<number> {
  return runCommand(COMMAND, context, async ({ operands: [given = ""], options }) => {
    const wishes = readWishes(options);
    return withConnection(context.folder, options, async (connection) =>
      send(context, connection, await findQueue(connection, given), wishes, options),
    );
  });
}

async function send(
  { stdout, stderr, interrupt }: InterruptibleContext,
  connection: Connection,
  queue: Queue,
  wishes: Wishes,
  options: ParsedOptions,
): Promise<number> {
  const plan = queue.fifo ? { ...wishes.plan, groups: Math.max(1, wishes.plan.groups) } : wishes.plan;
  const status = createStatusLine(stderr);
  const began = performance.now();
  const sent = await sendLoad({
    sqs: connection.sqs,
    queue,
    plan,
    pace: createPace(wishes.rate, interrupt),
    signal: interrupt,
    onProgress: (count) => status.show(`${drawBar(count / plan.messages)} ${count} of ${plan.messages} messages`),
  }).finally(() => status.end());
  const { drainMs, unknown } = await estimate(connection, queue, plan, wishes.concurrency);
  const drained = options.watch && !interrupt.aborted ? await watch(connection, queue, interrupt, stderr) : undefined;
  const tookMs = Math.round(performance.now() - began);
  if (options.json) {
    const { loadId } = plan;
    stdout.write(`${JSON.stringify({ queue: queue.name, loadId, sent, drainMs, drained, tookMs })}\n`);
  } else {
    stdout.write(`Sent ${sent} messages to ${queue.name} (load ${plan.loadId}).\n`);
    stdout.write(describeEstimate(drainMs, unknown));
    if (drained) stdout.write(`Drained after ${describeDuration(tookMs)}.\n`);
  }
  return interrupt.aborted ? EXIT.interrupted : EXIT.done;
}

/** How long it drains, or why nobody knows. */
interface Estimate {
  readonly drainMs?: number;
  readonly unknown?: string;
}

async function estimate(
  connection: Connection,
  queue: Queue,
  plan: LoadPlan,
  given: number | undefined,
): Promise<Estimate> {
  const { concurrency, batchSize = 1, unknown } = await readConsumer(connection, queue.arn);
  const maximumConcurrency = given ?? concurrency;
  if (maximumConcurrency === undefined) return unknown === undefined ? {} : { unknown };
  const secondsPerBatch = estimateBatchSeconds(plan.durationMs / 1000, batchSize, KIT_CONCURRENCY);
  const { seconds } = estimateDrain({ messages: plan.messages, secondsPerBatch, batchSize, maximumConcurrency });
  return { drainMs: Math.round(seconds * 1000) };
}

function describeEstimate(drainMs: number | undefined, unknown = ""): string {
  if (drainMs === undefined) return `How long it drains is not known: ${unknown}; give --concurrency N.\n`;
  return `Should drain in about ${describeDuration(drainMs)}, failures and what was in the queue before not counted.\n`;
}

/** Waits until the queue is empty. @returns false when it was interrupted before. */
async function watch(
  { sqs, pollMs }: Connection,
  { url }: Queue,
  interrupt: AbortSignal,
  output: Output,
): Promise<boolean> {
  const status = createStatusLine(output);
  try {
    while (!interrupt.aborted) {
      const now = await readQueue(sqs, url);
      if (depthOf(now) === 0) return true;
      status.show(`${now.visible} waiting, ${now.inFlight} being processed, ${now.delayed} delayed`);
      await wait(pollMs, interrupt);
    }
    return false;
  } finally {
    status.end();
  }
}

function readWishes(options: ParsedOptions): Wishes {
  const groups = readWhole(options, "groups", { least: 1, most: 10_000 });
  const noisyShare = readNumber(options, "noisy", SHARE);
  if (noisyShare !== undefined && (groups ?? 0) < 2) {
    throw new UsageError("--noisy needs other tenants beside the noisy one: give --groups 2 or more");
  }
  const shares = {
    failureShare: readNumber(options, "failure-rate", SHARE) ?? 0,
    failOnceShare: readNumber(options, "fail-once-rate", SHARE) ?? 0,
    rejectShare: readNumber(options, "reject-rate", SHARE) ?? 0,
  };
  const sum = shares.failureShare + shares.failOnceShare + shares.rejectShare;
  if (sum > 1 + Number.EPSILON) {
    throw new UsageError(`--failure-rate, --fail-once-rate and --reject-rate must be 1 at most together, got ${sum}`);
  }
  return {
    plan: {
      ...shares,
      loadId: randomUUID(),
      messages: readWhole(options, "messages", { least: 1, most: 10_000_000 }) ?? 25,
      durationMs: readDuration(options, "duration", { least: 0, most: MOST_DURATION_MS }) ?? 1000,
      groups: groups ?? 0,
      seed: readWhole(options, "seed", { least: 0, most: 2 ** 32 - 1 }) ?? 1,
      ...(noisyShare === undefined ? {} : { noisyShare }),
    },
    rate: readNumber(options, "rate", { least: 0.1, most: 100_000 }),
    concurrency: readWhole(options, "concurrency", { least: 1, most: 100_000 }),
  };
}
