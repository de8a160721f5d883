// Dashboards with their data: widgets as CloudWatch would draw them, with its shorthand and defaults resolved.
import { isJsonObject, type JsonObject, objectsOf } from "../core/json-api";
import type { AlarmState } from "./alarms";
import type { Dashboard } from "./dashboard";
import { readSeries, type SeriesQuery } from "./metric-series";
import { type DataPoint, isStatistic, type Metrics } from "./store";

/** One line, bar or number of a widget. */
export interface WidgetSeries {
  readonly id: string;
  readonly label: string;
  readonly color?: string;
  readonly yAxis: "left" | "right";
  readonly points: readonly DataPoint[];
}

/** A line across a chart. */
export interface WidgetAnnotation {
  readonly value: number;
  readonly label: string;
  readonly color?: string;
  readonly yAxis: "left" | "right";
}

/** A widget, ready to draw. Which members are filled depends on `kind`; the others are empty. */
export interface WidgetData {
  readonly kind: "timeSeries" | "singleValue" | "text" | "alarm" | "notSimulated";
  readonly title: string;
  /** As declared: "timeSeries", "bar", "gauge", "pie", … */
  readonly view: string;
  readonly x?: number;
  readonly y?: number;
  readonly width: number;
  readonly height: number;
  readonly series: readonly WidgetSeries[];
  readonly alarms: readonly { readonly name: string; readonly state: AlarmState }[];
  readonly markdown: string;
  readonly annotations: readonly WidgetAnnotation[];
  /** What has no data because the local run does not simulate it. */
  readonly notes: readonly string[];
}

/** A span of time, in milliseconds since the epoch. */
export interface WidgetRange {
  readonly from: number;
  readonly to: number;
}

/** Tells the state of an alarm by ARN; undefined when there is no such alarm. */
export type FindAlarm = (arn: string) => { readonly name: string; readonly state: AlarmState } | undefined;

const DEFAULT_SIZE = 6;
const DEFAULT_PERIOD_SECONDS = 300;

/** Reads all widgets of a dashboard. */
export function readWidgets(
  { body }: Pick<Dashboard, "body">,
  metrics: Metrics,
  findAlarm: FindAlarm,
  range: WidgetRange,
): readonly WidgetData[] {
  return objectsOf(body, "widgets").map((widget) => {
    const properties = isJsonObject(widget.properties) ? widget.properties : {};
    const view = textOf(properties.view) || "timeSeries";
    const place = {
      ...(typeof widget.x === "number" && typeof widget.y === "number" ? { x: widget.x, y: widget.y } : {}),
      width: Number(widget.width ?? DEFAULT_SIZE),
      height: Number(widget.height ?? DEFAULT_SIZE),
    };
    const empty = { series: [], alarms: [], markdown: "", annotations: [], notes: [] };
    const content = contentOf(textOf(widget.type), properties, { metrics, findAlarm, range });
    return { title: textOf(properties.title), view, ...place, ...empty, ...content };
  });
}

type Content = Partial<WidgetData> & Pick<WidgetData, "kind">;

interface Sources {
  readonly metrics: Metrics;
  readonly findAlarm: FindAlarm;
  readonly range: WidgetRange;
}

function contentOf(type: string, properties: JsonObject, sources: Sources): Content {
  if (type === "text") return { kind: "text", markdown: textOf(properties.markdown) };
  if (type === "alarm") return alarmsOf(properties.alarms, sources.findAlarm);
  if (type !== "metric") return { kind: "notSimulated", notes: [`widgets of type ${type}`] };
  const annotations = isJsonObject(properties.annotations) ? properties.annotations : {};
  if (properties.metrics === undefined) return alarmsOf(annotations.alarms, sources.findAlarm);
  return {
    kind: properties.view === "singleValue" ? "singleValue" : "timeSeries",
    annotations: objectsOf(annotations, "horizontal").flatMap(annotationOf),
    ...seriesOf(properties, sources),
  };
}

function alarmsOf(arns: unknown, findAlarm: FindAlarm): Content {
  const wanted: readonly unknown[] = Array.isArray(arns) ? arns : [];
  const alarms = wanted.map((arn) => {
    const { name, state } = findAlarm(textOf(arn)) ?? { name: textOf(arn), state: "INSUFFICIENT_DATA" as const };
    return { name, state };
  });
  return { kind: "alarm", alarms };
}

function annotationOf({ label, value, color, yAxis }: JsonObject): readonly WidgetAnnotation[] {
  if (typeof value !== "number") return [];
  return [{ value, label: textOf(label), yAxis: yAxis === "right" ? "right" : "left", ...colorOf(color) }];
}

function seriesOf(properties: JsonObject, { metrics, range }: Sources): Pick<WidgetData, "series" | "notes"> {
  const rows = rowsOf(properties.metrics);
  const queries = rows.map((row, index) => queryOf(row, index, properties));
  const series: WidgetSeries[] = [];
  const notes: string[] = [];
  for (const [index, { options }] of rows.entries()) {
    const query = queries[index];
    if (!query || options.visible === false) continue;
    try {
      checkQuery(query);
      const points = readSeries(metrics, queries, query.id, range.from, range.to);
      const label = textOf(options.label) || labelOf(query);
      series.push({
        id: query.id,
        label,
        yAxis: options.yAxis === "right" ? "right" : "left",
        points,
        ...colorOf(options.color),
      });
    } catch (error) {
      notes.push(error instanceof Error ? error.message : String(error));
    }
  }
  return { series, notes };
}

function checkQuery({ metric, expression }: SeriesQuery): void {
  if (metric && !isStatistic(metric.statistic)) throw new Error(`the statistic ${metric.statistic} is not simulated`);
  if (expression?.startsWith("SEARCH(")) throw new Error("the function SEARCH is not simulated by the local run");
}

interface Row {
  readonly texts: readonly string[];
  readonly options: JsonObject;
}

/** "." repeats one text of the row before, "..." all those that are not given anew. */
function rowsOf(rows: unknown): readonly Row[] {
  const resolved: Row[] = [];
  let before: readonly string[] = [];
  for (const row of Array.isArray(rows) ? (rows as readonly unknown[]) : []) {
    const parts: readonly unknown[] = Array.isArray(row) ? row : [];
    const given = parts.filter((part): part is string => typeof part === "string");
    const texts = spellOut(given, before);
    if (texts.length > 0) before = texts;
    resolved.push({ texts, options: parts.find(isJsonObject) ?? {} });
  }
  return resolved;
}

function spellOut(given: readonly string[], before: readonly string[]): readonly string[] {
  const [first, ...rest] = given;
  const texts = first === "..." ? [...before.slice(0, before.length - rest.length), ...rest] : given;
  return texts.map((text, index) => (text === "." ? (before[index] ?? text) : text));
}

function queryOf({ texts, options }: Row, index: number, properties: JsonObject): SeriesQuery {
  const id = textOf(options.id) || `unnamed${index}`;
  const periodSeconds = Number(options.period ?? properties.period ?? DEFAULT_PERIOD_SECONDS);
  if (typeof options.expression === "string") return { id, periodSeconds, expression: options.expression };
  const [namespace = "", name = "", ...rest] = texts;
  const dimensions: Record<string, string> = {};
  for (let at = 0; at + 1 < rest.length; at += 2) dimensions[rest[at] ?? ""] = rest[at + 1] ?? "";
  const statistic = textOf(options.stat) || textOf(properties.stat) || "Average";
  return { id, periodSeconds, metric: { namespace, name, dimensions, statistic } };
}

function labelOf({ metric, expression }: SeriesQuery): string {
  return metric?.name ?? expression ?? "";
}

function colorOf(color: unknown): { readonly color?: string } {
  return typeof color === "string" && /^#[0-9a-f]{6}$/i.test(color) ? { color } : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
