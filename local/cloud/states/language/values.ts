// Payload templates, expressions and variable names within the fields of a state.
import { expressionIn, syntaxProblem } from "./expressions";
import type { Json, JsonRecord, QueryLanguage, State } from "./types";

const NESTED = ["Branches", "ItemProcessor", "Iterator"];
const TEMPLATES = ["Parameters", "ResultSelector", "ItemSelector", "Assign"] as const;
const VARIABLE = /^[\p{ID_Start}_][\p{ID_Continue}]{0,79}$/u;
const INTRINSIC = /^States\.[A-Za-z0-9]+\s*\(/;

/** What is wrong with the values of one state, as "field: reason". */
export function valueProblems(state: State, language: QueryLanguage): readonly string[] {
  const own = Object.entries(state).filter(([field]) => !NESTED.includes(field)) as readonly (readonly [
    string,
    Json,
  ])[];
  return [
    ...(language === "JSONata"
      ? own.flatMap(([field, value]) => expressionProblems(value, field, field))
      : TEMPLATES.flatMap((field) => templateProblems(state[field], field))),
    ...assignmentsOf(state).flatMap(({ assign, where }) => [
      ...(language === "JSONPath" && where !== "Assign" ? templateProblems(assign, where) : []),
      ...nameProblems(assign, where),
    ]),
  ];
}

/** Everything that assigns in a state: itself, its choices and its catchers. */
export function assignmentsOf(state: State): readonly { readonly assign: JsonRecord; readonly where: string }[] {
  const handlers = (["Catch", "Choices"] as const).flatMap((field) =>
    (state[field] ?? []).map(({ Assign }, index) => ({ assign: Assign, where: `${field}[${index}]/Assign` })),
  );
  return [{ assign: state.Assign, where: "Assign" }, ...handlers].flatMap(({ assign, where }) =>
    assign === undefined ? [] : [{ assign, where }],
  );
}

/** "name.$" and "name" assign the same variable. */
export function variableName(key: string): string {
  return key.replace(/\.\$$/, "");
}

function nameProblems(assign: JsonRecord, where: string): readonly string[] {
  return Object.keys(assign)
    .map(variableName)
    .flatMap((name) => {
      if (name === "states") return [`${where}: 'states' is a reserved variable name`];
      return VARIABLE.test(name) ? [] : [`${where}/${name}: is not a valid variable name`];
    });
}

function templateProblems(value: Json | undefined, where: string): readonly string[] {
  if (value === undefined || value === null || typeof value !== "object") return [];
  return Object.entries(value as JsonRecord).flatMap(([key, item]) => {
    if (!key.endsWith(".$")) return templateProblems(item, `${where}/${key}`);
    if (typeof item === "string" && (item.startsWith("$") || INTRINSIC.test(item))) return [];
    return [`${where}/${key}: must be a JSONPath or an intrinsic function`];
  });
}

/** @param field the state's own field in which the value stands */
function expressionProblems(value: Json, field: string, where: string): readonly string[] {
  if (typeof value === "string") {
    const source = expressionIn(value);
    if (source === undefined) return [];
    const problem = syntaxProblem(source);
    if (problem !== undefined) return [`${where}: invalid JSONata: ${problem}`];
    return unavailable(source, field, where);
  }
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value as JsonRecord).flatMap(([key, item]) =>
    expressionProblems(item, field, `${where}/${key}`),
  );
}

/** `$states.result` exists once there is a result, `$states.errorOutput` once an error is caught. */
function unavailable(source: string, field: string, where: string): readonly string[] {
  const wrong = [
    ...(field !== "Output" && field !== "Assign" ? ["result"] : []),
    ...(field !== "Catch" ? ["errorOutput"] : []),
  ];
  return wrong
    .filter((member) => new RegExp(`\\$states\\.${member}\\b`).test(source))
    .map((member) => `${where}: $states.${member} is not available here`);
}
