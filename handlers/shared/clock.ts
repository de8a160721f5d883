// Time for handlers, injected so that logic and tests share it.

/** Milliseconds since the Unix epoch. */
export type Now = () => number;

/** ISO 8601 with milliseconds, UTC: sorts as text. */
export function toIso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
