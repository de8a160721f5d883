// Validation of a definition, as CreateStateMachine does it: all findings at once.
import { AwsError } from "../../core/errors";
import { choiceProblems } from "./choice-rules";
import { fieldProblems } from "./fields";
import { innerOf, transitionProblems } from "./graph";
import { handlerProblems } from "./handlers";
import type { QueryLanguage, State, StatesDefinition } from "./types";
import { assignmentsOf, valueProblems, variableName } from "./values";

const MAXIMUM_BYTES = 1024 * 1024;
const MAXIMUM_NAME = 80;

/** A finding about a definition. */
export interface Finding {
  /** "SCHEMA_VALIDATION_FAILED", "MISSING_TRANSITION_TARGET", … */
  readonly code: string;
  readonly message: string;
}

/** Parses and checks a definition. @throws AwsError InvalidDefinition with every finding. */
export function parseDefinition(text: string): StatesDefinition {
  const findings = findingsOf(text);
  if (findings.length === 0) return JSON.parse(text) as StatesDefinition;
  const all = findings.map(({ code, message }) => `${code}: ${message}`).join(", ");
  throw new AwsError("InvalidDefinition", `Invalid State Machine Definition: '${all}'`);
}

/** Everything that is wrong with a definition. */
export function findingsOf(text: string): readonly Finding[] {
  if (Buffer.byteLength(text) > MAXIMUM_BYTES) return [failed("the definition is larger than 1 MiB", "/")];
  let definition: unknown;
  try {
    definition = JSON.parse(text);
  } catch (error) {
    return [{ code: "INVALID_JSON_DESCRIPTION", message: (error as Error).message }];
  }
  const names = new Map<string, string>();
  return checkSequence(definition, "JSONPath", "", { variables: new Set(), names, top: true });
}

interface Surroundings {
  /** Variables of outer scopes. */
  readonly variables: ReadonlySet<string>;
  /** State names so far, unique over the whole definition, with their paths. */
  readonly names: Map<string, string>;
  readonly top: boolean;
}

const TOP_FIELDS = ["Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version"];
const INNER_FIELDS = ["Comment", "QueryLanguage", "StartAt", "States", "ProcessorConfig"];

function checkSequence(
  value: unknown,
  outerLanguage: QueryLanguage,
  path: string,
  surroundings: Surroundings,
): readonly Finding[] {
  if (!isRecord(value)) return [failed("must be an object", path || "/")];
  const known = surroundings.top ? TOP_FIELDS : INNER_FIELDS;
  const findings = Object.keys(value)
    .filter((field) => !known.includes(field))
    .map((field) => failed(`the field ${field} is not supported`, path || "/"));
  const { StartAt, States, QueryLanguage = outerLanguage, TimeoutSeconds } = value;
  if (typeof StartAt !== "string") findings.push(failed("StartAt is required", path || "/"));
  if (!isRecord(States) || Object.keys(States).length === 0)
    findings.push(failed("States must have a state", path || "/"));
  if (QueryLanguage !== "JSONPath" && QueryLanguage !== "JSONata") {
    findings.push(failed("QueryLanguage must be JSONPath or JSONata", path || "/"));
  }
  const seconds = Number(TimeoutSeconds ?? 1);
  if (!Number.isInteger(TimeoutSeconds ?? 1) || seconds < 1 || seconds > 99_999_999) {
    findings.push(failed("TimeoutSeconds must be a whole number from 1 to 99999999", path || "/"));
  }
  if (findings.length > 0) return findings;
  return checkStates(value as unknown as StatesDefinition, QueryLanguage as QueryLanguage, path, surroundings);
}

function checkStates(
  definition: StatesDefinition,
  language: QueryLanguage,
  path: string,
  surroundings: Surroundings,
): readonly Finding[] {
  const states = Object.entries(definition.States);
  const broken = states.filter(([, state]) => !isRecord(state));
  if (broken.length > 0) return broken.map(([name]) => failed("must be an object", `${path}/States/${name}`));
  const shapes = states.flatMap(([name, state]) => {
    const own = state.QueryLanguage ?? language;
    const where = `${path}/States/${name}`;
    const shape = fieldProblems(state, own);
    const problems = shape.length > 0 ? shape : [...handlerProblems(state, own), ...choiceProblems(state, own)];
    return (problems.length > 0 ? problems : valueProblems(state, own)).map((problem) => failed(problem, where));
  });
  if (shapes.length > 0) return shapes;
  const own = new Set(states.flatMap(([, state]) => variablesOf(state)));
  const shadowed = [...own].filter((name) => surroundings.variables.has(name));
  const inner = { ...surroundings, variables: new Set([...surroundings.variables, ...own]), top: false };
  return [
    ...transitionProblems(definition),
    ...shadowed.map((name) =>
      failed(`the variable ${name} belongs to an outer scope and cannot be assigned here`, `${path}/States`),
    ),
    ...states.flatMap(([name, state]) => checkState(name, state, language, `${path}/States/${name}`, inner)),
  ];
}

function checkState(
  name: string,
  state: State,
  sequenceLanguage: QueryLanguage,
  path: string,
  inner: Surroundings,
): readonly Finding[] {
  const language = state.QueryLanguage ?? sequenceLanguage;
  const findings: Finding[] = [];
  if (name.length > MAXIMUM_NAME) findings.push(failed(`the name is longer than ${MAXIMUM_NAME} characters`, path));
  const other = inner.names.get(name);
  if (other !== undefined)
    findings.push({ code: "DUPLICATE_STATE_NAME", message: `Duplicate State name: ${name} at ${path} and ${other}` });
  inner.names.set(name, path);
  // JSONata may be chosen for one state of a JSONPath machine, not the other way round.
  if (language === "JSONPath" && sequenceLanguage === "JSONata") {
    findings.push(failed("QueryLanguage JSONPath is not allowed within JSONata", path));
  }
  findings.push(...checkStatesAll(state, path));
  findings.push(...checkSimulated(state, path));
  for (const part of innerOf(state)) findings.push(...checkSequence(part, language, path, inner));
  return findings;
}

function checkStatesAll(state: State, path: string): readonly Finding[] {
  return (["Retry", "Catch"] as const).flatMap((field) =>
    (state[field] ?? []).flatMap(({ ErrorEquals }, index, all) => {
      const wrong = ErrorEquals.includes("States.ALL") && (ErrorEquals.length > 1 || index < all.length - 1);
      return wrong ? [failed("States.ALL must appear alone and in the last entry", `${path}/${field}[${index}]`)] : [];
    }),
  );
}

/** Names that a state assigns, in its catchers and choices too. */
function variablesOf(state: State): readonly string[] {
  return assignmentsOf(state).flatMap(({ assign }) => Object.keys(assign).map(variableName));
}

const NOT_SIMULATED = [
  "ItemReader",
  "ItemBatcher",
  "ResultWriter",
  "Credentials",
  "ToleratedFailureCount",
  "ToleratedFailurePercentage",
];

/** What the language knows and the local run does not do. */
function checkSimulated(state: State, path: string): readonly Finding[] {
  const fields = NOT_SIMULATED.filter((field) => Object.hasOwn(state, field));
  const distributed = state.ItemProcessor?.ProcessorConfig?.Mode === "DISTRIBUTED" ? ["a distributed Map"] : [];
  return [...fields, ...distributed].map((what) => ({
    code: "NOT_SIMULATED",
    message: `${what} is not simulated by the local run; run this part on AWS (at ${path})`,
  }));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function failed(message: string, path: string): Finding {
  return { code: "SCHEMA_VALIDATION_FAILED", message: `${message} at ${path}` };
}
