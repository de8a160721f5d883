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
/** Length of a bucket of a high-resolution metric, in milliseconds. */
export const FINE_BUCKET_MS = 10_000;
/** Fine buckets kept per series: three hours, as on AWS. */
const MAX_FINE_BUCKETS = 1080;
/** Share of the series that goes at once when there are too many. */
const EVICTED_SHARE = 0.05;

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
  readonly buckets: Buckets;
  /** Only what was stored in high resolution: periods under a minute have no other data. */
  readonly fine: Buckets;
  /** Number of the latest write, for eviction. */
  touched: number;
}

const STATISTIC = /^(Sum|Average|Minimum|Maximum|SampleCount|p(\d{1,2}(\.\d{1,10})?|100))$/;

/** Whether a statistic can be read from the store. */
export function isStatistic(statistic: string): boolean {
  return STATISTIC.test(statistic);
}

/** All metrics of the embedded cloud. */
export class Metrics implements MetricStore {
  private readonly series = new Map<string, Series>();
  /** Keys of identities that are asked for again and again: those of alarms. */
  private readonly keys = new WeakMap<MetricIdentity, string>();
  private writes = 0;
  private readonly listeners = new Set<(metric: MetricIdentity) => void>();

  put(datum: MetricDatum): void {
    const { value } = datum;
    this.add(datum, datum.unit, datum.at, { sum: value, minimum: value, maximum: value, count: 1 }, [value]);
  }

  /** Adds values that were summed up before; they take no part in percentiles unless `samples` holds them. */
  add(
    metric: MetricIdentity,
    unit: string,
    at: number,
    set: StatisticSet,
    samples: readonly number[] = [],
    highResolution = false,
  ): void {
    const series = this.seriesOf(metric, unit);
    series.buckets.add(at, set, samples);
    if (highResolution) series.fine.add(at, set, samples);
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

  /** One value over whole minutes, or over tens of seconds under a minute; undefined when there is no data. */
  value(metric: MetricIdentity, statistic: string, from: number, to: number): number | undefined {
    const series = this.series.get(this.keyFor(metric));
    if (!series) return undefined;
    const total = (to - from < BUCKET_MS ? series.fine : series.buckets).between(from, to, statistic.startsWith("p"));
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
    let series = this.series.get(key);
    if (!series) {
      if (this.series.size >= MAX_SERIES) this.evict();
      const { namespace, name, dimensions } = metric;
      const buckets = new Buckets(BUCKET_MS, MAX_BUCKETS);
      const fine = new Buckets(FINE_BUCKET_MS, MAX_FINE_BUCKETS);
      series = { namespace, name, dimensions, unit, buckets, fine, touched: 0 };
      this.series.set(key, series);
    }
    series.touched = ++this.writes;
    return series;
  }

  /** Many at once, so that the search for the oldest is rare. */
  private evict(): void {
    const oldest = [...this.series].sort(([, one], [, other]) => one.touched - other.touched);
    for (const [key] of oldest.slice(0, MAX_SERIES * EVICTED_SHARE)) this.series.delete(key);
  }

  private keyFor(metric: MetricIdentity): string {
    const known = this.keys.get(metric);
    if (known !== undefined) return known;
    const key = keyOf(metric);
    this.keys.set(metric, key);
    return key;
  }
}

/** Buckets of one series; the latest is at hand, since nearly every datum belongs to it. */
class Buckets {
  private readonly all = new Map<number, Bucket>();
  private latestAt = Number.NaN;
  private latest = emptyBucket();

  constructor(
    private readonly lengthMs: number,
    private readonly capacity: number,
  ) {}

  add(at: number, set: StatisticSet, samples: readonly number[]): void {
    const bucket = this.bucketAt(at - (at % this.lengthMs));
    for (let index = 0; index < samples.length; index++) {
      bucket.samples[(bucket.count + index) % MAX_SAMPLES] = samples[index] ?? 0;
    }
    bucket.sum += set.sum;
    bucket.minimum = Math.min(bucket.minimum, set.minimum);
    bucket.maximum = Math.max(bucket.maximum, set.maximum);
    bucket.count += set.count;
  }

  between(from: number, to: number, withSamples: boolean): Bucket {
    const total = emptyBucket();
    for (let at = from - (from % this.lengthMs); at < to; at += this.lengthMs) {
      const bucket = this.all.get(at);
      if (bucket) merge(total, bucket, withSamples);
    }
    return total;
  }

  private bucketAt(at: number): Bucket {
    if (at === this.latestAt) return this.latest;
    let bucket = this.all.get(at);
    if (!bucket) {
      bucket = emptyBucket();
      this.all.set(at, bucket);
      dropOldest(this.all, this.capacity);
    }
    this.latestAt = at;
    this.latest = bucket;
    return bucket;
  }
}

function dropOldest<K, V>(map: Map<K, V>, capacity: number): void {
  for (const key of map.keys()) {
    if (map.size <= capacity) return;
    map.delete(key);
  }
}

/** Cheap, since every datum needs it: most metrics have one dimension, which needs no sorting. */
function keyOf({ namespace, name, dimensions }: MetricIdentity): string {
  const names = Object.keys(dimensions);
  if (names.length > 1) names.sort();
  let key = `${namespace}\0${name}`;
  for (const dimension of names) key += `\0${dimension}\0${dimensions[dimension] ?? ""}`;
  return key;
}

function emptyBucket(): Bucket {
  return { sum: 0, minimum: Number.POSITIVE_INFINITY, maximum: Number.NEGATIVE_INFINITY, count: 0, samples: [] };
}

function merge(total: Bucket, bucket: Bucket, withSamples: boolean): void {
  total.sum += bucket.sum;
  total.minimum = Math.min(total.minimum, bucket.minimum);
  total.maximum = Math.max(total.maximum, bucket.maximum);
  total.count += bucket.count;
  if (withSamples) total.samples.push(...bucket.samples);
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
