// Which fields each type of state knows, and what their values must be.
// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
import { isTimestamp } from "./choice";
import { expressionIn } from "./expressions";
import { isReferencePath } from "./paths";
import type { QueryLanguage, State } from "./types";

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isFlag: Check = (value) => typeof value === "boolean";
const isRecord: Check = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isList: Check = (value) => Array.isArray(value) && value.length > 0;
const isAny: Check = () => true;
const isPath: Check = (value) => typeof value === "string" && value.startsWith("$");
const isPathOrNull: Check = (value) => value === null || isPath(value);
const isReferencePathOrNull: Check = (value) => value === null || (typeof value === "string" && isReferencePath(value));
const isTime: Check = (value) => typeof value === "string" && isTimestamp(value);
const isPositive: Check = (value) => Number.isInteger(value) && Number(value) > 0 && Number(value) <= 99_999_999;
const isCount: Check = (value) => Number.isInteger(value) && Number(value) >= 0;
const isWait: Check = (value) => isCount(value) && Number(value) <= 99_999_999;
const isExpression: Check = (value) => typeof value === "string" && expressionIn(value) !== undefined;
const either =
  (...checks: readonly Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));

/** Fields of one language. */
type Fields = Readonly<Record<string, Check>>;

const COMMON: Fields = { Type: isText, Comment: isText, QueryLanguage: isText };
const TRANSITION: Fields = { Next: isText, End: isFlag };
const PATHS: Fields = { InputPath: isPathOrNull, OutputPath: isPathOrNull };
const RESULT: Fields = { ResultPath: isReferencePathOrNull, ResultSelector: isRecord };
const ERRORS: Fields = { Retry: isList, Catch: isList };
const PATH_ASSIGN: Fields = { Assign: isRecord };
const EXPRESSION_OUTPUT: Fields = { Output: isAny, Assign: isRecord };

const JSON_PATH: Readonly<Record<State["Type"], Fields>> = {
  Pass: { ...TRANSITION, ...PATHS, ...PATH_ASSIGN, Parameters: isAny, Result: isAny, ResultPath: isReferencePathOrNull },
  Task: {
    ...TRANSITION, ...PATHS, ...PATH_ASSIGN, ...RESULT, ...ERRORS,
    Parameters: isAny, Resource: isText, Credentials: isRecord,
    TimeoutSeconds: isPositive, TimeoutSecondsPath: isPath, HeartbeatSeconds: isPositive, HeartbeatSecondsPath: isPath,
  },
  Choice: { ...PATHS, ...PATH_ASSIGN, Choices: isList, Default: isText },
  Wait: { ...TRANSITION, ...PATHS, ...PATH_ASSIGN, Seconds: isWait, SecondsPath: isPath, Timestamp: isTime, TimestampPath: isPath },
  Succeed: { ...PATHS },
  Fail: { Error: isText, ErrorPath: either(isPath, isText), Cause: isText, CausePath: either(isPath, isText) },
  Parallel: { ...TRANSITION, ...PATHS, ...PATH_ASSIGN, ...RESULT, ...ERRORS, Parameters: isAny, Branches: isList },
  Map: {
    ...TRANSITION, ...PATHS, ...PATH_ASSIGN, ...RESULT, ...ERRORS,
    Parameters: isAny, ItemsPath: isPath, ItemSelector: isRecord, ItemProcessor: isRecord, Iterator: isRecord,
    MaxConcurrency: isCount, MaxConcurrencyPath: isPath, ItemReader: isRecord, ItemBatcher: isRecord, ResultWriter: isRecord,
    ToleratedFailureCount: isCount, ToleratedFailurePercentage: isAny, Label: isText,
  },
}; // prettier-ignore

const JSONATA: Readonly<Record<State["Type"], Fields>> = {
  Pass: { ...TRANSITION, ...EXPRESSION_OUTPUT },
  Task: {
    ...TRANSITION, ...EXPRESSION_OUTPUT, ...ERRORS,
    Arguments: isAny, Resource: isText, Credentials: isRecord,
    TimeoutSeconds: either(isPositive, isExpression), HeartbeatSeconds: either(isPositive, isExpression),
  },
  Choice: { ...EXPRESSION_OUTPUT, Choices: isList, Default: isText },
  Wait: { ...TRANSITION, ...EXPRESSION_OUTPUT, Seconds: either(isWait, isExpression), Timestamp: either(isTime, isExpression) },
  Succeed: { Output: isAny },
  Fail: { Error: isText, Cause: isText },
  Parallel: { ...TRANSITION, ...EXPRESSION_OUTPUT, ...ERRORS, Arguments: isAny, Branches: isList },
  Map: {
    ...TRANSITION, ...EXPRESSION_OUTPUT, ...ERRORS,
    Items: either(isExpression, Array.isArray), ItemSelector: either(isRecord, isExpression), ItemProcessor: isRecord, MaxConcurrency: either(isCount, isExpression),
    ItemReader: isRecord, ItemBatcher: isRecord, ResultWriter: isRecord,
    ToleratedFailureCount: either(isCount, isExpression), ToleratedFailurePercentage: isAny, Label: isText,
  },
}; // prettier-ignore

const REQUIRED: Readonly<Partial<Record<State["Type"], readonly string[]>>> = {
  Task: ["Resource"],
  Choice: ["Choices"],
  Parallel: ["Branches"],
};

/** What is wrong with the fields of one state, as "field: reason". */
export function fieldProblems(state: State, language: QueryLanguage): readonly string[] {
  const { Type } = state;
  const fields = language === "JSONata" ? JSONATA[Type] : JSON_PATH[Type];
  if (!(fields as Fields | undefined)) return [`Type: must be one of ${Object.keys(JSONATA).join(", ")}`];
  const known = { ...COMMON, ...fields };
  const wrong = Object.entries(state).flatMap(([field, value]) => {
    if (!Object.hasOwn(known, field)) return [`${field}: is not supported by ${language} states of type ${Type}`];
    return known[field]?.(value) ? [] : [`${field}: has an invalid value`];
  });
  const missing = (REQUIRED[Type] ?? []).filter((field) => !Object.hasOwn(state, field));
  return [...wrong, ...missing.map((field) => `${field}: is required`), ...combinations(state)];
}

/** Fields that exclude or need each other. */
function combinations(state: State): readonly string[] {
  const { Type } = state;
  const given = (...names: readonly string[]): number => names.filter((name) => Object.hasOwn(state, name)).length;
  const problems: string[] = [];
  const transits = !["Choice", "Succeed", "Fail"].includes(Type);
  if (transits && (state.Next === undefined) === (state.End !== true)) problems.push("Next: needs either Next or End");
  if (Type === "Wait" && given("Seconds", "SecondsPath", "Timestamp", "TimestampPath") !== 1) {
    problems.push("Seconds: exactly one of Seconds, SecondsPath, Timestamp, TimestampPath is needed");
  }
  if (Type === "Map" && given("ItemProcessor", "Iterator") !== 1) problems.push("ItemProcessor: is required");
  if (Type === "Map" && given("ItemSelector", "Parameters") > 1) problems.push("ItemSelector: excludes Parameters");
  for (const field of ["TimeoutSeconds", "HeartbeatSeconds", "MaxConcurrency", "Error", "Cause"]) {
    if (given(field, `${field}Path`) > 1) problems.push(`${field}: excludes ${field}Path`);
  }
  const { TimeoutSeconds, HeartbeatSeconds } = state;
  if (
    typeof TimeoutSeconds === "number" &&
    typeof HeartbeatSeconds === "number" &&
    HeartbeatSeconds >= TimeoutSeconds
  ) {
    problems.push("HeartbeatSeconds: must be smaller than TimeoutSeconds");
  }
  return problems;
}
