// Describes what a program let escape: a throw while loading, a rejected promise, a failing apply.
import { messageOf, problemsOf } from "./errors";
import type { ErrorKind, EvaluationError } from "./types";

/**
 * @param whileLoading whether the module body threw it.
 * @param failedInvokes messages of failed provider functions: the SDK passes on nothing else.
 */
export function describeEscaped(
  cause: unknown,
  whileLoading: boolean,
  failedInvokes: ReadonlySet<string>,
): EvaluationError {
  const problems = problemsOf(cause);
  const stack = cause instanceof Error ? cause.stack : undefined;
  const subject = subjectOf(cause);
  const reasons = problems.map(({ property, reason }) => `${property}: ${reason}`);
  const message = [messageOf(cause), ...reasons]
    .filter((part, at, all) => part !== "" && all.indexOf(part) === at)
    .join("; ");
  return {
    ...subject,
    kind: kindOf(cause, whileLoading, failedInvokes),
    message: subject.name === undefined ? message : `${subject.type} "${subject.name}": ${message}`,
    problems,
    ...(stack !== undefined && { stack }),
  };
}

function kindOf(cause: unknown, whileLoading: boolean, failedInvokes: ReadonlySet<string>): ErrorKind {
  if (failedInvokes.has(messageOf(cause))) return "invoke";
  if (problemsOf(cause).length > 0) return "input";
  if (cause instanceof Error && "__pulumiRunError" in cause && cause.constructor.name.startsWith("Config"))
    return "config";
  return whileLoading ? "program" : "apply";
}

/** The resource that Pulumi's ResourceError names. */
function subjectOf(cause: unknown): { type?: string; name?: string } {
  if (typeof cause !== "object" || cause === null || !("resource" in cause)) return {};
  const { __name: name, __pulumiType: type } = (cause.resource ?? {}) as Record<string, unknown>;
  return typeof name === "string" && typeof type === "string" ? { name, type } : {};
}
