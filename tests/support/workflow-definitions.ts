// Random workflows in JSONPath and JSONata, with marks, failures and data that differ from state to state; and how to run them.
import fc from "fast-check";
import type { ProgressDelivery } from "../../components/progress-tracked-workflow/weave/report";
import { trackProgress } from "../../components/progress-tracked-workflow/weave/marks";
import type { Json, State, StatesDefinition } from "../../local/cloud/states/language/types";
import { fail, type TestTask } from "./states-run";

/** Resource of an integration, as in the commercial partition. */
export const resourceOf = (integration: string): string => `arn:aws:states:::${integration}`;

const deadLetterQueueUrl = "https://sqs.eu-west-1.amazonaws.com/111111111111/undelivered";

/** All transports, as a machine would have them. */
export const DELIVERIES = {
  function: {
    transport: "function",
    resourceOf,
    deadLetterQueueUrl,
    functionArn: "arn:aws:lambda:eu-west-1:111111111111:function:report",
  },
  eventbridge: { transport: "eventbridge", resourceOf, deadLetterQueueUrl },
  direct: {
    transport: "direct",
    resourceOf,
    deadLetterQueueUrl,
    tableName: "progress",
    apiEndpoint: "abc123.execute-api.eu-west-1.amazonaws.com",
    stageName: "live",
    retentionSeconds: 604_800,
  },
} as const satisfies Readonly<Record<string, ProgressDelivery>>;

/** What one business state does: decided once, so that both runs see the same. */
interface Behaviour {
  /** Attempts that fail before one succeeds. */
  readonly failures: number;
  readonly result: Json;
}

/** A workflow with marks, and what its tasks do. */
export interface RandomWorkflow {
  readonly definition: StatesDefinition;
  readonly input: Json;
  readonly behaviours: Readonly<Record<string, Behaviour>>;
  /** The error of every failure: which of two branches fails first is chance, and must not decide the result. */
  readonly error: string;
}

type Node =
  | { readonly type: "task" | "pass" | "wait"; readonly seed: number; readonly mark: boolean }
  | { readonly type: "fail"; readonly seed: number }
  | { readonly type: "choice"; readonly seed: number; readonly branch: readonly Node[] }
  | {
      readonly type: "parallel";
      readonly seed: number;
      readonly mark: boolean;
      readonly branches: readonly (readonly Node[])[];
    }
  | {
      readonly type: "map";
      readonly seed: number;
      readonly mark: boolean;
      readonly items: boolean;
      readonly body: readonly Node[];
    };

const ERRORS = ["Order.Refused", "Stock.Empty", "Payment.Declined", "States.TaskFailed"];
const JSONS: readonly Json[] = [
  null,
  true,
  0,
  "",
  "text",
  [],
  [1],
  [[1]],
  {},
  { a: [] },
  { list: [1, 2, 3], text: "{% no %}" },
];

const { nodes } = fc.letrec<{ nodes: readonly Node[]; node: Node }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constantFrom("task" as const, "task" as const, "pass" as const, "wait" as const),
        seed: fc.nat(1000),
        mark: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant("choice" as const), seed: fc.nat(1000), branch: tie("nodes") }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant("parallel" as const),
        seed: fc.nat(1000),
        mark: fc.boolean(),
        branches: fc.array(tie("nodes"), { minLength: 1, maxLength: 3 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant("map" as const),
        seed: fc.nat(1000),
        mark: fc.boolean(),
        items: fc.boolean(),
        body: tie("nodes"),
      }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("fail" as const), seed: fc.nat(1000) }) },
  ),
  nodes: fc.array(tie("node"), { minLength: 1, maxLength: 4 }),
}));

/** Random workflows. */
export const randomWorkflow: fc.Arbitrary<RandomWorkflow> = fc
  .record({
    language: fc.constantFrom("JSONPath" as const, "JSONata" as const),
    error: fc.constantFrom(...ERRORS),
    nodes,
    input: fc.constantFrom(...JSONS),
  })
  .map(({ language, error, nodes: list, input }) => new Builder(language, error).build(list, input));

interface Place {
  /** Within a Map, where nothing can be marked. */
  readonly perItem: boolean;
  /** Nothing runs beside it: only here may a failure depend on the attempt. */
  readonly alone: boolean;
}

class Builder {
  private number = 0;
  private readonly behaviours: Record<string, Behaviour> = {};

  constructor(
    private readonly language: "JSONPath" | "JSONata",
    private readonly error: string,
  ) {}

  build(list: readonly Node[], input: Json): RandomWorkflow {
    const first = trackProgress({ Type: "Pass" as const }, { label: "Begin", weight: 1 });
    const sequence = this.sequence(list, { perItem: false, alone: true });
    const definition = {
      QueryLanguage: this.language,
      StartAt: "Begin",
      States: { Begin: { ...first, Next: sequence.StartAt }, ...sequence.States },
    } as unknown as StatesDefinition;
    return { definition, input, behaviours: this.behaviours, error: this.error };
  }

  /** States in a row; a Fail or the last one ends. What a catcher leads to stands in the same sequence. */
  private sequence(list: readonly Node[], place: Place): StatesDefinition {
    const names = list.map(({ type }) => `${type} ${++this.number}`);
    const end = `end ${++this.number}`;
    const states: Record<string, State> = {};
    let reached = true;
    for (const [index, node] of list.entries()) {
      if (!reached) break;
      const name = names[index] ?? "";
      const next = names[index + 1] ?? end;
      Object.assign(states, this.states(name, node, next, end, place));
      if (node.type === "fail") reached = false;
    }
    const all = JSON.stringify(Object.values(states));
    const used = all.includes(`"Next":${JSON.stringify(end)}`) || all.includes(`"Default":${JSON.stringify(end)}`);
    return {
      StartAt: names[0] ?? end,
      States: {
        ...states,
        ...(used ? { [end]: this.number % 3 === 0 ? { Type: "Succeed" } : { Type: "Pass", End: true } } : {}),
      },
    };
  }

  private states(name: string, node: Node, next: string, end: string, place: Place): Record<string, State> {
    const { seed } = node;
    const { perItem, alone } = place;
    const mark = "mark" in node && node.mark && !perItem;
    const marked = (state: object, items = false): State =>
      (mark
        ? trackProgress(state, {
            label: `Step ${name}`,
            ...(seed % 3 === 0 ? {} : { weight: (seed % 7) + 0.5 }),
            ...(seed % 5 === 0 ? { detail: seed % 2 === 0 ? "{% $states.input %}" : "{% $error('no') %}" } : {}),
            ...(items ? { maximumItemReports: (seed % 4) + 1 } : {}),
          })
        : state) as unknown as State;
    const catching = seed % 4 === 0 ? { Catch: [this.catcher(end)] } : {};
    const retrying =
      seed % 3 === 0 ? { Retry: [{ ErrorEquals: ["States.ALL"], IntervalSeconds: 1, MaxAttempts: 1 }] } : {};
    switch (node.type) {
      case "task":
        this.behaviours[name] = {
          failures:
            seed % 6 === 0 ? (alone ? 1 : Number.POSITIVE_INFINITY) : seed % 11 === 0 ? Number.POSITIVE_INFINITY : 0,
          result: JSONS[seed % JSONS.length] ?? null,
        };
        return {
          [name]: marked({
            Type: "Task",
            Resource: resourceOf("lambda:invoke"),
            ...this.data(seed),
            ...retrying,
            ...catching,
            Next: next,
          }),
        };
      case "pass":
        return { [name]: marked({ Type: "Pass", ...this.passData(seed, alone), Next: next }) };
      case "wait":
        return { [name]: marked({ Type: "Wait", Seconds: seed % 3, Next: next }) };
      case "fail":
        return { [name]: { Type: "Fail", Error: this.error, Cause: "" } };
      case "parallel": {
        const Branches = node.branches.map((branch) => this.sequence(branch, { perItem, alone: false }));
        return { [name]: marked({ Type: "Parallel", Branches, ...retrying, ...catching, Next: next }) };
      }
      case "map": {
        const ItemProcessor = this.sequence(node.body, { perItem: true, alone: false });
        const ends = Object.values(ItemProcessor.States).some(({ End }) => End === true);
        const list = this.language === "JSONata" ? { Items: mapItems(seed, alone) } : { ItemsPath: "$.list" };
        const state = {
          Type: "Map",
          ...list,
          ...this.selection(seed),
          ItemProcessor,
          ...retrying,
          ...catching,
          MaxConcurrency: (seed % 2) + 1,
          Next: next,
        };
        if (this.language === "JSONata") return { [name]: marked(state, node.items && ends) };
        const before = `${name} input`;
        const list2: Json = { list: Array.from({ length: seed % 6 }, (_, index) => index) };
        // The way to the Map leads over the state before it, whoever points at it.
        return { [name]: { Type: "Pass", Result: list2, Next: before }, [before]: marked(state, node.items && ends) };
      }
      case "choice": {
        const branch = this.sequence(node.branch, place);
        const rule =
          this.language === "JSONata"
            ? { Condition: seed % 2 === 0 ? "{% true %}" : "{% false %}", Next: branch.StartAt }
            : { Variable: "$$.Execution.Name", StringEquals: seed % 2 === 0 ? "run" : "other", Next: branch.StartAt };
        return { ...branch.States, [name]: { Type: "Choice", Choices: [rule], Default: next } };
      }
    }
  }

  /** How an item's input is made: not at all, or anew. */
  private selection(seed: number): object {
    const way = seed % 3;
    if (way === 0) return {};
    if (this.language === "JSONPath") {
      const template = { "value.$": "$$.Map.Item.Value", "list.$": "$.list", index: [] };
      return { ItemSelector: way === 1 ? template : {} };
    }
    const value = "{% $states.context.Map.Item.Value %}";
    return { ItemSelector: way === 1 ? { item: value, index: [] } : value };
  }

  private catcher(next: string): NonNullable<State["Catch"]>[number] {
    return { ErrorEquals: ["States.ALL"], Next: next };
  }

  private data(seed: number): object {
    if (this.language === "JSONata")
      return seed % 2 === 0 ? { Output: "{% $states.result %}", Assign: { [`seen${++this.number}`]: seed } } : {};
    return seed % 2 === 0 ? { ResultPath: null } : {};
  }

  /** What a JSONata state puts out is an expression, wherever it stands in the value, and one of the values cannot be evaluated. */
  private passData(seed: number, mayFail: boolean): object {
    const value = JSONS[seed % JSONS.length] ?? null;
    if (this.language === "JSONPath") return { Result: value };
    return { Output: mayFail || !JSON.stringify(value).includes("{%") ? value : "" };
  }
}

function mapItems(seed: number, mayFail: boolean): Json {
  if (mayFail && seed % 5 === 0) return "{% $states.input.list %}";
  if (mayFail && seed % 7 === 0) return "{% $error('items') %}";
  return seed % 2 === 0 ? Array.from({ length: seed % 6 }, (_, index) => index) : "{% [1..4] %}";
}

/** Tasks of a workflow, fresh for one run, since attempts count. Tasks that are not of the workflow are done by `report`. */
export function tasksOf(
  { behaviours, error }: RandomWorkflow,
  report: (stateName: string) => TestTask,
): Readonly<Record<string, TestTask>> {
  const attempts = new Map<string, number>();
  const find = (name: string): TestTask => {
    const behaviour = behaviours[name];
    if (!behaviour) return report(name);
    return () => {
      const attempt = attempts.get(name) ?? 0;
      attempts.set(name, attempt + 1);
      return attempt < behaviour.failures ? fail(error) : behaviour.result;
    };
  };
  return new Proxy({}, { get: (_target, name) => find(String(name)) });
}

/** The definition as its author would write it without this library. */
export function withoutMarks<T>(value: T): T {
  if (Array.isArray(value)) return value.map((item: unknown) => withoutMarks(item)) as T;
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "Progress")
      .map(([key, item]) => [key, withoutMarks(item as unknown)]),
  ) as T;
}
