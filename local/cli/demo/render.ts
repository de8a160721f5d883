// What the demonstration shows: a row each time something has happened, a chart of characters, a summary, and an SVG.
import { drawPanels, type Panel } from "../../../tools/chart";
import { describeDuration } from "../values";
import type { Sample } from "./run";
import { type Reading, SYSTEM_NAMES, type SystemName } from "./systems";

const TITLES: Readonly<Record<SystemName, string>> = {
  reserved: "reserved concurrency",
  maximum: "maximum concurrency",
};
const MEASURES = [
  ["processed", "Messages processed"],
  ["throttles", "Throttled invocations"],
  ["concurrency", "Concurrent invocations"],
  ["deadLetters", "Messages in the dead-letter queue"],
] as const satisfies readonly (readonly [keyof Reading, string])[];
const COLUMNS = [
  ["processed", "processed"],
  ["concurrency", "running"],
  ["throttles", "throttles"],
  ["deadLetters", "dead letters"],
] as const satisfies readonly (readonly [keyof Reading, string])[];
const TIME_WIDTH = 8;
const GAP = "   │ ";
const BLOCKS = "▁▂▃▄▅▆▇█";
const CHART_WIDTH = 60;
const LABEL_WIDTH = 24;

/** The two lines above the rows. */
export function renderHead(): string {
  const names = COLUMNS.map(([, title]) => title).join("  ");
  const titles = SYSTEM_NAMES.map((name) => TITLES[name].padEnd(names.length)).join(GAP);
  return `${" ".repeat(TIME_WIDTH)}${titles.trimEnd()}\n${"time".padEnd(TIME_WIDTH)}${SYSTEM_NAMES.map(() => names).join(GAP)}\n`;
}

/** One row. */
export function renderRow({ seconds, readings }: Sample): string {
  const cells = SYSTEM_NAMES.map((name) =>
    COLUMNS.map(([measure, title]) => String(readings[name][measure]).padStart(title.length)).join("  "),
  );
  return `${`${seconds} s`.padEnd(TIME_WIDTH)}${cells.join(GAP)}\n`;
}

/** A chart of characters: one line per measure and system, on a common scale per measure. */
export function renderChart(samples: readonly Sample[]): string {
  const blocks = MEASURES.map(([measure, title]) => {
    const series = SYSTEM_NAMES.map((name) => samples.map(({ readings }) => readings[name][measure]));
    const most = Math.max(1, ...series.flat());
    const lines = series.map((values, index) => {
      const label = `  ${TITLES[SYSTEM_NAMES[index] ?? "maximum"]}`.padEnd(LABEL_WIDTH);
      return `${label}${drawSparks(values, most)} ${values.at(-1) ?? 0}`;
    });
    return [`${title} (0 to ${most})`, ...lines].join("\n");
  });
  return `${blocks.join("\n")}\n`;
}

/** What happened, in a sentence per system. */
export function renderSummary(samples: readonly Sample[], messages: number): string {
  const last = samples.at(-1);
  if (!last) return "";
  return SYSTEM_NAMES.map((name) => {
    const { processed, throttles, deadLetters } = last.readings[name];
    const most = Math.max(...samples.map(({ readings }) => readings[name].concurrency));
    const rest = samples.find(({ readings, seconds }) => seconds > 0 && readings[name].left === 0);
    const time = rest ? `, empty after ${describeDuration(rest.seconds * 1000)}` : "";
    return (
      `${TITLES[name]}: ${processed} of ${messages} processed, ${throttles} throttles, ` +
      `${deadLetters} in the dead-letter queue, at most ${most} at a time${time}.\n`
    );
  }).join("");
}

/** The chart as SVG. */
export function renderSvg(samples: readonly Sample[], title: string): string {
  const panels: Panel[] = MEASURES.map(([measure, heading]) => ({
    title: heading,
    lines: SYSTEM_NAMES.map((name) => ({
      label: TITLES[name],
      points: samples.map(({ seconds, readings }) => [seconds, readings[name][measure]] as const),
    })),
  }));
  return drawPanels(title, panels);
}

/** The highest value of each span, so that no peak is lost. */
function drawSparks(values: readonly number[], most: number): string {
  const width = Math.min(CHART_WIDTH, values.length);
  return Array.from({ length: width }, (_, index) => {
    const from = Math.floor((index * values.length) / width);
    const to = Math.max(from + 1, Math.floor(((index + 1) * values.length) / width));
    const value = Math.max(...values.slice(from, to));
    if (value === 0) return " ";
    return BLOCKS[Math.min(BLOCKS.length - 1, Math.floor((value / most) * (BLOCKS.length - 1)))] ?? "";
  }).join("");
}
