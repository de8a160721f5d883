// Errors within an execution: names, and which of them a retrier or catcher takes.

/** An error as an execution sees it: a name that Retry and Catch match, and a cause. */
export class StatesError extends Error {
  /** @param location field whose expression failed, "Arguments/MessageBody" say. */
  constructor(
    readonly error: string,
    readonly reason: string,
    readonly location?: string,
  ) {
    super(`${error}: ${reason}`);
    this.name = "StatesError";
  }
}

const RUNTIME = "States.Runtime";
/** Never caught by States.ALL: the definition or its data are at fault. */
const TERMINAL = ["States.DataLimitExceeded", RUNTIME];
const TIMEOUTS = ["States.Timeout", "States.HeartbeatTimeout"];

/** Whether a list of names takes an error. https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html */
export function takes(errorEquals: readonly string[], error: string): boolean {
  // A runtime error always ends the execution.
  if (error === RUNTIME) return false;
  return errorEquals.some((name) => {
    if (name === error) return true;
    if (name === "States.ALL") return !TERMINAL.includes(error);
    if (name === "States.TaskFailed") return !TERMINAL.includes(error) && !TIMEOUTS.includes(error);
    // A missed heartbeat is a timeout too.
    return name === "States.Timeout" && error === "States.HeartbeatTimeout";
  });
}

const LOCATED = [RUNTIME, "States.QueryEvaluationError", "States.IntrinsicFailure", "States.ResultPathMatchFailure"];
const PREFIX = "An error occurred while executing the state '";

/** The error with the state that it belongs to in its cause, where AWS names it; the same error when it is named already. */
export function locate(error: StatesError, state: string, enteredId: number): StatesError {
  if (!LOCATED.includes(error.error) || error.reason.startsWith(PREFIX)) return error;
  const reason = `${PREFIX}${state}' (entered at the event id #${enteredId}). ${error.reason}`;
  return new StatesError(error.error, reason, error.location);
}

/** Whether an error is at once the end of the execution, without events of the states around it. */
export function isRuntimeError(error: StatesError): boolean {
  return error.error === RUNTIME;
}
