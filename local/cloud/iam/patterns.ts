// IAM's wildcard patterns, policy variables and ARN matching.

/** Condition keys of one request, looked up without regard to case. */
export class ContextKeys {
  private values: ReadonlyMap<string, readonly string[]> | undefined;

  constructor(private readonly context: Readonly<Record<string, string | readonly string[]>>) {}

  /** @param key in lower case. */
  get(key: string): readonly string[] | undefined {
    // Most decisions meet no condition and no variable.
    this.values ??= indexKeys(this.context);
    return this.values.get(key);
  }
}

function indexKeys(
  context: Readonly<Record<string, string | readonly string[]>>,
): ReadonlyMap<string, readonly string[]> {
  return new Map(
    Object.entries(context).map(([key, value]) => [key.toLowerCase(), typeof value === "string" ? [value] : value]),
  );
}

/** A piece of a pattern. In a literal one, filled in from a variable, `*` and `?` stand for themselves. */
interface Piece {
  readonly text: string;
  readonly literal: boolean;
}

/** Tells whether a text fits. */
export type TextMatcher = (text: string) => boolean;

/** Makes a matcher of the pieces of a pattern. */
export type PatternCompiler = (pieces: readonly Piece[]) => TextMatcher;

/** A matcher whose pattern may hold policy variables. */
export type ContextMatcher = (text: string, keys: ContextKeys) => boolean;

const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
const joined = (pieces: readonly Piece[]): string => pieces.map(({ text }) => text).join("");
const isPlain = (pieces: readonly Piece[]): boolean =>
  pieces.every(({ text, literal }) => literal || !/[*?]/.test(text));

/** Exact, case-sensitive equality: wildcards mean nothing. */
export const exactly: PatternCompiler = (pieces) => {
  const wanted = joined(pieces);
  return (text) => text === wanted;
};

/** Equality without regard to case. */
export const exactlyIgnoringCase: PatternCompiler = (pieces) => {
  const wanted = joined(pieces).toLowerCase();
  return (text) => text.toLowerCase() === wanted;
};

/** `*` is any text, `?` any one character, over the whole text. */
export const wildcards: PatternCompiler = (pieces) => {
  const pattern = joined(pieces);
  if (isPlain(pieces)) return (text) => text === pattern;
  if (pieces.length === 1 && pattern.search(/[*?]/) === pattern.length - 1 && pattern.endsWith("*")) {
    const prefix = pattern.slice(0, -1);
    return (text) => text.startsWith(prefix);
  }
  const source = pieces.map(({ text, literal }) => {
    const escaped = escapeRegExp(text);
    return literal ? escaped : escaped.replaceAll("\\*", ".*").replaceAll("\\?", ".");
  });
  const expression = new RegExp(`^${source.join("")}$`, "s");
  return (text) => expression.test(text);
};

/**
 * ARN patterns. Wildcards of the first five parts stay within their part; those of the sixth, and a `*` that ends a shorter
 * pattern ("arn:aws:sqs:*"), reach across colons.
 */
export const arnPattern: PatternCompiler = (pieces) => {
  const pattern = joined(pieces);
  if (isPlain(pieces)) return (text) => text === pattern;
  let colons = 0;
  let source = "";
  const last = pattern.length - 1;
  let position = 0;
  for (const { text, literal } of pieces) {
    for (const character of text) {
      if (character === ":") colons++;
      const across = colons >= 5 || position === last;
      if (character === "*" && !literal) source += across ? ".*" : "[^:]*";
      else if (character === "?" && !literal) source += across ? "." : "[^:]";
      else source += escapeRegExp(character);
      position += character.length;
    }
  }
  const expression = new RegExp(`^${source}$`, "s");
  return (text) => expression.test(text);
};

/** Matcher of a pattern without variables. */
export const plainMatcher = (pattern: string, compile: PatternCompiler): TextMatcher =>
  compile([{ text: pattern, literal: false }]);

const specialCharacters: Readonly<Record<string, string>> = { "*": "*", "?": "?", $: "$" };

/** Value of one `${…}`: the request's single value, else the default in quotes; undefined when there is neither. */
function variableValue(inner: string, keys: ContextKeys): string | undefined {
  const special = specialCharacters[inner];
  if (special !== undefined) return special;
  const match = /^\s*([^,]+?)\s*(?:,\s*'([^']*)'\s*)?$/.exec(inner);
  if (match?.[1] === undefined) return undefined;
  const values = keys.get(match[1].toLowerCase());
  return values?.length === 1 ? values[0] : match[2];
}

function fillVariables(pattern: string, keys: ContextKeys): Piece[] | undefined {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of pattern.matchAll(/\$\{([^}]*)\}/g)) {
    const value = variableValue(match[1] ?? "", keys);
    if (value === undefined) return undefined;
    pieces.push({ text: pattern.slice(end, match.index), literal: false }, { text: value, literal: true });
    end = match.index + match[0].length;
  }
  pieces.push({ text: pattern.slice(end), literal: false });
  return pieces.filter(({ text }) => text !== "");
}

/**
 * Compiles a pattern once when it holds no variables, per request otherwise. A variable that the request cannot fill matches
 * nothing.
 * @param withVariables false for policies of version 2008-10-17, in which `${` is plain text.
 */
export function contextMatcher(pattern: string, compile: PatternCompiler, withVariables: boolean): ContextMatcher {
  if (!withVariables || !pattern.includes("${")) return plainMatcher(pattern, compile);
  return (text, keys) => {
    const pieces = fillVariables(pattern, keys);
    return pieces !== undefined && compile(pieces)(text);
  };
}

/** Whether the request can fill every variable of a pattern. */
export function canFill(pattern: string, keys: ContextKeys, withVariables: boolean): boolean {
  return !withVariables || !pattern.includes("${") || fillVariables(pattern, keys) !== undefined;
}
