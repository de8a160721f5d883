// Runs states: one after the other, with retries and catchers. Branches and items run in `nested.ts`.
import { Cancelled, pause } from "./cancellation";
import type { Checkpoints } from "./checkpoints";
import type { History } from "./history";
import { runMap, runParallel } from "./nested";
import type { ExecutionFacts, ExecutionPorts } from "./ports";
import { runTask } from "./task";
import { applies } from "../language/choice";
import {
  checkSize,
  effectiveInput,
  evaluateField,
  leave,
  placeResult,
  scopeOf,
  fillTemplate,
  type StateData,
} from "../language/data-flow";
import { StatesError, takes } from "../language/errors";
import { evaluateIntrinsic } from "../language/intrinsics";
import { requirePath } from "../language/paths";
import type { Json, JsonRecord, QueryLanguage, Retrier, State, StatesDefinition } from "../language/types";

/** What all parts of one execution share. */
export interface Run {
  readonly ports: ExecutionPorts;
  readonly history: History;
  readonly checkpoints: Checkpoints;
  readonly facts: ExecutionFacts;
}

/** One sequence of states: the machine, a branch or an iteration. */
export interface Frame {
  readonly run: Run;
  readonly definition: StatesDefinition;
  readonly language: QueryLanguage;
  /** "" or "<outer path><state>/<index>/". */
  readonly path: string;
  readonly signal: AbortSignal;
  /** Further members of the context object: `Map` within an iteration. */
  readonly context: JsonRecord;
  readonly variables: Map<string, Json>;
  /** Id of the last history event of this sequence. */
  previous: number;
}

/** A state that is being run. */
export interface Visit {
  readonly frame: Frame;
  readonly name: string;
  readonly state: State;
  readonly data: StateData;
}

interface Step {
  readonly output: Json;
  /** Undefined: the sequence ends. */
  readonly next: string | undefined;
}

/** Runs a sequence to its end. @throws StatesError, or Cancelled when the signal aborts. */
export async function runSequence(frame: Frame, input: Json): Promise<Json> {
  const { checkpoints } = frame.run;
  const done = checkpoints.resultOf(frame.path);
  if (done !== undefined) return done;
  const resumed = checkpoints.at(frame.path);
  for (const [name, value] of resumed?.variables ?? []) frame.variables.set(name, value);
  let data = resumed?.input ?? input;
  let name: string | undefined = resumed?.state ?? frame.definition.StartAt;
  while (name !== undefined) {
    if (frame.signal.aborted) throw new Cancelled();
    checkpoints.enter(frame.path, { state: name, input: data, variables: new Map(frame.variables) });
    const { output, next } = await visit(frame, name, data);
    checkpoints.forget(frame.path, name);
    data = output;
    name = next;
  }
  checkpoints.finish(frame.path, data);
  return data;
}

/** Runs one state with its retries and catchers. */
async function visit(frame: Frame, name: string, input: Json): Promise<Step> {
  const state = frame.definition.States[name];
  if (!state) throw new StatesError("States.Runtime", `There is no state ${name}`);
  const { clock } = frame.run.ports;
  const enteredAt = clock.now();
  frame.previous = frame.run.history.add(`${state.Type}StateEntered`, frame.previous, "stateEnteredEventDetails", {
    name,
    input: JSON.stringify(input),
  });
  const used = new Map<Retrier, number>();
  for (let retryCount = 0; ; retryCount++) {
    const here: Visit = { frame, name, state, data: dataOf(frame, state, name, input, enteredAt, retryCount) };
    try {
      return await attempt(here);
    } catch (error) {
      if (!(error instanceof StatesError)) throw error;
      noteEvaluation(here, error);
      if (await retried(here, error, used)) continue;
      const caught = await catchError(here, error);
      if (caught) return caught;
      throw error;
    }
  }
}

function dataOf(
  frame: Frame,
  state: State,
  name: string,
  input: Json,
  enteredAt: number,
  retryCount: number,
): StateData {
  const { facts, ports } = frame.run;
  const task = state.Resource?.endsWith(".waitForTaskToken") ? { Task: { Token: ports.newToken() } } : {};
  const context: JsonRecord = {
    Execution: facts.execution,
    StateMachine: facts.stateMachine,
    State: { EnteredTime: new Date(enteredAt).toISOString(), Name: name, RetryCount: retryCount },
    ...frame.context,
    ...task,
  };
  return {
    input,
    context,
    variables: frame.variables,
    randomness: ports.randomness,
    language: state.QueryLanguage ?? frame.language,
  };
}

function noteEvaluation({ frame, name }: Visit, error: StatesError): void {
  if (error.error !== "States.QueryEvaluationError") return;
  frame.previous = frame.run.history.add("EvaluationFailed", frame.previous, "evaluationFailedEventDetails", {
    error: error.error,
    cause: error.reason,
    state: name,
  });
}

/** Waits and tells to try again, where a retrier takes the error and has attempts left. */
async function retried(
  { frame, name, state }: Visit,
  error: StatesError,
  used: Map<Retrier, number>,
): Promise<boolean> {
  const retrier = state.Retry?.find(({ ErrorEquals }) => takesIn(state, ErrorEquals, error));
  if (!retrier) return false;
  const attempts = used.get(retrier) ?? 0;
  if (attempts >= (retrier.MaxAttempts ?? 3)) return false;
  used.set(retrier, attempts + 1);
  const { clock, randomness } = frame.run.ports;
  const { IntervalSeconds = 1, BackoffRate = 2, MaxDelaySeconds = Infinity, JitterStrategy = "NONE" } = retrier;
  const delay = Math.min(IntervalSeconds * BackoffRate ** attempts, MaxDelaySeconds) * 1000;
  await pause(clock, JitterStrategy === "FULL" ? delay * randomness.random() : delay, frame.signal);
  frame.run.checkpoints.forget(frame.path, name);
  return true;
}

/** A failed branch also answers to States.BranchFailed. */
function takesIn(state: State, errorEquals: readonly string[], { error }: StatesError): boolean {
  return takes(errorEquals, error) || (state.Type === "Parallel" && errorEquals.includes("States.BranchFailed"));
}

async function catchError(here: Visit, error: StatesError): Promise<Step | undefined> {
  const { frame, name, state, data } = here;
  const catcher = state.Catch?.find(({ ErrorEquals }) => takesIn(state, ErrorEquals, error));
  if (!catcher) return undefined;
  const errorOutput = { Error: error.error, Cause: error.reason };
  let output: Json;
  let assigned: JsonRecord = {};
  if (data.language === "JSONata") {
    output =
      catcher.Output === undefined
        ? errorOutput
        : await evaluateField(catcher.Output, data, "Catch/Output", { errorOutput });
    if (catcher.Assign) {
      assigned = (await evaluateField(catcher.Assign, data, "Catch/Assign", { errorOutput })) as JsonRecord;
    }
  } else {
    output = placeResult(catcher.ResultPath, data.input, errorOutput);
    if (catcher.Assign) assigned = fillTemplate(catcher.Assign, { ...data, input: errorOutput }) as JsonRecord;
  }
  return exit(here, checkSize(output, `result of the state '${name}'`), assigned, catcher.Next, frame);
}

/** Ends a state: variables, history. */
function exit(
  { frame, name, state }: Visit,
  output: Json,
  assigned: JsonRecord,
  next: string | undefined,
  target: Frame = frame,
): Step {
  for (const [variable, value] of Object.entries(assigned)) target.variables.set(variable, value);
  frame.previous = frame.run.history.add(`${state.Type}StateExited`, frame.previous, "stateExitedEventDetails", {
    name,
    output: JSON.stringify(output),
    ...(Object.keys(assigned).length === 0
      ? {}
      : {
          assignedVariables: Object.fromEntries(
            Object.entries(assigned).map(([variable, value]) => [variable, JSON.stringify(value)]),
          ),
        }),
  });
  return { output, next };
}

async function attempt(here: Visit): Promise<Step> {
  const { state, data, name } = here;
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
      return finish(here, checkSize(await runTask(here), `result of the task '${name}'`));
    case "Parallel":
      return finish(here, await runParallel(here));
    case "Map":
      return finish(here, await runMap(here));
  }
}

async function finish(here: Visit, result: Json | undefined): Promise<Step> {
  const { state, data, name } = here;
  // What InputPath selects is the input that a state without a result hands on.
  const input = data.language === "JSONPath" && result === undefined ? effectiveInput(state, data) : data.input;
  const { output, assigned } = await leave(state, { ...data, input }, result);
  return exit(here, checkSize(output, `output of the state '${name}'`), assigned, state.Next);
}

function passResult(state: State, data: StateData): Json | undefined {
  if (data.language === "JSONata") return undefined;
  if (state.Result !== undefined) return state.Result;
  if (state.Parameters === undefined) return effectiveInput(state, data);
  return fillTemplate(state.Parameters, { ...data, input: effectiveInput(state, data) });
}

async function failure(state: State, data: StateData): Promise<StatesError> {
  if (data.language === "JSONata") {
    const text = async (value: string | undefined, field: string): Promise<string | undefined> =>
      value === undefined ? undefined : String(await evaluateField(value, data, field));
    return new StatesError((await text(state.Error, "Error")) ?? "", (await text(state.Cause, "Cause")) ?? "");
  }
  const read = (path: string | undefined, field: string): string | undefined => {
    if (path === undefined) return undefined;
    const value = path.startsWith("States.")
      ? evaluateIntrinsic(path, scopeOf(data), data.randomness)
      : requirePath(path, scopeOf(data), field);
    return String(value);
  };
  return new StatesError(
    state.Error ?? read(state.ErrorPath, "ErrorPath") ?? "",
    state.Cause ?? read(state.CausePath, "CausePath") ?? "",
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
    if (typeof seconds !== "number" || seconds < 0 || seconds > 99_999_999) {
      throw new StatesError(
        "States.Runtime",
        `Seconds must be a number from 0 to 99999999, got ${JSON.stringify(seconds)}`,
      );
    }
    await pause(clock, Math.floor(seconds) * 1000, frame.signal);
    return;
  }
  const until = Date.parse(String(await value(state.Timestamp, state.TimestampPath, "Timestamp")));
  if (Number.isNaN(until)) throw new StatesError("States.Runtime", "Timestamp must be an RFC 3339 time");
  await pause(clock, Math.max(0, until - clock.now()), frame.signal);
}

async function choose(here: Visit): Promise<Step> {
  const { state, data, name } = here;
  const input = data.language === "JSONPath" ? effectiveInput(state, data) : data.input;
  for (const [index, rule] of (state.Choices ?? []).entries()) {
    const holds =
      data.language === "JSONata"
        ? await condition(rule.Condition ?? "", data, `Choices[${index}]/Condition`)
        : applies(rule, scopeOf({ ...data, input }));
    if (!holds) continue;
    // Fields of the rule that applies stand before those of the state.
    const fields = data.language === "JSONata" ? { ...state, ...rule } : { ...state, Assign: rule.Assign ?? {} };
    const { output, assigned } = await leave(fields as State, { ...data, input }, undefined);
    return exit(here, checkSize(output, `output of the state '${name}'`), assigned, rule.Next);
  }
  if (state.Default === undefined) {
    throw new StatesError("States.NoChoiceMatched", `No choice of the state '${name}' matched, and it has no Default.`);
  }
  const { output, assigned } = await leave(state, { ...data, input }, undefined);
  return exit(here, checkSize(output, `output of the state '${name}'`), assigned, state.Default);
}

async function condition(expression: string, data: StateData, field: string): Promise<boolean> {
  const value = await evaluateField(expression, data, field);
  if (typeof value === "boolean") return value;
  throw new StatesError(
    "States.QueryEvaluationError",
    `The JSONata expression '${expression}' specified for the field '${field}' returned an unexpected result type. Expected 'boolean', but was '${typeof value}'.`,
  );
}
