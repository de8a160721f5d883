// The intrinsic functions of JSONPath states.
// https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
import { createHash } from "node:crypto";
import { StatesError } from "./errors";
import { type PathScope, requirePath } from "./paths";
import type { Json, JsonRecord } from "./types";

/** Randomness of States.UUID and States.MathRandom. */
export interface Randomness {
  uuid(): string;
  /** 0 included, 1 not. */
  random(): number;
}

/** Evaluates "States.Format('{}', $.a)". @throws StatesError States.IntrinsicFailure */
export function evaluateIntrinsic(text: string, scope: PathScope, randomness: Randomness): Json {
  const parser = new Parser(text, scope, randomness);
  const value = parser.call();
  parser.end();
  return value;
}

class Parser {
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly scope: PathScope,
    private readonly randomness: Randomness,
  ) {}

  call(): Json {
    const name = /^States\.(\w+)\s*\(/.exec(this.text.slice(this.at));
    if (!name) throw fail(`Invalid intrinsic function '${this.text}'`);
    this.at += name[0].length;
    const values: Json[] = [];
    this.space();
    while (this.text[this.at] !== ")") {
      values.push(this.argument());
      this.space();
      if (this.text[this.at] === ",") this.at++;
      else if (this.text[this.at] !== ")") throw fail(`Invalid intrinsic function '${this.text}'`);
      this.space();
    }
    this.at++;
    return apply(name[1] ?? "", values, this.randomness);
  }

  end(): void {
    this.space();
    if (this.at < this.text.length) throw fail(`Invalid intrinsic function '${this.text}'`);
  }

  private argument(): Json {
    const rest = this.text.slice(this.at);
    if (rest.startsWith("States.")) return this.call();
    if (rest.startsWith("'")) return this.quoted();
    const literal = /^(?:-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?=\s*[,)])/.exec(rest);
    if (literal) {
      this.at += literal[0].length;
      return JSON.parse(literal[0]) as Json;
    }
    if (rest.startsWith("$")) return this.path();
    throw fail(`Invalid argument in the intrinsic function '${this.text}'`);
  }

  private quoted(): string {
    let value = "";
    for (this.at++; this.at < this.text.length; this.at++) {
      const character = this.text.charAt(this.at);
      if (character === "'") {
        this.at++;
        return value;
      }
      // A backslash keeps the next character as it is; \{ and \} stay escaped for States.Format.
      if (character === "\\") {
        const next = this.text.charAt(++this.at);
        value += next === "{" || next === "}" ? `\\${next}` : next;
      } else value += character;
    }
    throw fail(`Unclosed text in the intrinsic function '${this.text}'`);
  }

  private path(): Json {
    let depth = 0;
    let end = this.at;
    for (; end < this.text.length; end++) {
      const character = this.text.charAt(end);
      if (character === "[" || character === "(") depth++;
      else if (character === "]" || (character === ")" && depth > 0)) depth--;
      else if (depth === 0 && (character === "," || character === ")")) break;
    }
    const path = this.text.slice(this.at, end).trim();
    this.at = end;
    return requirePath(path, this.scope, this.text);
  }

  private space(): void {
    while (/\s/.test(this.text.charAt(this.at))) this.at++;
  }
}

function fail(reason: string): StatesError {
  return new StatesError("States.IntrinsicFailure", reason);
}

type Implementation = (values: readonly Json[], randomness: Randomness) => Json;

const IMPLEMENTATIONS: Readonly<Record<string, Implementation>> = {
  Format: ([template, ...values]) => format(text(template), values),
  StringToJson: ([value]) => parse(text(value)),
  JsonToString: ([value]) => JSON.stringify(value),
  Array: (values) => [...values],
  ArrayPartition: ([values, size]) => partition(list(values), whole(size)),
  ArrayContains: ([values, wanted]) => list(values).some((value) => JSON.stringify(value) === JSON.stringify(wanted)),
  ArrayRange: ([first, last, step]) => range(whole(first), whole(last), whole(step)),
  ArrayGetItem: ([values, index]) => item(list(values), whole(index)),
  ArrayLength: ([values]) => list(values).length,
  ArrayUnique: ([values]) => [...new Map(list(values).map((value) => [JSON.stringify(value), value])).values()],
  Base64Encode: ([value]) => Buffer.from(text(value, 10_000)).toString("base64"),
  Base64Decode: ([value]) => Buffer.from(text(value, 10_000), "base64").toString("utf8"),
  Hash: ([value, algorithm]) => hash(text(value, 10_000), text(algorithm)),
  JsonMerge: ([one, other, deep]) => merge(one, other, deep),
  MathRandom: ([first, last], { random }) => whole(first) + Math.floor(random() * (whole(last) - whole(first))),
  MathAdd: ([one, other]) => whole(one) + whole(other),
  StringSplit: ([value, separators]) => split(text(value), text(separators)),
  UUID: (_values, { uuid }) => uuid(),
};

function apply(name: string, values: readonly Json[], randomness: Randomness): Json {
  const implementation = Object.hasOwn(IMPLEMENTATIONS, name) ? IMPLEMENTATIONS[name] : undefined;
  if (!implementation) throw fail(`There is no intrinsic function States.${name}`);
  return implementation(values, randomness);
}

function text(value: Json | undefined, limit = Infinity): string {
  if (typeof value !== "string") throw fail(`Expected a string, got ${JSON.stringify(value)}`);
  if (value.length > limit) throw fail(`The string is longer than ${limit} characters`);
  return value;
}

function list(value: Json | undefined): readonly Json[] {
  if (!Array.isArray(value)) throw fail(`Expected an array, got ${JSON.stringify(value)}`);
  return value as readonly Json[];
}

function whole(value: Json | undefined): number {
  if (typeof value !== "number") throw fail(`Expected a number, got ${JSON.stringify(value)}`);
  return Math.round(value);
}

function parse(value: string): Json {
  try {
    return JSON.parse(value) as Json;
  } catch {
    throw fail(`Invalid JSON: ${value}`);
  }
}

function format(template: string, values: readonly Json[]): string {
  let used = 0;
  const result = template.replaceAll(/\\([{}])|\{\}/g, (_match, escaped?: string) => {
    if (escaped !== undefined) return escaped;
    const value = values[used++];
    if (value === undefined) throw fail("States.Format has fewer arguments than '{}'");
    return typeof value === "string" ? value : JSON.stringify(value);
  });
  if (used < values.length) throw fail("States.Format has more arguments than '{}'");
  return result;
}

function partition(values: readonly Json[], size: number): Json {
  if (size < 1) throw fail("The chunk size must be above 0");
  return Array.from({ length: Math.ceil(values.length / size) }, (_, index) =>
    values.slice(index * size, (index + 1) * size),
  );
}

function range(first: number, last: number, step: number): Json {
  const length = step === 0 ? NaN : Math.floor((last - first) / step) + 1;
  if (!(length <= 1000)) throw fail("States.ArrayRange yields at most 1000 items, with a step other than 0");
  return Array.from({ length: Math.max(0, length) }, (_, index) => first + index * step);
}

function item(values: readonly Json[], index: number): Json {
  const value = values[index];
  if (value === undefined) throw fail(`The index ${index} is out of the array's bounds`);
  return value;
}

const ALGORITHMS = ["MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512"];

function hash(value: string, algorithm: string): string {
  if (!ALGORITHMS.includes(algorithm)) throw fail(`The algorithm must be one of ${ALGORITHMS.join(", ")}`);
  return createHash(algorithm.toLowerCase().replace("-", "")).update(value).digest("hex");
}

function merge(one: Json | undefined, other: Json | undefined, deep: Json | undefined): Json {
  const isRecord = (value: Json | undefined): value is JsonRecord =>
    value !== null && typeof value === "object" && !Array.isArray(value);
  if (!isRecord(one) || !isRecord(other)) throw fail("States.JsonMerge takes two objects");
  if (deep !== false) throw fail("States.JsonMerge supports shallow merging only: the third argument must be false");
  return { ...one, ...other };
}

function split(value: string, separators: string): Json {
  const pieces: string[] = [];
  let piece = "";
  for (const character of value) {
    if (separators.includes(character)) {
      pieces.push(piece);
      piece = "";
    } else piece += character;
  }
  // Step Functions drops empty pieces.
  return [...pieces, piece].filter((text) => text !== "");
}
