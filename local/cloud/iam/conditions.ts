// The condition operators of IAM policies, compiled once per policy.
import type { ConditionValue } from "../core/access";
import { addressMatcher } from "./ip";
import {
  arnPattern,
  type ContextKeys,
  type ContextMatcher,
  contextMatcher,
  exactly,
  exactlyIgnoringCase,
  type PatternCompiler,
  wildcards,
} from "./patterns";

/** One compiled condition: operator, key and values. */
export type ConditionCheck = (keys: ContextKeys) => boolean;

/** Compares one value of the policy with one value of the request. */
type ValueCompiler = (policyValue: string, withVariables: boolean) => ContextMatcher;

interface Operator {
  readonly compile: ValueCompiler;
  /** "NotEquals" and its kin: true when no value matches, and when the key is absent. */
  readonly negated: boolean;
}

const text =
  (compile: PatternCompiler): ValueCompiler =>
  (value, withVariables) =>
    contextMatcher(value, compile, withVariables);

const numeric =
  (test: (actual: number, wanted: number) => boolean): ValueCompiler =>
  (value) => {
    const wanted = value.trim() === "" ? Number.NaN : Number(value);
    return (given) => {
      const actual = given.trim() === "" ? Number.NaN : Number(given);
      return !Number.isNaN(actual) && !Number.isNaN(wanted) && test(actual, wanted);
    };
  };

/** ISO 8601 or seconds since the epoch, in milliseconds; NaN when it is neither. */
function dateValue(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
}

const dated =
  (test: (actual: number, wanted: number) => boolean): ValueCompiler =>
  (value) => {
    const wanted = dateValue(value);
    return (given) => {
      const actual = dateValue(given);
      return !Number.isNaN(actual) && !Number.isNaN(wanted) && test(actual, wanted);
    };
  };

const positive = (compile: ValueCompiler): Operator => ({ compile, negated: false });
const negative = (compile: ValueCompiler): Operator => ({ compile, negated: true });

const operators: Readonly<Record<string, Operator>> = {
  stringequals: positive(text(exactly)),
  stringnotequals: negative(text(exactly)),
  stringequalsignorecase: positive(text(exactlyIgnoringCase)),
  stringnotequalsignorecase: negative(text(exactlyIgnoringCase)),
  stringlike: positive(text(wildcards)),
  stringnotlike: negative(text(wildcards)),
  numericequals: positive(numeric((a, b) => a === b)),
  numericnotequals: negative(numeric((a, b) => a === b)),
  numericlessthan: positive(numeric((a, b) => a < b)),
  numericlessthanequals: positive(numeric((a, b) => a <= b)),
  numericgreaterthan: positive(numeric((a, b) => a > b)),
  numericgreaterthanequals: positive(numeric((a, b) => a >= b)),
  dateequals: positive(dated((a, b) => a === b)),
  datenotequals: negative(dated((a, b) => a === b)),
  datelessthan: positive(dated((a, b) => a < b)),
  datelessthanequals: positive(dated((a, b) => a <= b)),
  dategreaterthan: positive(dated((a, b) => a > b)),
  dategreaterthanequals: positive(dated((a, b) => a >= b)),
  bool: positive(text(exactlyIgnoringCase)),
  binaryequals: positive((value) => (given) => given === value),
  ipaddress: positive((value) => addressMatcher(value)),
  notipaddress: negative((value) => addressMatcher(value)),
  arnequals: positive(text(arnPattern)),
  arnlike: positive(text(arnPattern)),
  arnnotequals: negative(text(arnPattern)),
  arnnotlike: negative(text(arnPattern)),
};

interface ParsedOperator {
  readonly name: string;
  readonly quantifier?: "forallvalues" | "foranyvalue";
  readonly ifExists: boolean;
}

function parseOperator(text: string): ParsedOperator {
  const match = /^(?:(forallvalues|foranyvalue):)?(.+?)(ifexists)?$/.exec(text.toLowerCase());
  const quantifier = match?.[1] as ParsedOperator["quantifier"];
  return { name: match?.[2] ?? "", ifExists: match?.[3] !== undefined, ...(quantifier && { quantifier }) };
}

/** Whether IAM knows a condition operator, `ForAnyValue:StringLikeIfExists` say. */
export function isConditionOperator(text: string): boolean {
  const { name, ifExists, quantifier } = parseOperator(text);
  if (name === "null") return !ifExists && !quantifier;
  return name in operators;
}

/** A condition's values as text: numbers and booleans may stand unquoted in JSON. */
const textValues = (value: ConditionValue): string[] =>
  (Array.isArray(value) ? (value as readonly (string | number | boolean)[]) : [value]).map(String);

/** Compiles one operator over one key. An operator that IAM does not know never matches. */
export function compileCondition(
  operatorText: string,
  key: string,
  value: ConditionValue,
  withVariables: boolean,
): ConditionCheck {
  const parsed = parseOperator(operatorText);
  const name = key.toLowerCase();
  const values = textValues(value);
  if (parsed.name === "null") return nullCheck(name, values);
  const operator = operators[parsed.name];
  if (!operator) return () => false;
  const matchers = values.map((each) => operator.compile(each, withVariables));
  const fits = (actual: string, keys: ContextKeys): boolean =>
    matchers.some((matcher) => matcher(actual, keys)) !== operator.negated;
  return (keys) => {
    const actual = keys.get(name);
    if (actual === undefined || actual.length === 0) return whenAbsent(parsed, operator);
    if (parsed.quantifier === "foranyvalue") return actual.some((each) => fits(each, keys));
    if (parsed.quantifier === "forallvalues" || operator.negated) return actual.every((each) => fits(each, keys));
    return actual.some((each) => fits(each, keys));
  };
}

function whenAbsent({ quantifier, ifExists }: ParsedOperator, operator: Operator): boolean {
  if (ifExists || quantifier === "forallvalues") return true;
  return quantifier === undefined && operator.negated;
}

function nullCheck(key: string, values: readonly string[]): ConditionCheck {
  return (keys) => {
    const absent = keys.get(key) === undefined || keys.get(key)?.length === 0;
    return values.some((each) => (each.toLowerCase() === "true") === absent);
  };
}
