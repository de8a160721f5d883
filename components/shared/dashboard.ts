// Bodies of dashboards: alarms on top, then charts in two columns. Pure.

/** One widget. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html */
export interface DashboardWidget {
  readonly type: "metric" | "alarm";
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** Body of a dashboard. */
export interface DashboardBody {
  readonly widgets: readonly DashboardWidget[];
}

/** A metric: namespace, name, dimension, value, …, options. */
export type ChartMetric = readonly unknown[];

/** A chart over time. */
export interface Chart {
  readonly title: string;
  readonly metrics: readonly ChartMetric[];
  /** Statistic of every metric that names none. @default `"Sum"` */
  readonly stat?: string;
  /** Further properties of the widget. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** What a dashboard shows. */
export interface DashboardParts {
  readonly region: string;
  /** Empty: no alarm widget. */
  readonly alarmArns: readonly string[];
  readonly charts: readonly Chart[];
  readonly periodSeconds: number;
}

const HALF = 12;
const CHART_HEIGHT = 6;
const ALARMS_PER_ROW = 4;

/** Lays the widgets out on CloudWatch's grid of 24 columns. */
export function buildDashboard({ region, alarmArns, charts, periodSeconds }: DashboardParts): DashboardBody {
  const alarmHeight = alarmArns.length === 0 ? 0 : 2 + Math.ceil(alarmArns.length / ALARMS_PER_ROW);
  const alarms: DashboardWidget = {
    type: "alarm",
    x: 0,
    y: 0,
    width: 2 * HALF,
    height: alarmHeight,
    properties: { title: "Alarms", alarms: alarmArns },
  };
  const drawn = charts.map(({ title, metrics, stat = "Sum", more }, index): DashboardWidget => ({
    type: "metric",
    x: (index % 2) * HALF,
    y: alarmHeight + Math.floor(index / 2) * CHART_HEIGHT,
    width: HALF,
    height: CHART_HEIGHT,
    properties: {
      title,
      region,
      view: "timeSeries",
      stacked: false,
      stat,
      period: periodSeconds,
      metrics,
      ...more,
    },
  }));
  return { widgets: alarmHeight === 0 ? drawn : [alarms, ...drawn] };
}
