// `npm run watch -- EXECUTION`: follows a run in the terminal, with the client of the page and so with the same events.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { type ProgressClient, remainingSeconds, viewRun } from "../../clients/progress";
import { describeEvent, describeRemaining } from "../../clients/progress/words";
import type { ProgressEvent, RunDescription } from "../../handlers/progress/contract";
import { type ParsedOptions, UsageError } from "./arguments";
import { type Command, EXIT, type InterruptibleContext, runCommand } from "./command";
import { createStatusLine, drawBar } from "./status-line";
import { readText, readWhole } from "./values";
import { createWatchClient, WORKFLOW_OPTIONS } from "./watch-client";

/** The time that is left goes down between events too. */
const TICK_MS = 1000;

const COMMAND: Command = {
  name: "npm run watch",
  summary: "Follows a run of a workflow until it ends; the exit code is 0 when it has succeeded, and 1 when not.",
  usage: [
    ["[EXECUTION] [options]", "a run that exists (default: the newest)"],
    ["--start FILE [options]", "a run that is started now"],
  ],
  operands: [0, 1],
  options: [
    { name: "start", value: "FILE", description: "starts a run with the JSON of this file as input" },
    { name: "key", value: "KEY", description: "idempotency key for --start: the same key leads to the same run" },
    { name: "since", value: "N", description: "only events above this number (default: 0)" },
    { name: "json", description: "prints each event as a line of JSON" },
    ...WORKFLOW_OPTIONS,
  ],
  notes: "EXECUTION is an execution's name or ARN, or how the name begins.",
};

/** Runs the command. @returns the exit code, one of EXIT. */
export function runWatch(context: InterruptibleContext): Promise<number> {
  return runCommand(COMMAND, context, async ({ operands: [given], options }) => {
    const input = readInput(options, given);
    const since = readWhole(options, "since", { least: 0, most: Number.MAX_SAFE_INTEGER }) ?? 0;
    const client = createWatchClient(context.folder, options);
    const unreachable = failWhenUnreachable(client);
    const find = async (): Promise<string> =>
      input
        ? (await client.start(input.value, { idempotencyKey: input.key, signal: context.interrupt })).executionId
        : findRun(client, given, context.interrupt);
    try {
      const executionId = await Promise.race([find(), unreachable]);
      const state = await Promise.race([
        follow(context, client, executionId, since, Boolean(options.json)),
        unreachable,
      ]);
      return state === "succeeded" ? EXIT.done : EXIT.failed;
    } finally {
      client.close();
    }
  });
}

function readInput(options: ParsedOptions, given: string | undefined): { value: unknown; key: string } | undefined {
  const file = readText(options, "start");
  const key = readText(options, "key");
  if (file === undefined) {
    if (key !== undefined) throw new UsageError("--key belongs to --start");
    return undefined;
  }
  if (given !== undefined) throw new UsageError("give an execution or --start, not both");
  try {
    return { value: JSON.parse(readFileSync(file, "utf8")) as unknown, key: key ?? randomUUID() };
  } catch (error) {
    throw new UsageError(`${file} cannot be read as JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The run that a person means: a name in full, or the beginning of one on the list. */
async function findRun(client: ProgressClient, given: string | undefined, signal: AbortSignal): Promise<string> {
  const runs = await client.list({ signal });
  if (given === undefined) return runs[0]?.executionId ?? failWith("there is no run yet; start one with --start FILE");
  const name = given.slice(given.lastIndexOf(":") + 1);
  const found = runs.filter(({ executionId }) => executionId.startsWith(name));
  if (found.some(({ executionId }) => executionId === name)) return name;
  if (found.length > 1) failWith(`${found.length} runs begin with ${name}; give more of the name`);
  // The list is short: the run may exist all the same.
  return found[0]?.executionId ?? name;
}

async function follow(
  { stdout, interrupt }: InterruptibleContext,
  client: ProgressClient,
  executionId: string,
  since: number,
  json: boolean,
): Promise<RunDescription["state"] | undefined> {
  const status = createStatusLine(stdout, json);
  const log: ProgressEvent[] = [];
  const draw = (): void => {
    if (watch.run) status.show(describeNow(watch.run, log, client));
  };
  const watch = client.watch(executionId, { since, signal: interrupt, onRun: draw });
  const stopStatus = client.onStatus(draw);
  const ticks = setInterval(draw, TICK_MS);
  try {
    for await (const event of watch) {
      log.push(event);
      const at = event.at.slice(11, 19);
      const line = `${at}  ${String(event.percent).padStart(3)} %  ${describeEvent(event)}`;
      status.line(json ? JSON.stringify(event) : line);
      draw();
    }
  } finally {
    stopStatus();
    clearInterval(ticks);
    status.end();
  }
  return watch.run?.state;
}

/** "██████░░░░ 45 %  Payment, about 2 min left". */
function describeNow(run: RunDescription, log: readonly ProgressEvent[], { status }: ProgressClient): string {
  const view = viewRun(run, log);
  const step = view.steps.find(({ state }) => state === "running");
  const words = [step?.label ?? "", describeRemaining(remainingSeconds(view, Date.now()))].filter(Boolean).join(", ");
  const connection = status.state === "online" ? "" : `  (${status.state})`;
  return `${drawBar(run.percent / 100)} ${run.percent} %  ${words}${connection}`;
}

/** Rejects when there was never a connection; a lost one is opened again for as long as the person likes. */
function failWhenUnreachable(client: ProgressClient): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  let wasOnline = false;
  client.onStatus(({ state }) => {
    wasOnline ||= state === "online";
    if (state === "offline" && !wasOnline) reject(new Error("the workflow's API cannot be reached"));
  });
  promise.catch(() => undefined);
  return promise;
}

function failWith(message: string): never {
  throw new UsageError(message);
}
