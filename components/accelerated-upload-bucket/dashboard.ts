// Body of the dashboard of AcceleratedUploadBucket. Pure.
import { UPLOAD_METRICS } from "../../handlers/upload/contract";
import { buildDashboard, type ChartMetric, type DashboardBody } from "../shared/dashboard";

/** Names that the widgets refer to. */
export interface UploadDashboardParts {
  readonly region: string;
  readonly bucketName: string;
  readonly apiName: string;
  readonly stageName: string;
  readonly functionNames: Readonly<Record<string, string>>;
}

const PERIOD_SECONDS = 300;

/** Uploads, bytes, calls, latency, functions, parts. */
export function buildUploadDashboard(parts: UploadDashboardParts): DashboardBody {
  const { namespace, dimension } = UPLOAD_METRICS;
  const own = (metric: string): ChartMetric => [namespace, metric, dimension, parts.bucketName];
  const ofApi = (metric: string): ChartMetric => [
    "AWS/ApiGateway", metric, "ApiName", parts.apiName, "Stage", parts.stageName,
  ]; // prettier-ignore
  const ofFunctions = (metric: string): ChartMetric[] =>
    Object.values(parts.functionNames).map((functionName) => ["AWS/Lambda", metric, "FunctionName", functionName]);
  const charts = [
    {
      title: "Uploads",
      metrics: [
        own(UPLOAD_METRICS.uploadsStarted),
        own(UPLOAD_METRICS.uploadsCompleted),
        own(UPLOAD_METRICS.uploadsFailed),
        own(UPLOAD_METRICS.uploadsAborted),
        own(UPLOAD_METRICS.abandonedUploads),
      ],
    },
    {
      title: "Bytes uploaded and given back",
      metrics: [own(UPLOAD_METRICS.bytesCompleted), own(UPLOAD_METRICS.bytesReleased)],
    },
    { title: "Calls and refusals", metrics: [ofApi("Count"), ofApi("4XXError"), ofApi("5XXError")] },
    { title: "Latency, p99", stat: "p99", metrics: [ofApi("Latency"), ofApi("IntegrationLatency")] },
    { title: "Function errors and throttles", metrics: [...ofFunctions("Errors"), ...ofFunctions("Throttles")] },
    { title: "Parts signed", metrics: [own(UPLOAD_METRICS.partsSigned)] },
  ];
  return buildDashboard({ region: parts.region, alarmArns: [], charts, periodSeconds: PERIOD_SECONDS });
}
