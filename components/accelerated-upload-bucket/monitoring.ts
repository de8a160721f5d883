// Alarms and dashboard of AcceleratedUploadBucket.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { UPLOAD_METRICS } from "../../handlers/upload/contract";
import { createAlarm } from "../shared/alarm";
import type { Placement } from "../shared/placement";
import { buildUploadDashboard } from "./dashboard";
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
  const alarm = (role: string, args: aws.cloudwatch.MetricAlarmArgs): aws.cloudwatch.MetricAlarm =>
    createAlarm(`${name}-${role}-alarm`, args, { ...settings, topicArn: alarms.topicArn }, parent);
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
          .apply((known) => JSON.stringify(buildUploadDashboard(known))),
        ...(settings.region === undefined ? {} : { region: settings.region }),
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
