// Pulumi projects for the tests of the commands: made in a folder of their own, run by the command itself.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { runStart } from "../../local/cli/start-command";

const repository = path.resolve(__dirname, "..", "..");

/** A project on disk. */
export interface CliProject {
  readonly folder: string;
  /** Removes it. */
  remove(): void;
}

/** Writes a project. @param files content by name; Pulumi.yaml is added when missing. */
export function makeProject(files: Readonly<Record<string, string>>): CliProject {
  const folder = mkdtempSync(path.join(tmpdir(), "cli-project-"));
  symlinkSync(path.join(repository, "node_modules"), path.join(folder, "node_modules"));
  const all = { "Pulumi.yaml": "name: tiny\nruntime: nodejs\nmain: index.ts\n", ...files };
  for (const [name, content] of Object.entries(all)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), content);
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A command under way, or ended. */
export interface RunningCommand {
  readonly exitCode: Promise<number>;
  /** Resolves with the standard output once it holds a line; rejects when the command ends before. */
  readonly ready: Promise<string>;
  /** What was written to standard error so far. */
  errors(): string;
  /** Ctrl-C. */
  interrupt(): void;
}

/** Runs `npm start` in this process. */
export function start(folder: string, ...argv: readonly string[]): RunningCommand {
  const stopping = new AbortController();
  let output = "";
  let errors = "";
  const ready = Promise.withResolvers<string>();
  const stdout = {
    write: (text: string) => {
      output += text;
      if (output.includes("\n")) ready.resolve(output);
    },
  };
  const exitCode = runStart({
    argv,
    folder,
    stdout,
    stderr: { write: (text: string) => (errors += text) },
    interrupt: stopping.signal,
    elapsedMs: () => 1234.4,
  });
  void exitCode.then((code) => ready.reject(new Error(`ended with ${code}: ${errors}`)));
  ready.promise.catch(() => undefined);
  return {
    exitCode,
    ready: ready.promise,
    errors: () => errors,
    interrupt: () => stopping.abort(new Error("interrupted")),
  };
}
