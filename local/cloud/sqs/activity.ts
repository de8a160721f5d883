// What happens to the queues, as metrics and as events. Messages are counted here and written to the metrics every few seconds, so
// that a million of them cost little.
import type { Timer } from "../core/clock";
import type { CloudContext } from "../core/service";
import type { QueueEvent } from "./control";
import type { Queue } from "./queue";

const MINUTE_MS = 60_000;
/** Longest time from an event to its metric, in milliseconds. */
const FLUSH_MS = 5_000;
/** Minutes for which an empty queue still reports its gauges; AWS calls a queue inactive after six hours. */
const IDLE_MINUTES = 15;

/** A sum of values, as CloudWatch stores them. */
interface Summary {
  sum: number;
  minimum: number;
  maximum: number;
  count: number;
}

interface Tally {
  /** Time of the first value that is not written yet. */
  since: number;
  readonly sums: Map<string, Summary>;
  /** Minute in which the queue last changed or held anything. */
  activeMinute: number;
  changed: boolean;
}

/** Metric of an event that has one. */
const COUNTED: Readonly<Record<string, string>> = {
  sent: "NumberOfMessagesSent",
  received: "NumberOfMessagesReceived",
  deleted: "NumberOfMessagesDeleted",
};

/** Counts what happens to queues. */
export class Activity {
  private readonly tallies = new Map<Queue, Tally>();
  private readonly listeners = new Set<(event: QueueEvent) => void>();
  private timer: Timer | undefined;
  private dueAt = Number.POSITIVE_INFINITY;

  constructor(private readonly context: CloudContext) {}

  subscribe(listener: (event: QueueEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Something has happened to messages of a queue. */
  record(queue: Queue, kind: QueueEvent["kind"], messages: number): void {
    const tally = this.tallyOf(queue);
    tally.changed = true;
    const metric = COUNTED[kind];
    if (metric !== undefined) add(tally.sums, metric, messages);
    if (this.listeners.size > 0) this.tell({ kind, queueArn: queue.arn, messages });
    this.plan(FLUSH_MS);
  }

  /** The queue's contents have changed without an event of its own. */
  touch(queue: Queue): void {
    this.tallyOf(queue).changed = true;
    this.plan(FLUSH_MS);
  }

  /** A message of that size has been sent. */
  recordSize(queue: Queue, bytes: number): void {
    add(this.tallyOf(queue).sums, "SentMessageSize", bytes);
  }

  /** A receive has found nothing. */
  recordEmptyReceive(queue: Queue): void {
    add(this.tallyOf(queue).sums, "NumberOfEmptyReceives", 1);
    this.plan(FLUSH_MS);
  }

  /** The queue is removed. */
  forget(queue: Queue): void {
    this.tallies.delete(queue);
    this.tell({ kind: "removed", queueArn: queue.arn, messages: 0 });
  }

  stop(): void {
    this.timer?.cancel();
    this.tallies.clear();
    this.listeners.clear();
  }

  private tell(event: QueueEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  private tallyOf(queue: Queue): Tally {
    const now = this.context.clock.now();
    let tally = this.tallies.get(queue);
    if (!tally) {
      tally = { since: now, sums: new Map(), activeMinute: minuteOf(now), changed: false };
      this.tallies.set(queue, tally);
    }
    if (tally.sums.size === 0) tally.since = now;
    else if (minuteOf(tally.since) !== minuteOf(now)) {
      this.writeSums(queue, tally);
      tally.since = now;
    }
    return tally;
  }

  /** Writes within `delayMs`, and before the minute ends. */
  private plan(delayMs: number): void {
    const now = this.context.clock.now();
    const untilNextMinute = MINUTE_MS - (now % MINUTE_MS);
    const dueAt = now + Math.min(delayMs, untilNextMinute > 1 ? untilNextMinute - 1 : MINUTE_MS);
    if (dueAt >= this.dueAt) return;
    this.timer?.cancel();
    this.dueAt = dueAt;
    this.timer = this.context.clock.setTimer(dueAt - now, () => this.flush());
  }

  private flush(): void {
    this.dueAt = Number.POSITIVE_INFINITY;
    const now = this.context.clock.now();
    let active = false;
    for (const [queue, tally] of this.tallies) {
      this.writeSums(queue, tally);
      if (queue.size > 0 || tally.changed) tally.activeMinute = minuteOf(now);
      tally.changed = false;
      if (minuteOf(now) - tally.activeMinute > IDLE_MINUTES) continue;
      this.writeGauges(queue, now);
      active = true;
    }
    if (active) this.plan(MINUTE_MS);
  }

  private writeSums(queue: Queue, tally: Tally): void {
    for (const [name, summary] of tally.sums) {
      const unit = name === "SentMessageSize" ? "Bytes" : "Count";
      this.write(queue, name, unit, tally.since, summary);
    }
    tally.sums.clear();
  }

  private writeGauges(queue: Queue, now: number): void {
    queue.settle(now);
    const gauges: Readonly<Record<string, number>> = {
      ApproximateNumberOfMessagesVisible: queue.visible,
      ApproximateNumberOfMessagesNotVisible: queue.inFlight,
      ApproximateNumberOfMessagesDelayed: queue.delayed,
    };
    for (const [name, value] of Object.entries(gauges)) this.write(queue, name, "Count", now, single(value));
    const ageSeconds = Math.floor(queue.oldestAgeMs(now) / 1000);
    this.write(queue, "ApproximateAgeOfOldestMessage", "Seconds", now, single(ageSeconds));
    if (!queue.fifo) return;
    const groups = single(queue.order.busyGroups());
    this.write(queue, "ApproximateNumberOfGroupsWithInflightMessages", "Count", now, groups);
  }

  private write(queue: Queue, name: string, unit: string, at: number, summary: Summary): void {
    const { metrics } = this.context;
    const metric = { namespace: "AWS/SQS", name, dimensions: { QueueName: queue.identity.name } };
    if (metrics.add) metrics.add(metric, unit, at, { ...summary });
    else metrics.put({ ...metric, unit, at, value: summary.sum });
  }
}

function add(sums: Map<string, Summary>, name: string, value: number): void {
  const summary = sums.get(name);
  if (!summary) {
    sums.set(name, single(value));
    return;
  }
  summary.sum += value;
  summary.count++;
  if (value < summary.minimum) summary.minimum = value;
  if (value > summary.maximum) summary.maximum = value;
}

function single(value: number): Summary {
  return { sum: value, minimum: value, maximum: value, count: 1 };
}

function minuteOf(at: number): number {
  return Math.floor(at / MINUTE_MS);
}
