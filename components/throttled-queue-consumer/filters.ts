// Checks filter patterns of an SQS event source as Lambda reads them. Pure.
//
// Worth a check of its own: Lambda deletes messages that match no pattern, so a pattern with a wrong key empties the queue.
import { findNearest } from "../shared/nearest";

/** Limits of filter criteria. https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html */
export const FILTER_LIMITS = { patterns: 5, characters: 4096 } as const;

/** Keys of an SQS record that a pattern may look at. */
const RECORD_KEYS = ["body", "messageId", "attributes", "messageAttributes", "eventSourceARN", "awsRegion"];
const OPERATORS = ["prefix", "suffix", "anything-but", "numeric", "exists", "equals-ignore-case"];
const COMPARISONS = ["<", "<=", ">", ">=", "="];

/** What is wrong with a pattern; undefined when Lambda would accept it. */
export function findFilterProblem(text: string): string | undefined {
  if (text.length > FILTER_LIMITS.characters)
    return `has ${text.length} characters, at most ${FILTER_LIMITS.characters}`;
  let pattern: unknown;
  try {
    pattern = JSON.parse(text);
  } catch {
    return "is not JSON";
  }
  if (!isObject(pattern)) return "is not a JSON object";
  const keys = Object.keys(pattern);
  if (keys.length === 0) return "is empty";
  for (const key of keys) {
    if (key === "$or" || RECORD_KEYS.includes(key)) continue;
    return `looks at "${key}", which no SQS record has; did you mean "${findNearest(key, RECORD_KEYS) ?? "body"}"?`;
  }
  return findProblem(pattern, "");
}

function findProblem(pattern: Readonly<Record<string, unknown>>, path: string): string | undefined {
  for (const [key, value] of Object.entries(pattern)) {
    const here = path === "" ? key : `${path}.${key}`;
    const problem = key === "$or" ? findOrProblem(value, here) : findValueProblem(value, here);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function findOrProblem(value: unknown, path: string): string | undefined {
  if (!Array.isArray(value) || value.length < 2 || !value.every(isObject)) {
    return `"${path}" must list two or more patterns`;
  }
  return first(value, (item) => findProblem(item, path));
}

function findValueProblem(value: unknown, path: string): string | undefined {
  if (isObject(value)) {
    if (Object.keys(value).length === 0) return `"${path}" is an empty object`;
    return findProblem(value, path);
  }
  if (!Array.isArray(value)) return `"${path}" must be a list of values, as ["${String(value)}"]`;
  if (value.length === 0) return `"${path}" is an empty list, which matches nothing`;
  return first(value, (item) => findRuleProblem(item, path));
}

function findRuleProblem(item: unknown, path: string): string | undefined {
  if (Array.isArray(item)) return `"${path}" holds a list within a list`;
  if (!isObject(item)) return undefined;
  const [only, ...more] = Object.entries(item);
  if (only === undefined || more.length > 0) return `"${path}" must hold one operator per object`;
  const [operator, operand] = only;
  switch (operator) {
    case "prefix":
    case "suffix":
    case "equals-ignore-case":
      return typeof operand === "string" ? undefined : `"${path}": ${operator} takes a text`;
    case "exists":
      return typeof operand === "boolean" ? undefined : `"${path}": exists takes true or false`;
    case "anything-but":
      return isAnythingBut(operand) ? undefined : `"${path}": anything-but takes texts, numbers or {"prefix": text}`;
    case "numeric":
      return isNumeric(operand) ? undefined : `"${path}": numeric takes a comparison and a number, once or twice`;
    default:
      return `"${path}": unknown operator "${operator}"; did you mean "${findNearest(operator, OPERATORS) ?? "prefix"}"?`;
  }
}

function isAnythingBut(operand: unknown): boolean {
  const isScalar = (value: unknown): boolean => typeof value === "string" || typeof value === "number";
  if (Array.isArray(operand)) return operand.length > 0 && operand.every(isScalar);
  if (!isObject(operand)) return isScalar(operand);
  const [[operator, value] = [], ...more] = Object.entries(operand);
  return more.length === 0 && (operator === "prefix" || operator === "suffix") && typeof value === "string";
}

function isNumeric(operand: unknown): boolean {
  if (!Array.isArray(operand) || (operand.length !== 2 && operand.length !== 4)) return false;
  return operand.every((item, index) =>
    index % 2 === 0 ? COMPARISONS.includes(item as string) : typeof item === "number" && Number.isFinite(item),
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function first<T>(items: readonly T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const problem = find(item);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
