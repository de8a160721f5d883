// Log groups and their lines, in memory and bounded: the oldest lines go first, and those past the group's retention.
import type { Clock } from "../core/clock";
import type { LogStore, MetricStore } from "../core/service";
import { embeddedMetrics } from "./embedded-metrics";

/** One line of a log stream. */
export interface LogLine {
  /** Rising number in this run; also orders lines of one millisecond. */
  readonly sequence: number;
  readonly group: string;
  readonly stream: string;
  /** Milliseconds since the epoch, as the writer says. */
  readonly timestamp: number;
  /** Milliseconds since the epoch. */
  readonly ingestedAt: number;
  readonly message: string;
}

/** A stream. */
export interface LogStream {
  readonly name: string;
  readonly createdAt: number;
  firstEventAt: number | undefined;
  lastEventAt: number | undefined;
}

/** Where a group lives. */
export interface GroupPlace {
  readonly accountId: string;
  readonly region: string;
  readonly name: string;
}

/** A group. */
export interface LogGroup extends GroupPlace {
  readonly createdAt: number;
  retentionInDays: number;
  kmsKeyId: string | undefined;
  logGroupClass: string;
  readonly streams: Map<string, LogStream>;
  lines: LogLine[];
}

/** Lines kept per group. */
export const MAX_LINES = 10_000;
/** Streams kept per group. */
const MAX_STREAMS = 1000;
const DAY_MS = 86_400_000;

/** All log groups of the embedded cloud. */
export class LogGroups implements LogStore {
  private readonly groups = new Map<string, LogGroup>();
  private readonly listeners = new Set<(line: LogLine) => void>();
  private sequence = 0;

  /** @param home account and Region of groups that services write to by name. */
  constructor(
    private readonly clock: Clock,
    private readonly home: { readonly accountId: string; readonly region: string },
    private readonly metrics: () => MetricStore,
  ) {}

  /** Adds a line; group and stream come into being with it, as for Lambda. */
  append(group: string, stream: string, message: string): void {
    const place = { ...this.home, name: group };
    this.write(this.find(place) ?? this.create(place), stream, this.clock.now(), message);
  }

  /** Adds a line with the writer's own timestamp. Metrics in embedded metric format go to CloudWatch. */
  write(group: LogGroup, streamName: string, timestamp: number, message: string): void {
    const stream = group.streams.get(streamName) ?? this.createStream(group, streamName);
    stream.firstEventAt ??= timestamp;
    stream.lastEventAt = Math.max(stream.lastEventAt ?? 0, timestamp);
    const ingestedAt = this.clock.now();
    const facts = { group: group.name, stream: streamName, timestamp, ingestedAt, message };
    const line: LogLine = { sequence: ++this.sequence, ...facts };
    group.lines.push(line);
    // Trimmed in blocks, so that a full group does not copy its lines for every new one.
    if (group.lines.length > MAX_LINES * 1.1) group.lines = group.lines.slice(-MAX_LINES);
    for (const datum of embeddedMetrics(message, timestamp)) this.metrics().put(datum);
    for (const listener of this.listeners) listener(line);
  }

  /** Lines of a group within its retention, oldest first. */
  lines(group: LogGroup): readonly LogLine[] {
    if (group.retentionInDays > 0) {
      const oldest = this.clock.now() - group.retentionInDays * DAY_MS;
      if (group.lines.some(({ timestamp }) => timestamp < oldest)) {
        group.lines = group.lines.filter(({ timestamp }) => timestamp >= oldest);
      }
    }
    return group.lines.slice(-MAX_LINES);
  }

  find(place: GroupPlace): LogGroup | undefined {
    return this.groups.get(groupArn(place));
  }

  create(place: GroupPlace): LogGroup {
    const { accountId, region, name } = place;
    const settings = { retentionInDays: 0, kmsKeyId: undefined, logGroupClass: "STANDARD" };
    const created = { createdAt: this.clock.now(), streams: new Map<string, LogStream>(), lines: [] };
    const group: LogGroup = { accountId, region, name, ...settings, ...created };
    this.groups.set(groupArn(place), group);
    return group;
  }

  createStream(group: LogGroup, name: string): LogStream {
    const stream: LogStream = { name, createdAt: this.clock.now(), firstEventAt: undefined, lastEventAt: undefined };
    group.streams.set(name, stream);
    const [oldest] = group.streams.keys();
    if (group.streams.size > MAX_STREAMS && oldest !== undefined) group.streams.delete(oldest);
    return stream;
  }

  delete(place: GroupPlace): void {
    this.groups.delete(groupArn(place));
  }

  all(): readonly LogGroup[] {
    return [...this.groups.values()];
  }

  /** Calls `listener` for every later line; returns the function that ends it. */
  subscribe(listener: (line: LogLine) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  stop(): void {
    this.listeners.clear();
    this.groups.clear();
  }
}

/** ARN of a group, without the trailing ":*". */
export function groupArn({ accountId, region, name }: GroupPlace): string {
  return `arn:aws:logs:${region}:${accountId}:log-group:${name}`;
}
