// Command line arguments: parsed strictly, so that a typing error is an error.
import { findNearest } from "../../components/shared/nearest";

/** Edits up to which an unknown option is a typing error of a known one. */
const TYPING_EDITS = 2;

/** An error that is shown to the person as it stands, without a stack. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/** What an option takes. */
export interface OptionSpec {
  readonly name: string;
  /** Name of the value in the help; left out for a switch. */
  readonly value?: string;
  readonly description: string;
}

/** Options that were given: text, or true for switches. */
export type ParsedOptions = Readonly<Record<string, string | true>>;

/** What was given. */
export interface ParsedArguments {
  /** Arguments that are no options, in order. */
  readonly operands: readonly string[];
  readonly options: ParsedOptions;
}

/**
 * Parses `--name value`, `--name=value` and switches; operands may stand between them. What follows `--` is an operand.
 *
 * @param mostOperands How many operands the command takes.
 * @throws UsageError for unknown options, missing or superfluous values, repeated options and superfluous operands.
 */
export function parseArguments(
  argv: readonly string[],
  specs: readonly OptionSpec[],
  mostOperands = 0,
): ParsedArguments {
  const options: Record<string, string | true> = {};
  const operands: string[] = [];
  const rest = [...argv];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === "--") operands.push(...rest.splice(0));
    else if (!argument.startsWith("-")) operands.push(argument);
    else readOption(argument, rest, specs, options);
    const superfluous = operands[mostOperands];
    if (superfluous !== undefined) throw new UsageError(unknownArgument(superfluous, specs));
  }
  return { operands, options };
}

function readOption(
  argument: string,
  rest: string[],
  specs: readonly OptionSpec[],
  options: Record<string, string | true>,
): void {
  const [, name, inline] = /^--([\w-]+)(?:=(.*))?$/s.exec(argument) ?? [];
  const spec = specs.find((candidate) => candidate.name === name);
  if (name === undefined || !spec) throw new UsageError(unknownArgument(argument, specs));
  if (name in options) throw new UsageError(`option --${name} was given twice`);
  if (spec.value === undefined) {
    if (inline !== undefined) throw new UsageError(`option --${name} takes no value`);
    options[name] = true;
    return;
  }
  const value = inline ?? rest.shift();
  if (value === undefined || value === "" || (inline === undefined && value.startsWith("--"))) {
    throw new UsageError(`option --${name} needs a value: --${name} ${spec.value}`);
  }
  options[name] = value;
}

/** The list of options for `--help`. */
export function describeOptions(specs: readonly OptionSpec[]): string {
  const heads = specs.map(({ name, value }) => `  --${name}${value === undefined ? "" : ` ${value}`}`);
  const width = Math.max(...heads.map((head) => head.length)) + 2;
  return specs.map(({ description }, index) => (heads[index] ?? "").padEnd(width) + description).join("\n");
}

function unknownArgument(argument: string, specs: readonly OptionSpec[]): string {
  const given = argument.replace(/=.*/s, "");
  const names = specs.map(({ name }) => `--${name}`);
  const near = findNearest(given, names, TYPING_EDITS);
  const hint = near === undefined ? `known are ${names.join(", ")}` : `did you mean ${near}?`;
  return `unknown ${argument.startsWith("-") ? "option" : "argument"} ${given}; ${hint}`;
}
