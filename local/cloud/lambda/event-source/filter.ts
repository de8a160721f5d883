// Filter criteria: which messages the function gets to see. Same language as event patterns, with rules of its own for the body.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html
import { AwsError } from "../../core/errors";
import { isJsonObject, type JsonObject } from "../../core/json-api";
import { compilePattern, isAlternatives } from "../../events/pattern";

/** Decides whether a record passes. */
export type RecordFilter = (record: JsonObject) => boolean;

const MAXIMUM_PATTERN_LENGTH = 4096;

/** Compiles patterns, of which one must fit; undefined when there is none. Throws InvalidParameterValueException. */
export function compileFilters(patterns: readonly string[]): RecordFilter | undefined {
  if (patterns.length === 0) return undefined;
  const filters = patterns.map(compileFilter);
  return (record) => {
    const body = parseBody(record.body);
    return filters.some((filter) => filter(record, body));
  };
}

function compileFilter(pattern: string): (record: JsonObject, body: JsonObject | undefined) => boolean {
  const matches = compile(pattern);
  const parsed = JSON.parse(pattern) as JsonObject;
  checkKeys(parsed);
  const expected = parsed.body;
  // A pattern for text drops bodies of JSON, and the other way round.
  if (Array.isArray(expected)) return (record, body) => body === undefined && matches(record);
  if (isJsonObject(expected)) return (record, body) => body !== undefined && matches({ ...record, body });
  // `$or` alone: its alternatives may be of either kind.
  return (record, body) => matches(body ? { ...record, body } : record);
}

/** AWS supports no other key for queues, and does not say what becomes of a pattern that has one. */
function checkKeys(pattern: JsonObject): void {
  for (const [key, value] of Object.entries(pattern)) {
    if (key === "body") continue;
    if (key !== "$or" || !isAlternatives(value)) {
      throw invalid(`SQS event source mappings only support filtering on the body key, got "${key}"`);
    }
    value.forEach(checkKeys);
  }
}

function compile(pattern: string): RecordFilter {
  try {
    return compilePattern(pattern, MAXIMUM_PATTERN_LENGTH);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    const reason = error.message.replace(/^Event pattern is not valid\. Reason: /, "");
    throw invalid(reason);
  }
}

function invalid(reason: string): AwsError {
  return new AwsError("InvalidParameterValueException", `Invalid filter pattern definition. ${reason}`);
}

function parseBody(body: unknown): JsonObject | undefined {
  if (typeof body !== "string" || !body.trimStart().startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(body);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined; // plain text that begins with a brace
  }
}
