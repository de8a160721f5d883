// Runs commands in the test's process, and collects what they print.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { InterruptibleContext } from "../../local/cli/command";
import { writeRunFile } from "../../local/cli/run-file";
import type { Cloud } from "../../local/cloud";

/** What a command did. */
export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command, `runDlq` say. @param context replaces parts of its surroundings. */
export async function runInTest<C extends InterruptibleContext>(
  command: (context: C) => Promise<number>,
  argv: readonly string[],
  context: Partial<C> = {},
): Promise<CommandResult> {
  let out = "";
  let err = "";
  const surroundings = {
    argv,
    folder: "/nowhere",
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    interrupt: new AbortController().signal,
    ...context,
  };
  const code = await command(surroundings as unknown as C);
  return { code, out, err };
}

/** A folder in which a cloud counts as the running stack. */
export interface RunFolder {
  readonly folder: string;
  remove(): void;
}

/** Makes the folder, with the file that `npm start` writes. */
export function makeRunFolder(cloud: Cloud, outputs: Readonly<Record<string, unknown>> = {}): RunFolder {
  const folder = mkdtempSync(path.join(tmpdir(), "command-run-"));
  const { accessKeyId, secretAccessKey } = cloud.rootCredentials();
  writeRunFile(folder, {
    pid: process.pid,
    project: "tests",
    stack: "dev",
    endpoint: cloud.gatewayOrigin,
    region: cloud.region,
    accountId: cloud.accountId,
    credentials: { accessKeyId, secretAccessKey },
    outputs,
  });
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}
