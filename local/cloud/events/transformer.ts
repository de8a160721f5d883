// What a target receives: the event, a part of it, a constant, or a filled template.
import { isJsonObject, type JsonObject } from "../core/json-api";

/** How a target's input is made. At most one member is set. */
export interface TargetInput {
  /** Constant JSON text. */
  readonly input?: string | undefined;
  /** JSON path of the part to send, "$.detail" say. */
  readonly inputPath?: string | undefined;
  readonly inputTransformer?: InputTransformer | undefined;
}

/** Values by JSON path, and the template that they are put into. */
export interface InputTransformer {
  readonly inputPaths: Readonly<Record<string, string>>;
  readonly inputTemplate: string;
}

/** The rule through which an event reaches a target, for the predefined variables. */
export interface RuleFacts {
  readonly name: string;
  readonly arn: string;
  /** ISO time at which the bus received the event. */
  readonly ingestionTime: string;
}

/** The JSON text that a target receives. */
export function targetPayload(target: TargetInput, event: JsonObject, rule: RuleFacts): string {
  if (target.input !== undefined) return target.input;
  if (target.inputPath !== undefined) return JSON.stringify(readPath(event, target.inputPath) ?? null);
  if (target.inputTransformer) return transform(target.inputTransformer, event, rule);
  return JSON.stringify(event);
}

/** Fills a template. A placeholder outside quotes becomes JSON, inside quotes escaped text. */
export function transform(transformer: InputTransformer, event: JsonObject, rule: RuleFacts): string {
  const values = variables(transformer, event, rule);
  return fillTemplate(transformer.inputTemplate, (name) =>
    values.has(name) ? { value: values.get(name) } : undefined,
  );
}

/** Why a template cannot become JSON; undefined when it can. */
export function templateProblem({ inputPaths, inputTemplate }: InputTransformer): string | undefined {
  const known = new Set([...Object.keys(inputPaths), ...PREDEFINED]);
  const sample = fillTemplate(inputTemplate, (name) => (known.has(name) ? { value: null } : undefined));
  try {
    JSON.parse(sample);
    return undefined;
  } catch {
    return "must be valid JSON once its <variables>, all named in inputPaths, are filled in";
  }
}

const PREDEFINED = [
  "aws.events.event.json",
  "aws.events.event",
  "aws.events.rule-arn",
  "aws.events.rule-name",
  "aws.events.event.ingestion-time",
];

function variables(transformer: InputTransformer, event: JsonObject, rule: RuleFacts): ReadonlyMap<string, unknown> {
  const { detail: _, ...withoutDetail } = event;
  return new Map<string, unknown>([
    ["aws.events.event.json", event],
    ["aws.events.event", withoutDetail],
    ["aws.events.rule-arn", rule.arn],
    ["aws.events.rule-name", rule.name],
    ["aws.events.event.ingestion-time", rule.ingestionTime],
    ...Object.entries(transformer.inputPaths).map(([name, path]) => [name, readPath(event, path)] as const),
  ]);
}

function fillTemplate(template: string, valueOf: (name: string) => { value: unknown } | undefined): string {
  let inString = false;
  let filled = "";
  for (let at = 0; at < template.length; at++) {
    const char = template[at] ?? "";
    if (char === "\\") {
      filled += char + (template[++at] ?? "");
      continue;
    }
    if (char === '"') inString = !inString;
    const name = char === "<" ? /^<([\w.-]+)>/.exec(template.slice(at))?.[1] : undefined;
    const found = name === undefined ? undefined : valueOf(name);
    if (name !== undefined && found) {
      filled += render(found.value, inString);
      at += name.length + 1;
    } else filled += char;
  }
  return filled;
}

function render(value: unknown, inString: boolean): string {
  if (value === undefined) return inString ? "" : "null";
  if (!inString) return JSON.stringify(value);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return JSON.stringify(text).slice(1, -1);
}

const PATH = /^\$(\.[\w-]+(\[\d+\])*)*$/;

/** Whether a text is a path that EventBridge accepts: "$" followed by ".name" and "[index]". */
export function isPath(path: string): boolean {
  return PATH.test(path);
}

/** The value at a path; undefined when there is none. */
export function readPath(event: JsonObject, path: string): unknown {
  const steps = path.match(/[\w-]+/g) ?? [];
  return steps.reduce<unknown>((value, step) => {
    if (Array.isArray(value)) return value[Number(step)] as unknown;
    return isJsonObject(value) ? value[step] : undefined;
  }, event);
}
