// `npm run estimate`: what a queue of messages takes and costs, and which limits a rate needs, with the sums.
import {
  deriveConcurrency,
  estimateBatchSeconds,
  estimateDrain,
  proposePollerMode,
} from "../../components/throttled-queue-consumer/sizing";
import { KIT_CONCURRENCY } from "../../handlers/queue/contract";
import { type ParsedOptions, UsageError } from "./arguments";
import { type Command, type CommandContext, EXIT, runCommand } from "./command";
import { describeDuration, readDuration, readNumber, readWhole } from "./values";

const MOST_DURATION_MS = 900_000;
const MOST_RAMP_MS = 24 * 3_600_000;

const COMMAND: Command = {
  name: "npm run estimate",
  summary: "Estimates how long a queue takes to drain and what it costs, and proposes limits for a target rate.",
  usage: [
    ["--messages 1000000 --duration 2s --concurrency 50", "time and cost of a backlog"],
    ["--target-rate 100 --duration 2s [--ramp 3m]", "maximumConcurrency and pollers for a rate"],
  ],
  options: [
    { name: "duration", value: "TIME", description: "how long a message takes: 250ms, 2s (required)" },
    { name: "messages", value: "N", description: "messages that wait at the beginning" },
    { name: "concurrency", value: "N", description: "maximumConcurrency (default: derived from --target-rate)" },
    { name: "batch-size", value: "N", description: "messages of one invocation, 1 to 10000 (default: 1)" },
    {
      name: "side-by-side",
      value: "N",
      description: `messages of a batch that are worked on at a time (default: ${KIT_CONCURRENCY}, as the consumer kit)`,
    },
    { name: "memory", value: "MB", description: "memory of the function, 128 to 10240 (default: 512)" },
    { name: "target-rate", value: "N", description: "messages a second that must be kept up with" },
    { name: "ramp", value: "TIME", description: "time in which the target rate must be reached (default: no hurry)" },
    { name: "json", description: "prints one line of JSON" },
  ],
  notes:
    "Failures and retries are not in the estimate, nor what the function itself calls. Prices: us-east-1, without free tier.",
};

/** Runs the command. @returns the exit code, one of EXIT. */
export function runEstimate(context: CommandContext): Promise<number> {
  return runCommand(COMMAND, context, ({ options }) => {
    const estimate = makeEstimate(options);
    context.stdout.write(options.json ? `${JSON.stringify(estimate)}\n` : renderEstimate(estimate));
    return Promise.resolve(EXIT.done);
  });
}

/** What came out; the parts that were asked for. */
interface Estimate {
  readonly concurrency?: ReturnType<typeof deriveConcurrency>;
  readonly pollers?: ReturnType<typeof proposePollerMode>;
  readonly drain?: ReturnType<typeof estimateDrain> & { readonly maximumConcurrency: number };
}

function makeEstimate(options: ParsedOptions): Estimate {
  const durationMs = readDuration(options, "duration", { least: 1, most: MOST_DURATION_MS });
  const messages = readWhole(options, "messages", { least: 1, most: 1e12 });
  const messagesPerSecond = readNumber(options, "target-rate", { least: 0.001, most: 1e6 });
  const given = readWhole(options, "concurrency", { least: 2, most: 20_000 });
  const batchSize = readWhole(options, "batch-size", { least: 1, most: 10_000 }) ?? 1;
  const sideBySide = readWhole(options, "side-by-side", { least: 1, most: 10_000 }) ?? KIT_CONCURRENCY;
  const memorySize = readWhole(options, "memory", { least: 128, most: 10_240 }) ?? 512;
  const rampMs = readDuration(options, "ramp", { least: 1000, most: MOST_RAMP_MS });
  if (durationMs === undefined)
    throw new UsageError("--duration is missing: how long does a message take? --duration 2s");
  if (messages === undefined && messagesPerSecond === undefined) {
    throw new UsageError("say what to estimate: a backlog with --messages N, a rate with --target-rate N, or both");
  }
  const secondsPerBatch = estimateBatchSeconds(durationMs / 1000, batchSize, sideBySide);
  const derived =
    messagesPerSecond === undefined ? undefined : deriveConcurrency({ messagesPerSecond, secondsPerBatch, batchSize });
  const maximumConcurrency = given ?? derived?.maximumConcurrency;
  if (maximumConcurrency === undefined) {
    throw new UsageError("--messages needs --concurrency N, or --target-rate N to derive it from");
  }
  const rampSeconds = rampMs === undefined ? undefined : rampMs / 1000;
  return {
    ...(derived && { concurrency: derived }),
    pollers: proposePollerMode(maximumConcurrency, rampSeconds),
    ...(messages !== undefined && {
      drain: {
        maximumConcurrency,
        ...estimateDrain({ messages, secondsPerBatch, batchSize, maximumConcurrency, memorySize }),
      },
    }),
  };
}

function renderEstimate({ concurrency, pollers, drain }: Estimate): string {
  const parts: string[][] = [];
  if (concurrency) parts.push([`maximumConcurrency: ${concurrency.maximumConcurrency}`, concurrency.arithmetic]);
  if (pollers) {
    const range = pollers.mode === "provisioned" ? `, ${pollers.minimum} to ${pollers.maximum} pollers` : "";
    parts.push([`Pollers: ${pollers.mode}${range}`, pollers.arithmetic]);
  }
  if (drain) {
    const time = describeDuration(drain.seconds * 1000);
    parts.push([`Drains in ${time} for $${drain.costUsd.toFixed(2)}`, ...drain.arithmetic]);
  }
  return `${parts.map(([head = "", ...sums]) => [head, ...sums.map((sum) => `  ${sum}`)].join("\n")).join("\n\n")}\n`;
}
