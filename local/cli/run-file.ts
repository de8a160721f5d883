// `.local/run.json`: how other commands of the repository find the running stack. Only the owner may read it; it ends with the run.
import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { UsageError } from "./arguments";

/** What a running stack tells the other commands. */
export interface RunFile {
  readonly pid: number;
  readonly project: string;
  readonly stack: string;
  /** Where the AWS APIs answer. */
  readonly endpoint: string;
  /** Where S3 Transfer Acceleration answers. */
  readonly accelerateEndpoint?: string;
  readonly region: string;
  readonly accountId: string;
  /** Credentials of the account's administrator. They open nothing but this run. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Stack outputs that are no secrets. */
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly demoUser?: { readonly username: string; readonly password: string };
}

/** Path of the file of a project. */
export function runFilePath(folder: string): string {
  return path.join(folder, ".local", "run.json");
}

/** Writes the file, replacing that of an earlier run. */
export function writeRunFile(folder: string, run: RunFile): void {
  const file = runFilePath(folder);
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  rmSync(file, { force: true });
  writeFileSync(file, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600, flag: "wx" });
}

/** Removes the file, unless a later run has replaced it. */
export function removeRunFile(folder: string): void {
  const run = parse(folder);
  if (run?.pid !== process.pid) return;
  rmSync(runFilePath(folder), { force: true });
  try {
    rmdirSync(path.dirname(runFilePath(folder)));
  } catch {
    // Others keep files there too: the state of unfinished uploads.
  }
}

/** The running stack. @throws UsageError when nothing runs. */
export function readRunFile(folder: string): RunFile {
  const run = parse(folder);
  if (!run || !isRunning(run.pid)) {
    throw new UsageError("no local stack is running in this project; start it with npm start in another terminal");
  }
  return run;
}

function parse(folder: string): RunFile | undefined {
  try {
    return JSON.parse(readFileSync(runFilePath(folder), "utf8")) as RunFile;
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
