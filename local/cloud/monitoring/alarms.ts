// Alarms: metric alarms evaluated on the injected clock, composite alarms when another alarm changes, with state and history.
import type { Timer } from "../core/clock";
import { AwsError } from "../core/errors";
import type { JsonObject } from "../core/json-api";
import type { CloudContext } from "../core/service";
import { AlarmActions } from "./alarm-actions";
import type { AlarmRule } from "./alarm-rule";
import { BUCKET_MS, FINE_BUCKET_MS, type MetricIdentity, type Metrics } from "./store";
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

/** What metric alarms and composite alarms have in common. */
export interface AlarmFacts {
  readonly name: string;
  readonly arn: string;
  readonly accountId: string;
  readonly region: string;
  readonly urn: string;
  readonly actionsEnabled: boolean;
  readonly actions: Readonly<Record<AlarmState, readonly string[]>>;
  /** Description and metrics or rule, as events show them. */
  readonly configuration: JsonObject;
  /** Metric and threshold, as messages to topics show them. */
  readonly trigger?: JsonObject;
}

/** Settings of a composite alarm. */
export interface CompositeSettings extends AlarmFacts {
  readonly rule: AlarmRule;
}

/** Settings of a metric alarm. */
export interface AlarmSettings extends AlarmFacts {
  readonly source: AlarmSource;
  readonly comparison: string;
  readonly threshold: number;
  readonly periodSeconds: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly treatMissingData: string;
}

/** A change of state. */
export interface AlarmChange {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly from: AlarmState;
  readonly to: AlarmState;
  readonly reason: string;
  /** JSON with the datapoints behind the change. */
  readonly reasonData?: string;
}

interface Standing {
  readonly state: AlarmState;
  /** Latest changes, oldest first. */
  readonly history: readonly AlarmChange[];
}

/** An alarm as it is now. */
export interface Alarm extends AlarmSettings, Standing {}
/** A composite alarm as it is now. */
export interface CompositeAlarm extends CompositeSettings, Standing {}

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
  private readonly composites = new Map<string, CompositeAlarm>();
  readonly actions: AlarmActions;
  private timer: Timer | undefined;

  constructor(
    private readonly context: CloudContext,
    private readonly metrics: Metrics,
  ) {
    this.actions = new AlarmActions(context);
  }

  allComposites(): readonly CompositeAlarm[] {
    return [...this.composites.values()];
  }

  /** The alarm of either kind with that ARN or name. */
  find(nameOrArn: string): Alarm | CompositeAlarm | undefined {
    const exact = this.alarms.get(nameOrArn) ?? this.composites.get(nameOrArn);
    return exact ?? [...this.alarms.values(), ...this.composites.values()].find(({ name }) => name === nameOrArn);
  }

  /** Creates or changes a composite alarm, and evaluates it. ValidationException for unknown children and for cycles. */
  putComposite(settings: CompositeSettings): void {
    for (const child of settings.rule.children) {
      if (child === settings.name || this.dependsOn(child, settings.arn)) {
        throw new AwsError("ValidationException", `Alarm ${settings.name} must not depend on itself.`);
      }
      if (!this.find(child)) throw new AwsError("ValidationException", `Could not find alarm ${child} of AlarmRule.`);
    }
    const { state = "INSUFFICIENT_DATA", history = [] } = this.composites.get(settings.arn) ?? {};
    this.composites.set(settings.arn, { ...settings, state, history });
    this.evaluateComposite(settings.arn);
  }

  /** Sets a state by hand; a metric alarm keeps it until it is next evaluated. */
  setState(arn: string, state: AlarmState, reason: string, reasonData?: string): void {
    const alarm = this.find(arn);
    if (alarm && alarm.state !== state) this.change(alarm, state, reason, reasonData);
  }

  /** Turns the actions of an alarm on or off. */
  enableActions(arn: string, actionsEnabled: boolean): void {
    const alarm = this.find(arn);
    if (alarm) this.keep({ ...alarm, actionsEnabled });
  }

  private dependsOn(child: string, arn: string): boolean {
    const alarm = this.find(child);
    if (alarm?.arn === arn) return true;
    return alarm !== undefined && "rule" in alarm && alarm.rule.children.some((one) => this.dependsOn(one, arn));
  }

  private keep(alarm: Alarm | CompositeAlarm): void {
    if ("rule" in alarm) this.composites.set(alarm.arn, alarm);
    else this.alarms.set(alarm.arn, alarm);
  }

  private change(alarm: Alarm | CompositeAlarm, to: AlarmState, reason: string, reasonData?: string): void {
    const at = this.context.clock.now();
    const change = { at, from: alarm.state, to, reason, ...(reasonData ? { reasonData } : {}) };
    this.keep({ ...alarm, state: to, history: [...alarm.history, change].slice(-KEPT_CHANGES) });
    this.actions.announce(alarm, change, alarm.history.at(-1));
    for (const { arn, rule } of this.composites.values()) {
      if (rule.children.some((child) => child === alarm.name || child === alarm.arn)) this.evaluateComposite(arn);
    }
  }

  private evaluateComposite(arn: string): void {
    const alarm = this.composites.get(arn);
    if (!alarm) return;
    const state = alarm.rule.holds((child) => this.find(child)?.state) ? "ALARM" : "OK";
    if (state === alarm.state) return;
    this.change(
      alarm,
      state,
      `${arn} transitioned to ${state} as its rule evaluates to ${state === "ALARM" ? "true" : "false"}`,
    );
  }

  all(): readonly Alarm[] {
    return [...this.alarms.values()];
  }

  /** Creates an alarm, or changes its settings and keeps its state. */
  put(settings: AlarmSettings): void {
    const { state = "INSUFFICIENT_DATA", history = [] } = this.alarms.get(settings.arn) ?? {};
    this.alarms.set(settings.arn, { ...settings, state, history });
    if (isFine(settings)) {
      this.timer?.cancel();
      this.timer = undefined;
    }
    this.plan();
  }

  delete(arn: string): void {
    this.alarms.delete(arn);
    this.composites.delete(arn);
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.alarms.clear();
    this.composites.clear();
  }

  /** Evaluates at every full minute, and every ten seconds where an alarm has a period under a minute. */
  private plan(): void {
    if (this.timer || this.alarms.size === 0) return;
    const now = this.context.clock.now();
    const step = [...this.alarms.values()].some(isFine) ? FINE_BUCKET_MS : BUCKET_MS;
    this.timer = this.context.clock.setTimer(step - (now % step), () => {
      this.timer = undefined;
      const isFullMinute = this.context.clock.now() % BUCKET_MS === 0;
      for (const alarm of [...this.alarms.values()]) if (isFullMinute || isFine(alarm)) this.evaluate(alarm);
      this.plan();
    });
  }

  private evaluate(alarm: Alarm): void {
    const values = this.recentValues(alarm);
    const state = decide(alarm, values);
    if (state === alarm.state) return;
    this.change(alarm, state, reasonOf(alarm, values, state), this.reasonData(alarm, values));
  }

  private reasonData(alarm: Alarm, values: readonly (number | undefined)[]): string {
    const now = this.context.clock.now();
    const { periodSeconds: period, threshold, source } = alarm;
    const statistic = source.metrics.get(source.result)?.statistic;
    return JSON.stringify({
      version: "1.0",
      queryDate: new Date(now).toISOString().replace("Z", "+0000"),
      startDate: new Date(now - alarm.evaluationPeriods * period * 1000).toISOString().replace("Z", "+0000"),
      ...(statistic ? { statistic } : {}),
      period,
      recentDatapoints: values
        .filter((value) => value !== undefined)
        .slice(0, alarm.evaluationPeriods)
        .reverse(),
      threshold,
    });
  }

  /** Values of the latest periods, latest first; undefined where there are no data. */
  private recentValues(alarm: Alarm): readonly (number | undefined)[] {
    const step = isFine(alarm) ? FINE_BUCKET_MS : BUCKET_MS;
    const end = Math.floor(this.context.clock.now() / step) * step;
    const period = alarm.periodSeconds * 1000;
    return Array.from({ length: alarm.evaluationPeriods + EXTRA_PERIODS }, (_, back) =>
      this.valueAt(alarm.source, end - (back + 1) * period, end - back * period),
    );
  }

  private valueAt(source: AlarmSource, from: number, to: number): number | undefined {
    const valueOf = (id: string, back: number, asking: readonly string[]): number | undefined => {
      const shift = back * (to - from);
      const metric = source.metrics.get(id);
      if (metric) return this.metrics.value(metric, metric.statistic, from - shift, to - shift);
      // An expression that depends on itself has no value.
      if (asking.includes(id)) return undefined;
      return source.expressions.get(id)?.((name, further) => valueOf(name, further, [...asking, id]), back);
    };
    return valueOf(source.result, 0, []);
  }
}

function isFine({ periodSeconds }: Pick<AlarmSettings, "periodSeconds">): boolean {
  return periodSeconds * 1000 < BUCKET_MS;
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
