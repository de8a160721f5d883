// What all commands do alike: arguments, help, one line about a failure, exit codes.
import { describeOptions, type OptionSpec, type ParsedArguments, parseArguments, UsageError } from "./arguments";
import type { Output } from "./status-line";

/** Exit codes of the commands. */
export const EXIT = {
  done: 0,
  /** The command was right, and what it asked for did not work or is not well. */
  failed: 1,
  /** The command was wrong, or there is nothing it could work on. */
  usage: 2,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

/** Surroundings of a command. */
export interface CommandContext {
  readonly argv: readonly string[];
  /** Folder of the project. */
  readonly folder: string;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Surroundings of a command that ends in order when it is interrupted. */
export interface InterruptibleContext extends CommandContext {
  /** Aborts when the person presses Ctrl-C. */
  readonly interrupt: AbortSignal;
}

/** A command as its help describes it. */
export interface Command {
  /** As it is typed: "npm run upload". */
  readonly name: string;
  /** What it does, a sentence. */
  readonly summary: string;
  /** What may follow its name, a line each. */
  readonly usage: readonly (readonly [args: string, meaning?: string])[];
  /** Fewest and most operands. @default `[0, 0]` */
  readonly operands?: readonly [least: number, most: number];
  readonly options: readonly OptionSpec[];
  /** What else is worth knowing, below the options. */
  readonly notes?: string;
}

const HELP: OptionSpec = { name: "help", description: "prints this text" };

/**
 * Parses the arguments and does the work; answers `--help` and operands that are missing with the help.
 * @returns the exit code, one of EXIT: that of `work`, or that of what it threw.
 */
export async function runCommand(
  command: Command,
  { argv, stdout, stderr, interrupt }: Omit<CommandContext, "folder"> & Partial<InterruptibleContext>,
  work: (parsed: ParsedArguments) => Promise<number>,
): Promise<number> {
  try {
    const [least, most] = command.operands ?? [0, 0];
    const parsed = parseArguments(argv, [...command.options, HELP], most);
    if (parsed.options.help) {
      stdout.write(describeCommand(command));
      return EXIT.done;
    }
    if (parsed.operands.length < least) {
      stderr.write(describeCommand(command));
      return EXIT.usage;
    }
    return await work(parsed);
  } catch (error) {
    if (interrupt?.aborted && (error === interrupt.reason || isAbort(error))) return EXIT.interrupted;
    stderr.write(`${command.name}: ${describeError(error)}\n`);
    return error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}

function describeCommand({ name, summary, usage, options, notes }: Command): string {
  const heads = usage.map(([args]) => `  ${name}${args === "" ? "" : ` -- ${args}`}`);
  const width = Math.max(...heads.map((head) => head.length)) + 2;
  const lines = usage.map(([, meaning = ""], index) => `${(heads[index] ?? "").padEnd(width)}${meaning}`.trimEnd());
  const parts = [summary, lines.join("\n"), describeOptions([...options, HELP]), ...(notes ? [notes] : [])];
  return `${parts.join("\n\n")}\n`;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** Errors of the network have a code, and often no message. */
function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== "") return error.message;
  return "code" in error ? String(error.code) : error.name;
}
