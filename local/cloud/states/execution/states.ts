// One attempt of a state, by type, and how it is left.
import { pause } from "./cancellation";
import { note, type Step, type Visit } from "./frame";
import { runMap, runParallel } from "./nested";
import { runTask } from "./task";
import { applies, isTimestamp } from "../language/choice";
import {
  effectiveInput,
  evaluateField,
  fillTemplate,
  leave,
  measured,
  scopeOf,
  type StateData,
} from "../language/data-flow";
import { StatesError } from "../language/errors";
import { evaluateIntrinsic } from "../language/intrinsics";
import { requirePath } from "../language/paths";
import type { Json, JsonRecord, State } from "../language/types";

const MAXIMUM_WAIT_SECONDS = 99_999_999;

/** Does what the state does, once. @throws StatesError, Cancelled */
export async function attempt(here: Visit): Promise<Step> {
  const { state, data } = here;
  switch (state.Type) {
    case "Pass":
      return finish(here, passResult(state, data));
    case "Succeed":
      return { ...(await finish(here, undefined)), next: undefined };
    case "Fail":
      throw await failure(state, data);
    case "Wait":
      await runWait(here);
      return finish(here, undefined);
    case "Choice":
      return choose(here);
    case "Task":
      return finish(here, await runTask(here));
    case "Parallel":
      return finish(here, await runParallel(here));
    case "Map":
      return finish(here, await runMap(here));
  }
}

/** Ends a state: variables, history. @param text `output` as JSON. */
export function exit(
  { frame, name, state }: Visit,
  output: Json,
  text: string,
  assigned: JsonRecord,
  next: string | undefined,
): Step {
  const names = Object.keys(assigned);
  if (names.length > 0) measured(assigned, name);
  note(frame, `${state.Type}StateExited`, "stateExitedEventDetails", {
    name,
    output: text,
    ...(names.length === 0
      ? {}
      : {
          assignedVariables: Object.fromEntries(
            Object.entries(assigned).map(([variable, value]) => [variable, JSON.stringify(value)]),
          ),
        }),
  });
  if (names.length > 0) frame.variables = new Map([...frame.variables, ...Object.entries(assigned)]);
  return { output, text, next };
}

async function finish(here: Visit, result: Json | undefined): Promise<Step> {
  const { state, data } = here;
  // What InputPath selects is the input that a state without a result hands on.
  const input = data.language === "JSONPath" && result === undefined ? effectiveInput(state, data) : data.input;
  return leaveTo(here, state, { ...data, input }, result, state.Next);
}

async function leaveTo(
  here: Visit,
  fields: Parameters<typeof leave>[0],
  data: StateData,
  result: Json | undefined,
  next: string | undefined,
): Promise<Step> {
  const { output, assigned } = await leave(fields, data, result);
  return exit(here, output, measured(output, here.name), assigned, next);
}

function passResult(state: State, data: StateData): Json | undefined {
  if (data.language === "JSONata") return undefined;
  if (state.Result !== undefined) return state.Result;
  if (state.Parameters === undefined) return effectiveInput(state, data);
  return fillTemplate(state.Parameters, { ...data, input: effectiveInput(state, data) });
}

async function failure(state: State, data: StateData): Promise<StatesError> {
  if (data.language === "JSONata") {
    const text = async (value: string | undefined, field: string): Promise<string> => {
      if (value === undefined) return "";
      const found = await evaluateField(value, data, field);
      if (typeof found === "string") return found;
      throw unexpectedType(value, field, "string", found);
    };
    return new StatesError(await text(state.Error, "Error"), await text(state.Cause, "Cause"));
  }
  const read = (path: string | undefined, field: string): string => {
    if (path === undefined) return "";
    const value = path.startsWith("States.")
      ? evaluateIntrinsic(path, scopeOf(data), data.randomness)
      : requirePath(path, scopeOf(data), field);
    if (typeof value === "string") return value;
    throw new StatesError("States.Runtime", `The field '${field}' must select a string, got ${JSON.stringify(value)}`);
  };
  return new StatesError(
    state.Error ?? read(state.ErrorPath, "ErrorPath"),
    state.Cause ?? read(state.CausePath, "CausePath"),
  );
}

async function runWait({ frame, state, data }: Visit): Promise<void> {
  const { clock } = frame.run.ports;
  const scope = scopeOf({ ...data, input: data.language === "JSONPath" ? effectiveInput(state, data) : data.input });
  const value = async (
    direct: Json | undefined,
    path: string | undefined,
    field: string,
  ): Promise<Json | undefined> => {
    if (path !== undefined) return requirePath(path, scope, field);
    return direct === undefined || data.language === "JSONPath" ? direct : evaluateField(direct, data, field);
  };
  const seconds = await value(state.Seconds, state.SecondsPath, "Seconds");
  if (seconds !== undefined) {
    if (!Number.isInteger(seconds) || Number(seconds) < 0 || Number(seconds) > MAXIMUM_WAIT_SECONDS) {
      const reason = `Seconds must be a whole number from 0 to ${MAXIMUM_WAIT_SECONDS}, got ${JSON.stringify(seconds)}`;
      throw new StatesError("States.Runtime", reason);
    }
    await pause(clock, Number(seconds) * 1000, frame.signal);
    return;
  }
  const until = await value(state.Timestamp, state.TimestampPath, "Timestamp");
  if (typeof until !== "string" || !isTimestamp(until)) {
    throw new StatesError("States.Runtime", `Timestamp must be an RFC 3339 time, got ${JSON.stringify(until)}`);
  }
  await pause(clock, Math.max(0, Date.parse(until) - clock.now()), frame.signal);
}

async function choose(here: Visit): Promise<Step> {
  const { state, data, name } = here;
  const input = data.language === "JSONPath" ? effectiveInput(state, data) : data.input;
  const seen = { ...data, input };
  for (const [index, rule] of (state.Choices ?? []).entries()) {
    const holds =
      data.language === "JSONata"
        ? await condition(rule.Condition ?? "", data, `Choices[${index}]/Condition`)
        : applies(rule, scopeOf(seen));
    // Assign and Output of the rule that applies stand before those of the state.
    if (holds) return leaveTo(here, { ...state, ...(rule as Partial<State>) }, seen, undefined, rule.Next);
  }
  if (state.Default === undefined) {
    throw new StatesError("States.NoChoiceMatched", `No choice of the state '${name}' matched, and it has no Default.`);
  }
  return leaveTo(here, state, seen, undefined, state.Default);
}

async function condition(expression: string, data: StateData, field: string): Promise<boolean> {
  const value = await evaluateField(expression, data, field);
  if (typeof value === "boolean") return value;
  throw unexpectedType(expression, field, "boolean", value);
}

function unexpectedType(expression: string, field: string, expected: string, value: Json): StatesError {
  return new StatesError(
    "States.QueryEvaluationError",
    `The JSONata expression '${expression}' specified for the field '${field}' returned an unexpected result type. ` +
      `Expected '${expected}', but was '${value === null ? "null" : Array.isArray(value) ? "array" : typeof value}'.`,
    field,
  );
}
