// The drawing of a state machine: every state once, Parallel and Map around the graphs within them.
import { innerOf } from "../../cloud/states/language/graph";
import type { State, StatesDefinition } from "../../cloud/states/language/types";
import type { WorkflowEdge, WorkflowGraph, WorkflowState } from "../web/state";
import { drawLayered } from "./layered";
import { isWoven, kindOf, transitionsOf } from "./transitions";

const NAME_CHARACTERS = 32;
const KIND_CHARACTERS = 38;
const LABEL_CHARACTERS = 30;
/** Pixels of an average character of names; of kinds and labels, which are smaller. */
const NAME_PIXELS = 7;
const SMALL_PIXELS = 6;
const STATE_HEIGHT = 44;
const WOVEN_HEIGHT = 18;
/** Room of a container for its name, and around what it contains. */
const TITLE = 44;
const PADDING = 14;
/** Room above a sequence for the dot at which it starts. */
const START = 22;
const MARGIN = 8;

/** Part of the drawing, with its own upper left corner. */
interface Block {
  readonly width: number;
  readonly height: number;
  readonly states: readonly WorkflowState[];
  readonly edges: readonly WorkflowEdge[];
}

const EMPTY: Block = { width: 0, height: 0, states: [], edges: [] };
const drawn = new WeakMap<StatesDefinition, WorkflowGraph>();

/** The drawing of a definition; made once for each. */
export function layOutWorkflow(definition: StatesDefinition): WorkflowGraph {
  const known = drawn.get(definition);
  if (known) return known;
  const { width, height, states, edges } = move(layOutSequence(definition, 0), MARGIN, 0);
  const graph = { width: width + 2 * MARGIN, height: height + MARGIN, states, edges };
  drawn.set(definition, graph);
  return graph;
}

function layOutSequence(definition: StatesDefinition, depth: number): Block {
  const { StartAt, States } = definition;
  const named = Object.entries(States).sort(([one], [other]) => Number(other === StartAt) - Number(one === StartAt));
  const inner = new Map(
    named.map(([name, state]) => [name, isWoven(name) ? EMPTY : layOutInner(state, depth + 1)] as const),
  );
  const transitions = transitionsOf(definition).map((transition) => {
    const label = isWoven(transition.from) ? "" : shorten(transition.label, LABEL_CHARACTERS);
    return { ...transition, shown: label, labelWidth: label === "" ? 0 : label.length * SMALL_PIXELS + 8 };
  });
  const nodes = named.map(([key, state]) => ({ key, ...sizeOf(key, state, inner.get(key) ?? EMPTY) }));
  const drawing = drawLayered(nodes, transitions);
  const own = named.flatMap(([name, state]): WorkflowState[] => {
    const place = drawing.places.get(name);
    if (!place) return [];
    const block = inner.get(name) ?? EMPTY;
    const at = { x: round(place.x), y: round(place.y + START), width: round(place.width), height: place.height };
    const within = move(block, at.x + (at.width - block.width) / 2, at.y + TITLE);
    return [{ ...describe(name, state, depth), ...at, container: block !== EMPTY }, ...within.states];
  });
  const withinEdges = named.flatMap(([name]) => {
    const place = drawing.places.get(name);
    const block = inner.get(name) ?? EMPTY;
    if (!place || block === EMPTY) return [];
    return move(block, place.x + (place.width - block.width) / 2, place.y + START + TITLE).edges;
  });
  const edges = transitions.map(({ from, to, kind, label, shown }, index): WorkflowEdge => {
    const { path = "", label: room } = drawing.routes[index] ?? {};
    const middle = room ? { x: round(room.x + room.width / 2), y: round(room.y + START + room.height - 3) } : undefined;
    return { from, to, kind, path, dx: 0, dy: START, title: label, ...(middle ? { label: shown, at: middle } : {}) };
  });
  const first = drawing.places.get(StartAt);
  return {
    width: drawing.width,
    height: drawing.height + START,
    states: own,
    edges: [
      ...(first ? [startEdge(StartAt, first.x + first.width / 2, first.y + START)] : []),
      ...edges,
      ...withinEdges,
    ],
  };
}

function startEdge(to: string, x: number, y: number): WorkflowEdge {
  return {
    from: "",
    to,
    kind: "start",
    path: `M${String(round(x))} ${String(y - 15)}V${String(y)}`,
    dx: 0,
    dy: 0,
    title: "",
  };
}

/** Branches side by side, or the processor of a Map. */
function layOutInner(state: State, depth: number): Block {
  const blocks = innerOf(state).map((definition) => layOutSequence(definition, depth));
  if (blocks.length === 0) return EMPTY;
  let left = 0;
  const moved = blocks.map((block) => {
    const placed = move(block, left, 0);
    left += block.width + 2 * PADDING;
    return placed;
  });
  return {
    width: left - 2 * PADDING,
    height: Math.max(...blocks.map(({ height }) => height)),
    states: moved.flatMap(({ states }) => states),
    edges: moved.flatMap(({ edges }) => edges),
  };
}

function move(block: Block, x: number, y: number): Block {
  return {
    ...block,
    states: block.states.map((state) => ({ ...state, x: round(state.x + x), y: round(state.y + y) })),
    edges: block.edges.map((edge) => ({
      ...edge,
      dx: round(edge.dx + x),
      dy: round(edge.dy + y),
      ...(edge.at ? { at: { x: round(edge.at.x + x), y: round(edge.at.y + y) } } : {}),
    })),
  };
}

function sizeOf(name: string, state: State, { width, height }: Block): { width: number; height: number } {
  if (isWoven(name)) return { width: wovenText(name).length * SMALL_PIXELS + 30, height: WOVEN_HEIGHT };
  const text = Math.max(
    shorten(name, NAME_CHARACTERS).length * NAME_PIXELS,
    shorten(kindOf(state), KIND_CHARACTERS).length * SMALL_PIXELS + 24,
  );
  const own = Math.max(96, text + 24);
  if (width === 0) return { width: own, height: STATE_HEIGHT };
  // A Map says next to its name how many items are done.
  return { width: Math.max(own + 70, width + 2 * PADDING), height: TITLE + height + PADDING };
}

function describe(
  name: string,
  state: State,
  depth: number,
): Omit<WorkflowState, "x" | "y" | "width" | "height" | "container"> {
  const woven = isWoven(name);
  return {
    name,
    type: state.Type,
    shown: woven ? wovenText(name) : shorten(name, NAME_CHARACTERS),
    kind: shorten(kindOf(state), KIND_CHARACTERS),
    depth,
    woven,
    ends: state.End === true || state.Type === "Succeed" || state.Type === "Fail",
  };
}

/** "Pay (progress)" → "progress": it stands below "Pay". */
function wovenText(name: string): string {
  return name.slice(name.lastIndexOf("(") + 1, -1);
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
