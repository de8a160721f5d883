// Alarms and dashboard of AcceleratedUploadBucket.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { UPLOAD_METRICS, type UploadHandlerName } from "../../handlers/upload/contract";
import type { Placement } from "../shared/placement";
import type { UploadFunctions } from "./functions";
import type { UploadApi } from "./gateway";
import type { AcceleratedUploadBucketSettings } from "./settings";
import type { UploadStorage } from "./storage";

const HOUR_SECONDS = 3600;
const FIVE_MINUTES_SECONDS = 300;

/** What an operator sees. */
export interface UploadMonitoring {
  readonly alarms: readonly aws.cloudwatch.MetricAlarm[];
  readonly dashboard: aws.cloudwatch.Dashboard;
}

/** Creates alarms on stale uploads, 4xx, 5xx, bytes and a failing sweeper, and one dashboard. */
export function createMonitoring(
  name: string,
  settings: AcceleratedUploadBucketSettings,
  parts: { storage: UploadStorage; functions: UploadFunctions; api: UploadApi; placement: Placement },
  parent: pulumi.Resource,
): UploadMonitoring | undefined {
  if (!settings.alarms.enabled) return undefined;
  const { storage, functions, api, placement } = parts;
  const uploads = {
    namespace: UPLOAD_METRICS.namespace,
    dimensions: { [UPLOAD_METRICS.dimension]: storage.bucket.bucket },
  };
  const gateway = { namespace: "AWS/ApiGateway", dimensions: { ApiName: api.api.name, Stage: api.stage.stageName } };
  const { alarms } = settings;
  const regional = settings.region === undefined ? {} : { region: settings.region };
  const alarm = (role: string, args: aws.cloudwatch.MetricAlarmArgs): aws.cloudwatch.MetricAlarm =>
    new aws.cloudwatch.MetricAlarm(
      `${name}-${role}-alarm`,
      {
        treatMissingData: "notBreaching",
        ...(alarms.topicArn === undefined ? {} : { alarmActions: [alarms.topicArn] }),
        tags: settings.tags,
        ...regional,
        ...args,
      },
      { parent },
    );
  return {
    alarms: [
      alarm("stale-uploads", {
        ...uploads,
        alarmDescription: "Many uploads were given up within an hour: are clients or networks failing?",
        metricName: UPLOAD_METRICS.abandonedUploads,
        statistic: "Sum",
        period: HOUR_SECONDS,
        ...above(alarms.staleUploadsThreshold),
      }),
      alarm("client-errors", {
        ...gateway,
        alarmDescription: "A large share of calls is refused: expired tokens, exceeded quotas, or somebody probing.",
        metricName: "4XXError",
        statistic: "Average",
        period: FIVE_MINUTES_SECONDS,
        ...above(alarms.clientErrorRate, 3),
      }),
      alarm("server-errors", {
        ...gateway,
        alarmDescription: "The upload API fails: see the logs of its functions.",
        metricName: "5XXError",
        statistic: "Sum",
        period: FIVE_MINUTES_SECONDS,
        ...above(alarms.serverErrorsThreshold),
      }),
      alarm("bytes", {
        ...uploads,
        alarmDescription: "Unusually many bytes were uploaded within an hour.",
        metricName: UPLOAD_METRICS.bytesCompleted,
        statistic: "Sum",
        period: HOUR_SECONDS,
        ...above(alarms.bytesPerHourThreshold),
      }),
      alarm("unswept-uploads", {
        ...uploads,
        alarmDescription: "Uploads past their time are still there after a sweep: see the log of the sweeper.",
        metricName: UPLOAD_METRICS.staleUploads,
        statistic: "Maximum",
        period: HOUR_SECONDS,
        ...above(1),
      }),
      alarm("sweep-errors", {
        alarmDescription: "The sweeper fails: abandoned uploads cost money until it works again.",
        namespace: "AWS/Lambda",
        dimensions: { FunctionName: functions.sweep.function.name },
        metricName: "Errors",
        statistic: "Sum",
        period: HOUR_SECONDS,
        ...above(1),
      }),
    ],
    dashboard: new aws.cloudwatch.Dashboard(
      `${name}-dashboard`,
      {
        dashboardName: pulumi.interpolate`${storage.bucket.bucket.apply((bucket) => bucket.replaceAll(".", "-"))}-uploads`,
        dashboardBody: pulumi
          .output({
            region: placement.region,
            bucketName: storage.bucket.bucket,
            apiName: api.api.name,
            stageName: api.stage.stageName,
            functionNames: functionNames(functions),
          })
          .apply((known) => JSON.stringify(buildDashboard(known))),
        ...regional,
      },
      { parent },
    ),
  };
}

function above(
  threshold: number,
  evaluationPeriods = 1,
): Pick<aws.cloudwatch.MetricAlarmArgs, "comparisonOperator" | "threshold" | "evaluationPeriods"> {
  return { comparisonOperator: "GreaterThanOrEqualToThreshold", threshold, evaluationPeriods };
}

function functionNames(functions: UploadFunctions): Record<string, pulumi.Output<string>> {
  return Object.fromEntries(
    Object.entries(functions).map(([handlerName, { function: created }]) => [handlerName, created.name]),
  );
}

/** Names that the dashboard's widgets refer to. */
export interface DashboardParts {
  readonly region: string;
  readonly bucketName: string;
  readonly apiName: string;
  readonly stageName: string;
  readonly functionNames: Readonly<Record<string, string>>;
}

interface Widget {
  readonly type: "metric";
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** Body of the dashboard. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html */
export function buildDashboard(parts: DashboardParts): { readonly widgets: readonly Widget[] } {
  const { namespace, dimension } = UPLOAD_METRICS;
  const own = (metric: string): readonly string[] => [namespace, metric, dimension, parts.bucketName];
  const ofApi = (metric: string): readonly string[] => [
    "AWS/ApiGateway", metric, "ApiName", parts.apiName, "Stage", parts.stageName,
  ]; // prettier-ignore
  const ofFunctions = (metric: string): (readonly string[])[] =>
    (Object.keys(parts.functionNames) as UploadHandlerName[]).map((handlerName) => [
      "AWS/Lambda",
      metric,
      "FunctionName",
      parts.functionNames[handlerName] ?? "",
    ]);
  const chart = (
    index: number,
    title: string,
    metrics: readonly (readonly unknown[])[],
    stat = "Sum",
    period = FIVE_MINUTES_SECONDS,
  ): Widget => ({
    type: "metric",
    x: (index % 2) * 12,
    y: Math.floor(index / 2) * 6,
    width: 12,
    height: 6,
    properties: { title, region: parts.region, view: "timeSeries", stacked: false, stat, period, metrics },
  });
  return {
    widgets: [
      chart(0, "Uploads", [
        own(UPLOAD_METRICS.uploadsStarted),
        own(UPLOAD_METRICS.uploadsCompleted),
        own(UPLOAD_METRICS.uploadsFailed),
        own(UPLOAD_METRICS.uploadsAborted),
        own(UPLOAD_METRICS.abandonedUploads),
      ]),
      chart(1, "Bytes uploaded and given back", [
        own(UPLOAD_METRICS.bytesCompleted),
        own(UPLOAD_METRICS.bytesReleased),
      ]),
      chart(2, "Calls and refusals", [ofApi("Count"), ofApi("4XXError"), ofApi("5XXError")]),
      chart(3, "Latency, p99", [ofApi("Latency"), ofApi("IntegrationLatency")], "p99"),
      chart(4, "Function errors and throttles", [...ofFunctions("Errors"), ...ofFunctions("Throttles")]),
      chart(5, "Parts signed", [own(UPLOAD_METRICS.partsSigned)]),
    ],
  };
}
