// Checks filter patterns of an SQS event source as Lambda reads them. Pure.
//
// Worth a check of its own: Lambda deletes messages that match no pattern, so a pattern with a wrong key empties the queue.
import { CLAIM_CHECK_PREFIX } from "../../handlers/queue/contract";
import { findNearest } from "../shared/nearest";
import type { Rule } from "../shared/validation";
import type { ThrottledQueueConsumerArgs } from "./args";
import type { ThrottledQueueConsumerSettings } from "./settings";

/** Limits of filter criteria. https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html */
const FILTER_LIMITS = { patterns: 5, characters: 4096 } as const;

/** The only key of a record that Lambda filters by. https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html */
const FILTER_KEY = "body";
const OPERATORS = ["prefix", "suffix", "anything-but", "numeric", "exists", "equals-ignore-case"];
const COMPARISONS = ["<", "<=", ">", ">=", "="];

/** A pattern that every claim check matches. */
const CLAIM_CHECK_PATTERN = '{"body":{"claimCheck":{"key":[{"exists":true}]}}}';
/** A message whose body travels as a claim check, with what all of them have in common. */
const CLAIM_CHECK_RECORD = { body: { claimCheck: { bucket: "", key: CLAIM_CHECK_PREFIX, bytes: 0 } } };

/** Rules over the filters. */
export function filterRules(args: ThrottledQueueConsumerArgs, settings: ThrottledQueueConsumerSettings): Rule[] {
  const { filters, claimCheck } = settings;
  const problems = filters.flatMap((text, index) => {
    const problem = findFilterProblem(text);
    return problem === undefined ? [] : [`${index + 1}: ${problem}`];
  });
  const readable = filters.length > 0 && problems.length === 0;
  return [
    {
      property: "filters",
      holds: filters.length <= FILTER_LIMITS.patterns && (args.filters === undefined || filters.length > 0),
      rule: `be 1 to ${FILTER_LIMITS.patterns} patterns`,
      got: filters.length,
      remedy: "join patterns: a list of values matches any of them, $or joins several keys",
    },
    {
      property: "filters",
      holds: problems.length === 0,
      rule: "be patterns that Lambda accepts, since it deletes messages that match none",
      got: problems,
      remedy: 'write {"body":{"kind":["order"]}} say',
    },
    {
      property: "filters",
      holds: !claimCheck || !readable || filters.some(admitsClaimChecks),
      rule: "have a pattern that every reference of claimCheck matches, since Lambda deletes messages that match none",
      got: filters,
      remedy: `add ${CLAIM_CHECK_PATTERN}; large messages then pass whatever their bodies hold, and processMessage looks into them`,
    },
    {
      property: "filtersKmsKeyArn",
      holds: args.filtersKmsKeyArn === undefined || filters.length > 0,
      rule: "be left out without filters",
      got: "a key",
      remedy: "add filters; queues and tables take kmsKeyArn",
    },
  ];
}

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
  if (Object.keys(pattern).length === 0) return "is empty";
  return findKeyProblem(pattern, "") ?? findProblem(pattern, "");
}

function findKeyProblem(pattern: Readonly<Record<string, unknown>>, path: string): string | undefined {
  return first(Object.entries(pattern), ([key, value]) => {
    if (key === FILTER_KEY) return undefined;
    const here = path === "" ? key : `${path}.${key}`;
    if (key !== "$or") return `looks at "${here}", but Lambda filters the messages of a queue by "${FILTER_KEY}" alone`;
    return Array.isArray(value) ? first(value.filter(isObject), (item) => findKeyProblem(item, here)) : undefined;
  });
}

/** Whether every claim check is sure to match a pattern without problems. */
function admitsClaimChecks(text: string): boolean {
  return admits(JSON.parse(text) as Readonly<Record<string, unknown>>, CLAIM_CHECK_RECORD);
}

function admits(pattern: Readonly<Record<string, unknown>>, known: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(pattern).every(([key, expected]) => {
    const value = known[key];
    if (isObject(expected)) return admits(expected, isObject(value) ? value : {});
    if (!Array.isArray(expected)) return false;
    if (key === "$or") return expected.some((alternative) => isObject(alternative) && admits(alternative, known));
    // Operators see leaves only.
    return !isObject(value) && expected.some((rule) => isObject(rule) && admitsValue(rule, value));
  });
}

function admitsValue({ exists, prefix }: Readonly<Record<string, unknown>>, value: unknown): boolean {
  if (exists !== undefined) return exists === (value !== undefined);
  return typeof prefix === "string" && typeof value === "string" && value.startsWith(prefix);
}

function findProblem(pattern: Readonly<Record<string, unknown>>, path: string): string | undefined {
  return first(Object.entries(pattern), ([key, value]) => {
    const here = path === "" ? key : `${path}.${key}`;
    return key === "$or" ? findOrProblem(value, here) : findValueProblem(value, here);
  });
}

function findOrProblem(value: unknown, path: string): string | undefined {
  if (
    !Array.isArray(value) ||
    value.length < 2 ||
    !value.every((item) => isObject(item) && Object.keys(item).length > 0)
  ) {
    return `"${path}" must list two or more patterns, none of them empty`;
  }
  return first(value as readonly Readonly<Record<string, unknown>>[], (item) => findProblem(item, path));
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
