// `npm run demo`: demonstrations that run whole systems on this machine and show what happens to them.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type ParsedOptions, UsageError } from "../arguments";
import { type Command, EXIT, type InterruptibleContext, runCommand } from "../command";
import { demoModule } from "../late-modules";
import { describeDuration, readDuration, readText, readWhole } from "../values";
import { renderChart, renderHead, renderRow, renderSummary, renderSvg } from "./render";
import type { DemoResult, Sample } from "./run";

const DEFAULT_CHART = path.join(".local", "throttling-demo.svg");
/** The functions of the demonstration's program time out at 15 s. */
const MOST_DURATION_MS = 14_000;
/** Seconds after which a row is due although nothing has happened. */
const QUIET_SECONDS = 10;

const COMMAND: Command = {
  name: "npm run demo",
  summary: "Runs a demonstration on this machine: no AWS account, nothing is left behind.",
  usage: [["throttling [options]", "reserved concurrency against maximum concurrency, side by side"]],
  operands: [1, 1],
  options: [
    { name: "fast", description: "on a virtual clock, with simulated functions (default: real time, real processes)" },
    { name: "messages", value: "N", description: "messages for each system, 1 to 1000 (default: 25)" },
    { name: "duration", value: "TIME", description: "how long each takes, 1s to 14s (default: 10s)" },
    { name: "svg", value: "FILE", description: `where to write the chart (default: ${DEFAULT_CHART})` },
    { name: "open", description: "opens the chart" },
    { name: "json", description: "prints one line of JSON" },
  ],
  notes: "The systems are declared in examples/throttling-demo.ts. Ctrl-C ends it.",
};

/** Surroundings of the command. */
export interface DemoContext extends InterruptibleContext {
  /** Opens a file with the person's own program. */
  readonly open: (file: string) => void;
}

/** Runs the command. @returns the exit code, one of EXIT. */
export function runDemoCommand(context: DemoContext): Promise<number> {
  return runCommand(COMMAND, context, async ({ operands: [name = ""], options }) => {
    if (name !== "throttling") throw new UsageError(`there is no demonstration ${name}; there is: throttling`);
    return demonstrate(context, options);
  });
}

async function demonstrate(context: DemoContext, options: ParsedOptions): Promise<number> {
  const { stdout, stderr, interrupt: signal, folder } = context;
  const messages = readWhole(options, "messages", { least: 1, most: 1000 }) ?? 25;
  const durationMs = readDuration(options, "duration", { least: 1000, most: MOST_DURATION_MS }) ?? 10_000;
  const fast = options.fast === true;
  const print = options.json ? () => undefined : (text: string) => void stdout.write(text);
  print(
    `${messages} messages of ${describeDuration(durationMs)} for each system, ${fast ? "virtual" : "real"} time\n\n`,
  );
  print(renderHead());
  const { runDemo } = demoModule();
  const { samples, finished } = await runDemo({
    messages,
    durationMs,
    fast,
    signal,
    log: (line) => void stderr.write(line.endsWith("\n") ? line : `${line}\n`),
    onSample: rowPrinter(print),
  });
  if (!finished) return EXIT.interrupted;
  print(`\n${renderChart(samples)}\n${renderSummary(samples, messages)}`);
  const file = path.resolve(folder, readText(options, "svg") ?? DEFAULT_CHART);
  mkdirSync(path.dirname(file), { recursive: true });
  const title = `${messages} messages of ${describeDuration(durationMs)}, limit 5, one receive each`;
  writeFileSync(file, renderSvg(samples, title));
  print(`\nChart: ${file}\n`);
  if (options.json)
    stdout.write(`${JSON.stringify({ messages, durationMs, fast, ...summarise(samples), chart: file })}\n`);
  if (options.open) context.open(file);
  return EXIT.done;
}

/** Prints what is new: rows that only repeat the last one are left out for a while. */
function rowPrinter(print: (text: string) => void): (sample: Sample) => void {
  let last: Sample | undefined;
  return (sample) => {
    const same = last && JSON.stringify(last.readings) === JSON.stringify(sample.readings);
    if (same && last && sample.seconds - last.seconds < QUIET_SECONDS) return;
    last = sample;
    print(renderRow(sample));
  };
}

function summarise(samples: DemoResult["samples"]): object {
  const last = samples.at(-1);
  return { seconds: last?.seconds, ...last?.readings, samples };
}
