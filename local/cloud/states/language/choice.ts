// Comparisons of Choice states in JSONPath. https://states-language.net/spec.html#choice-state
import { StatesError } from "./errors";
import { type PathScope, readPath, requirePath } from "./paths";
import type { ChoiceRule, Json } from "./types";

type Comparison = (value: Json, expected: Json) => boolean;

const TYPES: Readonly<Record<string, "string" | "number" | "boolean" | "timestamp">> = {
  String: "string",
  Numeric: "number",
  Boolean: "boolean",
  Timestamp: "timestamp",
};

const ORDER: Readonly<Record<string, (order: number) => boolean>> = {
  Equals: (order) => order === 0,
  LessThan: (order) => order < 0,
  GreaterThan: (order) => order > 0,
  LessThanEquals: (order) => order <= 0,
  GreaterThanEquals: (order) => order >= 0,
};

const OPERATOR =
  /^(String|Numeric|Boolean|Timestamp)(Equals|LessThanEquals|GreaterThanEquals|LessThan|GreaterThan)(Path)?$/;

/** Whether a rule applies. @throws StatesError States.Runtime when its variable is missing. */
export function applies(rule: ChoiceRule, scope: PathScope): boolean {
  if (rule.And) return rule.And.every((inner) => applies(inner, scope));
  if (rule.Or) return rule.Or.some((inner) => applies(inner, scope));
  if (rule.Not) return !applies(rule.Not, scope);
  const path = rule.Variable ?? "";
  if (typeof rule.IsPresent === "boolean") return (readPath(path, scope) !== undefined) === rule.IsPresent;
  const value = readPath(path, scope);
  if (value === undefined) {
    throw new StatesError(
      "States.Runtime",
      `Invalid path '${path}': The choice state's condition path references an invalid value.`,
    );
  }
  for (const [operator, expected] of Object.entries(rule)) {
    const result = compare(operator, value, expected as Json, scope);
    if (result !== undefined) return result;
  }
  throw new StatesError("States.Runtime", "The choice rule has no comparison");
}

function compare(operator: string, value: Json, expected: Json, scope: PathScope): boolean | undefined {
  if (Object.hasOwn(CHECKS, operator)) return CHECKS[operator]?.(value) === expected;
  if (operator === "StringMatches") return typeof value === "string" && matches(value, String(expected));
  const [, type = "", order = "", byPath] = OPERATOR.exec(operator) ?? [];
  const comparison = comparisonOf(type, order);
  if (!comparison) return undefined;
  return comparison(value, byPath ? requirePath(String(expected), scope, operator) : expected);
}

function comparisonOf(type: string, order: string): Comparison | undefined {
  const kind = TYPES[type];
  const accepts = ORDER[order];
  if (!kind || !accepts) return undefined;
  return (value, expected) => {
    const [one, other] = [convert(value, kind), convert(expected, kind)];
    if (one === undefined || other === undefined) return false;
    return accepts(one < other ? -1 : one > other ? 1 : 0);
  };
}

function convert(
  value: Json,
  kind: "string" | "number" | "boolean" | "timestamp",
): string | number | boolean | undefined {
  if (kind === "timestamp") return typeof value === "string" && isTimestamp(value) ? Date.parse(value) : undefined;
  return typeof value === kind ? (value as string | number | boolean) : undefined;
}

const CHECKS: Readonly<Record<string, (value: Json) => boolean>> = {
  IsNull: (value) => value === null,
  IsString: (value) => typeof value === "string",
  IsNumeric: (value) => typeof value === "number",
  IsBoolean: (value) => typeof value === "boolean",
  IsTimestamp: (value) => typeof value === "string" && isTimestamp(value),
};

/** RFC 3339 with capital T, and Z or an offset. */
export function isTimestamp(value: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(Date.parse(value));
}

/** "*" stands for any characters, "\*" for itself. */
function matches(value: string, pattern: string): boolean {
  const source = pattern.replaceAll(/\\\*|\\\\|\*|[^*\\]+|\\/g, (piece) => {
    if (piece === "*") return "[\\s\\S]*";
    const literal = piece === "\\*" ? "*" : piece === "\\\\" ? "\\" : piece;
    return literal.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${source}$`).test(value);
}
