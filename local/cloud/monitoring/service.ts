// CloudWatch: metrics, alarms and dashboards. Its signing name is "monitoring"; its IAM prefix is "cloudwatch".
import { serveJson, type JsonApi } from "../core/json-api";
import type { CloudContext, MetricStore, Service } from "../core/service";
import type { AlarmMessage } from "./alarm-actions";
import { type Alarm, Alarms, type CompositeAlarm } from "./alarms";
import { alarmOperations } from "./alarm-api";
import { metricOperations } from "./api";
import { compositeAlarmModel } from "./composite-alarm";
import { readWidgets, type WidgetData, type WidgetRange } from "./dashboard-data";
import { type Dashboard, dashboardModel } from "./dashboard";
import { metricAlarmModel } from "./metric-alarm";
import { type DataPoint, type MetricIdentity, type MetricQuery, Metrics } from "./store";

const MAX_REQUEST_BYTES = 1024 * 1024;

/** CloudWatch, with what the console and the tests read. */
export interface MonitoringService extends Service, MetricStore {
  /** Values of a metric, one per period with data, oldest first. */
  query(query: MetricQuery): readonly DataPoint[];
  /** Every metric that has data. */
  metrics(): readonly (MetricIdentity & { readonly unit: string })[];
  alarms(): readonly Alarm[];
  compositeAlarms(): readonly CompositeAlarm[];
  /** The latest messages of alarms to topics, oldest first. */
  messages(): readonly AlarmMessage[];
  /** Widgets of a dashboard with their data; none when there is no such dashboard. */
  widgets(dashboardName: string, range: WidgetRange): readonly WidgetData[];
  dashboards(): readonly Dashboard[];
  /** Calls `listener` for every later datum; returns the function that ends it. */
  subscribe(listener: (metric: MetricIdentity) => void): () => void;
}

/** The CloudWatch service of the embedded cloud. */
export function createMonitoringService(context: CloudContext): MonitoringService {
  const metrics = new Metrics();
  const alarms = new Alarms(context, metrics);
  const dashboards = new Map<string, Dashboard>();
  const api: JsonApi = {
    target: "GraniteServiceVersion20100801",
    version: "1.0",
    limitBytes: MAX_REQUEST_BYTES,
    service: "cloudwatch",
    file: "local/cloud/monitoring/api.ts",
    operations: { ...metricOperations(context, metrics, alarms), ...alarmOperations(alarms, dashboards) },
  };
  return {
    name: "monitoring",
    models: [metricAlarmModel(alarms), compositeAlarmModel(alarms), dashboardModel(dashboards)],
    handle: (call) => serveJson(api, call),
    put: (datum) => metrics.put(datum),
    add: (metric, unit, at, summary) => metrics.add(metric, unit, at, summary),
    query: (query) => metrics.query(query),
    metrics: () => metrics.list(),
    alarms: () => alarms.all(),
    compositeAlarms: () => alarms.allComposites(),
    messages: () => alarms.actions.messages(),
    widgets: (dashboardName, range) => {
      const dashboard = [...dashboards.values()].find(({ name }) => name === dashboardName);
      return dashboard ? readWidgets(dashboard, metrics, (arn) => alarms.find(arn), range) : [];
    },
    dashboards: () => [...dashboards.values()],
    subscribe: (listener) => metrics.subscribe(listener),
    stop: async () => {
      alarms.stop();
      metrics.stop();
      dashboards.clear();
    },
  };
}
