// The drawing of a state machine, coloured by what an execution did. Signs stand next to colours.
import { byId, element, shape } from "./dom.js";
import type { ExecutionView, ShownMachine, StateProgress, WorkflowEdge, WorkflowState } from "./state.js";

const SIGNS: Readonly<Record<StateProgress["status"], string>> = {
  running: "●",
  succeeded: "✓",
  failed: "✕",
  caught: "↷",
  stopped: "■",
};

/** Draws the machine that is shown; anew only when its definition changes. The table beside it says the same in words. */
export function createWorkflowGraph(): { show(machine: ShownMachine | undefined): void } {
  const place = byId("workflow");
  let drawn = "";
  let boxes: readonly DrawnState[] = [];
  let lines: readonly DrawnEdge[] = [];
  const draw = ({ name, graph }: ShownMachine): void => {
    const { width, height, states, edges } = graph;
    boxes = states.map(drawState);
    lines = edges.map(drawEdge);
    place.replaceChildren(
      shape(
        "svg",
        {
          viewBox: `0 0 ${String(width)} ${String(height)}`,
          width,
          height,
          role: "img",
          "aria-label": `Graph of ${name}`,
        },
        shape(
          "defs",
          {},
          marker("flow-end", 7, shape("path", { class: "arrow", d: "M0 0L8 4L0 8z" })),
          marker("flow-start", 4, shape("circle", { class: "arrow", cx: 4, cy: 4, r: 4 })),
        ),
        ...boxes.filter(({ state }) => state.container).map(({ box }) => box),
        ...lines.map(({ line }) => line),
        ...boxes.filter(({ state }) => !state.container).map(({ box }) => box),
        ...lines.flatMap(({ label }) => label ?? []),
      ),
    );
    // Where it does not fit, it is shown from its start.
    const [first] = states;
    if (first) place.scrollLeft = first.x + (first.width - place.clientWidth) / 2;
  };
  return {
    show(machine) {
      const next = machine ? JSON.stringify([machine.arn, machine.graph]) : "none";
      if (next !== drawn) {
        if (machine) draw(machine);
        else place.replaceChildren(element("p", { class: "empty" }, "This program declares no state machines."));
      }
      drawn = next;
      if (!machine) return;
      const { execution } = machine;
      for (const { state, mark } of boxes) mark(execution?.states.find(({ name }) => name === state.name));
      for (const { edge, line } of lines) line.classList.toggle("taken", isTaken(edge, execution));
      showStates(machine);
    },
  };
}

/** Of this drawing alone: a marker in a section that is hidden is not drawn. */
function marker(id: string, refX: number, content: SVGElement): SVGElement {
  const size = { markerWidth: 8, markerHeight: 8, markerUnits: "userSpaceOnUse", orient: "auto" };
  return shape("marker", { id, viewBox: "0 0 8 8", refX, refY: 4, ...size }, content);
}

function isTaken({ from, to }: WorkflowEdge, execution: ExecutionView | undefined): boolean {
  return execution?.taken.includes(`${from}>${to}`) === true;
}

interface DrawnState {
  readonly state: WorkflowState;
  readonly box: SVGElement;
  mark(progress: StateProgress | undefined): void;
}

function drawState(state: WorkflowState): DrawnState {
  const { name, type, shown, kind, x, y, width, height, woven, ends, container } = state;
  const title = shape("title", {}, name);
  const sign = shape("text", { class: "sign", x: width - 10, y: woven ? 13 : 17 });
  const items = shape("text", { class: "items", x: width - 10, y: 34 });
  const words = woven
    ? [shape("text", { x: 8, y: 13 }, shown)]
    : [shape("text", { class: "kind", x: 10, y: 17 }, kind), shape("text", { x: 10, y: 34 }, shown)];
  const box = shape(
    "g",
    {
      class: ["step", woven ? "woven" : "", container ? "container" : "", ends ? "ends" : ""].join(" "),
      transform: `translate(${String(x)} ${String(y)})`,
    },
    title,
    shape("rect", { width, height, rx: woven ? 9 : 8 }),
    ...(ends && !woven
      ? [shape("path", { class: "end-line", d: `M12 ${String(height - 4)}H${String(width - 12)}` })]
      : []),
    ...words,
    sign,
    items,
  );
  return {
    state,
    box,
    mark(progress) {
      box.dataset.status = progress?.status ?? "";
      title.textContent = `${name} (${type}): ${progressText(progress)}`;
      sign.textContent = progress ? SIGNS[progress.status] : "";
      items.textContent = itemsText(progress);
    },
  };
}

interface DrawnEdge {
  readonly edge: WorkflowEdge;
  readonly line: SVGElement;
  readonly label: SVGElement | undefined;
}

function drawEdge(edge: WorkflowEdge): DrawnEdge {
  const { kind, path, dx, dy, title, label = "", at } = edge;
  const line = shape("path", {
    class: `edge flow ${kind}`,
    "marker-end": "url(#flow-end)",
    ...(kind === "start" ? { "marker-start": "url(#flow-start)" } : {}),
    d: path,
    transform: `translate(${String(dx)} ${String(dy)})`,
  });
  const text = at && shape("text", { class: `flow-label ${kind}`, ...at }, shape("title", {}, title), label);
  return { edge, line, label: text };
}

/** "3 of 10" of a Map. */
function itemsText(progress: StateProgress | undefined): string {
  const { items } = progress ?? {};
  return items ? `${String(items.done)} of ${String(items.total)}` : "";
}

/** "succeeded", "running, 3 of 10 items, attempt 2: TooBusy" */
function progressText(progress: StateProgress | undefined): string {
  if (!progress) return "not reached";
  const { status, items, attempts, visits, error } = progress;
  return [
    status,
    ...(items ? [`${itemsText(progress)} items`] : []),
    ...(items && items.failed > 0 ? [`${String(items.failed)} failed`] : []),
    ...(visits > 1 ? [`${String(visits)} times`] : []),
    ...(attempts > 1 ? [`${String(attempts)} attempts`] : []),
    ...(error ? [error] : []),
  ].join(", ");
}

/** The drawing in words. */
function showStates({ graph, execution }: ShownMachine): void {
  byId("workflow-states").replaceChildren(
    ...graph.states.map(({ name, type, depth }) => {
      const progress = execution?.states.find((one) => one.name === name);
      return element(
        "tr",
        {},
        element("th", { scope: "row", class: `depth-${String(Math.min(depth, 3))}` }, name),
        element("td", {}, type),
        element("td", { "data-status": progress?.status ?? "" }, progressText(progress)),
      );
    }),
  );
}
