// Resource model of a dashboard, with the checks of PutDashboard.
import { InputReader, regionOf, textIn } from "../core/input-reader";
import { isJsonObject, type JsonObject, objectsOf } from "../core/json-api";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../core/resource-model";

/** A dashboard as it is declared. */
export interface Dashboard {
  readonly name: string;
  readonly arn: string;
  readonly urn: string;
  /** The parsed body. */
  readonly body: JsonObject;
}

const MAX_WIDGETS = 500;
const GRID_WIDTH = 24;
const GRID_HEIGHT = 1000;
/** Widget types, and the properties that each needs. */
const WIDGETS: Readonly<Record<string, readonly string[]>> = {
  metric: ["region"],
  text: ["markdown"],
  log: ["query", "region"],
  alarm: ["alarms"],
  explorer: ["metrics"],
};

/** Model of `aws.cloudwatch.Dashboard`. */
export function dashboardModel(dashboards: Map<string, Dashboard>): ResourceModel {
  const put = (inputs: PropertyMap, context: ResourceContext): RealisedResource => {
    const name = textIn(inputs, "dashboardName");
    // Dashboards are global: their ARN names no Region.
    const arn = `arn:aws:cloudwatch::${context.accountId}:dashboard/${name}`;
    const body = JSON.parse(textIn(inputs, "dashboardBody")) as JsonObject;
    dashboards.set(arn, { name, arn, urn: context.urn, body });
    return { id: name, outputs: { ...inputs, id: name, dashboardArn: arn, region: regionOf(inputs, context) } };
  };
  return {
    type: "aws:cloudwatch/dashboard:Dashboard",
    fidelity: "realised",
    summary: "A checked dashboard that the local console can show.",
    check: (inputs) => checkDashboard(inputs),
    create: async (inputs, context) => put(inputs, context),
    update: async (_id, inputs, old, context) => {
      if (old.dashboardName !== inputs.dashboardName) dashboards.delete(textIn(old, "dashboardArn"));
      return put(inputs, context);
    },
    delete: async (_id, outputs) => void dashboards.delete(textIn(outputs, "dashboardArn")),
  };
}

function checkDashboard(inputs: PropertyMap): InputReader["problems"] {
  const reader = new InputReader(inputs);
  reader.allowOnly("dashboardName", "dashboardBody", "region");
  reader.requiredText("dashboardName");
  reader.matching("dashboardName", /^[A-Za-z0-9_-]{1,255}$/, "1 to 255 letters, digits, '-' or '_'");
  const text = reader.requiredText("dashboardBody");
  if (text === undefined) return reader.problems;
  const body = parse(text);
  if (!isJsonObject(body)) reader.refuse("dashboardBody", "must be a JSON object");
  else for (const reason of bodyProblems(body)) reader.refuse("dashboardBody", reason);
  return reader.problems;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function bodyProblems(body: JsonObject): readonly string[] {
  const { widgets } = body;
  if (!Array.isArray(widgets)) return ["must have a list of widgets"];
  const tooMany =
    widgets.length > MAX_WIDGETS ? [`must have at most ${MAX_WIDGETS} widgets, got ${widgets.length}`] : [];
  return [...tooMany, ...widgets.flatMap((widget: unknown, index) => widgetProblems(widget, `widgets[${index}]`))];
}

function widgetProblems(widget: unknown, path: string): readonly string[] {
  if (!isJsonObject(widget)) return [`${path} must be an object`];
  const type = String(widget.type);
  const needed = Object.hasOwn(WIDGETS, type) ? WIDGETS[type] : undefined;
  if (!needed) return [`${path}.type must be one of ${Object.keys(WIDGETS).join(", ")}, got ${type}`];
  const { properties } = widget;
  if (!isJsonObject(properties)) return [`${path}.properties is required`, ...placeProblems(widget, path)];
  const missing = needed.filter((name) => properties[name] === undefined);
  return [
    ...missing.map((name) => `${path}.properties.${name} is required`),
    ...(type === "metric" ? metricProblems(properties, `${path}.properties`) : []),
    ...placeProblems(widget, path),
  ];
}

function placeProblems(widget: JsonObject, path: string): readonly string[] {
  const bounds = {
    x: [0, GRID_WIDTH - 1],
    y: [0, Number.MAX_SAFE_INTEGER],
    width: [1, GRID_WIDTH],
    height: [1, GRID_HEIGHT],
  };
  return Object.entries(bounds).flatMap(([name, [low = 0, high = 0]]) => {
    const value = widget[name];
    if (value === undefined) return [];
    const fits = Number.isInteger(value) && Number(value) >= low && Number(value) <= high;
    return fits ? [] : [`${path}.${name} must be a whole number between ${low} and ${high}`];
  });
}

/** Metrics are lists [namespace, name, dimension, value, …, options], or an expression alone. */
function metricProblems(properties: JsonObject, path: string): readonly string[] {
  const { metrics } = properties;
  if (metrics === undefined) {
    const annotations = isJsonObject(properties.annotations) ? properties.annotations : {};
    return Array.isArray(annotations.alarms) ? [] : [`${path} needs metrics or annotations.alarms`];
  }
  if (!Array.isArray(metrics)) return [`${path}.metrics must be a list of lists`];
  return metrics.flatMap((metric: unknown, index) => {
    const where = `${path}.metrics[${index}]`;
    if (!Array.isArray(metric) || metric.length === 0) return [`${where} must be a list`];
    const texts = metric.filter((part) => !isJsonObject(part));
    const [options] = objectsOf({ metric }, "metric");
    if (texts.length === 0)
      return options?.expression ? [] : [`${where} needs a namespace and a name, or an expression`];
    if (texts.some((part) => typeof part !== "string")) return [`${where} must hold texts, then options`];
    return texts.length % 2 === 0 ? [] : [`${where} must name a value for each dimension`];
  });
}
