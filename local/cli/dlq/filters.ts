// Which messages of a dead-letter queue a command is about.
import { type OptionSpec, type ParsedOptions, UsageError } from "../arguments";
import { readDuration, readText } from "../values";
import type { DeadLetter } from "./messages";

const YEAR_MS = 365 * 86_400_000;
const FIELDS: Readonly<Record<string, (letter: DeadLetter) => string | undefined>> = {
  reason: ({ reason }) => reason,
  type: ({ errorType }) => errorType,
  body: ({ body }) => body,
  group: ({ groupId }) => groupId,
  id: ({ id }) => id,
};

/** Options of the filters. All that are given must hold. */
export const FILTER_OPTIONS: readonly OptionSpec[] = [
  {
    name: "where",
    value: "FIELD~TEXT",
    description: "messages whose reason, type, body, group or id contains the text; FIELD=TEXT: is the text",
  },
  { name: "attribute", value: "NAME=VALUE", description: "messages with this attribute" },
  { name: "older-than", value: "TIME", description: "messages that were sent so long ago: 30m, 12h, 2d" },
];

/** Whether a message is meant. */
export type Filter = (letter: DeadLetter) => boolean;

/** Reads the filters. @returns undefined when none was given. @throws UsageError */
export function readFilter(options: ParsedOptions, now: number): Filter | undefined {
  const filters = [readWhere(options), readAttribute(options), readAge(options, now)].filter(
    (filter) => filter !== undefined,
  );
  if (filters.length === 0) return undefined;
  return (letter) => filters.every((filter) => filter(letter));
}

function readWhere(options: ParsedOptions): Filter | undefined {
  const given = readText(options, "where");
  if (given === undefined) return undefined;
  const [, name = "", operator, text = ""] = /^([a-z]+)([~=])(.+)$/s.exec(given) ?? [];
  const read = FIELDS[name];
  if (!read || !Object.hasOwn(FIELDS, name)) {
    throw new UsageError(
      `--where must be FIELD~TEXT (contains) or FIELD=TEXT (is), with a field of ${Object.keys(FIELDS).join(", ")}, got ${given}`,
    );
  }
  if (operator === "=") return (letter) => read(letter) === text;
  const wanted = text.toLowerCase();
  return (letter) => read(letter)?.toLowerCase().includes(wanted) === true;
}

function readAttribute(options: ParsedOptions): Filter | undefined {
  const given = readText(options, "attribute");
  if (given === undefined) return undefined;
  const at = given.indexOf("=");
  if (at < 1) throw new UsageError(`--attribute must be NAME=VALUE, got ${given}`);
  const [name, value] = [given.slice(0, at), given.slice(at + 1)];
  return ({ attributes }) => Object.hasOwn(attributes, name) && attributes[name] === value;
}

function readAge(options: ParsedOptions, now: number): Filter | undefined {
  const age = readDuration(options, "older-than", { least: 0, most: YEAR_MS });
  return age === undefined ? undefined : ({ sentAt }) => sentAt <= now - age;
}
