// Arguments of ThrottledQueueConsumer: plain data, as Pulumi's component analyzer needs it.
import type * as pulumi from "@pulumi/pulumi";

/** Processor that a team's own code is built for. */
export const QueueConsumerArchitecture = {
  /** AWS Graviton: the cheaper one. */
  Arm64: "arm64",
  /** Intel and AMD. */
  X86: "x86_64",
} as const;
/** Processor that a team's own code is built for. */
export type QueueConsumerArchitecture = (typeof QueueConsumerArchitecture)[keyof typeof QueueConsumerArchitecture];

/** Arguments of `ThrottledQueueConsumer`. Exactly one of `entry` and `code` is given. */
export interface ThrottledQueueConsumerArgs {
  /**
   * Path of a TypeScript or JavaScript file that exports `processMessage(message, context)`; it is bundled with the consumer kit.
   * Absolute, or relative to the working directory of the program.
   * @default - none; then `code` is required
   */
  readonly entry?: string;
  /**
   * A bundle of the team's own with its own handler of SQS events, deployed unaltered.
   * @default - none; then `entry` is required
   */
  readonly code?: QueueConsumerCodeArgs;
  /**
   * Most invocations that the queue starts at a time, 2 to 1,000. Messages beyond wait in the queue; nothing is throttled.
   * @default - derived from `target`, or else 5; none with `provisionedPollers`, and none with `unsafeDemonstration` and
   * `reservedConcurrentExecutions`
   */
  readonly maximumConcurrency?: number;
  /**
   * Acknowledges that AWS has raised this account's quotas: `maximumConcurrency` up to 20,000, and 10,000 for
   * `provisionedPollers.maximum`.
   * @default `false`
   */
  readonly acknowledgeRaisedQuotas?: boolean;
  /**
   * Concurrency that is set aside for the function, from the account's. Must be above what the queue may start, or throttled
   * receives push good messages into the dead-letter queue.
   * @default - none is set aside
   */
  readonly reservedConcurrentExecutions?: number;
  /**
   * Pollers that wait for messages all the time (provisioned mode), for steep ramps. Excludes `maximumConcurrency`.
   * @default - pollers that Lambda scales by itself
   */
  readonly provisionedPollers?: QueuePollersArgs;
  /**
   * Most messages of one invocation: 1 to 10,000, or 1 to 10 with `fifo`. With 1, `maximumConcurrency` bounds the calls to the
   * downstream exactly; the kit works on up to 10 messages of a batch side by side. With `fifo`, messages behind a failed one of their
   * group share its receives, and its way into the dead-letter queue, when they come in the same batch.
   * @default `1`
   */
  readonly batchSize?: number;
  /**
   * Seconds that Lambda waits for a batch to fill, 0 to 300. At least 1 for batches above 10; none with `fifo`.
   * @default `0`, or `1` for batches above 10
   */
  readonly maximumBatchingWindowInSeconds?: number;
  /**
   * Patterns of `body`, as JSON texts, of which a message must match one; at most 5. Lambda deletes messages that match none. With
   * `claimCheck` one must match its references: `{"body":{"claimCheck":{"key":[{"exists":true}]}}}`.
   * @default - every message is processed
   */
  readonly filters?: string[];
  /**
   * ARN of a customer managed KMS key that encrypts `filters`. Its policy must let Lambda decrypt.
   * @default - a key of AWS
   */
  readonly filtersKmsKeyArn?: pulumi.Input<string>;
  /**
   * Returns only the failed messages of a batch to the queue. Can be turned off for `code` only.
   * @default `true`
   */
  readonly reportBatchItemFailures?: boolean;
  /**
   * Makes both queues first-in-first-out per message group. Changing it replaces the queues.
   * @default `false`
   */
  readonly fifo?: boolean;
  /**
   * Lifts the 300 calls of each kind per second that a FIFO queue takes to the quota of the Region, as long as messages are spread over
   * many groups. Deduplication is then within a group. With `fifo` only.
   * @default `false`
   */
  readonly fifoHighThroughput?: boolean;
  /**
   * Lets SQS derive the deduplication id from the body. With `fifo` only.
   * @default `false`
   */
  readonly contentBasedDeduplication?: boolean;
  /**
   * Seconds that a received message is hidden from others, up to 43,200. At least six times `functionTimeoutSeconds` plus the batching
   * window, as AWS advises.
   * @default - six times `functionTimeoutSeconds` plus `maximumBatchingWindowInSeconds`
   */
  readonly visibilityTimeoutSeconds?: number;
  /**
   * Accepts a shorter `visibilityTimeoutSeconds`: messages may then be delivered again while they are still being processed.
   * @default `false`
   */
  readonly acknowledgeShortVisibility?: boolean;
  /**
   * Seconds after which an invocation is stopped, 1 to 900. All messages of a batch share it.
   * @default `30`
   */
  readonly functionTimeoutSeconds?: number;
  /**
   * Memory of the function in MB, 128 to 10240.
   * @default `512`
   */
  readonly memorySize?: number;
  /**
   * Receives after which a message that keeps failing goes to the dead-letter queue, 5 to 1000.
   * @default `5`
   */
  readonly maxReceiveCount?: number;
  /**
   * Seconds that an unprocessed message is kept, 60 to 1209599, and more than `maxReceiveCount` attempts may take: SQS drops older
   * messages without moving them to the dead-letter queue.
   * @default `345600` (4 days)
   */
  readonly messageRetentionSeconds?: number;
  /**
   * The queue of failed messages; it always exists.
   * @default - messages are kept for 14 days
   */
  readonly deadLetterQueue?: QueueDeadLetterArgs;
  /**
   * Largest message in bytes with its attributes, 1024 to 1048576. Larger bodies travel as a claim check.
   * @default `1048576` (1 MiB)
   */
  readonly maxMessageSizeBytes?: number;
  /**
   * ARN of a customer managed KMS key, no alias, that encrypts queues, state table and claim checks. Its policy must let roles of this
   * account, and `producers`, use it.
   * @default - keys that the services own
   */
  readonly kmsKeyArn?: pulumi.Input<string>;
  /**
   * Remembers processed messages, so that a second delivery has no second effect. With `entry` only.
   * @default - on with `entry`, for a day
   */
  readonly idempotency?: QueueIdempotencyArgs;
  /**
   * Lets a failed message wait the longer the more often it has failed. With `entry` only.
   * @default - on with `entry`: 60 s, doubled each time, up to 15 minutes; half of each wait is random
   */
  readonly backoff?: QueueBackoffArgs;
  /**
   * Limits messages per second over all workers, which wait for their turn within the function's time. With `entry` only.
   * @default - concurrency is the only limit
   */
  readonly rateLimit?: QueueRateLimitArgs;
  /**
   * Bucket for bodies above `maxMessageSizeBytes`; the message holds a reference.
   * @default - off
   */
  readonly claimCheck?: QueueClaimCheckArgs;
  /**
   * Stops consumption while an alarm of the downstream rings, probes, and goes on. Needs `maximumConcurrency`.
   * @default - none
   */
  readonly circuitBreaker?: QueueCircuitBreakerArgs;
  /**
   * Who may send beside roles that hold `producerPolicy`: services, and roles of other accounts of an organization, which may write
   * claim checks as well. The key names the producer's statements in the policies of queue and bucket: letters and digits.
   * @default - nobody
   */
  readonly producers?: Record<string, QueueProducerArgs>;
  /**
   * Stops consumption, whatever the circuit breaker does; messages wait in the queue. Pausing and resuming replaces nothing.
   * @default `false`
   */
  readonly paused?: boolean;
  /**
   * Alarms and dashboard.
   * @default - both on, without a topic
   */
  readonly alarms?: QueueAlarmsArgs;
  /**
   * What the system must achieve: `maximumConcurrency`, or provisioned pollers for a steep ramp, are derived from it. Given values win.
   * @default - none
   */
  readonly target?: QueueTargetArgs;
  /**
   * Accepts settings that lose messages, to show what they do: `maxReceiveCount` below 5, a short visibility, reserved concurrency in
   * the place of maximum concurrency. Never for real work.
   * @default `false`
   */
  readonly unsafeDemonstration?: boolean;
  /**
   * Environment variables for the team's code. No secrets: pass a secret's ARN.
   * @default - none
   */
  readonly environment?: Record<string, pulumi.Input<string>>;
  /**
   * What the team's code may do beyond consuming: statements of the function's role.
   * @default - nothing
   */
  readonly statements?: QueueStatementArgs[];
  /**
   * Days that logs are kept; one of the values that CloudWatch Logs accepts.
   * @default `30`
   */
  readonly logRetentionDays?: number;
  /**
   * Protects state table and claim checks from deletion with their content.
   * @default `true`
   */
  readonly deletionProtection?: boolean;
  /**
   * Region of every regional resource.
   * @default - Region of the provider
   */
  readonly region?: string;
  /**
   * Tags of every resource.
   * @default - none
   */
  readonly tags?: Record<string, pulumi.Input<string>>;
}

/** A bundle of the team's own. */
export interface QueueConsumerCodeArgs {
  /** Archive as Lambda unpacks it. */
  readonly archive: pulumi.asset.Archive;
  /** "<file without extension>.<export>", as Lambda reads it. */
  readonly handler: string;
  /** Runtime of Lambda, "python3.14" say. */
  readonly runtime: string;
  /**
   * Processor that the code is built for.
   * @default `"arm64"`
   */
  readonly architecture?: QueueConsumerArchitecture;
}

/** Pollers of provisioned mode. Each polls for up to 10 concurrent invocations. */
export interface QueuePollersArgs {
  /**
   * Pollers that always run, 2 to 200.
   * @default `2`
   */
  readonly minimum?: number;
  /**
   * Most pollers, 2 to 2,000. Ten times as many invocations may run.
   * @default `200`
   */
  readonly maximum?: number;
}

/** The dead-letter queue. */
export interface QueueDeadLetterArgs {
  /**
   * Seconds that a failed message is kept, up to 1209600; above `messageRetentionSeconds`, as SQS counts from the first send.
   * @default `1209600` (14 days)
   */
  readonly messageRetentionSeconds?: number;
}

/** Idempotency. */
export interface QueueIdempotencyArgs {
  /**
   * Remembers processed messages.
   * @default `true`
   */
  readonly enabled?: boolean;
  /**
   * Seconds that a processed message is remembered, 60 to 31,536,000.
   * @default `86400` (1 day)
   */
  readonly expirySeconds?: number;
}

/** Back-off of failed messages: a random time between half of base × 2^(receives - 1) and all of it. */
export interface QueueBackoffArgs {
  /**
   * Lets failed messages wait by their own back-off; otherwise each waits for the rest of its visibility timeout.
   * @default `true`
   */
  readonly enabled?: boolean;
  /**
   * Most seconds after the first failure, 1 to 43,200. With 60 and five receives, the last try is at least 450 s after the first failure.
   * @default `60`, or `maximumSeconds` when that is less
   */
  readonly baseSeconds?: number;
  /**
   * Most seconds after any failure, up to 43,200 and no less than `baseSeconds`.
   * @default `900`
   */
  readonly maximumSeconds?: number;
}

/** Token bucket over all workers. */
export interface QueueRateLimitArgs {
  /**
   * Messages per second in the long run, above 0 and at most 1,000: one row of the state table counts them. At least
   * `maximumConcurrency` × `batchSize` ÷ 0.4 `functionTimeoutSeconds`: a message that gets no turn in time goes back, and its receive
   * counts.
   */
  readonly perSecond: number;
  /**
   * Messages that may start at once after a pause, 1 to 10,000.
   * @default - one second's worth, at least 1
   */
  readonly burst?: number;
}

/** Claim checks. */
export interface QueueClaimCheckArgs {
  /**
   * Creates the bucket.
   * @default `true`
   */
  readonly enabled?: boolean;
}

/** Circuit breaker. */
export interface QueueCircuitBreakerArgs {
  /**
   * ARN of a CloudWatch alarm of the downstream, in the same account and Region. One that rings already counts within a minute.
   */
  readonly alarmArn: pulumi.Input<string>;
  /**
   * Seconds that consumption stays stopped before a probe, 60 to 86,400.
   * @default `300`
   */
  readonly cooldownSeconds?: number;
  /**
   * Seconds that a probe must stay without alarm, 60 to 86,400.
   * @default `120`
   */
  readonly probeSeconds?: number;
}

/**
 * A sender: either a service with the resource, account or organization that it acts for, or principals of an organization.
 */
export interface QueueProducerArgs {
  /**
   * Service principal, "events.amazonaws.com" say.
   * @default - none
   */
  readonly serviceName?: string;
  /**
   * ARN of the resource that the service acts for; "*" may end it. One without an account, as of a bucket, needs `sourceAccount` too.
   * @default - none
   */
  readonly sourceArn?: pulumi.Input<string>;
  /**
   * Account that the service acts for: 12 digits.
   * @default - none
   */
  readonly sourceAccount?: pulumi.Input<string>;
  /**
   * Organization that the service acts for or that the principal belongs to, "o-a1b2c3d4e5" say.
   * @default - none
   */
  readonly organizationId?: pulumi.Input<string>;
  /**
   * ARN of a role of another account. Needs `organizationId`. A role of this account needs no producer: `grantSend` or `producerPolicy`.
   * @default - none
   */
  readonly roleArn?: pulumi.Input<string>;
  /**
   * Account whose principals may send, if their own policies allow it. Needs `organizationId`.
   * @default - none
   */
  readonly accountId?: pulumi.Input<string>;
}

/** A statement of the function's role. */
export interface QueueStatementArgs {
  /** Statement id: letters and digits, unique. */
  readonly sid: string;
  /** Actions, "ssm:GetParameter" say. */
  readonly actions: string[];
  /** ARNs that the actions apply to. */
  readonly resources: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Why the statement needs a wildcard action or the resource "*"; without a reason they are refused.
   * @default - none
   */
  readonly wildcardReason?: string;
}

/** Alarms and dashboard. */
export interface QueueAlarmsArgs {
  /**
   * Creates the alarms and the dashboard.
   * @default `true`
   */
  readonly enabled?: boolean;
  /**
   * ARN of an existing SNS topic that is told of alarms. No message is sent when an alarm ends.
   * @default - none
   */
  readonly topicArn?: pulumi.Input<string>;
  /**
   * Messages in the dead-letter queue that raise the alarm, 1 or more.
   * @default `1`
   */
  readonly deadLettersThreshold?: number;
  /**
   * Age of the oldest message in seconds that raises the alarm, 1 or more.
   * @default `3600`
   */
  readonly oldestMessageAgeSeconds?: number;
  /**
   * Throttled invocations within five minutes that raise the alarm, 1 or more.
   * @default `1`
   */
  readonly throttlesThreshold?: number;
  /**
   * Failed invocations within five minutes that raise the alarm, 1 or more.
   * @default `1`
   */
  readonly errorsThreshold?: number;
  /**
   * Minutes at full concurrency that raise the alarm, 1 to 1440.
   * @default `15`
   */
  readonly saturationMinutes?: number;
  /**
   * Messages that the event source mapping could not hand over within five minutes, while the function did not run at all, that raise
   * the alarm, 1 or more.
   * @default `1`
   */
  readonly mappingFailuresThreshold?: number;
  /**
   * Age of the oldest message in seconds from which a queue that deletes nothing, for as long as a function may run and five minutes at
   * least, counts as stalled, 60 or more.
   * @default `900`
   */
  readonly stalledAfterSeconds?: number;
  /**
   * Messages that the consumer rejected for good within five minutes that raise the alarm, 1 or more. With `entry` only.
   * @default `1`
   */
  readonly rejectedMessagesThreshold?: number;
}

/** What the system must achieve. */
export interface QueueTargetArgs {
  /** Messages per second to be processed in the long run, above 0. At most 300 × `batchSize` with `fifo`, unless `fifoHighThroughput`. */
  readonly messagesPerSecond: number;
  /** Seconds that one message takes, above 0. */
  readonly secondsPerMessage: number;
  /**
   * Seconds that a whole batch takes.
   * @default - what the kit takes for 10 messages side by side; with `fifo` or `code`, for one after the other
   */
  readonly secondsPerBatch?: number;
  /**
   * Seconds within which full concurrency must be reached; provisioned pollers are chosen when Lambda's own would take longer.
   * @default - as long as Lambda's own pollers take
   */
  readonly rampSeconds?: number;
}
