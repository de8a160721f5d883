// The data plane of CloudWatch: PutMetricData, GetMetricData, ListMetrics, DescribeAlarms.
import { AwsError, NotSimulatedError } from "../core/errors";
import {
  isJsonObject,
  type JsonObject,
  type JsonOperation,
  numberOf,
  objectsOf,
  textOf,
  textsOf,
} from "../core/json-api";
import type { CloudContext, GatewayCall } from "../core/service";
import type { Alarm, Alarms, CompositeAlarm } from "./alarms";
import { readSeries, type SeriesQuery } from "./metric-series";
import { isStatistic, type MetricIdentity, type Metrics } from "./store";

const FILE = "local/cloud/monitoring/api.ts";
const MAX_DATA = 1000;
const MAX_VALUES = 150;
const MAX_DIMENSIONS = 30;
const MAX_QUERIES = 500;
const HOUR_MS = 3_600_000;

/** Operations of CloudWatch by name. */
export function metricOperations(
  context: CloudContext,
  metrics: Metrics,
  alarms: Alarms,
): Readonly<Record<string, JsonOperation>> {
  return {
    PutMetricData: (input, call) => putMetricData(context, metrics, input, call),
    GetMetricData: (input, call) => getMetricData(metrics, input, call),
    ListMetrics: (input, call) => listMetrics(metrics, input, call),
    DescribeAlarms: (input, call) => describeAlarms(alarms, input, call),
  };
}

function authorize(call: GatewayCall, operation: string, context: Readonly<Record<string, string>> = {}): void {
  const resourceAccountId = call.principal.accountId;
  call.authorize({ action: `cloudwatch:${operation}`, resource: "*", resourceAccountId, context });
}

function invalid(message: string): AwsError {
  return new AwsError("InvalidParameterValueException", message);
}

function missing(member: string): AwsError {
  return new AwsError("MissingRequiredParameterException", `The parameter ${member} is required.`);
}

function putMetricData(context: CloudContext, metrics: Metrics, input: JsonObject, call: GatewayCall): JsonObject {
  const namespace = textOf(input, "Namespace");
  if (!namespace) throw missing("Namespace");
  authorize(call, "PutMetricData", { "cloudwatch:namespace": namespace });
  if (namespace.startsWith("AWS/")) throw invalid("The value AWS/ for parameter Namespace is invalid.");
  const data = objectsOf(input, "MetricData");
  if (data.length > MAX_DATA) {
    throw invalid(`The collection MetricData must not have a size greater than ${MAX_DATA}.`);
  }
  const now = context.clock.now();
  // Checked first, so that a bad datum leaves nothing of the others.
  const entries = data.map((datum, index) => readDatum(namespace, datum, `MetricData.member.${index + 1}`, now));
  for (const { metric, unit, at, parts, fine } of entries) {
    for (const { set, samples } of parts) metrics.add(metric, unit, at, set, samples, fine);
  }
  return {};
}

interface Part {
  readonly set: { readonly sum: number; readonly minimum: number; readonly maximum: number; readonly count: number };
  readonly samples: readonly number[];
}

function readDatum(
  namespace: string,
  datum: JsonObject,
  path: string,
  now: number,
): { metric: MetricIdentity; unit: string; at: number; parts: readonly Part[]; fine: boolean } {
  const name = textOf(datum, "MetricName");
  if (!name) throw missing(`${path}.MetricName`);
  const time = numberOf(datum, "Timestamp");
  const at = time === undefined ? now : time * 1000;
  if (at < now - 14 * 24 * HOUR_MS || at > now + 2 * HOUR_MS) {
    throw invalid(`The parameter ${path}.Timestamp must be between two weeks ago and two hours from now.`);
  }
  const metric = { namespace, name, dimensions: readDimensions(datum, path) };
  const resolution = numberOf(datum, "StorageResolution") ?? 60;
  if (resolution !== 1 && resolution !== 60) throw invalid(`The parameter ${path}.StorageResolution must be 1 or 60.`);
  const unit = textOf(datum, "Unit") ?? "None";
  return { metric, unit, at, parts: readValues(datum, path), fine: resolution === 1 };
}

function readDimensions(datum: JsonObject, path = ""): Readonly<Record<string, string>> {
  const dimensions = objectsOf(datum, "Dimensions");
  if (dimensions.length > MAX_DIMENSIONS) {
    throw invalid(`The collection ${path}.Dimensions must not have a size greater than ${MAX_DIMENSIONS}.`);
  }
  return Object.fromEntries(dimensions.map((one) => [textOf(one, "Name") ?? "", textOf(one, "Value") ?? ""]));
}

function readValues(datum: JsonObject, path: string): readonly Part[] {
  const set = datum.StatisticValues;
  const values = numbersOf(datum, "Values");
  const value = numberOf(datum, "Value");
  const kinds = [isJsonObject(set), values.length > 0, value !== undefined].filter(Boolean).length;
  if (kinds !== 1) {
    throw new AwsError(
      "InvalidParameterCombinationException",
      `Exactly one of the parameters ${path}.Value, ${path}.Values and ${path}.StatisticValues is required.`,
    );
  }
  if (isJsonObject(set)) {
    const [sum = 0, minimum = 0, maximum = 0, count = 0] = ["Sum", "Minimum", "Maximum", "SampleCount"].map((member) =>
      numberOf(set, member),
    );
    return [{ set: { sum, minimum, maximum, count }, samples: [] }];
  }
  if (values.length > MAX_VALUES)
    throw invalid(`The collection ${path}.Values must not have a size greater than ${MAX_VALUES}.`);
  const counts = numbersOf(datum, "Counts");
  if (counts.length > 0 && counts.length !== values.length) {
    throw invalid(`The parameters ${path}.Values and ${path}.Counts must have the same size.`);
  }
  return (value === undefined ? values : [value]).map((one, index) => {
    const count = counts[index] ?? 1;
    return { set: { sum: one * count, minimum: one, maximum: one, count }, samples: [one] };
  });
}

function numbersOf(input: JsonObject, member: string): readonly number[] {
  const value = input[member];
  return Array.isArray(value) ? value.filter((item): item is number => typeof item === "number") : [];
}

function getMetricData(metrics: Metrics, input: JsonObject, call: GatewayCall): JsonObject {
  authorize(call, "GetMetricData");
  const queries = objectsOf(input, "MetricDataQueries");
  const [start, end] = [numberOf(input, "StartTime"), numberOf(input, "EndTime")];
  if (start === undefined || end === undefined) throw missing("StartTime and EndTime");
  if (start >= end) throw invalid("The parameter StartTime must be less than the parameter EndTime.");
  if (queries.length < 1 || queries.length > MAX_QUERIES) {
    throw invalid(`The collection MetricDataQueries must have a size between 1 and ${MAX_QUERIES}.`);
  }
  const ascending = textOf(input, "ScanBy") === "TimestampAscending";
  const shown = queries.filter((query) => query.ReturnData !== false);
  return {
    Messages: [],
    MetricDataResults: shown.map((query) =>
      query.Expression === undefined
        ? readQuery(metrics, query, { from: start * 1000, to: end * 1000, ascending })
        : readExpression(metrics, query, queries, { from: start * 1000, to: end * 1000, ascending }),
    ),
  };
}

function readExpression(
  metrics: Metrics,
  query: JsonObject,
  all: readonly JsonObject[],
  { from, to, ascending }: { from: number; to: number; ascending: boolean },
): JsonObject {
  const periods = all.map((one) => (isJsonObject(one.MetricStat) ? (numberOf(one.MetricStat, "Period") ?? 0) : 0));
  const periodSeconds = numberOf(query, "Period") ?? Math.max(60, ...periods);
  const queries = all.map((one) => seriesQueryOf(one, periodSeconds));
  try {
    const points = [...readSeries(metrics, queries, textOf(query, "Id") ?? "", from, to)];
    if (!ascending) points.reverse();
    return {
      Id: textOf(query, "Id"),
      Label: textOf(query, "Label") ?? textOf(query, "Id"),
      Timestamps: points.map(({ at }) => at / 1000),
      Values: points.map(({ value }) => value),
      StatusCode: "Complete",
    };
  } catch (error) {
    throw new AwsError("ValidationError", error instanceof Error ? error.message : String(error));
  }
}

function seriesQueryOf(query: JsonObject, periodSeconds: number): SeriesQuery {
  const id = textOf(query, "Id") ?? "";
  const stat = isJsonObject(query.MetricStat) ? query.MetricStat : undefined;
  if (!stat) return { id, periodSeconds, expression: textOf(query, "Expression") ?? "" };
  const metric = isJsonObject(stat.Metric) ? stat.Metric : {};
  const identity = { namespace: textOf(metric, "Namespace") ?? "", name: textOf(metric, "MetricName") ?? "" };
  const statistic = textOf(stat, "Stat") ?? "";
  return { id, periodSeconds, metric: { ...identity, dimensions: readDimensions(metric), statistic } };
}

function readQuery(
  metrics: Metrics,
  query: JsonObject,
  range: { from: number; to: number; ascending: boolean },
): JsonObject {
  const stat = query.MetricStat;
  if (!isJsonObject(stat)) throw missing("MetricStat or Expression");
  const metric = isJsonObject(stat.Metric) ? stat.Metric : {};
  const statistic = textOf(stat, "Stat") ?? "";
  const periodSeconds = numberOf(stat, "Period") ?? 0;
  if (!isStatistic(statistic)) throw invalid(`The value ${statistic} for parameter Stat is invalid.`);
  if (periodSeconds < 60 || periodSeconds % 60 !== 0) {
    throw new NotSimulatedError(`cloudwatch:GetMetricData with a period of ${periodSeconds} seconds`, FILE);
  }
  const identity = {
    namespace: textOf(metric, "Namespace") ?? "",
    name: textOf(metric, "MetricName") ?? "",
    dimensions: readDimensions(metric),
  };
  const points = [...metrics.query({ ...identity, statistic, periodSeconds, from: range.from, to: range.to })];
  if (!range.ascending) points.reverse();
  return {
    Id: textOf(query, "Id"),
    Label: textOf(query, "Label") ?? identity.name,
    Timestamps: points.map(({ at }) => at / 1000),
    Values: points.map(({ value }) => value),
    StatusCode: "Complete",
  };
}

function listMetrics(metrics: Metrics, input: JsonObject, call: GatewayCall): JsonObject {
  authorize(call, "ListMetrics");
  const wanted = objectsOf(input, "Dimensions");
  const fits = (metric: MetricIdentity): boolean =>
    (textOf(input, "Namespace") ?? metric.namespace) === metric.namespace &&
    (textOf(input, "MetricName") ?? metric.name) === metric.name &&
    wanted.every((one) => {
      const value = metric.dimensions[textOf(one, "Name") ?? ""];
      return value !== undefined && (textOf(one, "Value") ?? value) === value;
    });
  const found = metrics.list().filter(fits);
  return {
    Metrics: found.map(({ namespace, name, dimensions }) => ({
      Namespace: namespace,
      MetricName: name,
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
    })),
  };
}

function describeAlarms(alarms: Alarms, input: JsonObject, call: GatewayCall): JsonObject {
  authorize(call, "DescribeAlarms");
  const names = textsOf(input, "AlarmNames");
  const prefix = textOf(input, "AlarmNamePrefix") ?? "";
  const state = textOf(input, "StateValue");
  const found = alarms
    .all()
    .filter(({ accountId, region }) => accountId === call.principal.accountId && region === call.region)
    .filter(({ name }) => (names.length === 0 || names.includes(name)) && name.startsWith(prefix))
    .filter((alarm) => state === undefined || alarm.state === state);
  const composites = alarms
    .allComposites()
    .filter(({ accountId, region }) => accountId === call.principal.accountId && region === call.region)
    .filter(({ name }) => (names.length === 0 || names.includes(name)) && name.startsWith(prefix))
    .filter((alarm) => state === undefined || alarm.state === state);
  // CloudWatch tells of composite alarms only to those who ask for them.
  const types = textsOf(input, "AlarmTypes");
  return {
    CompositeAlarms: types.includes("CompositeAlarm") ? composites.map(describeComposite) : [],
    MetricAlarms: types.length === 0 || types.includes("MetricAlarm") ? found.map(describeAlarm) : [],
  };
}

function describeAlarm(alarm: Alarm): JsonObject {
  const last = alarm.history.at(-1);
  return {
    AlarmName: alarm.name,
    AlarmArn: alarm.arn,
    StateValue: alarm.state,
    StateReason: last?.reason ?? "Unchecked: Initial alarm creation",
    ...(last ? { StateUpdatedTimestamp: last.at / 1000 } : {}),
    ComparisonOperator: alarm.comparison,
    Threshold: alarm.threshold,
    EvaluationPeriods: alarm.evaluationPeriods,
    DatapointsToAlarm: alarm.datapointsToAlarm,
    TreatMissingData: alarm.treatMissingData,
    ActionsEnabled: alarm.actionsEnabled,
    AlarmActions: alarm.actions.ALARM,
    OKActions: alarm.actions.OK,
    InsufficientDataActions: alarm.actions.INSUFFICIENT_DATA,
  };
}

function describeComposite(alarm: CompositeAlarm): JsonObject {
  const last = alarm.history.at(-1);
  return {
    AlarmName: alarm.name,
    AlarmArn: alarm.arn,
    AlarmRule: alarm.configuration.alarmRule,
    StateValue: alarm.state,
    StateReason: last?.reason ?? "",
    ...(last ? { StateUpdatedTimestamp: last.at / 1000 } : {}),
    ActionsEnabled: alarm.actionsEnabled,
    AlarmActions: alarm.actions.ALARM,
    OKActions: alarm.actions.OK,
    InsufficientDataActions: alarm.actions.INSUFFICIENT_DATA,
  };
}
