// `npm run bench -- start [--rounds N]`: how soon `npm start` is ready, and what it holds in memory when nothing happens.
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { median, round } from "./statistics";

const root = path.join(__dirname, "..");

/** Medians. */
export interface StartBenchmark {
  readonly rounds: number;
  readonly readyMs: number;
  /** Resident memory of all its processes, idle, in megabytes. */
  readonly residentMegabytes: number;
}

/** Measures and prints. */
export async function run(options: ReadonlyMap<string, number>): Promise<StartBenchmark> {
  const rounds = options.get("rounds") ?? 5;
  const runs = [];
  for (let index = 0; index < rounds; index++) runs.push(await startOnce());
  const result = {
    rounds,
    readyMs: median(runs.map(({ readyMs }) => readyMs)),
    residentMegabytes: round(median(runs.map(({ residentMegabytes }) => residentMegabytes)), 0),
  };
  console.log(JSON.stringify(result, undefined, 2));
  return result;
}

async function startOnce(): Promise<{ readyMs: number; residentMegabytes: number }> {
  const child = spawn(process.execPath, ["-r", "tsx/cjs", "local/cli/start.ts", "--port", "0", "--json"], {
    cwd: root,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  let text = "";
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.includes("\n")) break;
  }
  const { readyMs } = JSON.parse(text) as { readyMs: number };
  const residentMegabytes = residentOf(child.pid ?? 0);
  child.kill("SIGINT");
  await ended;
  return { readyMs, residentMegabytes };
}

/** A process and its children, from /proc; NaN where there is none. */
function residentOf(pid: number): number {
  try {
    const own = /VmRSS:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${String(pid)}/status`, "utf8"))?.[1];
    const children = fs
      .readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, "utf8")
      .trim()
      .split(" ")
      .filter(Boolean);
    return Number(own) / 1024 + children.reduce((sum, child) => sum + residentOf(Number(child)), 0);
  } catch {
    return NaN;
  }
}
