// Parsed JSON of which nothing is known yet.

/** A parsed JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** The value as an object; an empty one when it is something else. */
export function objectOf(value: unknown): Json {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Json) : {};
}
