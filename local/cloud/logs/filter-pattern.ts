// Filter patterns of FilterLogEvents: terms. JSON selectors and regular expressions are not simulated.
import { AwsError, NotSimulatedError } from "../core/errors";

/** Compiles `error`, `"two words"`, `?either ?or` and `-without`. Throws for patterns that are not simulated. */
export function compileFilterPattern(pattern: string): (message: string) => boolean {
  const trimmed = pattern.trim();
  if (/^[[{%]/.test(trimmed)) {
    throw new NotSimulatedError(`logs filter pattern ${trimmed.slice(0, 40)}`, "local/cloud/logs/filter-pattern.ts");
  }
  const required: string[] = [];
  const optional: string[] = [];
  const excluded: string[] = [];
  for (const [, sign, quoted, bare] of trimmed.matchAll(/([?-]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))/g)) {
    const term = quoted?.replace(/\\(.)/g, "$1") ?? bare ?? "";
    // An unquoted term is a word: AWS demands quotes around anything else.
    if (bare !== undefined && !/^\w+$/.test(bare)) {
      throw new AwsError("InvalidParameterException", `Invalid character(s) in term '${bare}'`);
    }
    (sign === "?" ? optional : sign === "-" ? excluded : required).push(term);
  }
  return (message) =>
    required.every((term) => message.includes(term)) &&
    !excluded.some((term) => message.includes(term)) &&
    // Optional terms do nothing beside required ones, as on AWS.
    (optional.length === 0 || required.length > 0 || optional.some((term) => message.includes(term)));
}
