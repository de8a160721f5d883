// Evaluates an unmodified Pulumi program without the CLI. Knows nothing of AWS: the caller's provider answers.
export { evaluate, runWithExecutor } from "./evaluate";
export { evaluateInChild } from "./child/evaluate-in-child";
export { assertSucceeded, EvaluationFailedError } from "./errors";
export { containsUnknown } from "./values";
export { UNKNOWN } from "./types";
export type * from "./types";
