// Body of the dashboard of ProgressTrackedWorkflow. Pure.
import { PROGRESS_METRICS } from "../../handlers/progress/contract";
import { buildDashboard, type Chart, type ChartMetric, type DashboardBody } from "../shared/dashboard";

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

const PERIOD_SECONDS = 60;

/** Alarms on top; then runs, reports, connections, functions. */
export function buildProgressDashboard(parts: ProgressDashboardParts): DashboardBody {
  const { region, alarmArns } = parts;
  return buildDashboard({ region, alarmArns, charts: listCharts(parts), periodSeconds: PERIOD_SECONDS });
}

function listCharts(parts: ProgressDashboardParts): Chart[] {
  const ofWorkflow = (metric: string): ChartMetric => ["AWS/States", metric, "StateMachineArn", parts.stateMachineArn];
  const ofProgress = (metric: string): ChartMetric => [
    PROGRESS_METRICS.namespace, metric, PROGRESS_METRICS.dimension, parts.workflowName,
  ]; // prettier-ignore
  const ofSocket = (metric: string): ChartMetric => ["AWS/ApiGateway", metric, "ApiId", parts.socketApiId];
  const ofFunctions = (metric: string): ChartMetric[] =>
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
