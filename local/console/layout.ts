// Positions of the drawn topology: groups around their nodes, calls from left to right. The layout is dagre's.
import dagre from "@dagrejs/dagre";
import type { Topology } from "./topology";

/** A box, in pixels of the drawing; x and y are its upper left corner. */
export interface Box {
  readonly urn: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A line with its bends. */
export interface Line {
  readonly from: string;
  readonly to: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** The drawing. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly Box[];
  readonly groups: readonly Box[];
  readonly edges: readonly Line[];
}

const NODE = { width: 196, height: 48 };
const PADDING = 14;
/** Room above the nodes of a group for its name. */
const TITLE = 24;

/** Lays a topology out. */
export function layOut({ nodes, groups, edges }: Topology): Layout {
  // dagre's size of nothing is minus infinity.
  if (nodes.length === 0) return { width: 0, height: 0, nodes: [], groups: [], edges: [] };
  const graph = new dagre.graphlib.Graph({ compound: true });
  graph.setGraph({ rankdir: "LR", nodesep: 16, ranksep: 90, marginx: 24, marginy: 32 });
  graph.setDefaultEdgeLabel(() => ({}));
  const used = new Set(nodes.map(({ group }) => group).filter((group) => group !== ""));
  for (const { urn } of groups) if (used.has(urn)) graph.setNode(urn, {});
  for (const { urn, group } of nodes) {
    graph.setNode(urn, { ...NODE });
    if (group !== "") graph.setParent(urn, group);
  }
  for (const { from, to } of edges) graph.setEdge(from, to);
  dagre.layout(graph);

  const boxes = nodes.map(({ urn }) => boxAround(urn, graph.node(urn) as Placed));
  const groupBoxes = [...used].map((group) =>
    surround(
      group,
      boxes.filter((_, index) => nodes[index]?.group === group),
    ),
  );
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width: width + PADDING,
    height: height + PADDING,
    nodes: boxes,
    groups: groupBoxes,
    edges: edges.map(({ from, to }) => ({
      from,
      to,
      points: (graph.edge(from, to) as { points: Line["points"] }).points,
    })),
  };
}

interface Placed {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** dagre gives centres. */
function boxAround(urn: string, { x, y, width, height }: Placed): Box {
  return { urn, x: x - width / 2, y: y - height / 2, width, height };
}

function surround(urn: string, boxes: readonly Box[]): Box {
  const left = Math.min(...boxes.map(({ x }) => x)) - PADDING;
  const top = Math.min(...boxes.map(({ y }) => y)) - PADDING - TITLE;
  const right = Math.max(...boxes.map(({ x, width }) => x + width)) + PADDING;
  const bottom = Math.max(...boxes.map(({ y, height }) => y + height)) + PADDING;
  return { urn, x: left, y: top, width: right - left, height: bottom - top };
}
