// The event source mapping of ThrottledQueueConsumer: where the throttle is.
import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { HandlerFunction } from "../shared/function";
import type { ConsumerQueues } from "./queues";
import type { ThrottledQueueConsumerSettings } from "./settings";

/** Creates `${name}-event-source-mapping`. */
export function createEventSourceMapping(
  name: string,
  settings: ThrottledQueueConsumerSettings,
  { queue }: ConsumerQueues,
  consumer: HandlerFunction,
  parent: pulumi.Resource,
): aws.lambda.EventSourceMapping {
  const { scaling, maximumBatchingWindowInSeconds, filters, filtersKmsKeyArn } = settings;
  return new aws.lambda.EventSourceMapping(
    `${name}-event-source-mapping`,
    {
      eventSourceArn: queue.arn,
      functionName: consumer.function.name,
      enabled: !settings.paused,
      batchSize: settings.batchSize,
      // Lambda refuses the property with FIFO queues, even 0.
      ...(settings.fifo ? {} : { maximumBatchingWindowInSeconds }),
      ...(settings.reportBatchItemFailures ? { functionResponseTypes: ["ReportBatchItemFailures"] } : {}),
      ...(scaling.maximumConcurrency === undefined
        ? {}
        : { scalingConfig: { maximumConcurrency: scaling.maximumConcurrency } }),
      ...(scaling.pollers
        ? {
            provisionedPollerConfig: {
              minimumPollers: scaling.pollers.minimum,
              maximumPollers: scaling.pollers.maximum,
            },
          }
        : {}),
      ...(filters.length > 0 ? { filterCriteria: { filters: filters.map((pattern) => ({ pattern })) } } : {}),
      ...(filtersKmsKeyArn === undefined ? {} : { kmsKeyArn: filtersKmsKeyArn }),
      metricsConfig: { metrics: ["EventCount"] },
      tags: settings.tags,
      ...(settings.region === undefined ? {} : { region: settings.region }),
    },
    // Lambda tries the role's rights on the queue at once.
    { parent, dependsOn: [consumer.policy] },
  );
}
