// One attempt of a Task state: its input, its limits, its events, and the token that it may wait for.
import { childSignal, waitFor, type TaskLimits, toError } from "./cancellation";
import { note, type Visit } from "./frame";
import type { ExecutionPorts } from "./ports";
import { effectiveInput, enter, evaluateField, measured, scopeOf, type StateData } from "../language/data-flow";
import { StatesError } from "../language/errors";
import { requirePath } from "../language/paths";
import type { Json, JsonRecord } from "../language/types";

const WAIT_FOR_TOKEN = ".waitForTaskToken";

/** Names of the history events of a kind of task. */
interface EventNames {
  readonly prefix: "Task" | "LambdaFunction";
  readonly member: string;
}

/** Does the task. @throws StatesError, Cancelled */
export async function runTask(visit: Visit): Promise<Json> {
  const { frame, name, state, data } = visit;
  const { ports } = frame.run;
  const resource = state.Resource ?? "";
  const input = await enter(state, data);
  const inputText = measured(input, name);
  const limits = await limitsOf(visit);
  const names = namesOf(resource);
  const facts = names.prefix === "Task" ? resourceFacts(resource) : {};
  const { region } = frame.run.facts;
  noteTask(visit, names, "Scheduled", {
    ...(names.prefix === "Task" ? { ...facts, region, parameters: inputText } : { resource, input: inputText }),
    ...(limits.timeoutMs === undefined ? {} : { timeoutInSeconds: limits.timeoutMs / 1000 }),
    ...(limits.heartbeatMs === undefined ? {} : { heartbeatInSeconds: limits.heartbeatMs / 1000 }),
  });
  noteTask(visit, names, "Started", facts);
  const { controller, release } = childSignal(frame.signal);
  const call = { resource: resource.replace(WAIT_FOR_TOKEN, ""), input, stateName: name, signal: controller.signal };
  const withToken = resource.endsWith(WAIT_FOR_TOKEN);
  // Only who waits for a callback can miss a heartbeat.
  const { heartbeatMs, ...timeouts } = limits;
  const waits = withToken && heartbeatMs !== undefined ? limits : timeouts;
  try {
    const result = await waitFor(ports.clock, frame.signal, waits, ({ beat }) => {
      if (!withToken) return ports.runTask(call);
      return waitForToken(ports, controller.signal, tokenOf(data), beat, async () => {
        const submitted = await ports.runTask(call);
        // The token may have come back before the request that carried it was answered.
        if (controller.signal.aborted) return;
        noteTask(visit, names, "Submitted", { ...facts, output: JSON.stringify(submitted) });
      });
    });
    const output = measured(result, name);
    noteTask(visit, names, "Succeeded", { ...facts, output });
    return result;
  } catch (error) {
    if (error instanceof StatesError) {
      const timedOut = error.error === "States.Timeout" || error.error === "States.HeartbeatTimeout";
      noteTask(visit, names, timedOut ? "TimedOut" : "Failed", { ...facts, error: error.error, cause: error.reason });
    }
    throw error;
  } finally {
    // Whoever still works on the task is told that nobody waits any more.
    controller.abort();
    release();
  }
}

/** Resolves when somebody returns the token; the request itself only has to succeed. The token is void once `signal` aborts. */
function waitForToken(
  ports: ExecutionPorts,
  signal: AbortSignal,
  token: string,
  beat: () => void,
  submit: () => Promise<void>,
): Promise<Json> {
  return new Promise<Json>((resolve, reject) => {
    const forget = ports.awaitToken(token, {
      succeed: (output) => {
        forget();
        resolve(output);
      },
      fail: (error, cause) => {
        forget();
        reject(new StatesError(error, cause));
      },
      beat,
    });
    signal.addEventListener("abort", forget, { once: true });
    submit().catch((error: unknown) => {
      forget();
      reject(toError(error));
    });
  });
}

function tokenOf({ context }: StateData): string {
  return String((context.Task as JsonRecord | undefined)?.Token);
}

async function limitsOf({ state, data }: Visit): Promise<TaskLimits> {
  const seconds = async (
    direct: number | string | undefined,
    path: string | undefined,
    field: string,
  ): Promise<number | undefined> => {
    const value =
      path !== undefined
        ? requirePath(path, { ...scopeOf(data), data: effectiveInput(state, data) }, field)
        : typeof direct === "string"
          ? await evaluateField(direct, data, field)
          : direct;
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isInteger(value) && value > 0) return value;
    throw new StatesError("States.Runtime", `${field} must be a positive whole number, got ${JSON.stringify(value)}`);
  };
  const timeout = await seconds(state.TimeoutSeconds, state.TimeoutSecondsPath, "TimeoutSeconds");
  const heartbeat = await seconds(state.HeartbeatSeconds, state.HeartbeatSecondsPath, "HeartbeatSeconds");
  return {
    ...(timeout === undefined ? {} : { timeoutMs: timeout * 1000 }),
    ...(heartbeat === undefined ? {} : { heartbeatMs: heartbeat * 1000 }),
  };
}

function namesOf(resource: string): EventNames {
  return resource.startsWith("arn:aws:lambda:")
    ? { prefix: "LambdaFunction", member: "lambdaFunction" }
    : { prefix: "Task", member: "task" };
}

/** "arn:aws:states:::dynamodb:updateItem" → resourceType "dynamodb", resource "updateItem". */
function resourceFacts(resource: string): JsonRecord {
  const parts = resource.split(":::")[1]?.split(":") ?? [];
  const action = parts.at(-1) ?? resource;
  return { resourceType: parts.slice(0, -1).join(":"), resource: action };
}

function noteTask({ frame }: Visit, names: EventNames, what: string, details: JsonRecord): void {
  // LambdaFunctionStarted has no details.
  const member = Object.keys(details).length === 0 ? undefined : `${names.member}${what}EventDetails`;
  note(frame, `${names.prefix}${what}`, member, details);
}
