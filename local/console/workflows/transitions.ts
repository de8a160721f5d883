// What the drawing of a workflow says about states and their transitions: kinds, labels, conditions in short.
import type { ChoiceRule, State, StatesDefinition } from "../../cloud/states/language/types";
import type { WorkflowEdge } from "../web/state";

/** A transition; several between the same two states are one, with their labels joined. */
export interface Transition {
  readonly from: string;
  readonly to: string;
  readonly kind: WorkflowEdge["kind"];
  /** Empty for a plain `Next`. */
  readonly label: string;
}

/** Ends of the names of states that ProgressTrackedWorkflow weaves in; what stands within such a state is not drawn. */
const WOVEN =
  / \((progress|progress, no detail|undelivered|item|item start|item progress|item undelivered|item end|items|count|end)(?: \d+)?\)$/;
const RULE_FIELDS = new Set(["Next", "Variable", "Comment", "Output", "Assign"]);
const COMPARISONS: readonly (readonly [RegExp, string])[] = [
  [/GreaterThanEquals/, "≥"],
  [/LessThanEquals/, "≤"],
  [/GreaterThan/, ">"],
  [/LessThan/, "<"],
  [/Equals/, "="],
  [/Matches/, "like"],
];

/** Whether a state only serves to report progress. */
export function isWoven(name: string): boolean {
  return WOVEN.test(name);
}

/** Transitions of one sequence, in the order of its states. */
export function transitionsOf({ States }: StatesDefinition): readonly Transition[] {
  return Object.entries(States).flatMap(([name, state]) => {
    const merged = new Map<string, Transition>();
    for (const transition of leaving(name, state)) {
      const known = merged.get(transition.to);
      merged.set(transition.to, known ? merge(known, transition) : transition);
    }
    return [...merged.values()].filter(({ to }) => Object.hasOwn(States, to));
  });
}

function merge(one: Transition, other: Transition): Transition {
  // Where success and failure lead to the same state, there is nothing to tell apart.
  const label = one.label === "" || other.label === "" ? "" : `${one.label} or ${other.label}`;
  return { ...one, kind: one.kind === other.kind ? one.kind : "next", label };
}

function leaving(from: string, state: State): readonly Transition[] {
  const next = (to: string | undefined, kind: Transition["kind"], label: string): readonly Transition[] =>
    to === undefined ? [] : [{ from, to, kind, label }];
  return [
    ...next(state.Next, "next", ""),
    ...(state.Choices ?? []).flatMap((rule) => next(rule.Next, "choice", conditionText(rule))),
    ...next(state.Default, "choice", "otherwise"),
    ...(state.Catch ?? []).flatMap(({ Next, ErrorEquals }) => next(Next, "catch", errorsText(ErrorEquals))),
  ];
}

function errorsText(errors: readonly string[]): string {
  return errors.includes("States.ALL") ? "any error" : errors.join(", ");
}

/** A rule in short: its comment, its JSONata, or "$.amount > 100". */
function conditionText(rule: ChoiceRule): string {
  if (typeof rule.Comment === "string" && rule.Comment !== "") return rule.Comment;
  if (rule.Condition !== undefined) return rule.Condition.replace(/^\{%\s*|\s*%\}$/g, "");
  if (rule.And) return rule.And.map(conditionText).join(" and ");
  if (rule.Or) return rule.Or.map(conditionText).join(" or ");
  if (rule.Not) return `not ${conditionText(rule.Not)}`;
  const [operator = "", value] = Object.entries(rule).find(([name]) => !RULE_FIELDS.has(name)) ?? [];
  const sign = COMPARISONS.find(([pattern]) => pattern.test(operator))?.[1] ?? operator;
  return `${rule.Variable ?? ""} ${sign} ${JSON.stringify(value)}`;
}

/** "Task · dynamodb:updateItem", "Map", … */
export function kindOf({ Type, Resource }: State): string {
  if (Resource === undefined) return Type;
  return `${Type} · ${Resource.startsWith("arn:aws:lambda:") ? "lambda" : (Resource.split(":::")[1] ?? Resource)}`;
}
