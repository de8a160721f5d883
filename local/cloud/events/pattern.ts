// Event patterns: compiled once, with the refusals of EventBridge, and matched in microseconds.
import { isJsonObject, type JsonObject } from "../core/json-api";
import { compileMatcher, invalid, type LeafMatcher } from "./matchers";

/** Decides whether an event fits a pattern. */
export type EventMatcher = (event: JsonObject) => boolean;

/** Default quota of EventBridge, in characters. */
const MAX_PATTERN_LENGTH = 2048;

/**
 * Compiles a pattern given as JSON text. Throws InvalidEventPatternException.
 *
 * @param maximumLength in characters; Lambda's filters, which speak the same language, may be longer.
 */
export function compilePattern(text: string, maximumLength = MAX_PATTERN_LENGTH): EventMatcher {
  if (text.length > maximumLength) throw invalid(`Event pattern is longer than ${maximumLength} characters`);
  let pattern: unknown;
  try {
    pattern = JSON.parse(text);
  } catch {
    throw invalid("Event pattern is not valid JSON");
  }
  if (!isJsonObject(pattern)) throw invalid("Filter is not an object");
  if (Object.keys(pattern).length === 0) throw invalid("Empty objects are not allowed");
  return compileObject(pattern);
}

function compileObject(pattern: JsonObject): EventMatcher {
  if (Object.keys(pattern).length === 0) throw invalid("Empty objects are not allowed");
  const parts = Object.entries(pattern).map(([name, expected]) => compileField(name, expected));
  return (event) => parts.every((part) => part(event));
}

function compileField(name: string, expected: unknown): EventMatcher {
  if (name === "$or" && isAlternatives(expected)) {
    const alternatives = expected.map(compileObject);
    return (event) => alternatives.some((alternative) => alternative(event));
  }
  if (Array.isArray(expected)) {
    const matchers = compileMatchers(expected);
    return (event) => matchLeaf(event[name], matchers);
  }
  if (!isJsonObject(expected)) throw invalid(`"${name}" must be an object or an array`);
  const nested = compileObject(expected);
  return (event) => matchNested(event[name], nested);
}

/** `$or` is an operator only with two or more objects; else it is a field of that name. */
export function isAlternatives(expected: unknown): expected is readonly JsonObject[] {
  return Array.isArray(expected) && expected.length >= 2 && expected.every(isJsonObject);
}

function compileMatchers(list: readonly unknown[]): readonly LeafMatcher[] {
  if (list.length === 0) throw invalid("Empty arrays are not allowed");
  return list.map(compileMatcher);
}

/** Objects inside arrays: one of them must fit the whole nested pattern. */
function matchNested(value: unknown, nested: EventMatcher): boolean {
  if (Array.isArray(value)) {
    const objects = value.flat(Infinity).filter(isJsonObject);
    return objects.length > 0 ? objects.some(nested) : nested({});
  }
  return nested(isJsonObject(value) ? value : {});
}

/** Operators see leaves only: an object, and an empty array, count as absent. */
function matchLeaf(value: unknown, matchers: readonly LeafMatcher[]): boolean {
  const leaves = (Array.isArray(value) ? value.flat(Infinity) : [value]).filter(
    (leaf) => leaf !== undefined && !isJsonObject(leaf),
  );
  return matchers.some((matcher) =>
    matcher.kind === "exists" ? matcher.exists === leaves.length > 0 : leaves.some(matcher.test),
  );
}
