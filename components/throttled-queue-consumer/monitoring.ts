// Alarms and dashboard of ThrottledQueueConsumer.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { QUEUE_METRICS } from "../../handlers/queue/contract";
import { createAlarm } from "../shared/alarm";
import type { Placement } from "../shared/placement";
import { buildQueueDashboard } from "./dashboard";
import type { ConsumerQueues } from "./queues";
import { findSourceBound } from "./scaling";
import type { ThrottledQueueConsumerSettings } from "./settings";

const MINUTE_SECONDS = 60;
const FIVE_MINUTES_SECONDS = 300;

/** What an operator sees. */
export interface QueueMonitoring {
  readonly alarms: Readonly<Record<string, aws.cloudwatch.MetricAlarm>>;
  readonly dashboard: aws.cloudwatch.Dashboard;
}

/** What is watched. */
export interface QueueMonitoringParts {
  readonly queues: ConsumerQueues;
  readonly consumer: aws.lambda.Function;
  readonly mapping: aws.lambda.EventSourceMapping;
  readonly hasKit: boolean;
  readonly placement: Placement;
}

/** Most invocations that the queue may start at a time. */
function findConcurrencyBound({
  scaling,
  reservedConcurrentExecutions,
}: Pick<ThrottledQueueConsumerSettings, "scaling" | "reservedConcurrentExecutions">): number | undefined {
  return findSourceBound(scaling) ?? reservedConcurrentExecutions;
}

/** Creates alarms and dashboard. None of the alarms sends a message when it ends. */
export function createMonitoring(
  name: string,
  settings: ThrottledQueueConsumerSettings,
  parts: QueueMonitoringParts,
  parent: pulumi.Resource,
): QueueMonitoring | undefined {
  if (!settings.alarms.enabled) return undefined;
  const alarms = createAlarms(name, settings, parts, parent);
  const { queues, consumer, mapping, placement, hasKit } = parts;
  const dashboard = new aws.cloudwatch.Dashboard(
    `${name}-dashboard`,
    {
      // The queue's name is unique in account and Region, so two stacks never share a dashboard.
      dashboardName: queues.queue.name.apply((queueName) => `${queueName.replaceAll(".", "-")}-consumer`),
      dashboardBody: pulumi
        .output({
          region: placement.region,
          queueName: queues.queue.name,
          deadLetterQueueName: queues.deadLetterQueue.name,
          functionName: consumer.name,
          mappingId: mapping.uuid,
          alarmArns: Object.values(alarms).map(({ arn }) => arn),
        })
        .apply((known) =>
          JSON.stringify(buildQueueDashboard({ ...known, hasKit, concurrencyBound: findConcurrencyBound(settings) })),
        ),
      ...(settings.region === undefined ? {} : { region: settings.region }),
    },
    { parent },
  );
  return { alarms, dashboard };
}

type Dimensions = Readonly<Record<string, pulumi.Input<string>>>;

function createAlarms(
  name: string,
  settings: ThrottledQueueConsumerSettings,
  { queues, consumer, mapping, hasKit }: QueueMonitoringParts,
  parent: pulumi.Resource,
): Record<string, aws.cloudwatch.MetricAlarm> {
  const { alarms } = settings;
  const ofQueue = (queue: aws.sqs.Queue, metricName: string): SimpleMetric => ({
    namespace: "AWS/SQS",
    metricName,
    dimensions: { QueueName: queue.name },
  });
  const ofFunction = (metricName: string): SimpleMetric => ({
    namespace: "AWS/Lambda",
    metricName,
    dimensions: { FunctionName: consumer.name },
  });
  const bound = findConcurrencyBound(settings);
  const definitions: Record<string, aws.cloudwatch.MetricAlarmArgs | undefined> = {
    "dead-letters": {
      ...ofQueue(queues.deadLetterQueue, "ApproximateNumberOfMessagesVisible"),
      alarmDescription: "Messages failed for good: look at them, repair, and redrive.",
      ...over("Maximum", MINUTE_SECONDS, alarms.deadLettersThreshold),
    },
    "oldest-message": {
      ...ofQueue(queues.queue, "ApproximateAgeOfOldestMessage"),
      alarmDescription: "Messages wait for long: more arrive than the consumer may process, or it fails.",
      ...over("Maximum", FIVE_MINUTES_SECONDS, alarms.oldestMessageAgeSeconds),
    },
    throttles: {
      ...ofFunction("Throttles"),
      alarmDescription:
        "Lambda throttles the consumer: reserved or account concurrency is below what the queue starts.",
      ...over("Sum", FIVE_MINUTES_SECONDS, alarms.throttlesThreshold),
    },
    errors: {
      ...ofFunction("Errors"),
      alarmDescription: "Whole invocations fail or time out: see the log of the consumer.",
      ...over("Sum", FIVE_MINUTES_SECONDS, alarms.errorsThreshold),
    },
    saturation: bound === undefined ? undefined : {
      ...ofFunction("ConcurrentExecutions"),
      alarmDescription: "The consumer runs at its limit all the time: the backlog will not shrink any faster.",
      ...over("Maximum", MINUTE_SECONDS, bound, alarms.saturationMinutes),
    }, // prettier-ignore
    "mapping-failures": buildMappingAlarm(
      {
        namespace: "AWS/Lambda",
        metricName: "FailedInvokeEventCount",
        dimensions: { EventSourceMappingUUID: mapping.uuid },
      },
      ofFunction("Invocations"),
      settings,
    ),
    stalled: buildStalledAlarm(
      ofQueue(queues.queue, "ApproximateAgeOfOldestMessage"),
      ofQueue(queues.queue, "NumberOfMessagesDeleted"),
      settings,
    ),
    "rejected-messages": hasKit
      ? {
          namespace: QUEUE_METRICS.namespace,
          metricName: QUEUE_METRICS.messagesRejected,
          dimensions: { [QUEUE_METRICS.dimension]: queues.queue.name },
          alarmDescription:
            "The consumer rejected messages for good: the reason stands beside each in the dead-letter queue.",
          ...over("Sum", FIVE_MINUTES_SECONDS, alarms.rejectedMessagesThreshold),
        }
      : undefined,
  };
  return Object.fromEntries(
    Object.entries(definitions).flatMap(([role, args]) =>
      args === undefined
        ? []
        : [[role, createAlarm(`${name}-${role}-alarm`, args, { ...settings, topicArn: alarms.topicArn }, parent)]],
    ),
  );
}

interface SimpleMetric {
  readonly namespace: string;
  readonly metricName: string;
  readonly dimensions: Dimensions;
}

/**
 * Lambda counts a message that the consumer itself returned as a failed one too. A mapping that fails hands nothing over: messages fail
 * and the function does not run. An invocation counts when it begins and its failures when it ends, hence as many periods as it may take
 * and one.
 */
function buildMappingAlarm(
  failed: SimpleMetric,
  invocations: SimpleMetric,
  { alarms, functionTimeoutSeconds }: ThrottledQueueConsumerSettings,
): aws.cloudwatch.MetricAlarmArgs {
  const condition = `failed >= ${alarms.mappingFailuresThreshold} AND FILL(invocations, 0) == 0`;
  return {
    alarmDescription:
      "Messages were polled and none could be handed to the consumer: see the state of the event source mapping.",
    ...whenever("unreachable", condition, [
      { id: "failed", metric: query(failed, "Sum") },
      { id: "invocations", metric: query(invocations, "Sum") },
    ]),
    evaluationPeriods: countPeriods(functionTimeoutSeconds) + 1,
  };
}

/**
 * Old messages alone are a backlog, and no deletions alone are an idle queue: only both together are a standstill. Messages that take
 * long are deleted seldom, hence as many periods as one may take.
 */
function buildStalledAlarm(
  age: SimpleMetric,
  deleted: SimpleMetric,
  { alarms, functionTimeoutSeconds }: ThrottledQueueConsumerSettings,
): aws.cloudwatch.MetricAlarmArgs {
  return {
    alarmDescription: "Old messages wait and none is finished: the consumer stands still.",
    ...whenever("stalled", `age >= ${alarms.stalledAfterSeconds} AND FILL(deleted, 0) == 0`, [
      { id: "age", metric: query(age, "Maximum") },
      { id: "deleted", metric: query(deleted, "Sum") },
    ]),
    evaluationPeriods: countPeriods(functionTimeoutSeconds),
  };
}

function query(metric: SimpleMetric, stat: string): aws.types.input.cloudwatch.MetricAlarmMetricQueryMetric {
  return { ...metric, period: FIVE_MINUTES_SECONDS, stat };
}

/** Raises an alarm in each period in which a condition over several metrics holds. */
function whenever(
  id: string,
  condition: string,
  metrics: aws.types.input.cloudwatch.MetricAlarmMetricQuery[],
): Pick<aws.cloudwatch.MetricAlarmArgs, "metricQueries" | "comparisonOperator" | "threshold"> {
  const label = `${id.charAt(0).toUpperCase()}${id.slice(1)}`;
  return {
    metricQueries: [...metrics, { id, label, expression: `IF(${condition}, 1, 0)`, returnData: true }],
    comparisonOperator: "GreaterThanOrEqualToThreshold",
    threshold: 1,
  };
}

/** Periods of five minutes that a time covers, begun ones included. */
function countPeriods(seconds: number): number {
  return Math.ceil(seconds / FIVE_MINUTES_SECONDS);
}

function over(
  statistic: string,
  period: number,
  threshold: number,
  evaluationPeriods = 1,
): Pick<
  aws.cloudwatch.MetricAlarmArgs,
  "statistic" | "period" | "comparisonOperator" | "threshold" | "evaluationPeriods"
> {
  return { statistic, period, comparisonOperator: "GreaterThanOrEqualToThreshold", threshold, evaluationPeriods };
}
