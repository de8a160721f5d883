// What executions hold, as text for the page: cut, and without tokens, tickets and signatures.
import type { HistoryEvent } from "../../cloud/states/execution/history";

/** Members whose values nobody needs to see in order to follow a workflow. */
const SECRET_MEMBER = /(ticket|token|secret|password|authorization|cookie|signature)$/i;
const SECRET_PARAMETER = /\b(X-Amz-(?:Signature|Security-Token|Credential)|ticket|token)=[^&\s"'\\]+/gi;
const TASK_TOKEN = /\b[0-9a-z]{64}\b/g;
const HIDDEN = "[hidden]";

/** Shows values of one execution. */
export type Show = (value: unknown, maximumCharacters: number) => string;

/** @param events of the execution: task tokens that they gave out are hidden wherever they occur. */
export function createShow(events: readonly HistoryEvent[]): Show {
  const tokens = new Set(events.flatMap(tokensIn));
  return (value, maximumCharacters) => {
    const clean = withoutSecrets(value);
    let text = typeof clean === "string" ? clean : JSON.stringify(clean, null, 2);
    for (const token of tokens) text = text.replaceAll(token, HIDDEN);
    return text.length <= maximumCharacters ? text : `${text.slice(0, maximumCharacters)}\n… ${text.length} characters`;
  };
}

/** What an event that hands a token out hands out; other texts of a token's length are hidden with it. */
function tokensIn({ type, details }: HistoryEvent): readonly string[] {
  const { resource, parameters } = details;
  if (type !== "TaskScheduled" || typeof resource !== "string" || typeof parameters !== "string") return [];
  return resource.endsWith(".waitForTaskToken") ? (parameters.match(TASK_TOKEN) ?? []) : [];
}

/** Texts that hold JSON are shown as the JSON that they hold. */
function withoutSecrets(value: unknown): unknown {
  if (typeof value === "string") return fromText(value);
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, SECRET_MEMBER.test(name) ? HIDDEN : withoutSecrets(member)]),
  );
}

function fromText(text: string): unknown {
  if (/^\s*[[{]/.test(text)) {
    try {
      return withoutSecrets(JSON.parse(text));
    } catch {
      // It only looked like JSON.
    }
  }
  return text.replace(SECRET_PARAMETER, `$1=${HIDDEN}`);
}
