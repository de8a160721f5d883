// Metric alarms: evaluated every minute on the injected clock, with state, history and recorded actions.
import type { Timer } from "../core/clock";
import type { CloudContext } from "../core/service";
import { BUCKET_MS, type MetricIdentity, type Metrics } from "./store";
import type { MathExpression } from "./metric-math";

/** State of an alarm, in AWS's words. */
export type AlarmState = "OK" | "ALARM" | "INSUFFICIENT_DATA";

/** A metric of an alarm, with its statistic. */
export interface AlarmMetric extends MetricIdentity {
  readonly statistic: string;
}

/** What an alarm watches: one metric, or an expression over several. */
export interface AlarmSource {
  readonly metrics: ReadonlyMap<string, AlarmMetric>;
  /** Expressions by id, over metrics and each other. */
  readonly expressions: ReadonlyMap<string, MathExpression>;
  /** Id of the metric or expression that is compared. */
  readonly result: string;
}

/** Settings of an alarm. */
export interface AlarmSettings {
  readonly name: string;
  readonly arn: string;
  readonly accountId: string;
  readonly region: string;
  readonly urn: string;
  readonly source: AlarmSource;
  readonly comparison: string;
  readonly threshold: number;
  readonly periodSeconds: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly treatMissingData: string;
  readonly actions: Readonly<Record<AlarmState, readonly string[]>>;
}

/** A change of state. */
export interface AlarmChange {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly from: AlarmState;
  readonly to: AlarmState;
  readonly reason: string;
}

/** An alarm as it is now. */
export interface Alarm extends AlarmSettings {
  readonly state: AlarmState;
  /** Latest changes, oldest first. */
  readonly history: readonly AlarmChange[];
}

/** CloudWatch looks a little further back than the evaluation periods when data are missing. */
const EXTRA_PERIODS = 2;
const KEPT_CHANGES = 50;

const COMPARISONS: Readonly<Record<string, (value: number, threshold: number) => boolean>> = {
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  GreaterThanThreshold: (value, threshold) => value > threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
};
/** Comparison operators that can be evaluated. */
export const COMPARISON_OPERATORS = Object.keys(COMPARISONS);

/** All alarms of the embedded cloud. */
export class Alarms {
  private readonly alarms = new Map<string, Alarm>();
  private timer: Timer | undefined;

  constructor(
    private readonly context: CloudContext,
    private readonly metrics: Metrics,
  ) {}

  all(): readonly Alarm[] {
    return [...this.alarms.values()];
  }

  /** Creates an alarm, or changes its settings and keeps its state. */
  put(settings: AlarmSettings): void {
    const { state = "INSUFFICIENT_DATA", history = [] } = this.alarms.get(settings.arn) ?? {};
    this.alarms.set(settings.arn, { ...settings, state, history });
    this.plan();
  }

  delete(arn: string): void {
    this.alarms.delete(arn);
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.alarms.clear();
  }

  /** Evaluates at every full minute while there are alarms. */
  private plan(): void {
    if (this.timer || this.alarms.size === 0) return;
    const now = this.context.clock.now();
    this.timer = this.context.clock.setTimer(BUCKET_MS - (now % BUCKET_MS), () => {
      this.timer = undefined;
      for (const alarm of this.alarms.values()) this.evaluate(alarm);
      this.plan();
    });
  }

  private evaluate(alarm: Alarm): void {
    const values = this.recentValues(alarm);
    const state = decide(alarm, values);
    if (state === alarm.state) return;
    const reason = reasonOf(alarm, values, state);
    const change = { at: this.context.clock.now(), from: alarm.state, to: state, reason };
    this.alarms.set(alarm.arn, { ...alarm, state, history: [...alarm.history, change].slice(-KEPT_CHANGES) });
    this.announce(alarm, change);
  }

  /** Values of the latest periods, latest first; undefined where there are no data. */
  private recentValues(alarm: Alarm): readonly (number | undefined)[] {
    const end = Math.floor(this.context.clock.now() / BUCKET_MS) * BUCKET_MS;
    const period = alarm.periodSeconds * 1000;
    return Array.from({ length: alarm.evaluationPeriods + EXTRA_PERIODS }, (_, back) =>
      this.valueAt(alarm.source, end - (back + 1) * period, end - back * period),
    );
  }

  private valueAt(source: AlarmSource, from: number, to: number): number | undefined {
    const valueOf = (id: string, asking: readonly string[]): number | undefined => {
      const metric = source.metrics.get(id);
      if (metric) return this.metrics.value(metric, metric.statistic, from, to);
      // An expression that depends on itself has no value.
      if (asking.includes(id)) return undefined;
      return source.expressions.get(id)?.((name) => valueOf(name, [...asking, id]));
    };
    return valueOf(source.result, []);
  }

  /** Traces the change and its actions, and tells EventBridge. Nothing is delivered to the actions' targets. */
  private announce(alarm: Alarm, change: AlarmChange): void {
    const { arn, name, accountId, region } = alarm;
    this.trace("AlarmStateChange", arn, { from: change.from, to: change.to, reason: change.reason });
    for (const action of alarm.actions[change.to]) this.trace("AlarmAction", action, { alarm: name, state: change.to });
    const timestamp = new Date(change.at).toISOString();
    const detail = {
      alarmName: name,
      state: { value: change.to, reason: change.reason, timestamp },
      previousState: { value: change.from },
    };
    const detailType = "CloudWatch Alarm State Change";
    this.context.events.publish({ source: "aws.cloudwatch", detailType, detail, resources: [arn], accountId, region });
  }

  private trace(operation: string, resource: string, detail: Readonly<Record<string, string>>): void {
    this.context.traces.record({
      id: this.context.uniqueId(20),
      at: this.context.clock.now(),
      durationMs: 0,
      caller: "cloudwatch.amazonaws.com",
      service: "monitoring",
      operation,
      resource,
      status: 200,
      decisions: [],
      detail,
    });
  }
}

/** M out of N, with AWS's treatment of missing data. @param values latest first, some more than the evaluation periods. */
export function decide(
  alarm: Pick<
    Alarm,
    "comparison" | "threshold" | "evaluationPeriods" | "datapointsToAlarm" | "treatMissingData" | "state"
  >,
  values: readonly (number | undefined)[],
): AlarmState {
  const { evaluationPeriods, datapointsToAlarm, treatMissingData } = alarm;
  const real = values.filter((value) => value !== undefined).slice(0, evaluationPeriods);
  const breaching = real.filter((value) => COMPARISONS[alarm.comparison]?.(value, alarm.threshold)).length;
  const missing = evaluationPeriods - real.length;
  if (breaching >= datapointsToAlarm) return "ALARM";
  if (missing === 0) return "OK";
  if (treatMissingData === "breaching") return breaching + missing >= datapointsToAlarm ? "ALARM" : "OK";
  if (treatMissingData === "notBreaching") return "OK";
  if (breaching < real.length) return "OK";
  if (treatMissingData === "ignore") return alarm.state;
  return real.length === 0 ? "INSUFFICIENT_DATA" : "ALARM";
}

function reasonOf(alarm: Alarm, values: readonly (number | undefined)[], state: AlarmState): string {
  const real = values.filter((value) => value !== undefined).slice(0, alarm.evaluationPeriods);
  if (state === "INSUFFICIENT_DATA" || real.length === 0) {
    return `Insufficient data: ${alarm.evaluationPeriods} datapoint(s) were unknown, missing data treated as ${alarm.treatMissingData}.`;
  }
  const verb = state === "ALARM" ? "compared with" : "did not breach";
  return `Threshold Crossed: datapoint(s) [${real.join(", ")}] ${verb} ${alarm.comparison} ${alarm.threshold}.`;
}
