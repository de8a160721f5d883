// Charts as SVG, readable on light and dark pages.

/** One bar. */
export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Written behind the bar. */
  readonly note: string;
}

/** One line over time. */
export interface Line {
  readonly label: string;
  /** Seconds from the start, and value. */
  readonly points: readonly (readonly [seconds: number, value: number])[];
}

/** Lines of one measure, over a common time. */
export interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
}

const WIDTH = 860;
const BARS = { row: 34, left: 300, note: 190 };
const PANEL = { height: 190, plot: 120, left: 60, right: 20, top: 44 };
/** Told apart by colour and by dashes. */
const LINE_KINDS = ["a", "b"] as const;

/** Draws bars from a common zero. */
export function drawBars(title: string, bars: readonly Bar[]): string {
  const most = Math.max(...bars.map(({ value }) => value));
  const rows = bars.map(({ label, value, note }, index) => {
    const y = 56 + index * BARS.row;
    const width = ((WIDTH - BARS.left - BARS.note) * value) / most;
    return [
      text(BARS.left - 12, y + 16, label, 'text-anchor="end"'),
      `<rect x="${BARS.left}" y="${y}" width="${width.toFixed(1)}" height="22" rx="4"/>`,
      text(BARS.left + width + 8, y + 16, note),
    ].join("");
  });
  return frame(title, 70 + bars.length * BARS.row, BARS.left, rows);
}

/** Draws panels below each other, each with its own scale from zero. */
export function drawPanels(title: string, panels: readonly Panel[]): string {
  const seconds = Math.max(
    1,
    ...panels.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(([at]) => at))),
  );
  const drawn = panels.map((panel, index) => drawPanel(panel, 40 + index * PANEL.height, seconds));
  const y = 40 + panels.length * PANEL.height;
  return frame(title, y + 16, PANEL.left, [
    ...drawn,
    text(WIDTH - PANEL.right, y, `${seconds} s`, 'text-anchor="end"'),
  ]);
}

function drawPanel({ title, lines }: Panel, y: number, seconds: number): string {
  const most = Math.max(1, ...lines.flatMap(({ points }) => points.map(([, value]) => value)));
  const base = y + PANEL.top + PANEL.plot;
  const width = WIDTH - PANEL.left - PANEL.right;
  const place = ([at, value]: readonly [number, number]): string =>
    `${(PANEL.left + (width * at) / seconds).toFixed(1)},${(base - (PANEL.plot * value) / most).toFixed(1)}`;
  let x = PANEL.left;
  const drawn = lines.map(({ label, points }, index) => {
    const kind = LINE_KINDS[index % LINE_KINDS.length] ?? "a";
    const legend = `${label}: ${points.at(-1)?.[1] ?? 0} at the end`;
    const parts = [
      `<polyline class="${kind}" points="${points.map(place).join(" ")}"/>`,
      `<path class="${kind}" d="M${x} ${y + 30}h24"/>`,
      text(x + 32, y + 34, legend),
    ];
    // Fonts differ: the widest usual ones take 8 units per character.
    x += 32 + legend.length * 8 + 24;
    return parts.join("");
  });
  return [
    text(PANEL.left, y + 14, title, 'class="title"'),
    `<path class="axis" d="M${PANEL.left} ${y + PANEL.top}V${base}H${WIDTH - PANEL.right}"/>`,
    text(PANEL.left - 8, y + PANEL.top + 10, String(most), 'text-anchor="end"'),
    text(PANEL.left - 8, base, "0", 'text-anchor="end"'),
    ...drawn,
  ].join("");
}

function text(x: number, y: number, content: string, attributes = ""): string {
  return `<text x="${Number(x.toFixed(1))}" y="${y}"${attributes && ` ${attributes}`}>${escape(content)}</text>`;
}

const STYLE = [
  "svg{font:14px system-ui,sans-serif}text{fill:#57606a}.title{font-weight:600}rect{fill:#1f6feb}",
  "polyline,path{fill:none;stroke-width:2}.axis{stroke:#afb8c1;stroke-width:1}.a{stroke:#cf222e}.b{stroke:#1f6feb;stroke-dasharray:7 3}",
  "@media(prefers-color-scheme:dark){text{fill:#a0aebb}rect{fill:#6cb0ff}.axis{stroke:#57606a}.a{stroke:#ff7b72}.b{stroke:#6cb0ff}}",
].join("");

function frame(title: string, height: number, left: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(title)}">
<style>${STYLE}</style>
${text(left, 30, title, 'class="title"')}
${parts.join("\n")}
</svg>
`;
}

function escape(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
