// The ways to evaluate a program that need the SDK in this process, which is loaded on demand only.
import type { EvaluateOptions, Evaluation } from "./types";
import type { ExecutorEvaluation, ExecutorOptions } from "./sdk/executor";

// Who only forks children must not pay for the SDK, so these two are not imported at the top.
const inProcess = (): typeof import("./sdk/in-process") => require("./sdk/in-process");
const executor = (): typeof import("./sdk/executor") => require("./sdk/executor");

/**
 * Evaluates a program in this process. Failures of the program are in the result's `errors`; nothing is thrown for them.
 *
 * Evaluations in one process run one after the other. While one runs, unhandled rejections of the whole process count as
 * its failures. Resources that a timer creates after the program has settled are missed: see `evaluateInChild`.
 */
export function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  return inProcess().evaluateInProcess(options);
}

/**
 * Evaluates an unmodified program with the executor that Pulumi's language host starts, over gRPC on the loopback.
 * Slower than `evaluate`, and as close to a deployment as it gets without the CLI.
 */
export function runWithExecutor(options: ExecutorOptions): Promise<ExecutorEvaluation> {
  return executor().runWithExecutor(options);
}
