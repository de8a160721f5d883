// JSONPath as Step Functions uses it: paths that read, reference paths that write, variables and the context object.
import { JSONPath } from "jsonpath-plus";
import { StatesError } from "./errors";
import type { Json } from "./types";

/** What paths may look at. */
export interface PathScope {
  readonly data: Json;
  /** The context object, `$$`. */
  readonly context: Json;
  readonly variables: ReadonlyMap<string, Json>;
}

const SIMPLE = /^\$(?:\.[\p{L}_][\p{L}\p{N}_-]*|\['[^'\]]*'\]|\["[^"\]]*"\]|\[\d+\])*$/u;
const STEP = /\.([\p{L}_][\p{L}\p{N}_-]*)|\['([^'\]]*)'\]|\["([^"\]]*)"\]|\[(\d+)\]/gu;

/** Whether a text is a reference path: one that names a single place, as ResultPath needs. */
export function isReferencePath(path: string): boolean {
  return SIMPLE.test(path);
}

/** Value at a path; undefined when a definite path finds nothing. Wildcards, filters and slices yield lists. */
export function readPath(path: string, scope: PathScope): Json | undefined {
  const { root, rest } = splitRoot(path, scope);
  if (rest === "$") return root;
  if (SIMPLE.test(rest)) return stepsOf(rest).reduce<Json | undefined>(childOf, root);
  const found = evaluate(rest, root);
  return isDefinite(rest) ? found[0] : found;
}

/** Like `readPath`. @throws StatesError States.Runtime, as AWS words it, when nothing is found. */
export function requirePath(path: string, scope: PathScope, owner: string): Json {
  const value = readPath(path, scope);
  if (value !== undefined) return value;
  throw new StatesError(
    "States.Runtime",
    `The JSONPath '${path}' specified for the field '${owner}' could not be found in the input '${JSON.stringify(scope.data)}'`,
  );
}

/** Copy of `data` with `value` at a reference path; objects on the way are created. @throws StatesError States.ResultPathMatchFailure */
export function writePath(path: string, data: Json, value: Json): Json {
  return put(data, stepsOf(path), value, path);
}

function put(data: Json | undefined, steps: readonly (string | number)[], value: Json, path: string): Json {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  if (typeof step === "number") {
    if (!Array.isArray(data) || step >= data.length) throw mismatch(path);
    const list = data as readonly Json[];
    return list.map((item, index) => (index === step ? put(item, rest, value, path) : item));
  }
  if (data !== undefined && (data === null || typeof data !== "object" || Array.isArray(data))) throw mismatch(path);
  const record = (data ?? {}) as Readonly<Record<string, Json>>;
  return { ...record, [step]: put(record[step], rest, value, path) };
}

function mismatch(path: string): StatesError {
  return new StatesError("States.ResultPathMatchFailure", `Unable to apply ResultPath ${path} to the input`);
}

function splitRoot(path: string, scope: PathScope): { readonly root: Json; readonly rest: string } {
  if (path.startsWith("$$")) return { root: scope.context, rest: path.slice(1) };
  const variable = /^\$([A-Za-z_]\w*)/.exec(path);
  if (!variable) return { root: scope.data, rest: path };
  const name = variable[1] ?? "";
  const root = scope.variables.get(name);
  if (root === undefined) throw new StatesError("States.Runtime", `The variable '${name}' is not defined`);
  return { root, rest: `$${path.slice(name.length + 1)}` };
}

function stepsOf(path: string): readonly (string | number)[] {
  return [...path.matchAll(STEP)].map(([, dotted, quoted, doubleQuoted, index]) =>
    index === undefined ? (dotted ?? quoted ?? doubleQuoted ?? "") : Number(index),
  );
}

function childOf(value: Json | undefined, step: string | number): Json | undefined {
  if (value === null || value === undefined || typeof value !== "object") return undefined;
  if (typeof step === "number") return Array.isArray(value) ? (value as readonly Json[])[step] : undefined;
  return Object.hasOwn(value, step) ? (value as Readonly<Record<string, Json>>)[step] : undefined;
}

function evaluate(path: string, root: Json): readonly Json[] {
  try {
    return JSONPath({ path, json: root as object, wrap: true, eval: "safe" }) as Json[];
  } catch (error) {
    throw new StatesError("States.Runtime", `Invalid path '${path}': ${(error as Error).message}`);
  }
}

/** Whether a path can match at most one value. */
function isDefinite(path: string): boolean {
  // Names in quotes may hold any character.
  return !/\.\.|\*|\?\(|\[[^\]]*[:,][^\]]*\]/.test(path.replaceAll(/'[^']*'|"[^"]*"/g, "''"));
}
