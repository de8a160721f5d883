// A bar chart as SVG, readable on light and dark pages.

/** One bar. */
export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Written behind the bar. */
  readonly note: string;
}

const ROW = 34;
const LEFT = 300;
const WIDTH = 860;

/** Draws bars from a common zero. */
export function drawBars(title: string, bars: readonly Bar[]): string {
  const most = Math.max(...bars.map(({ value }) => value));
  const rows = bars.map(({ label, value, note }, index) => {
    const y = 56 + index * ROW;
    const width = ((WIDTH - LEFT - 190) * value) / most;
    return [
      `<text x="${String(LEFT - 12)}" y="${String(y + 16)}" text-anchor="end">${escape(label)}</text>`,
      `<rect x="${String(LEFT)}" y="${String(y)}" width="${width.toFixed(1)}" height="22" rx="4"/>`,
      `<text x="${(LEFT + width + 8).toFixed(1)}" y="${String(y + 16)}">${escape(note)}</text>`,
    ].join("");
  });
  const height = 70 + bars.length * ROW;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(WIDTH)} ${String(height)}" role="img" aria-label="${escape(title)}">
<style>svg{font:14px system-ui,sans-serif}text{fill:#57606a}.title{font-weight:600}rect{fill:#1f6feb}@media(prefers-color-scheme:dark){text{fill:#a0aebb}rect{fill:#6cb0ff}}</style>
<text class="title" x="${String(LEFT)}" y="30">${escape(title)}</text>
${rows.join("\n")}
</svg>
`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
