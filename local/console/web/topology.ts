// The drawing: groups, resources, who calls whom; it lights up as calls arrive.
import { byId, element, shape } from "./dom.js";
import { concerns } from "./matching.js";
import type { ConsoleState, MappingView, TopologyNode, TraceEvent } from "./state.js";

const LIT_MS = 900;

/** Draws the topology. `onSelect` gets the chosen node, or undefined when the choice is undone. */
export function createTopology(
  state: ConsoleState,
  onSelect: (node: TopologyNode | undefined) => void,
): { show(trace: TraceEvent): void; showMappings(mappings: readonly MappingView[]): void } {
  const { topology, layout } = state;
  const drawing = shape("svg", {
    viewBox: `0 0 ${String(layout.width)} ${String(layout.height)}`,
    width: layout.width,
    height: layout.height,
  });
  drawing.append(arrowHead(), ...layout.groups.map((box) => drawGroup(state, box)));
  const lines = layout.edges.map(({ from, to, points }, index) => {
    const line = shape(
      "path",
      {
        class: "edge",
        "marker-end": "url(#arrow)",
        d: curve(points),
      },
      shape("title", {}, topology.edges[index]?.label ?? ""),
    );
    return { from, to, line };
  });
  drawing.append(...lines.map(({ line }) => line));
  const mapped = topology.edges.flatMap(({ mapping }, index) => {
    const line = lines[index]?.line;
    return mapping && line ? [drawMapping(mapping, line, layout.edges[index]?.points ?? [])] : [];
  });
  drawing.append(...mapped.map(({ label }) => label));

  let chosen: string | undefined;
  const nodes = new Map(topology.nodes.map((node) => [node.urn, drawNode(state, node)]));
  drawing.append(...[...nodes.values()].map(({ box }) => box));
  byId("topology").replaceChildren(drawing);
  if (topology.nodes.length === 0)
    byId("topology").append(element("p", { class: "empty" }, "This program declares nothing to draw."));

  const choose = (node: TopologyNode): void => {
    chosen = chosen === node.urn ? undefined : node.urn;
    for (const [urn, { box }] of nodes) box.setAttribute("aria-pressed", String(urn === chosen));
    for (const { from, to, line } of lines) {
      line.classList.toggle("near", chosen !== undefined && (from === chosen || to === chosen));
      line.classList.toggle("dim", chosen !== undefined && from !== chosen && to !== chosen);
    }
    describe(state, chosen === undefined ? undefined : node);
    onSelect(chosen === undefined ? undefined : node);
  };
  for (const node of topology.nodes) {
    const { box } = nodes.get(node.urn) ?? {};
    box?.addEventListener("click", () => choose(node));
    box?.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose(node);
    });
  }
  return {
    show(trace) {
      for (const node of topology.nodes) if (concerns(node, trace)) nodes.get(node.urn)?.light(trace.status >= 400);
      mapped.find(({ uuid }) => uuid === trace.detail?.mapping)?.light();
    },
    showMappings(mappings) {
      for (const { uuid, label } of mapped) {
        const mapping = mappings.find((one) => one.uuid === uuid);
        if (mapping) label.textContent = mappingText(mapping);
      }
    },
  };
}

/** A smooth line through the middles between bends; it starts and ends exactly at the boxes. */
function curve(points: readonly { readonly x: number; readonly y: number }[]): string {
  const at = ({ x, y }: { readonly x: number; readonly y: number }): string => `${x.toFixed(1)} ${y.toFixed(1)}`;
  const [first, ...rest] = points;
  const last = rest.at(-1);
  if (!first || !last) return "";
  const bends = rest.slice(0, -1).map((bend, index) => {
    const next = rest[index + 1] ?? last;
    const middle = index === rest.length - 2 ? last : { x: (bend.x + next.x) / 2, y: (bend.y + next.y) / 2 };
    return `Q${at(bend)} ${at(middle)}`;
  });
  return bends.length === 0 ? `M${at(first)} L${at(last)}` : `M${at(first)} ${bends.join(" ")}`;
}

interface DrawnMapping {
  readonly uuid: string;
  readonly label: SVGElement;
  light(): void;
}

/** The edge of an event source mapping: it says how many batches run, and lights up with each. */
function drawMapping(
  uuid: string,
  line: SVGElement,
  points: readonly { readonly x: number; readonly y: number }[],
): DrawnMapping {
  const middle = points[Math.floor(points.length / 2)] ?? { x: 0, y: 0 };
  const label = shape("text", { class: "edge-label", x: middle.x, y: middle.y - 7 });
  let timer = 0;
  return {
    uuid,
    label,
    light() {
      line.classList.add("hot");
      clearTimeout(timer);
      timer = window.setTimeout(() => line.classList.remove("hot"), LIT_MS);
    },
  };
}

function mappingText({ enabled, concurrency, limit }: MappingView): string {
  return enabled ? `${String(concurrency)} of ${String(limit)}` : "paused";
}

interface DrawnNode {
  readonly box: SVGElement;
  light(failed: boolean): void;
}

function drawNode({ layout }: ConsoleState, node: TopologyNode): DrawnNode {
  const place = layout.nodes.find(({ urn }) => urn === node.urn);
  if (!place) throw new Error(`${node.urn} has no place`);
  const { x, y, width, height } = place;
  const count = shape("text", { class: "count", x: width - 10, y: 18 });
  const box = shape(
    "g",
    {
      class: "node",
      transform: `translate(${String(x)} ${String(y)})`,
      tabindex: 0,
      role: "button",
      "aria-pressed": "false",
      "aria-label": `${node.kind} ${node.name}`,
    },
    shape("title", {}, `${node.name} (${node.type})`),
    shape("rect", { width, height, rx: 8 }),
    shape("text", { class: "kind", x: 10, y: 18 }, node.kind),
    shape("text", { x: 10, y: 36 }, shorten(node.name, 27)),
    count,
  );
  let calls = 0;
  let timer = 0;
  return {
    box,
    light(failed) {
      calls += 1;
      count.textContent = String(calls);
      box.classList.add("hot");
      box.classList.toggle("failed", failed);
      clearTimeout(timer);
      timer = window.setTimeout(() => box.classList.remove("hot", "failed"), LIT_MS);
    },
  };
}

function drawGroup(
  { topology }: ConsoleState,
  { urn, x, y, width, height }: ConsoleState["layout"]["groups"][number],
): SVGElement {
  const group = topology.groups.find((one) => one.urn === urn);
  const type = group?.type.split(":").at(-1) ?? "";
  return shape(
    "g",
    { class: "group" },
    shape("rect", { x, y, width, height, rx: 12 }),
    shape("text", { x: x + 14, y: y + 20 }, `${group?.name ?? ""} · ${type}`),
  );
}

function arrowHead(): SVGElement {
  return shape(
    "defs",
    {},
    shape(
      "marker",
      { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
      shape("path", { class: "arrow", d: "M0 0L8 4L0 8z" }),
    ),
  );
}

function describe({ topology }: ConsoleState, node: TopologyNode | undefined): void {
  const place = byId("selection");
  place.hidden = node === undefined;
  if (!node) return;
  const name = (urn: string): string => topology.nodes.find((other) => other.urn === urn)?.name ?? urn;
  const uses = topology.edges.filter(({ from }) => from === node.urn).map(({ to, label }) => `${name(to)}: ${label}`);
  const usedBy = topology.edges.filter(({ to }) => to === node.urn).map(({ from, label }) => `${name(from)}: ${label}`);
  place.replaceChildren(
    element("strong", {}, `${node.kind} ${node.name}`),
    element("div", {}, node.arn || node.id),
    ...listing("Uses", uses),
    ...listing("Used by", usedBy),
    ...listing(
      "Settings",
      node.settings.map((setting) => `${setting.name} (${setting.type.split(":").at(-1) ?? ""})`),
    ),
  );
}

function listing(title: string, rows: readonly string[]): HTMLElement[] {
  if (rows.length === 0) return [];
  return [
    element("div", {}, element("em", {}, title), element("ul", {}, ...rows.map((row) => element("li", {}, row)))),
  ];
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
