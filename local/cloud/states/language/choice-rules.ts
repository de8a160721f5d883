// The shape of choice rules: one condition each, with what follows when it holds.
import { expressionIn } from "./expressions";
import type { QueryLanguage, State } from "./types";

type Rule = Readonly<Record<string, unknown>>;

const isText = (value: unknown): boolean => typeof value === "string";
const isPath = (value: unknown): boolean => typeof value === "string" && value.startsWith("$");
const isFlag = (value: unknown): boolean => typeof value === "boolean";
const isNumber = (value: unknown): boolean => typeof value === "number";

const ORDERED = ["Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals"];
const OPERANDS: readonly (readonly [string, readonly string[], (value: unknown) => boolean])[] = [
  ["String", ORDERED, isText],
  ["Numeric", ORDERED, isNumber],
  ["Timestamp", ORDERED, isText],
  ["Boolean", ["Equals"], isFlag],
];

/** By operator: what its operand must be. */
const OPERATORS: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ...OPERANDS.flatMap(([type, orders, fits]) =>
    orders.flatMap((order) => [[`${type}${order}`, fits] as const, [`${type}${order}Path`, isPath] as const]),
  ),
  ["StringMatches", isText] as const,
  ...["IsNull", "IsPresent", "IsString", "IsNumeric", "IsBoolean", "IsTimestamp"].map(
    (name) => [name, isFlag] as const,
  ),
]);

/** What is wrong with the rules of a Choice state. */
export function choiceProblems(state: State, language: QueryLanguage): readonly string[] {
  return (state.Choices ?? []).flatMap((rule, index) => {
    const where = `Choices[${index}]`;
    if (!isRule(rule)) return [`${where}: must be an object`];
    const { Next, Comment, Assign, Output, ...condition } = rule;
    return [
      ...(isText(Next) ? [] : [`${where}/Next: is required`]),
      ...(Comment === undefined || isText(Comment) ? [] : [`${where}/Comment: must be a text`]),
      ...(Assign === undefined || isRule(Assign) ? [] : [`${where}/Assign: must be an object`]),
      ...(Output === undefined || language === "JSONata" ? [] : [`${where}/Output: is not supported by JSONPath`]),
      ...(language === "JSONata" ? expressionProblems(condition, where) : comparisonProblems(condition, where)),
    ];
  });
}

function expressionProblems({ Condition, ...others }: Rule, where: string): readonly string[] {
  const fits = typeof Condition === "string" && expressionIn(Condition) !== undefined;
  return [
    ...(fits || typeof Condition === "boolean" ? [] : [`${where}/Condition: must be a JSONata expression`]),
    ...Object.keys(others).map((field) => `${where}/${field}: is not supported by JSONata`),
  ];
}

function comparisonProblems(condition: Rule, where: string): readonly string[] {
  const { Variable, ...operators } = condition;
  const [operator, ...others] = Object.keys(operators);
  if (operator === undefined || others.length > 0) return [`${where}: needs exactly one operator`];
  const operand = operators[operator];
  if (operator === "And" || operator === "Or") {
    if (!Array.isArray(operand) || operand.length === 0) return [`${where}/${operator}: must be a list of rules`];
    return operand.flatMap((inner: unknown, index) => innerProblems(inner, `${where}/${operator}[${index}]`));
  }
  if (operator === "Not") return innerProblems(operand, `${where}/Not`);
  const fits = OPERATORS.get(operator);
  if (!fits) return [`${where}/${operator}: is not an operator`];
  return [
    ...(isPath(Variable) ? [] : [`${where}/Variable: must be a path`]),
    ...(fits(operand) ? [] : [`${where}/${operator}: has an invalid value`]),
  ];
}

function innerProblems(rule: unknown, where: string): readonly string[] {
  if (!isRule(rule)) return [`${where}: must be an object`];
  return Object.hasOwn(rule, "Next")
    ? [`${where}/Next: only a rule that stands by itself has one`]
    : comparisonProblems(rule, where);
}

function isRule(value: unknown): value is Rule {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
