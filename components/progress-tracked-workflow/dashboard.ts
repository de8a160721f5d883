// Body of the dashboard of ProgressTrackedWorkflow. Pure.
import { PROGRESS_METRICS } from "../../handlers/progress/contract";

/** Names that the widgets refer to. */
export interface ProgressDashboardParts {
  readonly region: string;
  readonly stateMachineArn: string;
  readonly workflowName: string;
  readonly deadLetterQueueName: string;
  readonly socketApiId: string;
  readonly functionNames: readonly string[];
  readonly alarmArns: readonly string[];
}

/** One widget. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html */
export interface ProgressDashboardWidget {
  readonly type: "metric" | "alarm";
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

const PERIOD_SECONDS = 60;
const HALF = 12;
const HEIGHT = 6;

interface Chart {
  readonly title: string;
  readonly metrics: readonly (readonly unknown[])[];
  readonly stat?: string;
}

/** Alarms on top; then runs, reports, connections, functions. */
export function buildProgressDashboard(parts: ProgressDashboardParts): {
  readonly widgets: readonly ProgressDashboardWidget[];
} {
  const alarms: ProgressDashboardWidget = {
    type: "alarm",
    x: 0,
    y: 0,
    width: 2 * HALF,
    height: 3,
    properties: { title: "Alarms", alarms: parts.alarmArns },
  };
  const charts = listCharts(parts).map(({ title, metrics, stat = "Sum" }, index): ProgressDashboardWidget => ({
    type: "metric",
    x: (index % 2) * HALF,
    y: alarms.height + Math.floor(index / 2) * HEIGHT,
    width: HALF,
    height: HEIGHT,
    properties: {
      title,
      region: parts.region,
      view: "timeSeries",
      stacked: false,
      stat,
      period: PERIOD_SECONDS,
      metrics,
    },
  }));
  return { widgets: [alarms, ...charts] };
}

function listCharts(parts: ProgressDashboardParts): Chart[] {
  const ofWorkflow = (metric: string): readonly unknown[] => [
    "AWS/States",
    metric,
    "StateMachineArn",
    parts.stateMachineArn,
  ];
  const ofProgress = (metric: string): readonly unknown[] => [
    PROGRESS_METRICS.namespace, metric, PROGRESS_METRICS.dimension, parts.workflowName,
  ]; // prettier-ignore
  const ofSocket = (metric: string): readonly unknown[] => ["AWS/ApiGateway", metric, "ApiId", parts.socketApiId];
  const ofFunctions = (metric: string): (readonly unknown[])[] =>
    parts.functionNames.map((functionName) => ["AWS/Lambda", metric, "FunctionName", functionName]);
  return [
    {
      title: "Runs",
      metrics: [
        "ExecutionsStarted",
        "ExecutionsSucceeded",
        "ExecutionsFailed",
        "ExecutionsTimedOut",
        "ExecutionsAborted",
      ].map(ofWorkflow),
    },
    { title: "Duration of runs, p50", stat: "p50", metrics: [ofWorkflow("ExecutionTime")] },
    {
      title: "Reports and pushes",
      metrics: [
        ofProgress(PROGRESS_METRICS.reportsStored),
        ofProgress(PROGRESS_METRICS.reportsFailed),
        ofProgress(PROGRESS_METRICS.messagesPushed),
        ofProgress(PROGRESS_METRICS.connectionsGone),
        ofProgress(PROGRESS_METRICS.runsReconciled),
      ],
    },
    {
      title: "Connections",
      metrics: ["ConnectCount", "MessageCount", "ClientError", "IntegrationError"].map(ofSocket),
    },
    { title: "Errors of functions", metrics: ofFunctions("Errors") },
    { title: "Duration of functions, p99", stat: "p99", metrics: ofFunctions("Duration") },
    {
      title: "Undelivered events",
      stat: "Maximum",
      metrics: [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", parts.deadLetterQueueName]],
    },
  ];
}
