// The comparison operators of event patterns.
import { BlockList, isIP, isIPv6 } from "node:net";
import { AwsError } from "../core/errors";
import { isJsonObject, type JsonObject } from "../core/json-api";

/** One compiled entry of a pattern's list. */
export type LeafMatcher =
  | { readonly kind: "exists"; readonly exists: boolean }
  | { readonly kind: "value"; readonly test: (value: unknown) => boolean };

type Test = (value: unknown) => boolean;

/** Bounds of numbers in numeric matching. */
const MAX_NUMBER = 5e9;

/** The error of EventBridge for a pattern. */
export function invalid(reason: string): AwsError {
  return new AwsError("InvalidEventPatternException", `Event pattern is not valid. Reason: ${reason}`);
}

/** Compiles one entry: a plain value, or an object with one operator. Throws InvalidEventPatternException. */
export function compileMatcher(entry: unknown): LeafMatcher {
  if (Array.isArray(entry) || entry === undefined) {
    throw invalid("Match value must be String, number, true, false, or null");
  }
  if (!isJsonObject(entry)) return { kind: "value", test: (value) => value === entry };
  const [operator, argument] = onlyEntry(entry);
  if (operator === "exists") {
    if (typeof argument !== "boolean") throw invalid("exists match pattern must be either true or false.");
    return { kind: "exists", exists: argument };
  }
  return { kind: "value", test: compileOperator(operator, argument) };
}

function onlyEntry(entry: JsonObject): readonly [string, unknown] {
  const [only, ...others] = Object.entries(entry);
  if (!only) throw invalid("Empty objects are not allowed");
  if (others.length > 0) throw invalid("Only one key allowed in match expression");
  return only;
}

function compileOperator(operator: string, argument: unknown): Test {
  if (operator === "anything-but") return compileAnythingBut(argument);
  if (operator === "numeric") return compileNumeric(argument);
  const text = TEXT_OPERATORS[operator];
  if (!text) throw invalid(`Unrecognized match type ${operator}`);
  return text(argument);
}

/** Operators whose argument is text, or (prefix, suffix) an equals-ignore-case of text. */
const TEXT_OPERATORS: Readonly<Record<string, (argument: unknown) => Test>> = {
  prefix: (argument) => edge("prefix", argument, (value, part) => value.startsWith(part)),
  suffix: (argument) => edge("suffix", argument, (value, part) => value.endsWith(part)),
  "equals-ignore-case": (argument) => {
    const wanted = textArgument("equals-ignore-case", argument).toLowerCase();
    return onText((value) => value.toLowerCase() === wanted);
  },
  wildcard: (argument) => {
    const expression = wildcardExpression(textArgument("wildcard", argument));
    return onText((value) => expression.test(value));
  },
  cidr: (argument) => {
    const block = cidrBlock(textArgument("cidr", argument));
    return onText((value) => isIP(value) !== 0 && block.check(value, isIPv6(value) ? "ipv6" : "ipv4"));
  },
};

function edge(operator: string, argument: unknown, holds: (value: string, part: string) => boolean): Test {
  if (!isJsonObject(argument)) {
    const part = textArgument(operator, argument);
    return onText((value) => holds(value, part));
  }
  const [inner, text] = onlyEntry(argument);
  if (inner !== "equals-ignore-case") throw invalid(`Unsupported ${operator} pattern: ${inner}`);
  const part = textArgument(operator, text).toLowerCase();
  return onText((value) => holds(value.toLowerCase(), part));
}

function onText(test: (value: string) => boolean): Test {
  return (value) => typeof value === "string" && test(value);
}

function textArgument(operator: string, argument: unknown): string {
  if (typeof argument === "string") return argument;
  throw invalid(`${operator} match pattern must be a string`);
}

const INNER_OPERATORS = ["prefix", "suffix", "equals-ignore-case", "wildcard"];

function compileAnythingBut(argument: unknown): Test {
  if (isJsonObject(argument)) {
    const [operator, operand] = onlyEntry(argument);
    if (!INNER_OPERATORS.includes(operator)) throw invalid(`Unsupported anything-but pattern: ${operator}`);
    const operands: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
    if (operands.length === 0) throw invalid("Empty arrays are not allowed");
    const tests = operands.map((one) => compileOperator(operator, one));
    return (value) => !tests.some((test) => test(value));
  }
  const values: readonly unknown[] = Array.isArray(argument) ? argument : [argument];
  if (values.length === 0) throw invalid("Empty arrays are not allowed");
  const types = new Set(values.map((value) => typeof value));
  if (types.size > 1 || !["string", "number"].includes([...types][0] ?? "")) {
    throw invalid("Inside anything but list, either all values are number or string, mixed type is not supported");
  }
  return (value) => !values.includes(value);
}

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  "=": (a, b) => a === b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};

function compileNumeric(argument: unknown): Test {
  if (!Array.isArray(argument)) throw invalid("Value of numeric must be an array.");
  if (argument.length !== 2 && argument.length !== 4) throw invalid("Bad numeric range operator");
  const parts = [0, 2].filter((index) => index < argument.length).map((index) => numericPart(argument, index));
  const [low, high] = parts;
  if (high) {
    const isRange = low?.operator.startsWith(">") && high.operator.startsWith("<");
    if (!low || !isRange || low.bound >= high.bound) throw invalid("Bottom of numeric range must be less than its top");
  }
  return (value) => typeof value === "number" && parts.every(({ compare, bound }) => compare(value, bound));
}

function numericPart(
  argument: readonly unknown[],
  index: number,
): { operator: string; bound: number; compare: (a: number, b: number) => boolean } {
  const operator = String(argument[index]);
  const bound = argument[index + 1];
  const compare = COMPARISONS[operator];
  if (!compare) throw invalid(`Unrecognized numeric range operator: ${operator}`);
  if (typeof bound !== "number") throw invalid(`Value of ${operator} must be numeric`);
  if (Math.abs(bound) > MAX_NUMBER) throw invalid(`Value must be between -5.0E9 and 5.0E9, inclusive: ${bound}`);
  return { operator, bound, compare };
}

/** `*` stands for any text; `\*` and `\\` for themselves. */
function wildcardExpression(pattern: string): RegExp {
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] ?? "";
    if (char === "*") {
      if (pattern[at + 1] === "*") throw invalid(`Consecutive wildcard characters at pos ${at}`);
      source += ".*";
    } else if (char === "\\") {
      const escaped = pattern[++at];
      if (escaped !== "*" && escaped !== "\\") throw invalid(`Invalid escape character at pos ${at - 1}`);
      source += `\\${escaped}`;
    } else source += char.replace(/[.+?^${}()|[\]]/, "\\$&");
  }
  return new RegExp(`^${source}$`, "s");
}

function cidrBlock(cidr: string): BlockList {
  const [network = "", prefix, ...rest] = cidr.split("/");
  const family = isIP(network);
  const block = new BlockList();
  if (family === 0 || rest.length > 0) throw invalid(`Malformed CIDR, ${cidr}`);
  const type = family === 6 ? "ipv6" : "ipv4";
  if (prefix === undefined) block.addAddress(network, type);
  else if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (family === 6 ? 128 : 32)) {
    throw invalid(`Malformed CIDR, ${cidr}`);
  } else block.addSubnet(network, Number(prefix), type);
  return block;
}
