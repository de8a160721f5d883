// Proves the drawing of workflows: every state once, no boxes over each other, containers around what they contain, labels.
import assert from "node:assert/strict";
import fc from "fast-check";
import { trackProgress } from "../../../../components";
import { weaveProgress } from "../../../../components/progress-tracked-workflow/weave/weave";
import type { State, StatesDefinition } from "../../../../local/cloud/states/language/types";
import { innerOf } from "../../../../local/cloud/states/language/graph";
import type { WorkflowEdge, WorkflowGraph, WorkflowState } from "../../../../local/console/web/state";
import { layOutWorkflow } from "../../../../local/console/workflows/graph";
import { drawLayered } from "../../../../local/console/workflows/layered";
import { DELIVERIES } from "../../../support/workflow-definitions";

interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** How a random state goes on; targets are numbers of states, taken modulo their count. */
interface Draft {
  readonly type: "Task" | "Choice" | "Pass" | "Parallel" | "Map";
  readonly next: number;
  readonly choices: readonly number[];
  readonly caught: readonly number[];
  readonly woven: boolean;
  readonly inner: readonly (readonly Draft[])[];
}

const { drafts } = fc.letrec<{ drafts: readonly Draft[]; draft: Draft }>((tie) => ({
  draft: fc.record({
    type: fc.constantFrom("Task", "Choice", "Pass", "Parallel", "Map"),
    next: fc.nat(20),
    choices: fc.array(fc.nat(20), { maxLength: 4 }),
    caught: fc.array(fc.nat(20), { maxLength: 2 }),
    woven: fc.boolean(),
    inner: fc.array(tie("drafts"), { minLength: 1, maxLength: 3, depthIdentifier: "states" }),
  }),
  drafts: fc.oneof(
    { depthSize: "small", depthIdentifier: "states" },
    fc.constant([]),
    fc.array(tie("draft"), { minLength: 1, maxLength: 7, depthIdentifier: "states" }),
  ),
}));

/** A definition of any shape: circles, edges to itself, states that nobody reaches. */
function build(sequence: readonly Draft[], prefix = "S"): StatesDefinition {
  const names = sequence.map(({ woven }, index) => `${prefix}${String(index)}${woven ? " (progress)" : ""}`);
  const target = (number: number): string => names[number % names.length] ?? "";
  const states = sequence.map((draft, index): readonly [string, State] => {
    const { type, next, choices, caught, inner } = draft;
    const within = inner
      .filter((one) => one.length > 0)
      .map((one, at) => build(one, `${prefix}${String(index)}.${String(at)}.`));
    const Catch = caught.map((number) => ({ ErrorEquals: ["Some.Error"], Next: target(number) }));
    const Choices = choices.map((number) => ({ Condition: `{% $x = ${String(number)} %}`, Next: target(number) }));
    const type_ = within.length === 0 && (type === "Parallel" || type === "Map") ? "Pass" : type;
    const own: Partial<State> =
      type_ === "Choice"
        ? { Choices, Default: target(next) }
        : { ...(next % 3 === 0 ? { End: true } : { Next: target(next) }), Catch };
    const parts = { Parallel: { Branches: within }, Map: { ItemProcessor: within[0] } };
    return [
      names[index] ?? "",
      { Type: type_, ...own, ...(type_ === "Parallel" || type_ === "Map" ? parts[type_] : {}) } as State,
    ];
  });
  return { StartAt: names[0] ?? "", States: Object.fromEntries(states) };
}

/** Names of all states; those within a state that only reports are not drawn. */
function namesIn({ States }: StatesDefinition): readonly string[] {
  return Object.entries(States).flatMap(([name, state]) => [
    name,
    ...(name.endsWith(" (progress)") ? [] : innerOf(state).flatMap(namesIn)),
  ]);
}

function overlap(one: Rectangle, other: Rectangle): boolean {
  const apart =
    one.x + one.width <= other.x + 0.2 ||
    other.x + other.width <= one.x + 0.2 ||
    one.y + one.height <= other.y + 0.2 ||
    other.y + other.height <= one.y + 0.2;
  return !apart;
}

function holds(outer: Rectangle, inner: Rectangle): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}

function labelBoxes({ edges }: WorkflowGraph): readonly Rectangle[] {
  return edges.flatMap(({ at, label = "" }) =>
    at ? [{ x: at.x - label.length * 3, y: at.y - 9, width: label.length * 6, height: 10 }] : [],
  );
}

describe("the drawing of a workflow", () => {
  it("draws every state of any definition once, none over another, containers around their own", () => {
    fc.assert(
      fc.property(
        drafts.filter(({ length }) => length > 0),
        (sequence) => {
          const definition = build(sequence);
          const graph = layOutWorkflow(definition);

          assert.deepEqual(graph.states.map(({ name }) => name).sort(), [...namesIn(definition)].sort());
          const frame = { x: 0, y: 0, width: graph.width, height: graph.height };
          for (const state of graph.states) assert.ok(holds(frame, state), `${state.name} is outside`);
          graph.states.forEach((one, index) => {
            for (const other of graph.states.slice(index + 1)) {
              const within = one.container && other.name.startsWith(`${one.name}.`);
              if (within) assert.ok(holds(one, other), `${other.name} leaves ${one.name}`);
              else assert.ok(!overlap(one, other), `${one.name} lies over ${other.name}`);
            }
          });
          const leaves = graph.states.filter(({ container }) => !container);
          for (const label of labelBoxes(graph)) assert.ok(!leaves.some((leaf) => overlap(leaf, label)));
        },
      ),
      { numRuns: 150 },
    );
  });

  const order: StatesDefinition = {
    StartAt: "Check",
    States: {
      Check: {
        Type: "Task",
        Resource: "arn:aws:states:::lambda:invoke",
        Next: "Large?",
        Catch: [{ ErrorEquals: ["States.ALL"], Next: "Refuse" }],
      },
      "Large?": {
        Type: "Choice",
        Choices: [
          { Variable: "$.amount", NumericGreaterThan: 100, Next: "Ask" },
          { Condition: "{% $states.input.again %}", Next: "Check" },
        ],
        Default: "Ship",
      },
      Ask: { Type: "Wait", Seconds: 60, Next: "Ask (progress)" },
      "Ask (progress)": {
        Type: "Task",
        Resource: "arn:aws:states:::lambda:invoke",
        Next: "Ship",
        Catch: [{ ErrorEquals: ["States.ALL"], Next: "Ship" }],
      },
      Ship: {
        Type: "Map",
        ItemProcessor: { StartAt: "Pack", States: { Pack: { Type: "Pass", End: true } } },
        End: true,
      },
      Refuse: { Type: "Fail" },
    },
  };
  const state = (name: string): WorkflowState => {
    const found = layOutWorkflow(order).states.find((one) => one.name === name);
    assert.ok(found, name);
    return found;
  };
  const edge = (from: string, to: string): WorkflowEdge => {
    const found = layOutWorkflow(order).edges.find((one) => one.from === from && one.to === to);
    assert.ok(found, `${from} to ${to}`);
    return found;
  };

  it("runs from top to bottom and says what leads where", () => {
    assert.ok(state("Check").y < state("Large?").y && state("Large?").y < state("Ship").y);
    assert.equal(edge("Large?", "Ask").label, "$.amount > 100");
    assert.equal(edge("Large?", "Check").label, "$states.input.again");
    assert.equal(edge("Large?", "Ship").label, "otherwise");
    assert.deepEqual([edge("Check", "Refuse").kind, edge("Check", "Refuse").label], ["catch", "any error"]);
    assert.equal(edge("", "Pack").kind, "start");
    assert.equal(state("Check").kind, "Task · lambda:invoke");
  });

  it("draws a state that only reports small, with one plain line to what follows", () => {
    const woven = state("Ask (progress)");

    assert.deepEqual([woven.woven, woven.shown], [true, "progress"]);
    assert.ok(woven.height < state("Ask").height);
    assert.equal(edge("Ask (progress)", "Ship").label, undefined);
    assert.equal(edge("Ask (progress)", "Ship").kind, "next");
  });

  for (const [transport, delivery] of Object.entries(DELIVERIES)) {
    it(`tells the states that reports by ${transport} add from those of the team`, () => {
      const work = { Type: "Task", Resource: "arn:aws:states:::lambda:invoke" };
      const pack = { StartAt: "Pack", States: { Pack: { ...work, End: true } } };
      const items = { Type: "Map", ItemsPath: "$.items", ItemProcessor: pack, Next: "Ship" };
      const { definition, added } = weaveProgress(
        {
          StartAt: "Items",
          States: {
            Items: trackProgress(items, { label: "Items", weight: 1, maximumItemReports: 3 }),
            Ship: trackProgress({ ...work, End: true }, { label: "Ship", weight: 1, detail: "{% 1 %}" }),
          },
        },
        delivery,
      );
      const { states } = layOutWorkflow(definition as unknown as StatesDefinition);
      const drawnAs = (woven: boolean): string[] => states.filter((one) => one.woven === woven).map(({ name }) => name);

      assert.deepEqual(drawnAs(false).sort(), ["Items", "Pack", "Ship"]);
      assert.ok(drawnAs(true).length >= 5 && drawnAs(true).every((name) => added.includes(name)));
    });
  }

  it("lets no line of a long edge run through a box", () => {
    const box = { width: 100, height: 40 };
    const nodes = ["a", "b", "c", "d"].map((key) => ({ key, ...box }));
    const link = (from: string, to: string) => ({ from, to, labelWidth: 0 });
    const { places, routes } = drawLayered(nodes, [link("a", "b"), link("b", "c"), link("c", "d"), link("a", "d")]);
    const verticals = [...(routes[3]?.path.matchAll(/ ([\d.]+) [\d.]+V/g) ?? [])].map(([, x]) => Number(x));

    assert.ok(verticals.length > 0 || routes[3]?.path.includes("C"));
    for (const key of ["b", "c"]) {
      const place = places.get(key);
      assert.ok(place && verticals.every((x) => x < place.x || x > place.x + place.width));
    }
  });
});
