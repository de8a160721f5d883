// Source queue and dead-letter queue of ThrottledQueueConsumer, with their policies.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { SQS_LIMITS } from "../../handlers/queue/contract";
import type { Placement } from "../shared/placement";
import { enforceLater } from "../shared/validation";
import { buildQueuePolicy } from "./policies";
import { knownProducerRules, type KnownQueueProducer } from "./producers";
import type { ThrottledQueueConsumerSettings } from "./settings";

/** Longest poll of SQS: fewer empty receives by whoever polls without saying how long. */
const RECEIVE_WAIT_SECONDS = 20;

/** Both queues and what is set on them. */
export interface ConsumerQueues {
  readonly queue: aws.sqs.Queue;
  readonly deadLetterQueue: aws.sqs.Queue;
  readonly redriveAllowPolicy: aws.sqs.RedriveAllowPolicy;
  readonly queuePolicy: aws.sqs.QueuePolicy;
  readonly deadLetterQueuePolicy: aws.sqs.QueuePolicy;
}

/** Who may send, and where. */
export interface QueueAccess {
  readonly producers: pulumi.Output<KnownProducers>;
  readonly placement: Placement;
}

/** Creates the queues. */
export function createQueues(
  name: string,
  settings: ThrottledQueueConsumerSettings,
  access: QueueAccess,
  parent: pulumi.Resource,
): ConsumerQueues {
  const regional = settings.region === undefined ? {} : { region: settings.region };
  const common = {
    ...(settings.fifo ? buildFifoInputs(settings) : {}),
    ...(settings.kmsKeyArn === undefined ? { sqsManagedSseEnabled: true } : { kmsMasterKeyId: settings.kmsKeyArn }),
    receiveWaitTimeSeconds: RECEIVE_WAIT_SECONDS,
    tags: settings.tags,
    ...regional,
  };
  const deadLetterQueue = new aws.sqs.Queue(
    `${name}-dead-letter-queue`,
    {
      ...common,
      // Room for the reason of a rejection, whatever the source queue takes.
      maxMessageSize: SQS_LIMITS.maximumMessageBytes,
      messageRetentionSeconds: settings.deadLetterRetentionSeconds,
    },
    { parent },
  );
  const queue = new aws.sqs.Queue(
    `${name}-queue`,
    {
      ...common,
      // The provider documents another default than SQS has.
      maxMessageSize: settings.maxMessageSizeBytes,
      visibilityTimeoutSeconds: settings.visibilityTimeoutSeconds,
      messageRetentionSeconds: settings.messageRetentionSeconds,
      redrivePolicy: deadLetterQueue.arn.apply((deadLetterTargetArn) =>
        JSON.stringify({ deadLetterTargetArn, maxReceiveCount: settings.maxReceiveCount }),
      ),
    },
    { parent },
  );
  return {
    queue,
    deadLetterQueue,
    // A resource of its own: as an argument of the queue it would need the other queue's ARN, and the other way round.
    redriveAllowPolicy: new aws.sqs.RedriveAllowPolicy(
      `${name}-redrive-allow-policy`,
      {
        queueUrl: deadLetterQueue.url,
        redriveAllowPolicy: queue.arn.apply((queueArn) =>
          JSON.stringify({ redrivePermission: "byQueue", sourceQueueArns: [queueArn] }),
        ),
        ...regional,
      },
      { parent },
    ),
    queuePolicy: createQueuePolicy(`${name}-queue-policy`, queue, access, parent, settings),
    deadLetterQueuePolicy: createQueuePolicy(
      `${name}-dead-letter-queue-policy`,
      deadLetterQueue,
      { ...access, producers: pulumi.output({}) as pulumi.Output<KnownProducers> },
      parent,
      settings,
    ),
  };
}

/** Producers whose values are known, by key. */
export type KnownProducers = Readonly<Record<string, KnownQueueProducer>>;

/** Both modes are named: what is left out, the provider leaves as it is. */
function buildFifoInputs({
  contentBasedDeduplication,
  fifoHighThroughput,
}: ThrottledQueueConsumerSettings): Partial<aws.sqs.QueueArgs> {
  return {
    fifoQueue: true,
    contentBasedDeduplication,
    deduplicationScope: fifoHighThroughput ? "messageGroup" : "queue",
    fifoThroughputLimit: fifoHighThroughput ? "perMessageGroupId" : "perQueue",
  };
}

function createQueuePolicy(
  policyName: string,
  queue: aws.sqs.Queue,
  { producers, placement }: QueueAccess,
  parent: pulumi.Resource,
  { region }: ThrottledQueueConsumerSettings,
): aws.sqs.QueuePolicy {
  return new aws.sqs.QueuePolicy(
    policyName,
    {
      queueUrl: queue.url,
      policy: pulumi
        .all([queue.arn, producers, placement.partition])
        .apply(([queueArn, known, partition]) => JSON.stringify(buildQueuePolicy(queueArn, known, partition))),
      ...(region === undefined ? {} : { region }),
    },
    { parent },
  );
}

/** Producers, checked once their values are known. */
export function checkProducers(
  name: string,
  { producers }: ThrottledQueueConsumerSettings,
): pulumi.Output<KnownProducers> {
  const known = pulumi.output(producers) as pulumi.Output<KnownProducers>;
  return enforceLater<KnownProducers>(name, known, knownProducerRules);
}
