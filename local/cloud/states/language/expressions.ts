// JSONata expressions between {% and %}.
// https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
import { createHash } from "node:crypto";
import jsonata from "jsonata";
import { StatesError } from "./errors";
import type { Randomness } from "./intrinsics";
import type { Json, JsonRecord } from "./types";

/** `$states` and the variables, as an expression sees them. */
export interface ExpressionScope {
  readonly states: JsonRecord;
  readonly variables: ReadonlyMap<string, Json>;
  /** Milliseconds since the epoch, for $now and $millis. */
  readonly now: number;
}

/** What one evaluation may use; AWS gives no numbers. They end loops and keep the process responsive. */
const LIMITS = { timeout: 2000, stack: 500, sequence: 1_000_000 };
/** Most items that $range may make. */
const MAXIMUM_RANGE = 1_000_000;

const EXPRESSION = /^\{%([\s\S]*)%\}$/;
const CACHE_SIZE = 1000;
const compiled = new Map<string, ReturnType<typeof jsonata>>();

/** The source of an expression; undefined for a literal text. */
export function expressionIn(text: string): string | undefined {
  return EXPRESSION.exec(text)?.[1]?.trim();
}

/** What is wrong with an expression's syntax; undefined when it compiles. */
export function syntaxProblem(source: string): string | undefined {
  try {
    compile(source);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Evaluates every expression within a value. @throws StatesError States.QueryEvaluationError */
export async function evaluateExpressions(
  value: Json,
  scope: ExpressionScope,
  randomness: Randomness,
  field: string,
): Promise<Json> {
  if (typeof value === "string") {
    const source = expressionIn(value);
    return source === undefined ? value : evaluate(source, scope, randomness, field);
  }
  if (Array.isArray(value)) {
    const items: Json[] = [];
    for (const item of value as readonly Json[]) items.push(await evaluateExpressions(item, scope, randomness, field));
    return items;
  }
  if (value === null || typeof value !== "object") return value;
  const entries: [string, Json][] = [];
  for (const [key, item] of Object.entries(value as JsonRecord)) {
    entries.push([key, await evaluateExpressions(item, scope, randomness, `${field}/${key}`)]);
  }
  return Object.fromEntries(entries);
}

async function evaluate(source: string, scope: ExpressionScope, randomness: Randomness, field: string): Promise<Json> {
  const failed = (reason: string): StatesError =>
    new StatesError(
      "States.QueryEvaluationError",
      `The JSONata expression '${source}' specified for the field '${field}' ${reason}`,
      field,
    );
  let value: unknown;
  try {
    const bindings = {
      states: scope.states,
      ...Object.fromEntries(scope.variables),
      ...functions(randomness, scope.now),
    };
    value = await compile(source).evaluate(undefined, bindings);
  } catch (error) {
    throw failed(`threw an error during evaluation. ${(error as Error).message}`);
  }
  if (value === undefined) throw failed("returned nothing (undefined).");
  if (typeof value === "function") throw failed("returned an unsupported result type.");
  // Drops the hidden flags that the library puts on sequences.
  return JSON.parse(JSON.stringify(value)) as Json;
}

function compile(source: string): ReturnType<typeof jsonata> {
  const known = compiled.get(source);
  if (known) return known;
  if (/\$eval\s*\(/.test(source)) throw new Error("the function $eval is not supported");
  const expression = jsonata(source, LIMITS);
  if (compiled.size >= CACHE_SIZE) compiled.clear();
  compiled.set(source, expression);
  return expression;
}

/** Functions that Step Functions adds to JSONata. */
function functions(
  { uuid, random }: Randomness,
  now: number,
): Readonly<Record<string, (...values: never[]) => unknown>> {
  return {
    uuid,
    // The cloud's time, not that of the process.
    millis: () => now,
    now: (picture?: string, zone?: string) =>
      compile("$fromMillis($t, $p, $z)").evaluate(undefined, { t: now, p: picture, z: zone }),
    random: (seed?: number) => (seed === undefined ? random() : seeded(seed)),
    parse: (text: string) => JSON.parse(text) as unknown,
    hash: (value: string, algorithm = "SHA-256") =>
      createHash(algorithm.toLowerCase().replace("-", "")).update(value).digest("hex"),
    partition,
    range,
  };
}

function partition(values: readonly unknown[], size: number): readonly (readonly unknown[])[] {
  if (!(size >= 1)) throw new Error("$partition needs a size of at least 1");
  return Array.from({ length: Math.ceil(values.length / size) }, (_, index) =>
    values.slice(index * size, (index + 1) * size),
  );
}

function range(first: number, last: number, step = 1): readonly number[] {
  const length = step === 0 ? NaN : Math.floor((last - first) / step) + 1;
  if (!(length <= MAXIMUM_RANGE))
    throw new Error(`$range yields at most ${MAXIMUM_RANGE} items, with a step other than 0`);
  return Array.from({ length: Math.max(0, length) }, (_, index) => first + index * step);
}

/** The same number for the same seed. */
function seeded(seed: number): number {
  const digest = createHash("sha256").update(String(seed)).digest();
  return digest.readUInt32BE(0) / 2 ** 32;
}
