// What the console says about dashboards: the data that monitoring reads for each widget, and how its JSON wants them drawn.
import type { Cloud } from "../cloud";
import { isJsonObject, type JsonObject, objectsOf } from "../cloud/core/json-api";
import type { WidgetData, WidgetSeries } from "../cloud/monitoring/dashboard-data";
import type { MonitoringService } from "../cloud/monitoring/service";
import { findMonitoring } from "./alarms";
import type {
  AxisView,
  ChartWidget,
  DashboardView,
  MissingWidget,
  SeriesView,
  WidgetFrame,
  WidgetView,
} from "./web/state";

const VIEWS: readonly ChartWidget["view"][] = ["timeSeries", "bar", "singleValue", "gauge"];
const DEFAULT_PERIOD_SECONDS = 300;

/** Every declared dashboard with the data of the latest `minutes`. */
export function describeDashboards(cloud: Cloud, minutes: number): readonly DashboardView[] {
  const monitoring = findMonitoring(cloud);
  if (!monitoring) return [];
  const to = cloud.context.clock.now();
  const from = to - minutes * 60_000;
  return monitoring.dashboards().map(({ name, body }) => {
    const declared = objectsOf(body, "widgets");
    const widgets = monitoring
      .widgets(name, { from, to })
      .map((data, index) => describeWidget(data, propertiesOf(declared[index]), monitoring));
    return { name, from, to, widgets };
  });
}

function propertiesOf(widget: JsonObject | undefined): JsonObject {
  return isJsonObject(widget?.properties) ? widget.properties : {};
}

function describeWidget(data: WidgetData, properties: JsonObject, monitoring: MonitoringService): WidgetView {
  const { x, y, width, height, title, kind } = data;
  const frame: WidgetFrame = { ...(x === undefined || y === undefined ? {} : { x, y }), width, height, title };
  switch (kind) {
    case "text":
      return { ...frame, kind, markdown: data.markdown };
    case "alarm":
      return {
        ...frame,
        kind,
        alarms: data.alarms.map((alarm) => ({ ...alarm, reason: reasonOf(alarm, monitoring) })),
      };
    case "notSimulated":
      return { ...frame, kind: "not-simulated", reason: data.notes.join(", ") };
    default:
      return { ...frame, ...describeMetrics(data, properties) };
  }
}

function describeMetrics(
  { view, series, annotations, notes }: WidgetData,
  properties: JsonObject,
): ChartWidget | MissingWidget {
  const known = VIEWS.find((one) => one === view);
  if (!known) return { kind: "not-simulated", reason: `the view ${view}` };
  const axes = isJsonObject(properties.yAxis) ? properties.yAxis : {};
  return {
    kind: "metric",
    view: known,
    stacked: properties.stacked === true,
    legend: legendOf(properties.legend),
    sparkline: known === "singleValue" && properties.sparkline !== false,
    series: series.map((one) => describeSeries(one, properties)),
    annotations: annotations.map(({ yAxis, ...annotation }) => ({ ...annotation, axis: yAxis })),
    left: axisOf(axes.left),
    right: axisOf(axes.right),
    problems: notes,
  };
}

/** Period and statistic are the row's own, or the widget's. */
function describeSeries({ yAxis, ...series }: WidgetSeries, properties: JsonObject): SeriesView {
  const options = optionsOf(properties, series.id);
  return {
    ...series,
    axis: yAxis,
    stat: options.expression === undefined ? textOf(options.stat ?? properties.stat ?? "Average") : "expression",
    periodSeconds: Number(options.period ?? properties.period ?? DEFAULT_PERIOD_SECONDS),
  };
}

/** Options of the row that a series comes from: monitoring names rows without an id "unnamed" and their number. */
function optionsOf({ metrics }: JsonObject, id: string): JsonObject {
  const rows: readonly unknown[] = Array.isArray(metrics) ? metrics : [];
  const options = rows.map((row) => (Array.isArray(row) ? (row as unknown[]).find(isJsonObject) : undefined) ?? {});
  const number = /^unnamed(\d+)$/.exec(id)?.[1];
  return options.find((one) => one.id === id) ?? (number === undefined ? undefined : options[Number(number)]) ?? {};
}

function reasonOf({ name }: { readonly name: string }, monitoring: MonitoringService): string {
  return (
    monitoring
      .alarms()
      .find((alarm) => alarm.name === name)
      ?.history.at(-1)?.reason ?? ""
  );
}

function legendOf(legend: unknown): ChartWidget["legend"] {
  const position = isJsonObject(legend) ? legend.position : undefined;
  return position === "right" || position === "hidden" ? position : "bottom";
}

function axisOf(axis: unknown): AxisView {
  if (!isJsonObject(axis)) return {};
  const { min, max, label } = axis;
  return {
    ...(typeof min === "number" ? { min } : {}),
    ...(typeof max === "number" ? { max } : {}),
    ...(typeof label === "string" ? { label } : {}),
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
