// Two consumers with equal settings but one: a limit of the function alone, and a limit of the queue's pollers. `npm run demo --
// throttling` sends both the same messages: the first throttles and loses messages to its dead-letter queue, the second does not.
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { ThrottledQueueConsumer, type ThrottledQueueConsumerArgs } from "../components";

const LIMIT = 5;

/** What is equal. One receive is all that a message gets, so that each throttle shows; never do this in production. */
const settings: ThrottledQueueConsumerArgs = {
  entry: path.join(__dirname, "..", "handlers", "work", "process-work.ts"),
  batchSize: 1,
  functionTimeoutSeconds: 15,
  visibilityTimeoutSeconds: 30,
  maxReceiveCount: 1,
  deletionProtection: false,
  unsafeDemonstration: true,
};

/** The function refuses what exceeds its limit; each refusal has cost the message its receive. */
const reserved = new ThrottledQueueConsumer("reserved", { ...settings, reservedConcurrentExecutions: LIMIT });
/** The pollers receive no more than the limit; other messages wait in the queue. */
const maximum = new ThrottledQueueConsumer("maximum", { ...settings, maximumConcurrency: LIMIT });

/** Physical names of both systems, for whoever sends messages and reads metrics. */
export const systems = pulumi.output({ reserved: namesOf(reserved), maximum: namesOf(maximum) });

function namesOf(consumer: ThrottledQueueConsumer): pulumi.Input<Record<string, pulumi.Input<string>>> {
  return {
    queueName: consumer.queue.name,
    queueArn: consumer.queue.arn,
    deadLetterQueueName: consumer.deadLetterQueue.name,
    functionName: consumer.function.name,
  };
}
