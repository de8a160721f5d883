// Evaluation in a process of its own; the provider stays in this one.
import { fork } from "node:child_process";
import * as path from "node:path";
import { messageOf, problemsOf } from "../errors";
import { loaderArguments, ownModule, programEnvironment } from "./environment";
import type { ChildProcess } from "node:child_process";
import type { ErrorKind, EngineOptions, Evaluation, ResourceProvider } from "../types";
import type { Answer, Call, Method, PlainError, Start, ToParent } from "./protocol";

/** Options of {@link evaluateInChild}. */
export interface EvaluateInChildOptions extends EngineOptions {
  /** Absolute path of the program. */
  readonly program: string;
  /** Working directory of the program. @default the program's folder */
  readonly cwd?: string;
  /** Added to the program's environment, which has no TS_NODE_*, PULUMI_* or AWS_* of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Receives what the program prints. @default writes it to this process's stderr */
  readonly onOutput?: (text: string) => void;
}

const METHODS: readonly Method[] = ["check", "diff", "create", "update", "delete", "read", "invoke"];

/**
 * Evaluates a program in a process of its own, as `evaluate` does in this one. Several may run at once. Resources that
 * timers create are waited for, and inputs that never resolve are found without a timeout.
 *
 * The process ends with the evaluation, with `signal` (killed), or with this process, whichever comes first.
 */
export async function evaluateInChild(options: EvaluateInChildOptions): Promise<Evaluation> {
  if (options.signal?.aborted) return failed(options, "cancelled", "the evaluation was cancelled");
  const child = fork(ownModule("entry"), {
    execArgv: loaderArguments(),
    serialization: "advanced",
    cwd: options.cwd ?? path.dirname(options.program),
    env: programEnvironment(process.env, options.env),
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const kill = (): void => void child.kill("SIGKILL");
  options.signal?.addEventListener("abort", kill, { once: true });
  process.once("exit", kill);
  try {
    return await converse(child, options);
  } finally {
    options.signal?.removeEventListener("abort", kill);
    process.off("exit", kill);
    kill();
  }
}

function converse(child: ChildProcess, options: EvaluateInChildOptions): Promise<Evaluation> {
  const output = collectOutput(child, options.onOutput ?? ((text) => void process.stderr.write(text)));
  return new Promise((resolve) => {
    let evaluation: Evaluation | undefined;
    child.on("message", (message: ToParent) => {
      if (message.kind === "call") void answer(child, options.provider, message);
      else if (message.kind === "event") options.onEvent?.(message.event);
      else evaluation = message.evaluation;
    });
    child.on("error", (cause) =>
      resolve(failed(options, "process", `the program's process failed: ${messageOf(cause)}`)),
    );
    // Both, in any order: a busy parent may learn of the end before it has read the last message.
    let ended = false;
    const finish = (): void => {
      if (ended && !child.connected) resolve(evaluation ?? unfinished(child, options, output()));
    };
    child.on("disconnect", finish);
    child.on("close", () => {
      ended = true;
      finish();
    });
    child.send(startMessage(options));
  });
}

function unfinished(
  { exitCode, signalCode }: ChildProcess,
  options: EvaluateInChildOptions,
  output: string,
): Evaluation {
  if (options.signal?.aborted) return failed(options, "cancelled", "the evaluation was cancelled");
  const how = signalCode === null ? `exit code ${exitCode}` : `signal ${signalCode}`;
  const message = `the program's process ended with ${how} before the evaluation was finished`;
  return failed(options, "process", `${message}\n${output}`.trim());
}

function startMessage({
  program,
  provider,
  cwd: _,
  env: __,
  onOutput: ___,
  signal: ____,
  onEvent: _____,
  ...options
}: EvaluateInChildOptions): Start {
  return { kind: "start", program, options, methods: METHODS.filter((method) => provider[method] !== undefined) };
}

async function answer(child: ChildProcess, provider: ResourceProvider, { id, method, request }: Call): Promise<void> {
  const reply = await ask(provider, method, request).then(
    (value): Answer => ({ kind: "answer", id, value }),
    (cause: unknown): Answer => ({ kind: "answer", id, error: toPlainError(cause) }),
  );
  // A child that was killed meanwhile needs no answer.
  if (child.connected) child.send(reply, () => undefined);
}

async function ask(provider: ResourceProvider, method: Method, request: unknown): Promise<unknown> {
  // The child got the request's type from the same method of the same interface.
  return (provider as unknown as Record<Method, (request: unknown) => unknown>)[method](request);
}

function toPlainError(cause: unknown): PlainError {
  const stack = cause instanceof Error ? cause.stack : undefined;
  return { message: messageOf(cause), problems: problemsOf(cause), ...(stack !== undefined && { stack }) };
}

const KEPT_OUTPUT = 4_000;

function collectOutput(child: ChildProcess, onOutput: (text: string) => void): () => string {
  let kept = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      kept = (kept + text).slice(-KEPT_OUTPUT);
      onOutput(text);
    });
  }
  return () => kept;
}

/** The result when there is nothing but a failure; the state is what it was. */
function failed({ previous = { resources: [] } }: EngineOptions, kind: ErrorKind, message: string): Evaluation {
  const errors = [{ kind, message, problems: [] }];
  return { resources: [], outputs: {}, steps: [], invokes: [], errors, logs: [], snapshot: previous };
}
