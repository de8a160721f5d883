// Runs definitions of the Amazon States Language on a virtual clock, with tasks that tests write as callbacks.
import { VirtualClock } from "../../local/cloud/core/clock";
import { Execution } from "../../local/cloud/states/execution/execution";
import type { TokenWait } from "../../local/cloud/states/execution/ports";
import { StatesError } from "../../local/cloud/states/language/errors";
import type { Json, State, StatesDefinition } from "../../local/cloud/states/language/types";
import { findingsOf } from "../../local/cloud/states/language/validate";

/** A task by the name of its state: its result, or an exception. */
export type TestTask = (input: Json, clock: VirtualClock, signal: AbortSignal) => Json | Promise<Json>;

/** A definition that runs. */
export interface StatesRun {
  readonly execution: Execution;
  readonly clock: VirtualClock;
  /** By token. */
  readonly tokens: Map<string, TokenWait>;
  /** Types of the history events so far. */
  types(): readonly string[];
}

/** A resource that every definition of the tests may use. */
export const WORK = "arn:aws:states:::lambda:invoke";

/** Starts a definition. @throws Error when it is not valid. */
export function startStates(
  definition: StatesDefinition,
  input: Json = {},
  tasks: Readonly<Record<string, TestTask>> = {},
): StatesRun {
  const findings = findingsOf(JSON.stringify(definition));
  if (findings.length > 0) throw new Error(findings.map(({ message }) => message).join("; "));
  const clock = new VirtualClock();
  const tokens = new Map<string, TokenWait>();
  let counter = 0;
  const execution = new Execution({
    arn: "arn:aws:states:eu-west-1:123456789012:execution:machine:run",
    name: "run",
    stateMachineArn: "arn:aws:states:eu-west-1:123456789012:stateMachine:machine",
    stateMachineName: "machine",
    roleArn: "arn:aws:iam::123456789012:role/states",
    definition,
    input,
    ports: {
      clock,
      randomness: { uuid: () => `uuid-${++counter}`, random: () => 0.5 },
      newToken: () => `token-${++counter}`,
      awaitToken: (token, wait) => {
        tokens.set(token, wait);
        return () => tokens.delete(token);
      },
      runTask: async ({ stateName, input: taskInput, signal }) => {
        const task = tasks[stateName];
        if (!task) throw new StatesError("States.Runtime", `the test has no task ${stateName}`);
        return task(taskInput, clock, signal);
      },
    },
    onEvent: () => undefined,
    onStatus: () => undefined,
  });
  execution.start();
  return { execution, clock, tokens, types: () => execution.history.events.map(({ type }) => type) };
}

/** Runs a definition to its end within `seconds` of virtual time; its output, or its error as a StatesError. */
export async function runStates(
  definition: StatesDefinition,
  input: Json = {},
  tasks: Readonly<Record<string, TestTask>> = {},
  seconds = 3600,
): Promise<Json | undefined> {
  const run = startStates(definition, input, tasks);
  await settle(run);
  await run.clock.advance(seconds * 1000);
  await settle(run);
  const { status, output, error = "", cause = "" } = run.execution;
  if (status === "SUCCEEDED") return output;
  throw new StatesError(
    status === "TIMED_OUT" ? "States.Timeout" : error,
    status === "RUNNING" ? "still running" : cause,
  );
}

/** Lets expressions and tasks without timers finish. */
export async function settle({ execution }: Pick<StatesRun, "execution">): Promise<void> {
  for (let round = 0; round < 20 && execution.status === "RUNNING"; round++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A machine of one state that ends. */
export function one(state: Omit<State, "End">, language: "JSONPath" | "JSONata" = "JSONPath"): StatesDefinition {
  const ends = state.Type === "Succeed" || state.Type === "Fail" ? {} : { End: true };
  return { QueryLanguage: language, StartAt: "A", States: { A: { ...state, ...ends } } };
}

/** A machine of states in a row: each goes on to the next, the last ends. */
export function chain(
  states: Readonly<Record<string, Omit<State, "Next" | "End">>>,
  language: "JSONPath" | "JSONata" = "JSONPath",
): StatesDefinition {
  const names = Object.keys(states);
  const linked = Object.entries(states).map(([name, state], index) => {
    const next = names[index + 1];
    const ends = state.Type === "Succeed" || state.Type === "Fail" ? {} : { End: true };
    return [name, { ...state, ...(next === undefined ? ends : { Next: next }) }] as const;
  });
  return { QueryLanguage: language, StartAt: names[0] ?? "", States: Object.fromEntries(linked) };
}

/** A task's error. */
export function fail(error: string, cause = ""): never {
  throw new StatesError(error, cause);
}
