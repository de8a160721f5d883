// Body of the dashboard of ThrottledQueueConsumer. Pure.
import { QUEUE_METRICS } from "../../handlers/queue/contract";

/** Names that the widgets refer to. */
export interface QueueDashboardParts {
  readonly region: string;
  readonly queueName: string;
  readonly deadLetterQueueName: string;
  readonly functionName: string;
  readonly mappingId: string;
  readonly alarmArns: readonly string[];
  readonly hasKit: boolean;
  /** Most invocations at a time; undefined: no line is drawn. */
  readonly concurrencyBound: number | undefined;
}

/** One widget. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html */
export interface QueueDashboardWidget {
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

type Metric = readonly unknown[];

interface Chart {
  readonly title: string;
  readonly metrics: readonly Metric[];
  readonly stat?: string;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** Alarms on top; then what the post shows (dead letters, concurrency and throttles, invocations), and what it lacks. */
export function buildQueueDashboard(parts: QueueDashboardParts): { readonly widgets: readonly QueueDashboardWidget[] } {
  const alarms: QueueDashboardWidget = {
    type: "alarm",
    x: 0,
    y: 0,
    width: 2 * HALF,
    height: 3,
    properties: { title: "Alarms", alarms: parts.alarmArns },
  };
  return {
    widgets: [
      alarms,
      ...listCharts(parts).map(({ title, metrics, stat = "Sum", more }, index): QueueDashboardWidget => ({
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
          ...more,
        },
      })),
    ],
  };
}

function listCharts(parts: QueueDashboardParts): Chart[] {
  const ofQueue = (metric: string, ...more: readonly unknown[]): Metric => [
    "AWS/SQS", metric, "QueueName", parts.queueName, ...more,
  ]; // prettier-ignore
  const ofFunction = (metric: string, ...more: readonly unknown[]): Metric => [
    "AWS/Lambda", metric, "FunctionName", parts.functionName, ...more,
  ]; // prettier-ignore
  const ofMapping = (metric: string): Metric => ["AWS/Lambda", metric, "EventSourceMappingUUID", parts.mappingId];
  const ofKit = (metric: string): Metric => [
    QUEUE_METRICS.namespace, metric, QUEUE_METRICS.dimension, parts.queueName,
  ]; // prettier-ignore
  const bound = parts.concurrencyBound;
  return [
    {
      title: "Messages in the dead-letter queue",
      stat: "Maximum",
      metrics: [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", parts.deadLetterQueueName]],
    },
    {
      title: "Concurrency and throttles",
      stat: "Maximum",
      metrics: [ofFunction("ConcurrentExecutions"), ofFunction("Throttles", { stat: "Sum" })],
      ...(bound === undefined ? {} : { more: { annotations: { horizontal: [{ label: "limit", value: bound }] } } }),
    },
    { title: "Invocations and errors", metrics: [ofFunction("Invocations"), ofFunction("Errors")] },
    {
      title: "Duration, p50 and p99",
      stat: "p50",
      metrics: [ofFunction("Duration"), ofFunction("Duration", { stat: "p99" })],
    },
    { title: "Age of the oldest message", stat: "Maximum", metrics: [ofQueue("ApproximateAgeOfOldestMessage")] },
    {
      title: "Backlog",
      stat: "Maximum",
      metrics: [
        ofQueue("ApproximateNumberOfMessagesVisible"),
        ofQueue("ApproximateNumberOfMessagesNotVisible"),
        ofQueue("ApproximateNumberOfMessagesDelayed"),
      ],
    },
    {
      title: "Messages in and out",
      metrics: [
        ofQueue("NumberOfMessagesSent"),
        ofQueue("NumberOfMessagesReceived"),
        ofQueue("NumberOfMessagesDeleted"),
      ],
    },
    {
      title: "Event source mapping",
      metrics: [
        ofMapping("PolledEventCount"),
        ofMapping("FilteredOutEventCount"),
        ofMapping("InvokedEventCount"),
        ofMapping("FailedInvokeEventCount"),
        ofMapping("DeletedEventCount"),
      ],
    },
    ...(parts.hasKit
      ? [
          {
            title: "What became of messages",
            metrics: [
              ofKit(QUEUE_METRICS.messagesProcessed),
              ofKit(QUEUE_METRICS.messagesFailed),
              ofKit(QUEUE_METRICS.messagesRejected),
              ofKit(QUEUE_METRICS.duplicatesSkipped),
              ofKit(QUEUE_METRICS.messagesReturned),
            ],
          },
        ]
      : []),
  ];
}
