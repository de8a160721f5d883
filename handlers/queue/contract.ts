// What ThrottledQueueConsumer, its consumer kit, its producers and its commands agree on. Imports nothing.

/** Quotas of Amazon SQS. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
export const SQS_LIMITS = {
  /** 1 MiB: body and attributes together, of one message and of one batch. */
  maximumMessageBytes: 1_048_576,
  batchEntries: 10,
  maximumVisibilitySeconds: 43_200,
  minimumRetentionSeconds: 60,
  maximumRetentionSeconds: 1_209_600,
  maximumDelaySeconds: 900,
  maximumWaitSeconds: 20,
  /** Messages per second of a message move task. */
  maximumMoveRate: 500,
} as const;

/** Messages of a batch (of a FIFO queue: groups) that the kit works on side by side, unless the consumer says otherwise. */
export const KIT_CONCURRENCY = 10;

/** Environment variables of the consumer: what the component sets and the kit reads. All optional ones switch a feature on. */
export const QUEUE_ENVIRONMENT = {
  /** URL of the source queue: visibility of failed messages is changed there. */
  queueUrl: "QUEUE_URL",
  /** Name of the source queue: dimension of the metrics, and prefix of keys in the state table. */
  queueName: "QUEUE_NAME",
  /** URL of the dead-letter queue: non-retryable messages are sent there. */
  deadLetterQueueUrl: "DEAD_LETTER_QUEUE_URL",
  /** Name of the state table; present when idempotency, rate limit or circuit breaker is on. */
  stateTable: "STATE_TABLE_NAME",
  /** Seconds that a finished message is remembered; switches idempotency on. */
  idempotencySeconds: "IDEMPOTENCY_SECONDS",
  /** Seconds that the first failed attempt waits; switches back-off on. */
  backoffBaseSeconds: "BACKOFF_BASE_SECONDS",
  /** Most seconds that a failed attempt waits. */
  backoffMaximumSeconds: "BACKOFF_MAXIMUM_SECONDS",
  /** Messages per second over all workers; switches the token bucket on. A decimal number. */
  rateLimitPerSecond: "RATE_LIMIT_PER_SECOND",
  /** Messages that may start at once after a pause. */
  rateLimitBurst: "RATE_LIMIT_BURST",
  /** Bucket of claim checks; switches them on. */
  claimCheckBucket: "CLAIM_CHECK_BUCKET",
} as const;

/** Environment variables of the circuit breaker's function. */
export const BREAKER_ENVIRONMENT = {
  /** UUID of the event source mapping. */
  mappingId: "EVENT_SOURCE_MAPPING_ID",
  stateTable: "STATE_TABLE_NAME",
  queueName: "QUEUE_NAME",
  /** ARN of the downstream's alarm. */
  alarmArn: "ALARM_ARN",
  /** Seconds that the circuit stays open before a probe. */
  cooldownSeconds: "COOLDOWN_SECONDS",
  /** Maximum concurrency of a closed circuit, to restore after a probe. */
  maximumConcurrency: "MAXIMUM_CONCURRENCY",
  /** Seconds that a probe must stay without alarm before the circuit closes. */
  probeSeconds: "PROBE_SECONDS",
  /** "true" while people have paused the queue: the breaker then leaves the mapping disabled. */
  paused: "PAUSED",
} as const;

/** Maximum concurrency while the circuit breaker probes: the smallest that Lambda accepts. */
export const PROBE_CONCURRENCY = 2;

/** Layout of the state table. */
export const QUEUE_STATE_TABLE = {
  /** Partition key, a string: "idempotency#<key>", "bucket" or "breaker". There is no sort key. */
  partitionKey: "pk",
  /** Attribute of time to live, seconds since the epoch. */
  timeToLive: "expiresAt",
} as const;

/**
 * Message attribute that the kit writes on a message that it sends to the dead-letter queue itself: a Rejection as JSON. One attribute,
 * for a message has ten, and the sender's own shall stay.
 */
export const REJECTION_ATTRIBUTE = "Rejection";

/** Why a message was rejected. */
export interface Rejection {
  /** In the words of the NonRetryableError. */
  readonly reason: string;
  /** Name of the error's class. */
  readonly errorType: string;
  /** Message id in the source queue. */
  readonly messageId: string;
}

/** A body that travels by reference: the message holds this JSON, the bucket the real body. */
export interface ClaimCheck {
  readonly claimCheck: { readonly bucket: string; readonly key: string; readonly bytes: number };
}

/** Prefix of the keys of claim checks. */
export const CLAIM_CHECK_PREFIX = "claim-checks/";

/** Metrics that the kit publishes, in embedded metric format. */
export const QUEUE_METRICS = {
  namespace: "ServerlessPatterns/Queue",
  dimension: "QueueName",
  messagesProcessed: "MessagesProcessed",
  messagesFailed: "MessagesFailed",
  messagesRejected: "MessagesRejected",
  duplicatesSkipped: "DuplicatesSkipped",
  /** Returned untried: behind a failed one of their group, out of time, over the rate, or in progress elsewhere. */
  messagesReturned: "MessagesReturned",
  /** 1 while the circuit breaker keeps the mapping disabled, 0 otherwise; from the breaker's function, each minute. */
  circuitOpen: "CircuitOpen",
} as const;

/** What a producer may do: send to the queue, and put bodies under the claim-check prefix. */
export const PRODUCER_PERMISSIONS = {
  queue: ["sqs:SendMessage"],
  claimCheck: ["s3:PutObject"],
} as const;

/** What the handlers of this folder may do; the component renders roles from it, tests hold the handlers to it. */
export const QUEUE_PERMISSIONS = {
  /** On the source queue, by Lambda's pollers with the function's role, and by the kit for back-off. */
  source: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"],
  /** On the dead-letter queue. */
  deadLetter: ["sqs:SendMessage"],
  /** On the state table. */
  state: ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
  /** On the claim-check prefix of the bucket. */
  claimCheck: ["s3:GetObject"],
  /** On the event source mapping, for the circuit breaker. */
  breakerMapping: ["lambda:GetEventSourceMapping", "lambda:UpdateEventSourceMapping"],
  /** On all alarms, for the circuit breaker: CloudWatch tells of composite alarms only to those who may describe every alarm. */
  breakerAlarms: ["cloudwatch:DescribeAlarms"],
  /** On the state table, for the circuit breaker. */
  breakerState: ["dynamodb:GetItem", "dynamodb:PutItem"],
} as const;
