// Counting the items of a Map: how many there are, and which of them are told of.
import { statesOf, type QueryLanguage, type SequenceObject, type StateObject } from "./language";
import type { MarkedStep } from "./marks";
import type { StateNames } from "./names";
import { buildReport, KEEP_INPUT, literal, objectOf, type ProgressDelivery } from "./report";

/** Part of a Map's share that its items make up; the rest comes when all are done. */
const SHARE_OF_ITEMS = 0.9;

/** A Map that counts its items. */
export interface CountedMap {
  readonly mark: MarkedStep;
  readonly maximum: number;
  /** Variable of the number of items. */
  readonly variable: string;
  /** Variable of an item's index, within the processor. */
  readonly index: string;
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

/** The field of a Map that makes an item's input. */
function selectorOf(state: StateObject): "ItemSelector" | "Parameters" | undefined {
  return (["ItemSelector", "Parameters"] as const).find((field) => state[field] !== undefined);
}

/**
 * The Map whose items bring their index along. AWS tells the index where the input of an item is made and to none of the states within.
 * https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
 */
export function sendIndex(state: StateObject, language: QueryLanguage): StateObject {
  const field = selectorOf(state);
  const node = field === undefined ? "Map.Item" : "Map.Item.Index";
  const told = language === "JSONPath" ? { "item.$": `$$.${node}` } : { item: `{% $states.context.${node} %}` };
  return { ...state, [field ?? "ItemSelector"]: { ...told, ...(field === undefined ? {} : { input: state[field] }) } };
}

/** The state that takes the index off an item's input again: what follows gets the input that it has without reports. */
function buildItemStart({ index }: CountedMap, map: StateObject, next: string): StateObject {
  const item = "$states.input.item";
  const common = { Type: "Pass", QueryLanguage: "JSONata", Next: next };
  if (selectorOf(map) !== undefined) {
    return { ...common, Assign: { [index]: `{% ${item} %}` }, Output: "{% $states.input.input %}" };
  }
  // An entry of an object comes as its key and its value.
  const entry = objectOf([
    ["Key", `${item}.Key`],
    ["Value", `${item}.Value`],
  ]);
  return {
    ...common,
    Assign: { [index]: `{% ${item}.Index %}` },
    Output: `{% $exists(${item}.Key) ? ${entry} : ${item}.Value %}`,
  };
}

/**
 * Puts the reports of items behind the states that end a processor. Of `n` items, the one with index `i` is told of when
 * floor((i + 1) × picked ÷ n) is above floor(i × picked ÷ n): evenly spread, exactly `picked` of them, the last one included.
 * @param state the Map, as the caller wrote it.
 */
export function countItems(
  processor: SequenceObject,
  state: StateObject,
  map: CountedMap,
  delivery: ProgressDelivery,
  names: StateNames,
): SequenceObject {
  const { step, label } = map.mark;
  const start = names.next(step, "item start");
  const choice = names.next(step, "item");
  const end = names.next(step, "item end");
  const report = buildReport(
    step,
    {
      kind: "item",
      step,
      label,
      key: `${literal(`${step}#`)} & $string($${map.index})`,
      share: shareOfItem(map),
      detail: undefined,
    },
    end,
    delivery,
    names,
  );
  const picked = pickedOf(map);
  const reached = (items: string): string => `$floor(${items} * ${picked} / $${map.variable})`;
  const isPicked = `${reached(`($${map.index} + 1)`)} > ${reached(`$${map.index}`)}`;
  const led = statesOf(processor).map(([name, inner]) => {
    if (inner.End !== true) return [name, inner] as const;
    return [name, { ...withoutEnd(inner), Next: choice }] as const;
  });
  return {
    ...processor,
    StartAt: start,
    States: {
      [start]: buildItemStart(map, state, processor.StartAt),
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
