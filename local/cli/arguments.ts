// Command line options: parsed strictly, so that a typing error is an error.

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

/**
 * Parses `--name value`, `--name=value` and switches.
 *
 * @throws UsageError for unknown options, missing or superfluous values, repeated options and anything else.
 */
export function parseOptions(argv: readonly string[], specs: readonly OptionSpec[]): ParsedOptions {
  const options: Record<string, string | true> = {};
  const rest = [...argv];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const [, name, inline] = /^--([\w-]+)(?:=(.*))?$/s.exec(argument) ?? [];
    const spec = specs.find((candidate) => candidate.name === name);
    if (name === undefined || !spec) throw new UsageError(unknownOption(argument, specs));
    if (name in options) throw new UsageError(`option --${name} was given twice`);
    if (spec.value === undefined) {
      if (inline !== undefined) throw new UsageError(`option --${name} takes no value`);
      options[name] = true;
      continue;
    }
    const value = inline ?? rest.shift();
    if (value === undefined || value === "" || (inline === undefined && value.startsWith("--"))) {
      throw new UsageError(`option --${name} needs a value: --${name} ${spec.value}`);
    }
    options[name] = value;
  }
  return options;
}

/** The list of options for `--help`. */
export function describeOptions(specs: readonly OptionSpec[]): string {
  const heads = specs.map(({ name, value }) => `  --${name}${value === undefined ? "" : ` ${value}`}`);
  const width = Math.max(...heads.map((head) => head.length)) + 2;
  return specs.map(({ description }, index) => (heads[index] ?? "").padEnd(width) + description).join("\n");
}

function unknownOption(argument: string, specs: readonly OptionSpec[]): string {
  const given = argument.replace(/=.*/s, "");
  const names = specs.map(({ name }) => `--${name}`);
  const near = names.find((name) => distance(name, given) <= 2);
  const hint = near === undefined ? `known are ${names.join(", ")}` : `did you mean ${near}?`;
  return `unknown ${argument.startsWith("-") ? "option" : "argument"} ${given}; ${hint}`;
}

/** Levenshtein distance. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
