// A layered drawing of a directed graph, from top to bottom: ranks, lanes for long edges and labels, order, coordinates.

/** A box to be placed. */
export interface LayeredNode {
  readonly key: string;
  readonly width: number;
  readonly height: number;
}

/** A transition between two boxes; at most one for each pair. */
export interface LayeredEdge {
  readonly from: string;
  readonly to: string;
  /** 0 without a label. */
  readonly labelWidth: number;
}

/** A place, in pixels; x and y are its upper left corner. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** How an edge runs: path data of SVG, and the room of its label. */
export interface Route {
  readonly path: string;
  readonly label?: Place;
}

/** The drawing. Its upper left corner is 0, 0. */
export interface LayeredDrawing {
  readonly width: number;
  readonly height: number;
  readonly places: ReadonlyMap<string, Place>;
  /** In the order of the edges. */
  readonly routes: readonly Route[];
}

const RANK_GAP = 22;
const NODE_GAP = 18;
const LANE_WIDTH = 8;
const LABEL_HEIGHT = 14;
const LOOP_WIDTH = 26;
const ORDER_SWEEPS = 6;
const ALIGN_SWEEPS = 16;

/** Something that takes room in a rank: a box, or a piece of a long edge. */
interface Item {
  readonly width: number;
  readonly height: number;
  readonly rank: number;
  readonly above: Item[];
  readonly below: Item[];
  /** Centre. */
  x: number;
}

interface Chain {
  /** From the upper end to the lower end. */
  readonly items: readonly Item[];
  readonly label: Item | undefined;
  /** It runs upwards: against the ranks. */
  readonly reversed: boolean;
}

/** Draws a graph. Boxes and labels do not overlap; the first node stands at the top, where nothing else must be above it. */
export function drawLayered(nodes: readonly LayeredNode[], edges: readonly LayeredEdge[]): LayeredDrawing {
  const reversed = findBackEdges(nodes, edges);
  const ranks = rank(nodes, edges, reversed);
  const loops = new Set(edges.filter(({ from, to }) => from === to).map(({ from }) => from));
  const items = new Map<string, Item>();
  const rows: Item[][] = [];
  const place = (item: Item): Item => {
    (rows[item.rank] ??= []).push(item);
    return item;
  };
  for (const { key, width, height } of nodes) {
    const room = width + (loops.has(key) ? 2 * LOOP_WIDTH : 0);
    items.set(key, place(createItem(room, height, ranks.get(key) ?? 0)));
  }
  const chains = edges.map((edge) => (edge.from === edge.to ? undefined : link(edge, items, reversed, place)));
  const filled = Array.from(rows, (row) => (row as Item[] | undefined) ?? []);
  order(filled);
  align(filled);
  return measure(nodes, edges, items, chains, filled);
}

function createItem(width: number, height: number, itsRank: number): Item {
  return { width, height, rank: itsRank, above: [], below: [], x: 0 };
}

/** Edges that close a circle, found depth first from the first node. */
function findBackEdges(nodes: readonly LayeredNode[], edges: readonly LayeredEdge[]): ReadonlySet<LayeredEdge> {
  const leaving = groupBy(edges, ({ from }) => from);
  const state = new Map<string, "open" | "done">();
  const back = new Set<LayeredEdge>();
  for (const { key } of nodes) {
    if (state.has(key)) continue;
    const path = [{ key, rest: [...(leaving.get(key) ?? [])] }];
    state.set(key, "open");
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const edge = top.rest.shift();
      if (!edge) {
        state.set(top.key, "done");
        path.pop();
      } else if (!state.has(edge.to)) {
        state.set(edge.to, "open");
        path.push({ key: edge.to, rest: [...(leaving.get(edge.to) ?? [])] });
      } else if (state.get(edge.to) === "open" && edge.from !== edge.to) back.add(edge);
    }
  }
  return back;
}

/** Longest way from the top; a labelled edge spans two ranks, so that its label has a place of its own. */
function rank(
  nodes: readonly LayeredNode[],
  edges: readonly LayeredEdge[],
  reversed: ReadonlySet<LayeredEdge>,
): ReadonlyMap<string, number> {
  const down = edges
    .filter(({ from, to }) => from !== to)
    .map((edge) => {
      const [upper, lower] = reversed.has(edge) ? [edge.to, edge.from] : [edge.from, edge.to];
      return { upper, lower, span: edge.labelWidth > 0 || reversed.has(edge) ? 2 : 1 };
    });
  const leaving = groupBy(down, ({ upper }) => upper);
  const missing = new Map(nodes.map(({ key }) => [key, down.filter(({ lower }) => lower === key).length]));
  const ranks = new Map(nodes.map(({ key }) => [key, 0]));
  const ready = nodes.filter(({ key }) => missing.get(key) === 0).map(({ key }) => key);
  for (const key of ready) {
    for (const { lower, span } of leaving.get(key) ?? []) {
      ranks.set(lower, Math.max(ranks.get(lower) ?? 0, (ranks.get(key) ?? 0) + span));
      const left = (missing.get(lower) ?? 0) - 1;
      missing.set(lower, left);
      if (left === 0) ready.push(lower);
    }
  }
  return ranks;
}

/** Gives an edge a lane through every rank that it passes. */
function link(
  edge: LayeredEdge,
  items: ReadonlyMap<string, Item>,
  reversed: ReadonlySet<LayeredEdge>,
  place: (item: Item) => Item,
): Chain | undefined {
  const isReversed = reversed.has(edge);
  const upper = items.get(isReversed ? edge.to : edge.from);
  const lower = items.get(isReversed ? edge.from : edge.to);
  if (!upper || !lower) return undefined;
  // The label stands next to the state that decides.
  const labelRank = edge.labelWidth === 0 ? -1 : isReversed ? lower.rank - 1 : upper.rank + 1;
  const lanes: Item[] = [];
  for (let at = upper.rank + 1; at < lower.rank; at++) {
    const labelled = at === labelRank;
    lanes.push(place(createItem(labelled ? edge.labelWidth : LANE_WIDTH, labelled ? LABEL_HEIGHT : 0, at)));
  }
  const chain = [upper, ...lanes, lower];
  for (const [index, item] of chain.entries()) {
    const next = chain[index + 1];
    if (!next) continue;
    item.below.push(next);
    next.above.push(item);
  }
  return {
    items: chain,
    label: labelRank === -1 ? undefined : lanes[labelRank - upper.rank - 1],
    reversed: isReversed,
  };
}

/** Sorts each rank by the middle of its neighbours, downwards and upwards in turn. */
function order(rows: readonly Item[][]): void {
  const positions = new Map<Item, number>();
  const note = (row: readonly Item[]): void => row.forEach((item, index) => positions.set(item, index));
  rows.forEach(note);
  for (let sweep = 0; sweep < ORDER_SWEEPS; sweep++) {
    const downwards = sweep % 2 === 0;
    for (const row of downwards ? rows : rows.toReversed()) {
      const wishes = new Map(
        row.map((item, index) => {
          const neighbours = downwards ? item.above : item.below;
          return [item, neighbours.length === 0 ? index : mean(neighbours.map((one) => positions.get(one) ?? 0))];
        }),
      );
      row.sort((one, other) => (wishes.get(one) ?? 0) - (wishes.get(other) ?? 0));
      note(row);
    }
  }
}

/** Moves items towards the middle of their neighbours as far as the row allows. */
function align(rows: readonly (readonly Item[])[]): void {
  for (const row of rows) spread(row, () => 0);
  for (let sweep = 0; sweep < ALIGN_SWEEPS; sweep++) {
    const downwards = sweep % 2 === 0;
    for (const row of downwards ? rows : rows.toReversed()) {
      spread(row, (item) => {
        const near = downwards ? item.above : item.below;
        return near.length === 0 ? item.x : mean(near.map(({ x }) => x));
      });
    }
  }
}

/** Places nearest to the wishes that keep order and distances: items that would overlap form a block around their mean. */
function spread(row: readonly Item[], wish: (item: Item) => number): void {
  const offsets: number[] = [];
  const blocks: { total: number; count: number }[] = [];
  row.forEach((item, index) => {
    const before = row[index - 1];
    offsets.push(before ? (offsets[index - 1] ?? 0) + (before.width + item.width) / 2 + NODE_GAP : 0);
    blocks.push({ total: wish(item) - (offsets[index] ?? 0), count: 1 });
    for (let last = blocks.at(-1), previous = blocks.at(-2); last && previous;) {
      if (previous.total / previous.count <= last.total / last.count) break;
      blocks.splice(-2, 2, { total: previous.total + last.total, count: previous.count + last.count });
      last = blocks.at(-1);
      previous = blocks.at(-2);
    }
  });
  const values = blocks.flatMap(({ total, count }) => new Array<number>(count).fill(total / count));
  row.forEach((item, index) => (item.x = (values[index] ?? 0) + (offsets[index] ?? 0)));
}

function measure(
  nodes: readonly LayeredNode[],
  edges: readonly LayeredEdge[],
  items: ReadonlyMap<string, Item>,
  chains: readonly (Chain | undefined)[],
  rows: readonly (readonly Item[])[],
): LayeredDrawing {
  const all = rows.flat();
  const left = Math.min(0, ...all.map(({ x, width }) => x - width / 2));
  for (const item of all) item.x -= left;
  const bands: Band[] = [];
  for (const row of rows) {
    const top = bands.length === 0 ? 0 : (bands.at(-1)?.bottom ?? 0) + RANK_GAP;
    bands.push({ top, bottom: top + Math.max(0, ...row.map(({ height }) => height)) });
  }
  const boxOf = ({ x, width, height, rank: at }: Item, actual = width): Place => {
    return { x: x - actual / 2, y: bands[at]?.top ?? 0, width: actual, height };
  };
  const places = new Map(
    nodes.flatMap(({ key, width }) => {
      const item = items.get(key);
      return item ? [[key, boxOf(item, width)] as const] : [];
    }),
  );
  const routes = edges.map(({ from }, index): Route => {
    const chain = chains[index];
    if (!chain) return { path: loopPath(places.get(from)) };
    const path = chainPath(chain, bands, (item) => boxOf(item));
    return chain.label ? { path, label: boxOf(chain.label) } : { path };
  });
  return {
    width: Math.max(0, ...all.map(({ x, width }) => x + width / 2)),
    height: bands.at(-1)?.bottom ?? 0,
    places,
    routes,
  };
}

interface Band {
  readonly top: number;
  readonly bottom: number;
}

/** Straight through the ranks, bent only between them, so that no line crosses a box. */
function chainPath({ items, reversed }: Chain, bands: readonly Band[], boxOf: (item: Item) => Place): string {
  const points: { x: number; y: number }[] = [];
  items.forEach((item, index) => {
    const { top = 0, bottom = 0 } = bands[item.rank] ?? {};
    const box = boxOf(item);
    const end = index === 0 || index === items.length - 1;
    // A line back does not lie on the line forth.
    const x = item.x + (reversed && end ? Math.min(item.width / 4, 30) : 0);
    points.push(
      { x, y: index === 0 ? box.y + box.height : top },
      { x, y: index === items.length - 1 ? box.y : bottom },
    );
  });
  const way = reversed ? points.reverse() : points;
  return way.reduce((path, { x, y }, index) => {
    const before = way[index - 1];
    if (!before) return `M${number(x)} ${number(y)}`;
    if (before.x === x) return before.y === y ? path : `${path}V${number(y)}`;
    const middle = number((before.y + y) / 2);
    return `${path}C${number(before.x)} ${middle} ${number(x)} ${middle} ${number(x)} ${number(y)}`;
  }, "");
}

function loopPath({ x, y, width, height }: Place = { x: 0, y: 0, width: 0, height: 0 }): string {
  const right = x + width;
  const far = number(right + LOOP_WIDTH * 1.2);
  const [from, to] = [y + height * 0.7, y + height * 0.3].map(number);
  return `M${number(right)} ${from ?? ""}C${far} ${from ?? ""} ${far} ${to ?? ""} ${number(right)} ${to ?? ""}`;
}

function number(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function groupBy<T>(values: readonly T[], keyOf: (value: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group) group.push(value);
    else groups.set(key, [value]);
  }
  return groups;
}
