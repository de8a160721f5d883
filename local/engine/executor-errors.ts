// What went wrong in Pulumi's executor, from its logs, its last words and its exit code.
import type { Deployment } from "./deployment";
import type { ErrorKind, EvaluationError } from "./types";

/** How the executor's process ended. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  readonly cancelled: boolean;
}

/** Failures the engine itself has not seen. */
export function describeExit(end: ProcessEnd, { failures, logs, calls }: Deployment): EvaluationError[] {
  if (end.cancelled) return [plain("cancelled", "the evaluation was cancelled")];
  if (end.timedOut) return [plain("unresolved", "the executor did not finish in time"), ...unresolved(end.stderr)];
  const known = failures.all.map(({ message }) => message);
  const logged = logs
    .filter(({ severity, message }) => severity === "error" && !known.some((one) => message.includes(one)))
    .map(({ message }) => plain(kindOf(message, calls.failed), withoutPreamble(message)));
  const found = [...logged, ...(known.length === 0 ? unresolved(end.stderr) : [])];
  if (end.exitCode === 0 || found.length > 0 || known.length > 0) return found;
  return [plain("process", `the executor ended with exit code ${end.exitCode}\n${end.stderr.slice(-4_000)}`.trim())];
}

const plain = (kind: ErrorKind, message: string): EvaluationError => ({ kind, message, problems: [] });

function kindOf(message: string, failedInvokes: ReadonlySet<string>): ErrorKind {
  if ([...failedInvokes].some((one) => message.includes(one))) return "invoke";
  return /required configuration variable|^Configuration '/.test(message) ? "config" : "program";
}

const withoutPreamble = (message: string): string =>
  message.replace(/^Running program '[^']*' failed with an unhandled exception:\n/, "");

/** `  * "x" [aws:s3/bucket:Bucket] was waiting for the value of its input property "bucket"` */
function unresolved(stderr: string): EvaluationError[] {
  const lines = stderr.matchAll(/^\s+\* "([^"]+)" \[([^\]]+)\] was (waiting for .*)$/gm);
  return [...lines].map(([, name = "", type = "", what = ""]) => {
    const property = /input property "([^"]+)"/.exec(what)?.[1];
    return {
      kind: "unresolved",
      message: `${type} "${name}": still ${what}`,
      type,
      name,
      problems: property === undefined ? [] : [{ property, reason: "does not resolve" }],
    };
  });
}
