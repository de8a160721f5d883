// How data enters and leaves a state, in both query languages.
import { StatesError } from "./errors";
import { evaluateExpressions } from "./expressions";
import { evaluateIntrinsic, type Randomness } from "./intrinsics";
import { type PathScope, requirePath, writePath } from "./paths";
import type { Json, JsonRecord, QueryLanguage, State } from "./types";

/** What the data of a state consist of. */
export interface StateData {
  readonly input: Json;
  /** The context object: `$$`, `$states.context`. */
  readonly context: JsonRecord;
  readonly variables: ReadonlyMap<string, Json>;
  readonly randomness: Randomness;
  /** Milliseconds since the epoch, for $now and $millis. */
  readonly now: number;
  readonly language: QueryLanguage;
}

/** Most bytes of a state's input or output. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const MAXIMUM_DATA_BYTES = 262_144;

/** A value as JSON. @throws StatesError States.DataLimitExceeded when it is larger than a state may take or give. */
export function measured(value: Json, stateName: string): string {
  const text = JSON.stringify(value);
  // No character has more than three bytes here: a pair of surrogates counts as two and has four.
  if (text.length * 3 <= MAXIMUM_DATA_BYTES || Buffer.byteLength(text) <= MAXIMUM_DATA_BYTES) return text;
  throw new StatesError(
    "States.DataLimitExceeded",
    `The state/task '${stateName}' returned a result with a size exceeding the maximum number of bytes service limit.`,
  );
}

/** Input of the work of a state: InputPath and Parameters, or Arguments. */
export async function enter(state: State, data: StateData): Promise<Json> {
  if (data.language === "JSONata") {
    return state.Arguments === undefined ? data.input : evaluateField(state.Arguments, data, "Arguments");
  }
  const effective = effectiveInput(state, data);
  return state.Parameters === undefined ? effective : fillTemplate(state.Parameters, { ...data, input: effective });
}

/** JSONPath: what InputPath selects. */
export function effectiveInput(state: State, data: StateData): Json {
  if (state.InputPath === null) return {};
  return state.InputPath === undefined ? data.input : requirePath(state.InputPath, scopeOf(data), "InputPath");
}

/** Output of a state and the variables that it assigns. `result` undefined: the state has no result of its own. */
export async function leave(
  state: Pick<State, "Output" | "Assign" | "ResultSelector" | "ResultPath" | "OutputPath">,
  data: StateData,
  result: Json | undefined,
): Promise<{ readonly output: Json; readonly assigned: JsonRecord }> {
  if (data.language === "JSONata") {
    const seen = result === undefined ? {} : { result };
    const output =
      state.Output === undefined ? (result ?? data.input) : await evaluateField(state.Output, data, "Output", seen);
    const assigned = state.Assign === undefined ? {} : await evaluateField(state.Assign, data, "Assign", seen);
    return { output, assigned: assigned as JsonRecord };
  }
  const selected =
    state.ResultSelector === undefined || result === undefined
      ? result
      : fillTemplate(state.ResultSelector, { ...data, input: result });
  const placed = selected === undefined ? data.input : placeResult(state.ResultPath, data.input, selected);
  const assigned =
    state.Assign === undefined
      ? {}
      : (fillTemplate(state.Assign, { ...data, input: selected ?? data.input }) as JsonRecord);
  if (state.OutputPath === null) return { output: {}, assigned };
  const output =
    state.OutputPath === undefined
      ? placed
      : requirePath(state.OutputPath, { ...scopeOf(data), data: placed }, "OutputPath");
  return { output, assigned };
}

/** ResultPath: null discards the result, nothing replaces the input, a reference path adds to it. */
export function placeResult(resultPath: string | null | undefined, input: Json, result: Json): Json {
  if (resultPath === null) return input;
  return resultPath === undefined || resultPath === "$" ? result : writePath(resultPath, input, result);
}

/** JSONata: a field with its expressions evaluated. @param seen `result` or `errorOutput`. */
export function evaluateField(value: Json, data: StateData, field: string, seen: JsonRecord = {}): Promise<Json> {
  const states = { input: data.input, context: data.context, ...seen };
  return evaluateExpressions(value, { states, variables: data.variables, now: data.now }, data.randomness, field);
}

/** JSONPath: a payload template, in which keys that end in ".$" hold a path or an intrinsic function. */
export function fillTemplate(template: Json, data: StateData): Json {
  if (Array.isArray(template)) return (template as readonly Json[]).map((item) => fillTemplate(item, data));
  if (template === null || typeof template !== "object") return template;
  const entries = Object.entries(template as JsonRecord).map(([key, value]) => {
    if (!key.endsWith(".$")) return [key, fillTemplate(value, data)] as const;
    return [key.slice(0, -2), readReference(String(value), data, key)] as const;
  });
  return Object.fromEntries(entries);
}

function readReference(text: string, data: StateData, field: string): Json {
  const scope = scopeOf(data);
  return text.startsWith("$") ? requirePath(text, scope, field) : evaluateIntrinsic(text, scope, data.randomness);
}

/** What JSONPath may look at. */
export function scopeOf(data: StateData): PathScope {
  return { data: data.input, context: data.context, variables: data.variables };
}
