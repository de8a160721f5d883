// Body of the dashboard of ThrottledQueueConsumer. Pure.
import { QUEUE_METRICS } from "../../handlers/queue/contract";
import { buildDashboard, type Chart, type ChartMetric, type DashboardBody } from "../shared/dashboard";

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

const PERIOD_SECONDS = 60;

/** Alarms on top; then what the post shows (dead letters, concurrency and throttles, invocations), and what it lacks. */
export function buildQueueDashboard(parts: QueueDashboardParts): DashboardBody {
  const { region, alarmArns } = parts;
  return buildDashboard({ region, alarmArns, charts: listCharts(parts), periodSeconds: PERIOD_SECONDS });
}

function listCharts(parts: QueueDashboardParts): Chart[] {
  const ofQueue = (metric: string, ...more: readonly unknown[]): ChartMetric => [
    "AWS/SQS", metric, "QueueName", parts.queueName, ...more,
  ]; // prettier-ignore
  const ofFunction = (metric: string, ...more: readonly unknown[]): ChartMetric => [
    "AWS/Lambda", metric, "FunctionName", parts.functionName, ...more,
  ]; // prettier-ignore
  const ofMapping = (metric: string): ChartMetric => ["AWS/Lambda", metric, "EventSourceMappingUUID", parts.mappingId];
  const ofKit = (metric: string): ChartMetric => [
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
      metrics: [ofFunction("Duration", { label: "p50" }), ofFunction("Duration", { stat: "p99", label: "p99" })],
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
