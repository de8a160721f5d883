// Marks: which states of a definition are steps, what they are called and weigh, and what cannot be a step.
import { findNearest } from "../../shared/nearest";
import {
  innerOf,
  isObject,
  isSequence,
  languageOf,
  statesOf,
  type QueryLanguage,
  type SequenceObject,
  type StateObject,
} from "./language";
import { MAXIMUM_STATE_NAME } from "./names";
import { apportion, deriveWeight } from "./weights";

/** Types that have a single way on. */
const MARKABLE = ["Task", "Map", "Parallel", "Pass", "Wait"];
const MARK_FIELDS = ["Label", "Weight", "Detail", "Items"];
const MAXIMUM_LABEL = 200;
const MAXIMUM_WEIGHT = 1_000_000;
const MAXIMUM_ITEM_REPORTS = 100;
/** The keys of all reports of a run stand in one row of the table, which has room for 400 KB. */
const MAXIMUM_REPORTS = 500;
const PLAIN_PATH = /^\$(?:\.[A-Za-z_]\w*)*$/;
const EXPRESSION = /^\{%[\s\S]*%\}$/;

/** How a step is told of. */
export interface ProgressMark {
  /** Text for people, 1 to 200 characters. Left out: the state's name. */
  readonly label?: string;
  /** Share of the whole, in relation to the other steps. Left out: derived from what the state does. */
  readonly weight?: number;
  /** JSONata expression, "{% … %}", of what is told with the step; `$states.input` is the state's output. */
  readonly detail?: string;
  /** For a Map: most reports of its items, 1 to 100. Left out: only the whole Map is reported. */
  readonly maximumItemReports?: number;
}

/** Marks a state as a step. Its input and output stay as they are. @param state Task, Map, Parallel, Pass or Wait. */
export function trackProgress<S extends object>(
  state: S,
  { label, weight, detail, maximumItemReports }: ProgressMark = {},
): S & { readonly Progress: StateObject } {
  return {
    ...state,
    Progress: {
      ...(label === undefined ? {} : { Label: label }),
      ...(weight === undefined ? {} : { Weight: weight }),
      ...(detail === undefined ? {} : { Detail: detail }),
      ...(maximumItemReports === undefined ? {} : { Items: { MaximumReports: maximumItemReports } }),
    },
  };
}

/** A step. */
export interface MarkedStep {
  /** Name of the state. */
  readonly step: string;
  readonly label: string;
  readonly weight: number;
  /** Of WHOLE. */
  readonly share: number;
  /** Source of the expression, without its delimiters. */
  readonly detail: string | undefined;
  readonly maximumItemReports: number | undefined;
}

/** The steps in the order of the definition, and everything that is wrong with the marks. */
export interface MarkReading {
  readonly steps: readonly MarkedStep[];
  readonly problems: readonly string[];
}

/** Reads the marks of a definition. */
export function readMarks(definition: unknown): MarkReading {
  if (!isSequence(definition)) return { steps: [], problems: ["it needs StartAt and States"] };
  const found: Omit<MarkedStep, "share">[] = [];
  const problems: string[] = [];
  const visit = (sequence: SequenceObject, outer: QueryLanguage, perItem: boolean): void => {
    const language = languageOf(sequence, outer);
    for (const [name, state] of statesOf(sequence)) {
      if ("Progress" in state) {
        const own = problemsOf(name, state, languageOf(state, language), perItem);
        problems.push(...own);
        if (own.length === 0) found.push(readMark(name, state));
      }
      for (const inner of innerOf(state)) visit(inner.sequence, languageOf(state, language), perItem || inner.perItem);
    }
  };
  visit(definition, "JSONPath", false);
  const reports = countReports(found);
  if (found.length === 0 && problems.length === 0)
    problems.push("no state is marked; give at least one a Progress field");
  if (reports > MAXIMUM_REPORTS) {
    problems.push(
      `${reports} reports are more than ${MAXIMUM_REPORTS}; mark fewer states or lower Items.MaximumReports`,
    );
  }
  const shares = apportion(found.map(({ weight }) => weight));
  return { steps: found.map((step, index) => ({ ...step, share: shares[index] ?? 0 })), problems };
}

/** Most reports of one run. */
export function countReports(steps: readonly Pick<MarkedStep, "maximumItemReports">[]): number {
  return steps.reduce((sum, { maximumItemReports = 0 }) => sum + 1 + maximumItemReports, 0);
}

function readMark(name: string, state: StateObject): Omit<MarkedStep, "share"> {
  const mark = state.Progress as StateObject;
  const items = isObject(mark.Items) ? mark.Items : undefined;
  return {
    step: name,
    label: typeof mark.Label === "string" ? mark.Label : name,
    weight: typeof mark.Weight === "number" ? mark.Weight : deriveWeight(state),
    detail: typeof mark.Detail === "string" ? mark.Detail.slice(2, -2).trim() : undefined,
    maximumItemReports: items ? Number(items.MaximumReports) : undefined,
  };
}

function problemsOf(name: string, state: StateObject, language: QueryLanguage, perItem: boolean): string[] {
  const mark = state.Progress;
  const say = (text: string): string => `${name}: ${text}`;
  if (!isObject(mark)) return [say('Progress must be an object; write { "Label": "…" }')];
  const problems: string[] = [];
  const check = (holds: boolean, text: string): void => {
    if (!holds) problems.push(say(text));
  };
  for (const field of Object.keys(mark).filter((key) => !MARK_FIELDS.includes(key))) {
    const nearest = findNearest(field, MARK_FIELDS);
    problems.push(say(`Progress.${field} is not known${nearest === undefined ? "" : `; did you mean ${nearest}?`}`));
  }
  const { Label, Weight, Detail, Items } = mark;
  check(
    MARKABLE.includes(String(state.Type)),
    `a state of type ${String(state.Type)} cannot be a step; mark ${MARKABLE.join(", ")}`,
  );
  check(
    !perItem,
    "a state within a Map runs once per item and cannot be a step; mark the Map, with Items.MaximumReports",
  );
  check(
    name.length <= MAXIMUM_STATE_NAME && isLiteral(name),
    `the name must be at most ${MAXIMUM_STATE_NAME} characters without {% and %}`,
  );
  check(
    Label === undefined ||
      (typeof Label === "string" && Label.length >= 1 && Label.length <= MAXIMUM_LABEL && isLiteral(Label)),
    `Progress.Label must be 1 to ${MAXIMUM_LABEL} characters without {% and %}`,
  );
  check(
    Weight === undefined || (typeof Weight === "number" && Weight > 0 && Weight <= MAXIMUM_WEIGHT),
    `Progress.Weight must be above 0 and at most ${MAXIMUM_WEIGHT}`,
  );
  check(
    Detail === undefined ||
      (typeof Detail === "string" && EXPRESSION.test(Detail) && Detail.slice(2, -2).trim() !== ""),
    "Progress.Detail must be a JSONata expression; write {% … %}",
  );
  if (Items !== undefined) problems.push(...itemProblems(state, Items, language).map(say));
  return problems;
}

function itemProblems(state: StateObject, items: unknown, language: QueryLanguage): string[] {
  const maximum = isObject(items) ? items.MaximumReports : undefined;
  const wrong =
    !isObject(items) ||
    Object.keys(items).join() !== "MaximumReports" ||
    !Number.isInteger(maximum) ||
    Number(maximum) < 1 ||
    Number(maximum) > MAXIMUM_ITEM_REPORTS;
  if (wrong) return [`Progress.Items must be { "MaximumReports": 1 to ${MAXIMUM_ITEM_REPORTS} }`];
  if (state.Type !== "Map") return ["Progress.Items is for Map states"];
  const [processor] = innerOf(state);
  const config = processor?.sequence.ProcessorConfig;
  if (isObject(config) && config.Mode === "DISTRIBUTED") {
    return [
      "the items of a distributed Map run in executions of their own and cannot be counted; leave out Progress.Items",
    ];
  }
  if (processor && !statesOf(processor.sequence).some(([, inner]) => inner.End === true)) {
    return ["Progress.Items needs a processor with a state that has End: true"];
  }
  const { ItemsPath = "$", InputPath = "$" } = state;
  const plain = [ItemsPath, InputPath].every((path) => typeof path === "string" && PLAIN_PATH.test(path));
  if (language === "JSONPath" && !plain) {
    return ['Progress.Items needs ItemsPath and InputPath of plain names, "$.order.items" say, or a Map in JSONata'];
  }
  const { Items } = state;
  if (
    language === "JSONata" &&
    Items !== undefined &&
    !Array.isArray(Items) &&
    !(typeof Items === "string" && EXPRESSION.test(Items))
  ) {
    return ["Items must be a list or a JSONata expression"];
  }
  return [];
}

/** A text that no interpreter takes for an expression. */
function isLiteral(text: string): boolean {
  return !text.includes("{%") && !text.includes("%}");
}

/** The marks that a state's retriers and catchers do not see: unused fields of other kinds stay. */
export function withoutMark(state: StateObject): StateObject {
  return Object.fromEntries(Object.entries(state).filter(([field]) => field !== "Progress"));
}
