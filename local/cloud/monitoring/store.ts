// Metric data in one-minute buckets, in memory and bounded.
import type { MetricDatum, MetricStore } from "../core/service";

/** Length of a bucket, in milliseconds. */
export const BUCKET_MS = 60_000;
/** Buckets kept per series: one day. */
const MAX_BUCKETS = 1440;
/** Series kept; the one written least recently goes first. */
const MAX_SERIES = 2000;
/** Samples kept per bucket, for percentiles; beyond, later samples replace earlier ones. */
const MAX_SAMPLES = 200;

/** Names a metric. */
export interface MetricIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** Values that were summed up before they were sent. */
export interface StatisticSet {
  readonly sum: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly count: number;
}

/** What to read. */
export interface MetricQuery extends MetricIdentity {
  /** "Sum", "Average", "Minimum", "Maximum", "SampleCount" or a percentile such as "p99.9". */
  readonly statistic: string;
  readonly periodSeconds: number;
  /** Milliseconds since the epoch, included. */
  readonly from: number;
  /** Milliseconds since the epoch, not included. */
  readonly to: number;
}

/** One value of a series. */
export interface DataPoint {
  /** Start of the period, in milliseconds since the epoch. */
  readonly at: number;
  readonly value: number;
}

interface Bucket {
  sum: number;
  minimum: number;
  maximum: number;
  count: number;
  readonly samples: number[];
}

interface Series extends MetricIdentity {
  readonly unit: string;
  readonly buckets: Map<number, Bucket>;
}

const STATISTIC = /^(Sum|Average|Minimum|Maximum|SampleCount|p(\d{1,2}(\.\d{1,10})?|100))$/;

/** Whether a statistic can be read from the store. */
export function isStatistic(statistic: string): boolean {
  return STATISTIC.test(statistic);
}

/** All metrics of the embedded cloud. */
export class Metrics implements MetricStore {
  private readonly series = new Map<string, Series>();
  private readonly listeners = new Set<(metric: MetricIdentity) => void>();

  put(datum: MetricDatum): void {
    const { value } = datum;
    this.add(datum, datum.unit, datum.at, { sum: value, minimum: value, maximum: value, count: 1 }, [value]);
  }

  /** Adds values that were summed up before; they take no part in percentiles unless `samples` holds them. */
  add(metric: MetricIdentity, unit: string, at: number, set: StatisticSet, samples: readonly number[] = []): void {
    const bucket = this.bucket(this.seriesOf(metric, unit), Math.floor(at / BUCKET_MS) * BUCKET_MS);
    for (const [index, sample] of samples.entries()) bucket.samples[(bucket.count + index) % MAX_SAMPLES] = sample;
    bucket.sum += set.sum;
    bucket.minimum = Math.min(bucket.minimum, set.minimum);
    bucket.maximum = Math.max(bucket.maximum, set.maximum);
    bucket.count += set.count;
    for (const listener of this.listeners) listener(metric);
  }

  /** Values of a metric, one per period with data, oldest first. Periods begin at multiples of their length. */
  query(query: MetricQuery): readonly DataPoint[] {
    const period = query.periodSeconds * 1000;
    const points: DataPoint[] = [];
    for (let at = Math.floor(query.from / period) * period; at < query.to; at += period) {
      const value = this.value(query, query.statistic, at, at + period);
      if (value !== undefined) points.push({ at, value });
    }
    return points;
  }

  /** One value over a span of whole minutes; undefined when there is no data. */
  value(metric: MetricIdentity, statistic: string, from: number, to: number): number | undefined {
    const series = this.series.get(keyOf(metric));
    if (!series) return undefined;
    const total = emptyBucket();
    for (let at = Math.floor(from / BUCKET_MS) * BUCKET_MS; at < to; at += BUCKET_MS) {
      const bucket = series.buckets.get(at);
      if (bucket) merge(total, bucket);
    }
    return total.count === 0 ? undefined : statisticOf(total, statistic);
  }

  /** Every metric that has data. */
  list(): readonly (MetricIdentity & { readonly unit: string })[] {
    return [...this.series.values()].map(({ namespace, name, dimensions, unit }) => ({
      namespace,
      name,
      dimensions,
      unit,
    }));
  }

  /** Calls `listener` for every later datum; returns the function that ends it. */
  subscribe(listener: (metric: MetricIdentity) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  stop(): void {
    this.listeners.clear();
    this.series.clear();
  }

  private seriesOf(metric: MetricIdentity, unit: string): Series {
    const key = keyOf(metric);
    const { namespace, name, dimensions } = metric;
    const series = this.series.get(key) ?? { namespace, name, dimensions, unit, buckets: new Map<number, Bucket>() };
    // Written last, kept longest.
    this.series.delete(key);
    this.series.set(key, series);
    dropOldest(this.series, MAX_SERIES);
    return series;
  }

  private bucket(series: Series, at: number): Bucket {
    const bucket = series.buckets.get(at) ?? emptyBucket();
    series.buckets.set(at, bucket);
    dropOldest(series.buckets, MAX_BUCKETS);
    return bucket;
  }
}

function dropOldest<K, V>(map: Map<K, V>, capacity: number): void {
  for (const key of map.keys()) {
    if (map.size <= capacity) return;
    map.delete(key);
  }
}

function keyOf({ namespace, name, dimensions }: MetricIdentity): string {
  const sorted = Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([namespace, name, sorted]);
}

function emptyBucket(): Bucket {
  return { sum: 0, minimum: Number.POSITIVE_INFINITY, maximum: Number.NEGATIVE_INFINITY, count: 0, samples: [] };
}

function merge(total: Bucket, bucket: Bucket): void {
  total.sum += bucket.sum;
  total.minimum = Math.min(total.minimum, bucket.minimum);
  total.maximum = Math.max(total.maximum, bucket.maximum);
  total.count += bucket.count;
  total.samples.push(...bucket.samples);
}

function statisticOf(bucket: Bucket, statistic: string): number | undefined {
  switch (statistic) {
    case "Sum":
      return bucket.sum;
    case "Average":
      return bucket.sum / bucket.count;
    case "Minimum":
      return bucket.minimum;
    case "Maximum":
      return bucket.maximum;
    case "SampleCount":
      return bucket.count;
    default:
      return percentile(bucket.samples, Number(statistic.slice(1)));
  }
}

/** Percentile by linear interpolation between the closest samples. */
function percentile(samples: readonly number[], percent: number): number | undefined {
  if (samples.length === 0) return undefined;
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = (percent / 100) * (sorted.length - 1);
  const low = sorted[Math.floor(rank)] ?? 0;
  const high = sorted[Math.ceil(rank)] ?? low;
  return low + (high - low) * (rank - Math.floor(rank));
}
