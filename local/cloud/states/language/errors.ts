// Errors within an execution: names, and which of them a retrier or catcher takes.

/** An error as an execution sees it: a name that Retry and Catch match, and a cause. */
export class StatesError extends Error {
  constructor(
    readonly error: string,
    readonly reason: string,
  ) {
    super(`${error}: ${reason}`);
    this.name = "StatesError";
  }
}

/** Never caught by States.ALL: the definition or its data are at fault. */
const TERMINAL = ["States.DataLimitExceeded", "States.Runtime"];
const TIMEOUTS = ["States.Timeout", "States.HeartbeatTimeout"];

/** Whether a list of names takes an error. https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html */
export function takes(errorEquals: readonly string[], error: string): boolean {
  return errorEquals.some((name) => {
    if (name === error) return true;
    if (name === "States.ALL") return !TERMINAL.includes(error);
    if (name === "States.TaskFailed") return !TERMINAL.includes(error) && !TIMEOUTS.includes(error);
    // A missed heartbeat is a timeout too.
    return name === "States.Timeout" && error === "States.HeartbeatTimeout";
  });
}
