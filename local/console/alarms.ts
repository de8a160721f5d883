// What the console says about alarms: state, reason, condition, the latest values and changes.
import type { Cloud } from "../cloud";
import type { Alarm } from "../cloud/monitoring/alarms";
import type { MonitoringService } from "../cloud/monitoring/service";
import type { AlarmView } from "./web/state";

/** Periods that the small chart of an alarm shows, beyond those that the alarm looks at. */
const SHOWN_PERIODS = 30;
const SHOWN_CHANGES = 10;
const ORDER = ["ALARM", "INSUFFICIENT_DATA", "OK"];

const SIGNS: Readonly<Record<string, string>> = {
  GreaterThanOrEqualToThreshold: "≥",
  GreaterThanThreshold: ">",
  LessThanThreshold: "<",
  LessThanOrEqualToThreshold: "≤",
};

/** Monitoring, where the cloud has it. */
export function findMonitoring(cloud: Cloud): MonitoringService | undefined {
  return cloud.services.find((service): service is MonitoringService => service.name === "monitoring");
}

/** How many alarms are in ALARM. */
export function countAlarms(cloud: Cloud): number {
  return (findMonitoring(cloud)?.alarms() ?? []).filter(({ state }) => state === "ALARM").length;
}

/** Every alarm, those in ALARM first. */
export function describeAlarms(cloud: Cloud): readonly AlarmView[] {
  const monitoring = findMonitoring(cloud);
  const now = cloud.context.clock.now();
  return (monitoring?.alarms() ?? [])
    .map((alarm) => describeAlarm(alarm, monitoring, now))
    .sort((one, other) => ORDER.indexOf(one.state) - ORDER.indexOf(other.state) || (one.name < other.name ? -1 : 1));
}

function describeAlarm(alarm: Alarm, monitoring: MonitoringService | undefined, now: number): AlarmView {
  const { name, state, threshold, periodSeconds, history } = alarm;
  const last = history.at(-1);
  return {
    name,
    state,
    reason: last?.reason ?? "Not evaluated to another state yet.",
    ...(last ? { since: last.at } : {}),
    condition: conditionOf(alarm),
    threshold,
    periodSeconds,
    points: monitoring ? recentPoints(alarm, monitoring, now) : [],
    history: history
      .slice(-SHOWN_CHANGES)
      .reverse()
      .map(({ at, from, to, reason }) => ({ at, from, to, reason })),
  };
}

/** "Errors, Sum of 1 min ≥ 3 in 2 of 3 periods" */
function conditionOf(alarm: Alarm): string {
  const { source, comparison, threshold, periodSeconds, evaluationPeriods, datapointsToAlarm } = alarm;
  const metric = source.metrics.get(source.result);
  const what = metric
    ? `${metric.name}, ${metric.statistic}`
    : `expression over ${[...source.metrics.values()].map((one) => one.name).join(", ")}`;
  const periods = evaluationPeriods === 1 ? "" : ` in ${datapointsToAlarm} of ${evaluationPeriods} periods`;
  return `${what} of ${spanText(periodSeconds)} ${SIGNS[comparison] ?? comparison} ${threshold}${periods}`;
}

function spanText(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600} h`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}

/** The latest values of the compared metric; an expression is computed period by period. */
function recentPoints(
  { source, periodSeconds, evaluationPeriods }: Alarm,
  monitoring: MonitoringService,
  now: number,
): AlarmView["points"] {
  const from = now - (SHOWN_PERIODS + evaluationPeriods) * periodSeconds * 1000;
  const read = (id: string): AlarmView["points"] => {
    const metric = source.metrics.get(id);
    return metric ? monitoring.query({ ...metric, periodSeconds, from, to: now }) : [];
  };
  const expression = source.expressions.get(source.result);
  if (!expression) return read(source.result);
  const values = new Map([...source.metrics.keys()].map((id) => [id, new Map(read(id).map((p) => [p.at, p.value]))]));
  const times = new Set([...values.values()].flatMap((points) => [...points.keys()]));
  return [...times]
    .sort((one, other) => one - other)
    .flatMap((at) => {
      const resolve = (id: string): number | undefined =>
        values.get(id)?.get(at) ?? source.expressions.get(id)?.(resolve);
      const value = expression(resolve);
      return value === undefined ? [] : [{ at, value }];
    });
}
