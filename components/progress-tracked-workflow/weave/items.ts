// Counting the items of a Map: how many there are, and which of them are told of.
import { statesOf, type QueryLanguage, type SequenceObject, type StateObject } from "./language";
import type { MarkedStep } from "./marks";
import type { StateNames } from "./names";
import { buildReport, KEEP_INPUT, literal, type ProgressDelivery } from "./report";

/** Part of a Map's share that its items make up; the rest comes when all are done. */
const SHARE_OF_ITEMS = 0.9;
const INDEX = "$states.context.Map.Item.Index";

/** A Map that counts its items. */
export interface CountedMap {
  readonly mark: MarkedStep;
  readonly maximum: number;
  /** Variable of the number of items. */
  readonly variable: string;
}

const pickedOf = ({ variable, maximum }: CountedMap): string =>
  `($${variable} < ${maximum} ? $${variable} : ${maximum})`;
const known = ({ variable }: CountedMap): string => `$type($${variable}) = "number" and $${variable} > 0`;
const shareOfItem = (map: CountedMap): string =>
  `$floor(${Math.floor(map.mark.share * SHARE_OF_ITEMS)} / ${pickedOf(map)})`;

/** Share of the Map itself: what its items did not tell. */
export function restShare(map: CountedMap): string {
  return `(${known(map)}) ? ${map.mark.share} - ${pickedOf(map)} * ${shareOfItem(map)} : ${map.mark.share}`;
}

/** How often a Map over the value runs: a list has items, an object entries. */
const countOf = (source: string): string =>
  `($items := (${source}); $type($items) = "object" ? $count($keys($items)) : $count($items))`;

/** The state before the Map that counts the items. It cannot fail: what it cannot count is 0, and then no item is told of. */
export function buildCounter(
  name: string,
  state: StateObject,
  language: QueryLanguage,
  { variable }: CountedMap,
  next: string,
  names: StateNames,
): StateObject {
  const common = { QueryLanguage: "JSONata", Next: next };
  if (language === "JSONPath") {
    const { InputPath = "$", ItemsPath = "$" } = state;
    const fields = [InputPath, ItemsPath].flatMap((path) => String(path).split(".").slice(1));
    const source = ["$states.input", ...fields.map((field) => `\`${field}\``)].join(".");
    return { Type: "Pass", ...common, Assign: { [variable]: `{% ${countOf(source)} %}` } };
  }
  const { Items } = state;
  if (Array.isArray(Items)) return { Type: "Pass", ...common, Assign: { [variable]: Items.length } };
  const source = typeof Items === "string" ? Items.slice(2, -2).trim() : "$states.input";
  const count = names.next(name, "count");
  // Only Parallel, Map and Task can catch an expression that fails.
  return {
    Type: "Parallel",
    ...common,
    Branches: [
      {
        StartAt: count,
        States: { [count]: { Type: "Pass", QueryLanguage: "JSONata", Output: `{% ${countOf(source)} %}`, End: true } },
      },
    ],
    Assign: { [variable]: "{% $states.result[0] %}" },
    Output: KEEP_INPUT,
    Catch: [{ ErrorEquals: ["States.ALL"], Assign: { [variable]: 0 }, Output: KEEP_INPUT, Next: next }],
  };
}

/**
 * Puts the reports of items behind the states that end a processor. Of `n` items, the one with index `i` is told of when
 * floor((i + 1) × picked ÷ n) is above floor(i × picked ÷ n): evenly spread, exactly `picked` of them, the last one included.
 */
export function countItems(
  processor: SequenceObject,
  map: CountedMap,
  delivery: ProgressDelivery,
  names: StateNames,
): SequenceObject {
  const { step, label } = map.mark;
  const choice = names.next(step, "item");
  const end = names.next(step, "item end");
  const report = buildReport(
    step,
    {
      kind: "item",
      step,
      label,
      key: `${literal(`${step}#`)} & $string(${INDEX})`,
      share: shareOfItem(map),
      detail: undefined,
    },
    end,
    delivery,
    names,
  );
  const picked = pickedOf(map);
  const isPicked = `$floor((${INDEX} + 1) * ${picked} / $${map.variable}) > $floor(${INDEX} * ${picked} / $${map.variable})`;
  const led = statesOf(processor).map(([name, state]) => {
    if (state.End !== true) return [name, state] as const;
    return [name, { ...withoutEnd(state), Next: choice }] as const;
  });
  return {
    ...processor,
    States: {
      ...Object.fromEntries(led),
      [choice]: {
        Type: "Choice",
        QueryLanguage: "JSONata",
        Choices: [{ Condition: `{% (${known(map)}) ? ${isPicked} : false %}`, Next: report.entry }],
        Default: end,
      },
      ...report.states,
      [end]: { Type: "Pass", QueryLanguage: "JSONata", End: true },
    },
  };
}

/** The state without its end. */
export function withoutEnd(state: StateObject): StateObject {
  return Object.fromEntries(Object.entries(state).filter(([field]) => field !== "End"));
}
