// State table and claim-check bucket of ThrottledQueueConsumer.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { CLAIM_CHECK_PREFIX, QUEUE_STATE_TABLE } from "../../handlers/queue/contract";
import { buildEncryptionRule } from "../shared/bucket-encryption";
import { createKeyedTable } from "../shared/table";
import { buildClaimCheckBucketPolicy } from "./policies";
import type { QueueAccess } from "./queues";
import type { ThrottledQueueConsumerSettings } from "./settings";

const DAY_SECONDS = 86_400;

/** The bucket of claim checks and what is set on it. */
export interface ClaimCheckStorage {
  readonly bucket: aws.s3.Bucket;
  readonly publicAccessBlock: aws.s3.BucketPublicAccessBlock;
  readonly ownershipControls: aws.s3.BucketOwnershipControls;
  readonly encryption: aws.s3.BucketServerSideEncryptionConfiguration;
  readonly lifecycle: aws.s3.BucketLifecycleConfiguration;
  readonly policy: aws.s3.BucketPolicy;
}

/** Whether the consumer itself keeps state; the circuit breaker does so in any case. */
export function usesState({
  idempotencySeconds,
  rateLimit,
}: Pick<ThrottledQueueConsumerSettings, "idempotencySeconds" | "rateLimit">): boolean {
  return idempotencySeconds !== undefined || rateLimit !== undefined;
}

/** Creates the state table when idempotency, rate limit or circuit breaker needs it. */
export function createStateTable(
  name: string,
  settings: ThrottledQueueConsumerSettings,
  parent: pulumi.Resource,
): aws.dynamodb.Table | undefined {
  if (!usesState(settings) && settings.circuitBreaker === undefined) return undefined;
  return createKeyedTable(`${name}-state-table`, QUEUE_STATE_TABLE, settings, parent);
}

/** Creates the bucket of bodies that are too large for a message. */
export function createClaimCheckStorage(
  name: string,
  settings: ThrottledQueueConsumerSettings,
  { producers, placement }: QueueAccess,
  parent: pulumi.Resource,
): ClaimCheckStorage | undefined {
  if (!settings.claimCheck) return undefined;
  const regional = settings.region === undefined ? {} : { region: settings.region };
  const bucket = new aws.s3.Bucket(
    `${name}-claim-check-bucket`,
    { forceDestroy: !settings.deletionProtection, tags: settings.tags, ...regional },
    { parent },
  );
  const on = { bucket: bucket.bucket, ...regional };
  return {
    bucket,
    publicAccessBlock: new aws.s3.BucketPublicAccessBlock(
      `${name}-claim-check-public-access-block`,
      { ...on, blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
      { parent },
    ),
    ownershipControls: new aws.s3.BucketOwnershipControls(
      `${name}-claim-check-ownership-controls`,
      { ...on, rule: { objectOwnership: "BucketOwnerEnforced" } },
      { parent },
    ),
    encryption: new aws.s3.BucketServerSideEncryptionConfiguration(
      `${name}-claim-check-encryption`,
      { ...on, rules: [buildEncryptionRule(settings.kmsKeyArn)] },
      { parent },
    ),
    lifecycle: new aws.s3.BucketLifecycleConfiguration(
      `${name}-claim-check-lifecycle`,
      {
        ...on,
        rules: [
          {
            id: "expire-claim-checks",
            status: "Enabled",
            filter: { prefix: CLAIM_CHECK_PREFIX },
            expiration: { days: claimCheckDays(settings) },
          },
        ],
      },
      { parent },
    ),
    policy: new aws.s3.BucketPolicy(
      `${name}-claim-check-bucket-policy`,
      {
        ...on,
        policy: pulumi
          .all([bucket.arn, producers, placement.partition])
          .apply(([bucketArn, known, partition]) =>
            JSON.stringify(buildClaimCheckBucketPolicy(bucketArn, known, partition)),
          ),
      },
      { parent },
    ),
  };
}

/** A body outlives its message: the days in the queue, those in the dead-letter queue, a redrive, which starts the count again, and one. */
export function claimCheckDays({
  messageRetentionSeconds,
  deadLetterRetentionSeconds,
}: Pick<ThrottledQueueConsumerSettings, "messageRetentionSeconds" | "deadLetterRetentionSeconds">): number {
  return Math.ceil((2 * messageRetentionSeconds + deadLetterRetentionSeconds) / DAY_SECONDS) + 1;
}
