// Series of queries, metrics and expressions over them, for GetMetricData and for dashboards.
import { compileMath, type MathExpression } from "./metric-math";
import type { DataPoint, MetricIdentity, Metrics } from "./store";

/** A metric with its statistic, or an expression over other queries. */
export interface SeriesQuery {
  readonly id: string;
  readonly periodSeconds: number;
  readonly metric?: MetricIdentity & { readonly statistic: string };
  readonly expression?: string;
}

/** Most periods that an expression is computed for. */
const MAX_POINTS = 10_000;

/** Reads one query out of several, oldest value first. Throws an Error for an expression that cannot be computed. */
export function readSeries(
  metrics: Metrics,
  queries: readonly SeriesQuery[],
  id: string,
  from: number,
  to: number,
): readonly DataPoint[] {
  const query = queries.find((one) => one.id === id);
  if (!query) return [];
  const { metric, periodSeconds, expression = "" } = query;
  if (metric) return metrics.query({ ...metric, periodSeconds, from, to });
  const valueAt = compileAt(metrics, queries, periodSeconds);
  const compiled = compileMath(expression, new Set(queries.map((one) => one.id)));
  const periodMs = periodSeconds * 1000;
  const points: DataPoint[] = [];
  for (let at = Math.max(align(from, periodMs), align(to, periodMs) - MAX_POINTS * periodMs); at < to; at += periodMs) {
    const value = compiled((name, back) => valueAt(name, at - back * periodMs, [id]));
    if (value !== undefined) points.push({ at, value });
  }
  return points;
}

type ValueAt = (id: string, at: number, asking: readonly string[]) => number | undefined;

function compileAt(metrics: Metrics, queries: readonly SeriesQuery[], periodSeconds: number): ValueAt {
  const ids = new Set(queries.map(({ id }) => id));
  const compiled = new Map<string, MathExpression>();
  const periodMs = periodSeconds * 1000;
  const valueAt: ValueAt = (id, at, asking) => {
    const query = queries.find((one) => one.id === id);
    // An expression that depends on itself has no value.
    if (!query || asking.includes(id)) return undefined;
    if (query.metric) return metrics.value(query.metric, query.metric.statistic, at, at + periodMs);
    const expression = compiled.get(id) ?? compileMath(query.expression ?? "", ids);
    compiled.set(id, expression);
    return expression((name, back) => valueAt(name, at - back * periodMs, [...asking, id]));
  };
  return valueAt;
}

function align(at: number, periodMs: number): number {
  return Math.floor(at / periodMs) * periodMs;
}
