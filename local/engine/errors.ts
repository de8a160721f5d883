// Failures of an evaluation: how they are described, gathered once each, and thrown on request.
import type { ErrorKind, Evaluation, EvaluationError, PropertyProblem } from "./types";

/** The resource an error is about. */
export interface Subject {
  readonly urn?: string;
  readonly type: string;
  readonly name: string;
}

/** Thrown inside the engine; `detail` is what the result reports. */
export class EngineFailure extends Error {
  constructor(readonly detail: EvaluationError) {
    super(detail.message);
    this.name = "EngineFailure";
  }
}

/** Thrown by {@link assertSucceeded}: every failure of the evaluation in one message. */
export class EvaluationFailedError extends Error {
  constructor(readonly errors: readonly EvaluationError[]) {
    super(
      errors.length === 1
        ? errors[0]?.message
        : `${errors.length} errors:\n${errors.map(({ message }) => `- ${message}`).join("\n")}`,
    );
    this.name = "EvaluationFailedError";
  }
}

/**
 * Returns the evaluation if it succeeded.
 * @throws EvaluationFailedError naming every failure.
 */
export function assertSucceeded<E extends Evaluation>(evaluation: E): E {
  if (evaluation.errors.length > 0) throw new EvaluationFailedError(evaluation.errors);
  return evaluation;
}

/** `aws:s3/bucket:Bucket "media"`; a function has no name. */
export const label = ({ type, name }: Subject): string => (name === "" ? type : `${type} "${name}"`);

/** Makes a failure about a resource. */
export function failure(kind: ErrorKind, subject: Subject, reason: string): EngineFailure {
  return new EngineFailure({ ...identity(subject), kind, message: `${label(subject)}: ${reason}`, problems: [] });
}

/** Makes a failure out of whatever a provider, hook or transform threw. */
export function failureFrom(kind: ErrorKind, subject: Subject, cause: unknown): EngineFailure {
  if (cause instanceof EngineFailure) return cause;
  const problems = problemsOf(cause);
  const reason = problems.length > 0 ? describe(problems) : messageOf(cause);
  const stack = cause instanceof Error ? cause.stack : undefined;
  return new EngineFailure({
    ...identity(subject),
    kind,
    message: `${label(subject)}: ${reason}`,
    problems,
    ...(stack !== undefined && { stack }),
  });
}

const identity = ({ urn, type, name }: Subject): Subject => ({ ...(urn !== undefined && { urn }), type, name });
const describe = (problems: readonly PropertyProblem[]): string =>
  problems.map(({ property, reason }) => `${property}: ${reason}`).join("; ");

/** The message of anything that was thrown. */
export function messageOf(cause: unknown): string {
  if (cause instanceof Error) return cause.message || cause.name;
  return typeof cause === "string" ? cause : `a value that is no error was thrown: ${String(cause)}`;
}

/** Property problems of an error: our `problems`, or Pulumi's InputPropertyError and InputPropertiesError. */
export function problemsOf(cause: unknown): PropertyProblem[] {
  if (typeof cause !== "object" || cause === null) return [];
  const { problems, errors, propertyPath, reason } = cause as Record<string, unknown>;
  if (Array.isArray(problems))
    return problems.filter(isProblem).map(({ property, reason: why }) => ({ property, reason: why }));
  if (typeof propertyPath === "string") return [{ property: propertyPath, reason: String(reason) }];
  if (!("__pulumiInputPropertiesError" in cause) || !Array.isArray(errors)) return [];
  return errors.map((one: Record<string, unknown>) => ({
    property: String(one.propertyPath),
    reason: String(one.reason),
  }));
}

const isProblem = (value: unknown): value is PropertyProblem =>
  typeof value === "object" && value !== null && typeof (value as PropertyProblem).property === "string";

/** Gathers failures, each once, however often and however wrapped it arrives. */
export class FailureList {
  readonly #seen = new Set<unknown>();
  readonly #list = new Map<string, EvaluationError>();

  get all(): readonly EvaluationError[] {
    return [...this.#list.values()];
  }

  get isEmpty(): boolean {
    return this.#list.size === 0;
  }

  /** Adds a failure the engine itself found. */
  add(detail: EvaluationError): void {
    const key = `${detail.kind} ${detail.urn ?? ""} ${detail.message}`;
    if (!this.#list.has(key)) this.#list.set(key, detail);
  }

  /** Adds something that the program let escape; `describeIt` is asked only when it is new. */
  addEscaped(cause: unknown, describeIt: (cause: unknown) => EvaluationError): void {
    if (this.#seen.has(cause)) return;
    this.#seen.add(cause);
    if (cause instanceof EngineFailure) this.add(cause.detail);
    else if (!this.#isEcho(cause)) this.add(describeIt(cause));
  }

  // The SDK wraps what the engine answered: "failed to register new resource NAME [TYPE]: ANSWER".
  #isEcho(cause: unknown): boolean {
    const text = messageOf(cause);
    return [...this.#list.values()].some(({ message }) => text.includes(message));
  }
}
