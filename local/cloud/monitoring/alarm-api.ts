// Operations of CloudWatch on alarms and dashboards that are declared.
import { AwsError } from "../core/errors";
import { type JsonObject, type JsonOperation, textOf, textsOf } from "../core/json-api";
import type { GatewayCall } from "../core/service";
import type { Alarm, Alarms, AlarmState, CompositeAlarm } from "./alarms";
import type { Dashboard } from "./dashboard";

const STATES: readonly AlarmState[] = ["OK", "ALARM", "INSUFFICIENT_DATA"];

/** Operations by name. */
export function alarmOperations(
  alarms: Alarms,
  dashboards: ReadonlyMap<string, Dashboard>,
): Readonly<Record<string, JsonOperation>> {
  return {
    SetAlarmState: (input, call) => setAlarmState(alarms, input, call),
    DescribeAlarmHistory: (input, call) => describeHistory(alarms, input, call),
    EnableAlarmActions: (input, call) => switchActions(alarms, input, call, true),
    DisableAlarmActions: (input, call) => switchActions(alarms, input, call, false),
    GetDashboard: (input, call) => getDashboard(dashboards, input, call),
    ListDashboards: (input, call) => listDashboards(dashboards, input, call),
  };
}

function authorize(call: GatewayCall, operation: string, resource: string): void {
  call.authorize({ action: `cloudwatch:${operation}`, resource, resourceAccountId: call.principal.accountId });
}

function arnOf(call: GatewayCall, name: string): string {
  return `arn:aws:cloudwatch:${call.region}:${call.principal.accountId}:alarm:${name}`;
}

function setAlarmState(alarms: Alarms, input: JsonObject, call: GatewayCall): JsonObject {
  const arn = arnOf(call, textOf(input, "AlarmName") ?? "");
  authorize(call, "SetAlarmState", arn);
  const state = STATES.find((one) => one === input.StateValue);
  const reason = textOf(input, "StateReason");
  if (!state) throw new AwsError("ValidationError", `StateValue must be one of ${STATES.join(", ")}.`);
  if (reason === undefined) throw new AwsError("ValidationError", "StateReason is required.");
  if (!alarms.find(arn)) throw new AwsError("ResourceNotFound", "Unknown alarm", 404);
  const reasonData = textOf(input, "StateReasonData");
  if (reasonData !== undefined && !isJson(reasonData)) {
    throw new AwsError("InvalidFormat", "StateReasonData was not valid JSON.");
  }
  alarms.setState(arn, state, reason, reasonData);
  return {};
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function describeHistory(alarms: Alarms, input: JsonObject, call: GatewayCall): JsonObject {
  const name = textOf(input, "AlarmName");
  authorize(call, "DescribeAlarmHistory", name === undefined ? "*" : arnOf(call, name));
  const isOwn = (alarm: Alarm | CompositeAlarm): boolean => alarm.arn === arnOf(call, name ?? alarm.name);
  const entries = [...alarms.all(), ...alarms.allComposites()].filter(isOwn).flatMap((alarm) =>
    alarm.history.map(({ at, from, to, reason, reasonData }) => ({
      AlarmName: alarm.name,
      AlarmType: "rule" in alarm ? "CompositeAlarm" : "MetricAlarm",
      Timestamp: at / 1000,
      HistoryItemType: "StateUpdate",
      HistorySummary: `Alarm updated from ${from} to ${to}`,
      HistoryData: JSON.stringify({
        version: "1.0",
        oldState: { stateValue: from },
        newState: {
          stateValue: to,
          stateReason: reason,
          ...(reasonData ? { stateReasonData: JSON.parse(reasonData) as unknown } : {}),
        },
      }),
    })),
  );
  const direction = input.ScanBy === "TimestampAscending" ? 1 : -1;
  return { AlarmHistoryItems: entries.sort((one, other) => direction * (one.Timestamp - other.Timestamp)) };
}

function switchActions(alarms: Alarms, input: JsonObject, call: GatewayCall, enabled: boolean): JsonObject {
  for (const name of textsOf(input, "AlarmNames")) {
    authorize(call, enabled ? "EnableAlarmActions" : "DisableAlarmActions", arnOf(call, name));
    alarms.enableActions(arnOf(call, name), enabled);
  }
  return {};
}

function getDashboard(dashboards: ReadonlyMap<string, Dashboard>, input: JsonObject, call: GatewayCall): JsonObject {
  const name = textOf(input, "DashboardName") ?? "";
  const arn = `arn:aws:cloudwatch::${call.principal.accountId}:dashboard/${name}`;
  authorize(call, "GetDashboard", arn);
  const dashboard = dashboards.get(arn);
  if (!dashboard) throw new AwsError("ResourceNotFound", `Dashboard ${name} does not exist`, 404);
  return { DashboardArn: arn, DashboardName: name, DashboardBody: JSON.stringify(dashboard.body) };
}

function listDashboards(dashboards: ReadonlyMap<string, Dashboard>, input: JsonObject, call: GatewayCall): JsonObject {
  authorize(call, "ListDashboards", "*");
  const prefix = textOf(input, "DashboardNamePrefix") ?? "";
  const own = `arn:aws:cloudwatch::${call.principal.accountId}:dashboard/`;
  const found = [...dashboards.values()].filter(({ arn, name }) => arn.startsWith(own) && name.startsWith(prefix));
  return { DashboardEntries: found.map(({ arn, name }) => ({ DashboardArn: arn, DashboardName: name })) };
}
