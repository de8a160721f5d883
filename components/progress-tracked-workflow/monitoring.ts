// Alarms and dashboard of ProgressTrackedWorkflow.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { PROGRESS_METRICS } from "../../handlers/progress/contract";
import { createAlarm } from "../shared/alarm";
import type { Placement } from "../shared/placement";
import { buildProgressDashboard } from "./dashboard";
import type { ProgressFunctions } from "./functions";
import type { ProgressTrackedWorkflowSettings } from "./settings";

const FIVE_MINUTES_SECONDS = 300;

/** What an operator sees. */
export interface ProgressMonitoring {
  readonly alarms: Readonly<Record<string, aws.cloudwatch.MetricAlarm>>;
  readonly dashboard: aws.cloudwatch.Dashboard;
}

/** What is watched. */
export interface ProgressMonitoringParts {
  readonly stateMachine: aws.sfn.StateMachine;
  readonly deadLetterQueue: aws.sqs.Queue;
  readonly functions: ProgressFunctions;
  readonly socketApiId: pulumi.Output<string>;
  readonly placement: Placement;
}

/** Creates alarms and dashboard. None of the alarms sends a message when it ends. */
export function createMonitoring(
  name: string,
  settings: ProgressTrackedWorkflowSettings,
  parts: ProgressMonitoringParts,
  parent: pulumi.Resource,
): ProgressMonitoring | undefined {
  if (!settings.alarms.enabled) return undefined;
  const alarms = createAlarms(name, settings, parts, parent);
  const { stateMachine, deadLetterQueue, functions, socketApiId, placement } = parts;
  const dashboard = new aws.cloudwatch.Dashboard(
    `${name}-dashboard`,
    {
      // The workflow's name is unique in account and Region, so two stacks never share a dashboard.
      dashboardName: stateMachine.name,
      dashboardBody: pulumi
        .output({
          region: placement.region,
          stateMachineArn: stateMachine.arn,
          workflowName: stateMachine.name,
          deadLetterQueueName: deadLetterQueue.name,
          socketApiId,
          functionNames: Object.values(functions).map((handler) => handler.function.name),
          alarmArns: Object.values(alarms).map(({ arn }) => arn),
        })
        .apply((known) => JSON.stringify(buildProgressDashboard(known))),
      ...(settings.region === undefined ? {} : { region: settings.region }),
    },
    { parent },
  );
  return { alarms, dashboard };
}

function createAlarms(
  name: string,
  settings: ProgressTrackedWorkflowSettings,
  { stateMachine, deadLetterQueue, functions }: ProgressMonitoringParts,
  parent: pulumi.Resource,
): Record<string, aws.cloudwatch.MetricAlarm> {
  const { alarms } = settings;
  const ofWorkflow = (
    metricName: string,
  ): Omit<aws.cloudwatch.MetricAlarmArgs, "comparisonOperator" | "evaluationPeriods"> => ({
    namespace: "AWS/States",
    metricName,
    dimensions: { StateMachineArn: stateMachine.arn },
    statistic: "Sum",
    period: FIVE_MINUTES_SECONDS,
  });
  const definitions = {
    "failed-runs": {
      ...ofWorkflow("ExecutionsFailed"),
      alarmDescription: "Runs of the workflow fail: look at the failed execution, repair, and redrive it.",
      threshold: alarms.failedRunsThreshold,
    },
    "timed-out-runs": {
      ...ofWorkflow("ExecutionsTimedOut"),
      alarmDescription: "Runs of the workflow take longer than they may.",
      threshold: alarms.timedOutRunsThreshold,
    },
    "report-failures": {
      namespace: PROGRESS_METRICS.namespace,
      metricName: PROGRESS_METRICS.reportsFailed,
      dimensions: { [PROGRESS_METRICS.dimension]: stateMachine.name },
      statistic: "Sum",
      period: FIVE_MINUTES_SECONDS,
      alarmDescription: "Reports of the workflow could not be stored: viewers miss steps. The runs themselves go on.",
      threshold: alarms.reportFailuresThreshold,
    },
    "dead-letters": {
      namespace: "AWS/SQS",
      metricName: "ApproximateNumberOfMessagesVisible",
      dimensions: { QueueName: deadLetterQueue.name },
      statistic: "Maximum",
      period: FIVE_MINUTES_SECONDS,
      alarmDescription: "Reports or events could not be delivered: look at them, repair, and send them again.",
      threshold: 1,
    },
    "function-errors": {
      metricQueries: buildErrorQueries(functions),
      alarmDescription: "Functions of the workflow's progress fail or time out: see their logs.",
      threshold: alarms.functionErrorsThreshold,
    },
  } satisfies Readonly<Record<string, Partial<aws.cloudwatch.MetricAlarmArgs>>>;
  return Object.fromEntries(
    Object.entries(definitions).map(([role, args]) => [
      role,
      createAlarm(
        `${name}-${role}-alarm`,
        { comparisonOperator: "GreaterThanOrEqualToThreshold", evaluationPeriods: 1, ...args },
        { ...settings, topicArn: alarms.topicArn },
        parent,
      ),
    ]),
  );
}

/** The errors of all functions together; one that was not invoked counts as none. */
function buildErrorQueries(functions: ProgressFunctions): aws.types.input.cloudwatch.MetricAlarmMetricQuery[] {
  const handlers = Object.entries(functions);
  return [
    ...handlers.map(([handlerName, handler]) => ({
      id: handlerName,
      metric: {
        namespace: "AWS/Lambda",
        metricName: "Errors",
        dimensions: { FunctionName: handler.function.name },
        period: FIVE_MINUTES_SECONDS,
        stat: "Sum",
      },
    })),
    {
      id: "all",
      label: "Errors",
      expression: handlers.map(([handlerName]) => `FILL(${handlerName}, 0)`).join(" + "),
      returnData: true,
    },
  ];
}
