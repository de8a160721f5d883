// Retriers and catchers of a state: their shape.
import { isReferencePath } from "./paths";
import type { QueryLanguage, State } from "./types";

const MAXIMUM_SECONDS = 99_999_999;
const MAXIMUM_DELAY_SECONDS = 31_622_400;

/** What is wrong with the shape of retriers and catchers. */
export function handlerProblems(state: State, language: QueryLanguage): readonly string[] {
  const known = {
    Retry: [
      "ErrorEquals",
      "IntervalSeconds",
      "MaxAttempts",
      "BackoffRate",
      "MaxDelaySeconds",
      "JitterStrategy",
      "Comment",
    ],
    Catch: ["ErrorEquals", "Next", "Assign", "Comment", language === "JSONata" ? "Output" : "ResultPath"],
  };
  return (["Retry", "Catch"] as const).flatMap((field) =>
    (state[field] ?? []).flatMap((handler, index) => {
      const where = `${field}[${index}]`;
      if ((handler as unknown) === null || typeof handler !== "object") return [`${where}: must be an object`];
      const unknown = Object.keys(handler).filter((name) => !known[field].includes(name));
      const names: unknown = handler.ErrorEquals;
      return [
        ...unknown.map((name) => `${where}/${name}: is not supported`),
        ...(Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === "string")
          ? []
          : [`${where}/ErrorEquals: must be a list of names`]),
        ...(field === "Catch" ? catchProblems(handler as unknown as Handler, where) : []),
        ...(field === "Retry" ? retryProblems(handler as unknown as Handler, where) : []),
      ];
    }),
  );
}

type Handler = Readonly<Record<string, unknown>>;

function catchProblems({ Next, ResultPath, Assign }: Handler, where: string): readonly string[] {
  return [
    ...(typeof Next === "string" ? [] : [`${where}/Next: is required`]),
    ...(ResultPath === undefined ||
    ResultPath === null ||
    (typeof ResultPath === "string" && isReferencePath(ResultPath))
      ? []
      : [`${where}/ResultPath: has an invalid value`]),
    ...(Assign === undefined || (Assign !== null && typeof Assign === "object" && !Array.isArray(Assign))
      ? []
      : [`${where}/Assign: must be an object`]),
  ];
}

const isPositive = (value: unknown): boolean => Number.isInteger(value) && Number(value) > 0;

function retryProblems(retrier: Handler, where: string): readonly string[] {
  const { IntervalSeconds, MaxAttempts, BackoffRate, MaxDelaySeconds, JitterStrategy } = retrier;
  const rules: readonly (readonly [string, unknown, boolean])[] = [
    ["IntervalSeconds", IntervalSeconds, isPositive(IntervalSeconds) && Number(IntervalSeconds) <= MAXIMUM_SECONDS],
    [
      "MaxAttempts",
      MaxAttempts,
      Number.isInteger(MaxAttempts) && Number(MaxAttempts) >= 0 && Number(MaxAttempts) <= MAXIMUM_SECONDS,
    ],
    ["BackoffRate", BackoffRate, typeof BackoffRate === "number" && BackoffRate >= 1],
    [
      "MaxDelaySeconds",
      MaxDelaySeconds,
      isPositive(MaxDelaySeconds) && Number(MaxDelaySeconds) <= MAXIMUM_DELAY_SECONDS,
    ],
    ["JitterStrategy", JitterStrategy, JitterStrategy === "FULL" || JitterStrategy === "NONE"],
  ];
  return rules.flatMap(([name, value, fits]) =>
    value === undefined || fits ? [] : [`${where}/${name}: has an invalid value`],
  );
}
