// Values of options: text as it was typed becomes what a command works with, or an error that names option, rule and value.
import { type ParsedOptions, UsageError } from "./arguments";

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A range, both ends included. */
export interface Range {
  readonly least: number;
  readonly most: number;
}

/** Text of an option; undefined when it was not given. */
export function readText(options: ParsedOptions, name: string): string | undefined {
  const value = options[name];
  return value === true ? undefined : value;
}

/** A whole number. @throws UsageError */
export function readWhole(options: ParsedOptions, name: string, { least, most }: Range): number | undefined {
  const given = readText(options, name);
  if (given === undefined) return undefined;
  const value = Number(given);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new UsageError(`--${name} must be a whole number from ${least} to ${most}, got ${given}`);
  }
  return value;
}

/** A number. @throws UsageError */
export function readNumber(options: ParsedOptions, name: string, { least, most }: Range): number | undefined {
  const given = readText(options, name);
  if (given === undefined) return undefined;
  const value = Number(given);
  if (given.trim() === "" || !(value >= least && value <= most)) {
    throw new UsageError(`--${name} must be a number from ${least} to ${most}, got ${given}`);
  }
  return value;
}

/** A length of time, in milliseconds: "250ms", "10s", "3m", "1.5h", "2d". @throws UsageError */
export function readDuration(options: ParsedOptions, name: string, { least, most }: Range): number | undefined {
  const given = readText(options, name);
  if (given === undefined) return undefined;
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(given) ?? [];
  const value = Number(number) * (UNITS[unit] ?? Number.NaN);
  if (value >= least && value <= most) return Math.round(value);
  throw new UsageError(
    `--${name} must be a time from ${describeDuration(least)} to ${describeDuration(most)} with its unit (10s, 3m, 1h), got ${given}`,
  );
}

/** One of some words. @throws UsageError */
export function readChoice<T extends string>(
  options: ParsedOptions,
  name: string,
  choices: readonly T[],
): T | undefined {
  const given = readText(options, name)?.toLowerCase();
  if (given === undefined) return undefined;
  const found = choices.find((choice) => choice === given);
  if (found !== undefined) return found;
  const list = `${choices.slice(0, -1).join(", ")} or ${choices.at(-1) ?? ""}`;
  throw new UsageError(`--${name} must be ${list}, got ${given}`);
}

/** A URL of http or https. @throws UsageError */
export function readUrl(options: ParsedOptions, name: string): string | undefined {
  const given = readText(options, name);
  if (given === undefined) return undefined;
  if (URL.canParse(given) && /^https?:/.test(given)) return given;
  throw new UsageError(`--${name} must be a URL, got ${given}`);
}

/** A length of time for people: "45 s", "3 min 20 s", "2 h 5 min", "3 d". */
export function describeDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = Math.round(milliseconds / 1000);
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  const shown = parts.slice(first, first + 2).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => `${count} ${unit}`).join(" ");
}
