// Which queues are dead-letter queues.
import type { SQS } from "@aws-sdk/client-sqs";
import { listQueues, type Queue } from "../queues/queue";

/** A dead-letter queue. */
export type Listed = Queue & {
  /** Names of the queues whose messages it takes. */
  readonly sources: readonly string[];
};

/** All dead-letter queues, by name: those that a redrive policy names. */
export async function listDeadLetterQueues(sqs: SQS): Promise<readonly Listed[]> {
  const queues = await listQueues(sqs);
  return queues
    .map((queue) => ({
      ...queue,
      sources: queues.filter(({ deadLetterQueueArn }) => deadLetterQueueArn === queue.arn).map(({ name }) => name),
    }))
    .filter(({ sources }) => sources.length > 0);
}
