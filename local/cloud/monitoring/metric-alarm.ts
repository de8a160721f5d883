// Resource model of a metric alarm, with the checks of PutMetricAlarm.
import { InputReader, nameOf, regionOf, tagOutputs, textIn } from "../core/input-reader";
import type { JsonObject } from "../core/json-api";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../core/resource-model";
import { type AlarmMetric, type Alarms, type AlarmSettings, type AlarmSource, COMPARISON_OPERATORS } from "./alarms";
import { checkActions } from "./composite-alarm";
import { compileMath, type MathExpression } from "./metric-math";
import { isStatistic } from "./store";

const STATISTICS = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"];
const MISSING_DATA = ["breaching", "notBreaching", "ignore", "missing"];
const LOW_SAMPLES = ["evaluate", "ignore"];
const MAX_DIMENSIONS = 30;
const MAX_QUERIES = 20;
/** Longest span that an alarm may look at: a week for periods of an hour and more, else a day. */
const DAY_SECONDS = 86_400;

const MEMBERS = [
  "name",
  "alarmDescription",
  "actionsEnabled",
  "alarmActions",
  "okActions",
  "insufficientDataActions",
  "comparisonOperator",
  "threshold",
  "evaluationPeriods",
  "datapointsToAlarm",
  "treatMissingData",
  "metricName",
  "namespace",
  "dimensions",
  "statistic",
  "extendedStatistic",
  "evaluateLowSampleCountPercentiles",
  "period",
  "unit",
  "metricQueries",
  "region",
  "tags",
] as const;

/** Model of `aws.cloudwatch.MetricAlarm`. */
export function metricAlarmModel(alarms: Alarms): ResourceModel {
  const put = (inputs: PropertyMap, context: ResourceContext, name: string): RealisedResource => {
    const settings = settingsOf(inputs, context, name);
    alarms.put(settings);
    const defaults = { actionsEnabled: true, treatMissingData: "missing" };
    const facts = { id: name, name, arn: settings.arn, region: settings.region };
    return { id: name, outputs: { ...defaults, ...inputs, ...facts, ...tagOutputs(inputs, context) } };
  };
  return {
    type: "aws:cloudwatch/metricAlarm:MetricAlarm",
    fidelity: "realised",
    summary:
      "An alarm that is evaluated on the local clock, with its event, messages to topics (kept, not delivered) and functions. Anomaly detection and other actions are refused.",
    check: (inputs) => checkMetricAlarm(inputs),
    create: async (inputs, context) => put(inputs, context, nameOf(inputs, context, 255)),
    update: async (_id, inputs, old, context) => {
      const updated = put(inputs, context, nameOf(inputs, context, 255, old));
      if (updated.outputs.arn !== old.arn) alarms.delete(textIn(old, "arn"));
      return updated;
    },
    delete: async (_id, outputs) => alarms.delete(textIn(outputs, "arn")),
  };
}

function checkMetricAlarm(inputs: PropertyMap): InputReader["problems"] {
  const reader = new InputReader(inputs);
  reader.allowOnly(...MEMBERS);
  reader.matching("name", /^.{1,255}$/s, "1 to 255 characters");
  reader.requiredText("comparisonOperator");
  reader.choice("comparisonOperator", COMPARISON_OPERATORS);
  if (reader.number("threshold") === undefined) reader.refuse("threshold", "is required");
  if (!reader.has("evaluationPeriods")) reader.refuse("evaluationPeriods", "is required");
  const periods = reader.integer("evaluationPeriods", 1, 10_080) ?? 1;
  reader.integer("datapointsToAlarm", 1, periods);
  reader.choice("treatMissingData", MISSING_DATA);
  reader.choice("evaluateLowSampleCountPercentiles", LOW_SAMPLES);
  for (const name of ["alarmActions", "okActions", "insufficientDataActions"]) checkActions(reader, name);
  if (reader.has("metricQueries")) checkQueries(reader, periods);
  else checkSingleMetric(reader, periods);
  return reader.problems;
}

function checkSingleMetric(reader: InputReader, periods: number): void {
  reader.requiredText("metricName");
  reader.requiredText("namespace");
  checkDimensions(reader);
  const statistic = reader.choice("statistic", STATISTICS);
  const extended = reader.text("extendedStatistic");
  if (statistic && extended) reader.refuse("extendedStatistic", "must be left out beside statistic");
  if (!statistic && !extended) reader.refuse("statistic", "or extendedStatistic is required");
  if (extended && !extended.startsWith("p"))
    reader.refuse("extendedStatistic", "other than percentiles is not simulated by the local run");
  else if (extended && !isStatistic(extended)) reader.refuse("extendedStatistic", "must be between p0 and p100");
  checkPeriod(reader, "period", periods);
}

function checkDimensions(reader: InputReader): void {
  const count = Object.keys(reader.textMap("dimensions")).length;
  if (count > MAX_DIMENSIONS) reader.refuse("dimensions", `must be at most ${MAX_DIMENSIONS}, got ${count}`);
}

function checkPeriod(reader: InputReader, name: string, evaluationPeriods: number): void {
  const period = reader.number(name);
  if (period === undefined) {
    reader.refuse(name, "is required");
    return;
  }
  if (![10, 20, 30].includes(period) && (period < 60 || period % 60 !== 0)) {
    reader.refuse(name, `must be 10, 20, 30 or a multiple of 60, got ${period}`);
    return;
  }
  const longest = period >= 3600 ? 7 * DAY_SECONDS : DAY_SECONDS;
  if (period * evaluationPeriods > longest) {
    reader.refuse(
      "evaluationPeriods",
      `times period must be at most ${longest} seconds, got ${period * evaluationPeriods}`,
    );
  }
}

function checkQueries(reader: InputReader, periods: number): void {
  for (const name of ["metricName", "namespace", "statistic", "extendedStatistic", "period", "dimensions", "unit"]) {
    if (reader.has(name)) reader.refuse(name, "must be left out beside metricQueries");
  }
  const queries = reader.list("metricQueries");
  if (queries.length > MAX_QUERIES)
    reader.refuse("metricQueries", `must be at most ${MAX_QUERIES}, got ${queries.length}`);
  const ids = queries.map((query) => query.text("id") ?? "");
  for (const id of new Set(ids)) {
    if (ids.indexOf(id) !== ids.lastIndexOf(id))
      reader.refuse("metricQueries", `must have ids of their own; used twice: ${id}`);
  }
  for (const query of queries) checkQuery(query, new Set(ids), periods);
  const results = queries.filter((query) => query.flag("returnData") === true).length;
  if (results !== 1) reader.refuse("metricQueries", `must have returnData: true exactly once, got ${results}`);
}

function checkQuery(query: InputReader, ids: ReadonlySet<string>, periods: number): void {
  query.allowOnly("id", "expression", "label", "metric", "returnData", "period");
  query.requiredText("id");
  query.matching("id", /^[a-z][a-zA-Z0-9_]*$/, "a lower-case letter followed by letters, digits or '_'");
  const expression = query.text("expression");
  const metric = query.nested("metric");
  if ((expression === undefined) === (metric === undefined))
    query.refuse("expression", "or metric is required, not both");
  if (expression !== undefined) {
    try {
      compileMath(expression, ids);
    } catch (error) {
      query.refuse("expression", error instanceof Error ? error.message : String(error));
    }
  }
  if (metric) checkQueryMetric(metric, periods);
}

function checkQueryMetric(metric: InputReader, periods: number): void {
  metric.allowOnly("metricName", "namespace", "dimensions", "period", "stat", "unit");
  metric.requiredText("metricName");
  metric.requiredText("namespace");
  checkDimensions(metric);
  const statistic = metric.requiredText("stat");
  if (statistic && !isStatistic(statistic)) metric.refuse("stat", `must be ${STATISTICS.join(", ")} or a percentile`);
  checkPeriod(metric, "period", periods);
}

function settingsOf(inputs: PropertyMap, context: ResourceContext, name: string): AlarmSettings {
  const reader = new InputReader(inputs);
  const region = regionOf(inputs, context);
  const evaluationPeriods = reader.number("evaluationPeriods") ?? 1;
  const queryPeriods = reader.list("metricQueries").map((query) => query.nested("metric")?.number("period"));
  return {
    name,
    arn: `arn:aws:cloudwatch:${region}:${context.accountId}:alarm:${name}`,
    accountId: context.accountId,
    region,
    urn: context.urn,
    source: reader.has("metricQueries") ? querySource(reader) : singleSource(reader),
    comparison: reader.text("comparisonOperator") ?? "",
    threshold: reader.number("threshold") ?? 0,
    periodSeconds: reader.number("period") ?? queryPeriods.find((period) => period !== undefined) ?? 60,
    evaluationPeriods,
    datapointsToAlarm: reader.number("datapointsToAlarm") ?? evaluationPeriods,
    treatMissingData: reader.text("treatMissingData") ?? "missing",
    actionsEnabled: reader.flag("actionsEnabled") !== false,
    actions: {
      ALARM: reader.texts("alarmActions"),
      OK: reader.texts("okActions"),
      INSUFFICIENT_DATA: reader.texts("insufficientDataActions"),
    },
    configuration: configurationOf(reader),
    trigger: {
      ...(reader.has("metricQueries")
        ? { Metrics: metricsOf(reader) }
        : { MetricName: reader.text("metricName"), Namespace: reader.text("namespace"), StatisticType: "Statistic" }),
      Period: reader.number("period") ?? queryPeriods.find((period) => period !== undefined) ?? 60,
      EvaluationPeriods: evaluationPeriods,
      DatapointsToAlarm: reader.number("datapointsToAlarm") ?? evaluationPeriods,
      ComparisonOperator: reader.text("comparisonOperator"),
      Threshold: reader.number("threshold"),
      TreatMissingData: reader.text("treatMissingData") ?? "missing",
    },
  };
}

function configurationOf(reader: InputReader): JsonObject {
  const description = reader.text("alarmDescription");
  return { ...(description ? { description } : {}), metrics: metricsOf(reader) };
}

/** Metrics as events show them. */
function metricsOf(reader: InputReader): readonly JsonObject[] {
  const statOf = (metric: InputReader, stat: string | undefined): JsonObject => ({
    metric: {
      dimensions: metric.textMap("dimensions"),
      name: metric.text("metricName"),
      namespace: metric.text("namespace"),
    },
    period: metric.number("period"),
    stat,
  });
  if (!reader.has("metricQueries")) {
    const stat = reader.text("statistic") ?? reader.text("extendedStatistic");
    return [{ id: "m1", metricStat: statOf(reader, stat), returnData: true }];
  }
  return reader.list("metricQueries").map((query) => {
    const metric = query.nested("metric");
    const [id, expression, label] = [query.text("id"), query.text("expression"), query.text("label")];
    const content = metric ? { metricStat: statOf(metric, metric.text("stat")) } : { expression };
    return { id, ...(label ? { label } : {}), ...content, returnData: query.flag("returnData") === true };
  });
}

function singleSource(reader: InputReader): AlarmSource {
  const statistic = reader.text("statistic") ?? reader.text("extendedStatistic") ?? "";
  return { metrics: new Map([["m", metricOf(reader, statistic)]]), expressions: new Map(), result: "m" };
}

function metricOf(reader: InputReader, statistic: string): AlarmMetric {
  const dimensions = reader.textMap("dimensions");
  return { namespace: reader.text("namespace") ?? "", name: reader.text("metricName") ?? "", dimensions, statistic };
}

function querySource(reader: InputReader): AlarmSource {
  const metrics = new Map<string, AlarmMetric>();
  const expressions = new Map<string, MathExpression>();
  let result = "";
  const queries = reader.list("metricQueries");
  const ids = new Set(queries.map((query) => query.text("id") ?? ""));
  for (const query of queries) {
    const id = query.text("id") ?? "";
    const metric = query.nested("metric");
    if (metric) metrics.set(id, metricOf(metric, metric.text("stat") ?? ""));
    else expressions.set(id, compileMath(query.text("expression") ?? "", ids));
    if (query.flag("returnData")) result = id;
  }
  return { metrics, expressions, result };
}
