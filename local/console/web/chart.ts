// Charts of dashboards: lines, stacked areas and bars over time, with axes, annotations, legend, hover and a table.
import { clockTime, element, shape } from "./dom.js";
import { createScale, formatNumber, timeTicks, type Scale } from "./scale.js";
import { nearestTime, type Point, splitAtGaps, stack, summarise, valueAt } from "./series.js";
import type { AnnotationView, ChartWidget, SeriesView } from "./state.js";

/** What a chart shows, and of which time. */
export interface ChartData {
  readonly title: string;
  readonly widget: ChartWidget;
  readonly from: number;
  readonly to: number;
}

/** A chart on the page: filled again whenever there are newer data. */
export interface Chart {
  readonly box: HTMLElement;
  update(data: ChartData): void;
}

interface Plot {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const MARGIN = { side: 46, empty: 20, top: 10, bottom: 22 };
const COLORS = 8;
const LINE_HEIGHT = 4;

/** A chart over time. Its size follows its box. */
export function createChart(): Chart {
  const drawing = element("div", { class: "chart-drawing" });
  const legend = element("ul", { class: "legend" });
  const box = element("div", { class: "chart" }, drawing, legend);
  let data: ChartData | undefined;
  let pointer: number | undefined;

  const draw = (): void => {
    const { clientWidth: width, clientHeight: height } = drawing;
    if (!data || width === 0 || height === 0) return;
    const { widget } = data;
    box.dataset.legend = widget.legend;
    const hovered =
      pointer === undefined
        ? undefined
        : nearestTime(pointsOf(widget), timeAt(data, plotOf(widget, width, height), pointer));
    drawing.replaceChildren(drawChart(data, width, height, hovered));
    legend.replaceChildren(...widget.series.map((series, index) => legendRow(series, index, hovered)));
    if (hovered !== undefined) legend.append(element("li", { class: "legend-time" }, clockTime(hovered)));
  };
  drawing.addEventListener("pointermove", ({ clientX }) => {
    pointer = clientX - drawing.getBoundingClientRect().left;
    draw();
  });
  drawing.addEventListener("pointerleave", () => {
    pointer = undefined;
    draw();
  });
  new ResizeObserver(draw).observe(drawing);
  return {
    box,
    update(next) {
      data = next;
      draw();
    },
  };
}

/** A line without axes, for lists and single values. @param threshold a value to mark. */
export function drawSparkline(
  points: readonly Point[],
  periodMs: number,
  label: string,
  threshold?: number,
): SVGElement {
  const width = 220;
  const height = 44;
  const values = points.map(({ value }) => value);
  const scale = createScale(threshold === undefined ? values : [...values, threshold], [height - 3, 3]);
  const from = points[0]?.at ?? 0;
  const reach = Math.max((points.at(-1)?.at ?? 0) - from, periodMs);
  const x = (at: number): number => 3 + ((at - from) / reach) * (width - 6);
  const drawing = shape("svg", {
    class: "sparkline",
    viewBox: `0 0 ${String(width)} ${String(height)}`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": summarise(label, points, formatNumber),
  });
  if (threshold !== undefined) {
    const y = scale.at(threshold);
    drawing.append(shape("line", { class: "threshold", x1: 0, x2: width, y1: y, y2: y }));
  }
  drawing.append(...drawRuns(points, periodMs, x, scale, 0));
  return drawing;
}

function drawChart(data: ChartData, width: number, height: number, hovered: number | undefined): SVGElement {
  const { widget, title, from, to } = data;
  const plot = plotOf(widget, width, height);
  const scales = scalesOf(widget, plot);
  const x = (at: number): number => plot.left + ((at - from) / (to - from)) * (plot.right - plot.left);
  const known = widget.series.some(({ points }) => points.length > 0);
  const drawing = shape("svg", {
    viewBox: `0 0 ${String(width)} ${String(height)}`,
    role: "img",
    "aria-label": [
      title || "Chart",
      ...widget.series.map(({ label, points }) => summarise(label, points, formatNumber)),
    ].join(". "),
  });
  drawing.append(...drawAxes(data, plot, scales, x));
  if (widget.view === "bar") drawing.append(...drawBars(widget, scales.left, plot));
  else if (widget.stacked) drawing.append(...drawAreas(widget, scales.left, x));
  else
    drawing.append(
      ...widget.series.flatMap(({ points, periodSeconds, axis, color }, index) =>
        drawRuns(points, periodSeconds * 1000, x, scales[axis], index, color),
      ),
    );
  drawing.append(...widget.annotations.flatMap((annotation) => drawAnnotation(annotation, plot, scales)));
  if (!known)
    drawing.append(
      shape(
        "text",
        { class: "no-data", x: (plot.left + plot.right) / 2, y: (plot.top + plot.bottom) / 2 },
        "No data yet",
      ),
    );
  if (hovered !== undefined && widget.view !== "bar")
    drawing.append(shape("line", { class: "cursor", x1: x(hovered), x2: x(hovered), y1: plot.top, y2: plot.bottom }));
  return drawing;
}

function plotOf(widget: ChartWidget, width: number, height: number): Plot {
  const twoAxes = widget.series.some(({ axis }) => axis === "right") && !widget.stacked;
  return {
    left: MARGIN.side,
    right: width - (twoAxes ? MARGIN.side : MARGIN.empty),
    top: MARGIN.top + (widget.left.label || widget.right.label ? 14 : 0),
    bottom: height - MARGIN.bottom,
  };
}

function timeAt({ from, to }: ChartData, { left, right }: Plot, pixel: number): number {
  return from + ((pixel - left) / (right - left)) * (to - from);
}

interface Scales {
  readonly left: Scale;
  readonly right: Scale;
}

function scalesOf(widget: ChartWidget, { top, bottom }: Plot): Scales {
  const valuesOn = (axis: "left" | "right"): number[] => [
    ...widget.annotations.filter((one) => one.axis === axis).map(({ value }) => value),
    ...widget.series.filter((one) => one.axis === axis).flatMap(({ points }) => points.map(({ value }) => value)),
  ];
  const tops = widget.stacked ? stack(pointsOf(widget)).flatMap((points) => points.map(({ high }) => high)) : [];
  return {
    left: createScale([...valuesOn("left"), ...tops], [bottom, top], widget.left),
    right: createScale(valuesOn("right"), [bottom, top], widget.right),
  };
}

function drawAxes(
  { widget, from, to }: ChartData,
  plot: Plot,
  scales: Scales,
  x: (at: number) => number,
): SVGElement[] {
  const { left, right, top, bottom } = plot;
  const rightShown = widget.series.some(({ axis }) => axis === "right") && !widget.stacked;
  const numbers = (scale: Scale, at: number, side: string): SVGElement[] =>
    scale.ticks.map((tick) =>
      shape("text", { class: `tick ${side}`, x: at, y: scale.at(tick) + LINE_HEIGHT }, formatNumber(tick)),
    );
  const times = widget.view === "bar" ? [] : timeTicks(from, to, Math.max(2, Math.floor((right - left) / 70)));
  return [
    ...scales.left.ticks.map((tick) =>
      shape("line", { class: "rule", x1: left, x2: right, y1: scales.left.at(tick), y2: scales.left.at(tick) }),
    ),
    ...numbers(scales.left, left - 6, "end"),
    ...(rightShown ? numbers(scales.right, right + 6, "start") : []),
    ...times.map((time) =>
      shape("text", { class: "tick middle", x: x(time), y: bottom + 16 }, clockTime(time).slice(0, 5)),
    ),
    ...(widget.left.label ? [shape("text", { class: "tick start", x: 4, y: top - 10 }, widget.left.label)] : []),
    ...(rightShown && widget.right.label
      ? [shape("text", { class: "tick end", x: right + MARGIN.side - 4, y: top - 10 }, widget.right.label)]
      : []),
  ];
}

/** Lines through neighbouring values; a value without neighbours is a dot. */
function drawRuns(
  points: readonly Point[],
  periodMs: number,
  x: (at: number) => number,
  scale: Scale,
  index: number,
  color?: string,
): SVGElement[] {
  return splitAtGaps(points, periodMs).map((run) => {
    const [first] = run;
    if (run.length === 1 && first)
      return paint(shape("circle", { class: "dot", cx: x(first.at), cy: scale.at(first.value), r: 2.5 }), index, color);
    const path = run.map(({ at, value }) => `${x(at).toFixed(1)} ${scale.at(value).toFixed(1)}`).join("L");
    return paint(shape("path", { class: "line", d: `M${path}` }), index, color);
  });
}

function drawAreas(widget: ChartWidget, scale: Scale, x: (at: number) => number): SVGElement[] {
  return stack(pointsOf(widget)).map((points, index) => {
    const at = (time: number, value: number): string => `${x(time).toFixed(1)} ${scale.at(value).toFixed(1)}`;
    const upper = points.map((point) => at(point.at, point.high));
    const lower = [...points].reverse().map((point) => at(point.at, point.low));
    const d = points.length === 0 ? "" : `M${[...upper, ...lower].join("L")}Z`;
    return paint(shape("path", { class: "area", d }), index, widget.series[index]?.color);
  });
}

/** CloudWatch's bars compare series by their latest value. */
function drawBars({ series }: ChartWidget, scale: Scale, { left, right, bottom }: Plot): SVGElement[] {
  const room = (right - left) / Math.max(series.length, 1);
  const width = Math.min(room * 0.6, 80);
  return series.flatMap(({ label, points, color }, index) => {
    const value = valueAt(points) ?? 0;
    const middle = left + room * (index + 0.5);
    const y = scale.at(value);
    const bar = shape("rect", {
      class: "bar",
      x: middle - width / 2,
      width,
      y: Math.min(y, scale.at(0)),
      height: Math.abs(scale.at(0) - y),
    });
    const name = shape("text", { class: "tick middle", x: middle, y: bottom + 16 }, shorten(label, room / 7));
    return [paint(bar, index, color), name];
  });
}

function drawAnnotation({ label, value, color, axis }: AnnotationView, plot: Plot, scales: Scales): SVGElement[] {
  const scale = scales[axis];
  if (value < scale.low || value > scale.high) return [];
  const y = scale.at(value);
  const line = shape("line", { class: "annotation", x1: plot.left, x2: plot.right, y1: y, y2: y });
  if (color) line.setAttribute("stroke", color);
  const above = y - 4 > plot.top + 8;
  return [
    line,
    shape(
      "text",
      { class: "tick end mark", x: plot.right - 4, y: above ? y - 4 : y + 13 },
      label || formatNumber(value),
    ),
  ];
}

function legendRow(
  { label, stat, periodSeconds, points, color, axis }: SeriesView,
  index: number,
  at?: number,
): HTMLElement {
  const swatch = shape("svg", { class: "swatch", viewBox: "0 0 10 10", "aria-hidden": "true" });
  swatch.append(paint(shape("rect", { class: "bar", width: 10, height: 10, rx: 2 }), index, color));
  const value = valueAt(points, at);
  return element(
    "li",
    { title: `${stat} over ${String(periodSeconds)} s${axis === "right" ? ", right axis" : ""}` },
    swatch,
    element("span", { class: "legend-label" }, label),
    element("span", { class: "legend-value" }, value === undefined ? "–" : formatNumber(value)),
  );
}

/** The values as a table, latest first. */
export function createValueTable({ widget, title }: ChartData): HTMLElement {
  const times = [...new Set(widget.series.flatMap(({ points }) => points.map(({ at }) => at)))].sort((a, b) => b - a);
  const cell = (series: SeriesView, at: number): HTMLElement => {
    const value = valueAt(series.points, at);
    return element("td", {}, value === undefined ? "–" : formatNumber(value));
  };
  return element(
    "table",
    {},
    element("caption", { class: "visually-hidden" }, title),
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        element("th", { scope: "col" }, "Time"),
        ...widget.series.map(({ label, stat }) => element("th", { scope: "col" }, `${label} (${stat})`)),
      ),
    ),
    element(
      "tbody",
      {},
      ...times.map((at) =>
        element(
          "tr",
          {},
          element("th", { scope: "row" }, clockTime(at)),
          ...widget.series.map((series) => cell(series, at)),
        ),
      ),
    ),
  );
}

function pointsOf({ series }: ChartWidget): readonly (readonly Point[])[] {
  return series.map(({ points }) => points);
}

/** The dashboard's own colour, or one of ours that fits light and dark. */
function paint(mark: SVGElement, index: number, color?: string): SVGElement {
  mark.classList.add(`series-${String(index % COLORS)}`);
  if (color !== undefined) mark.style.setProperty("--series", color);
  return mark;
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(1, Math.floor(length) - 1))}…`;
}
