// Proves each rule over ThrottledQueueConsumer's arguments: what it refuses and with which words, that nothing is registered then, and a
// neighbour that passes.
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { ThrottledQueueConsumer, type ThrottledQueueConsumerArgs } from "../../../components";
import { resolveThrottledQueueConsumerSettings } from "../../../components/throttled-queue-consumer/settings";
import { evaluateProgram } from "../../support/engine-run";
import { MINIMAL_QUEUE_ARGS } from "../../support/queue-component";

type Args = Partial<ThrottledQueueConsumerArgs>;

interface RuleCase {
  readonly must: string;
  readonly wrong: Args;
  readonly message: string;
  readonly right: Args;
}

const code = { archive: new pulumi.asset.AssetArchive({}), handler: "app.handler", runtime: "python3.14" };
const ALARM = "arn:aws:cloudwatch:eu-west-1:111111111111:alarm:slow";
const QUOTA = "a quota of AWS; acknowledgeRaisedQuotas: true accepts more once AWS has raised it";
const RESERVED =
  "at or below it Lambda throttles, each throttled receive counts, and good messages end in the dead-letter queue; " +
  "use at least 6, or leave it out: maximumConcurrency alone bounds the consumer";

const CASES: readonly RuleCase[] = [
  {
    must: "Q1",
    wrong: { maximumConcurrency: 1 },
    message: `maximumConcurrency must be a whole number between 2 and 1000, got 1; use a whole number of at least 2 (${QUOTA})`,
    right: { maximumConcurrency: 2 },
  },
  {
    must: "Q1",
    wrong: { maximumConcurrency: 1001 },
    message: `maximumConcurrency must be a whole number between 2 and 1000, got 1001; use at most 1000 (${QUOTA})`,
    right: { maximumConcurrency: 1001, acknowledgeRaisedQuotas: true },
  },
  {
    must: "Q1, Q27",
    wrong: { target: { messagesPerSecond: 1001, secondsPerMessage: 1 } },
    message: `maximumConcurrency must be a whole number between 2 and 1000, got 1001; use at most 1000 (${QUOTA}; derived from target)`,
    right: { target: { messagesPerSecond: 1000, secondsPerMessage: 1 } },
  },
  {
    must: "Q2",
    wrong: { reservedConcurrentExecutions: 5 },
    message: `reservedConcurrentExecutions must be above the sum of the maximumConcurrency of its event sources (5), got 5; ${RESERVED}`,
    right: { reservedConcurrentExecutions: 6 },
  },
  {
    must: "Q2",
    wrong: { reservedConcurrentExecutions: 4 },
    message: `reservedConcurrentExecutions must be above the sum of the maximumConcurrency of its event sources (5), got 4; ${RESERVED}`,
    right: { reservedConcurrentExecutions: 4, maximumConcurrency: 3 },
  },
  {
    must: "Q2",
    wrong: { reservedConcurrentExecutions: 20, provisionedPollers: { maximum: 2 } },
    message:
      "reservedConcurrentExecutions must be above the 10 invocations of each of provisionedPollers.maximum (20), got 20; " +
      RESERVED.replace("least 6", "least 21"),
    right: { reservedConcurrentExecutions: 21, provisionedPollers: { maximum: 2 } },
  },
  {
    must: "Q2",
    wrong: { reservedConcurrentExecutions: 5, maximumConcurrency: 5, unsafeDemonstration: true },
    message: `reservedConcurrentExecutions must be above the sum of the maximumConcurrency of its event sources (5), got 5; ${RESERVED}`,
    right: { reservedConcurrentExecutions: 5, unsafeDemonstration: true },
  },
  {
    must: "Q3",
    wrong: { maximumConcurrency: 5, provisionedPollers: {} },
    message:
      "maximumConcurrency must be left out with provisionedPollers, as Lambda refuses both together, got 5; " +
      "bound the pollers instead: each of provisionedPollers.maximum starts at most 10 invocations",
    right: { provisionedPollers: {} },
  },
  {
    must: "Q3",
    wrong: { provisionedPollers: { minimum: 1 } },
    message:
      "provisionedPollers.minimum must be a whole number between 2 and 200, got 1; use a whole number of at least 2 (a quota of AWS)",
    right: { provisionedPollers: { minimum: 2 } },
  },
  {
    must: "Q3",
    wrong: { provisionedPollers: { minimum: 201 } },
    message:
      "provisionedPollers.minimum must be a whole number between 2 and 200, got 201; use at most 200 (a quota of AWS)",
    right: { provisionedPollers: { minimum: 200 } },
  },
  {
    must: "Q3",
    wrong: { provisionedPollers: { maximum: 2001 } },
    message: `provisionedPollers.maximum must be a whole number between 2 and 2000, got 2001; use at most 2000 (${QUOTA})`,
    right: { provisionedPollers: { maximum: 10_000 }, acknowledgeRaisedQuotas: true },
  },
  {
    must: "Q3",
    wrong: { provisionedPollers: { maximum: 10_001 }, acknowledgeRaisedQuotas: true },
    message:
      "provisionedPollers.maximum must be a whole number between 2 and 10000, got 10001; use at most 10000 (a quota of AWS)",
    right: { provisionedPollers: { maximum: 2000 } },
  },
  {
    must: "Q3",
    wrong: { provisionedPollers: { minimum: 20, maximum: 10 } },
    message: "provisionedPollers.maximum must be no less than provisionedPollers.minimum, got 10; use at least 20",
    right: { provisionedPollers: { minimum: 20, maximum: 20 } },
  },
  {
    must: "Q4",
    wrong: { visibilityTimeoutSeconds: 179 },
    message:
      "visibilityTimeoutSeconds must be at least six times functionTimeoutSeconds plus the batching window (180), got 179; " +
      "use 180, or leave it out; acknowledgeShortVisibility: true accepts that messages are delivered twice",
    right: { visibilityTimeoutSeconds: 179, acknowledgeShortVisibility: true },
  },
  {
    must: "Q4",
    wrong: { visibilityTimeoutSeconds: 180, maximumBatchingWindowInSeconds: 1 },
    message:
      "visibilityTimeoutSeconds must be at least six times functionTimeoutSeconds plus the batching window (181), got 180; " +
      "use 181, or leave it out; acknowledgeShortVisibility: true accepts that messages are delivered twice",
    right: { visibilityTimeoutSeconds: 181, maximumBatchingWindowInSeconds: 1 },
  },
  {
    must: "Q4",
    wrong: { visibilityTimeoutSeconds: 29, acknowledgeShortVisibility: true },
    message:
      "visibilityTimeoutSeconds must be no less than functionTimeoutSeconds (30), as Lambda refuses less, got 29; use 180, or leave it out",
    right: { visibilityTimeoutSeconds: 30, acknowledgeShortVisibility: true },
  },
  {
    must: "Q4",
    wrong: { visibilityTimeoutSeconds: 43_201 },
    message:
      "visibilityTimeoutSeconds must be a whole number between 0 and 43200, got 43201; use at most 43200 (limits of SQS)",
    right: { visibilityTimeoutSeconds: 43_200 },
  },
  {
    must: "Q5",
    wrong: { maxReceiveCount: 4 },
    message:
      "maxReceiveCount must be a whole number between 5 and 1000, got 4; use a whole number of at least 5 (fewer sends messages to the " +
      "dead-letter queue for a passing fault; unsafeDemonstration: true accepts it)",
    right: { maxReceiveCount: 1, unsafeDemonstration: true },
  },
  {
    must: "Q6",
    wrong: { messageRetentionSeconds: 1_209_600 },
    message:
      "messageRetentionSeconds must be a whole number between 60 and 1209599, got 1209600; use at most 1209599 (the dead-letter queue must " +
      "keep messages for longer, and 14 days is the most of SQS)",
    right: { messageRetentionSeconds: 1_209_599 },
  },
  {
    must: "Q6",
    wrong: { deadLetterQueue: { messageRetentionSeconds: 345_600 } },
    message:
      "deadLetterQueue.messageRetentionSeconds must be above messageRetentionSeconds (345600), got 345600; SQS counts from the first send, " +
      "so a failed message would be gone before anybody sees it; leave it out for 14 days",
    right: { deadLetterQueue: { messageRetentionSeconds: 345_601 } },
  },
  {
    must: "Q6",
    wrong: { messageRetentionSeconds: 2070 },
    message:
      "messageRetentionSeconds must be above what maxReceiveCount attempts may take (2070), got 2070; SQS drops an older message without moving " +
      "it to the dead-letter queue; raise it, or lower maxReceiveCount, visibilityTimeoutSeconds or backoff.maximumSeconds",
    right: { messageRetentionSeconds: 2071 },
  },
  {
    must: "Q6, Q26",
    wrong: { maxReceiveCount: 10, functionTimeoutSeconds: 1, messageRetentionSeconds: 2000 },
    message:
      // 61 + 121 + 241 + 481 + 6 × 901
      "messageRetentionSeconds must be above what maxReceiveCount attempts may take (6310), got 2000; SQS drops an older message without " +
      "moving it to the dead-letter queue; raise it, or lower maxReceiveCount, visibilityTimeoutSeconds or backoff.maximumSeconds",
    right: {
      maxReceiveCount: 10,
      functionTimeoutSeconds: 1,
      messageRetentionSeconds: 2000,
      backoff: { maximumSeconds: 100 },
    },
  },
  {
    must: "Q7",
    wrong: { reportBatchItemFailures: false },
    message:
      "reportBatchItemFailures must be true with entry, got false; the kit names the failed messages, and without it one failure returns " +
      "the whole batch; only code can turn it off",
    right: { entry: undefined, code, reportBatchItemFailures: false } as unknown as Args,
  },
  {
    must: "Q11",
    wrong: { fifo: true, batchSize: 11 },
    message: "batchSize must be a whole number between 1 and 10, got 11; use at most 10 (limit of FIFO queues)",
    right: { fifo: true, batchSize: 10 },
  },
  {
    must: "Q11",
    wrong: { batchSize: 10_001 },
    message: "batchSize must be a whole number between 1 and 10000, got 10001; use at most 10000 (limit of Lambda)",
    right: { batchSize: 10_000 },
  },
  {
    must: "Q11",
    wrong: { fifo: true, maximumBatchingWindowInSeconds: 1 },
    message:
      "maximumBatchingWindowInSeconds must be left out with fifo, as Lambda refuses it, got 1; leave it out; a FIFO batch never waits",
    right: { fifo: true },
  },
  {
    must: "Q11",
    wrong: { batchSize: 11, maximumBatchingWindowInSeconds: 0 },
    message:
      "maximumBatchingWindowInSeconds must be at least 1 with a batchSize above 10, as Lambda refuses less, got 0; use at least 1, or a " +
      "batchSize of at most 10",
    right: { batchSize: 11, maximumBatchingWindowInSeconds: 1 },
  },
  {
    must: "Q11",
    wrong: { maximumBatchingWindowInSeconds: 301 },
    message:
      "maximumBatchingWindowInSeconds must be a whole number between 0 and 300, got 301; use at most 300 (limit of Lambda)",
    right: { maximumBatchingWindowInSeconds: 300 },
  },
  {
    must: "Q11",
    wrong: { contentBasedDeduplication: true },
    message:
      "contentBasedDeduplication must be left out without fifo, got true; set fifo: true, or leave it out; standard queues do not deduplicate",
    right: { contentBasedDeduplication: true, fifo: true },
  },
  {
    must: "Q11",
    wrong: { fifoHighThroughput: true },
    message:
      "fifoHighThroughput must be left out without fifo, got true; set fifo: true, or leave it out; standard queues have no such limit",
    right: { fifoHighThroughput: true, fifo: true },
  },
  {
    must: "Q11, Q27",
    wrong: { fifo: true, target: { messagesPerSecond: 500, secondsPerMessage: 1 } },
    message:
      "target.messagesPerSecond must be at most 300 with fifo and a batchSize of 1, as the queue takes 300 calls of each kind per second, got " +
      "500; raise batchSize, up to 10, or set fifoHighThroughput: true",
    right: { fifo: true, target: { messagesPerSecond: 500, secondsPerMessage: 1 }, fifoHighThroughput: true },
  },
  {
    must: "Q11, Q27",
    wrong: { fifo: true, batchSize: 10, target: { messagesPerSecond: 3001, secondsPerMessage: 0.1 } },
    message:
      "target.messagesPerSecond must be at most 3000 with fifo and a batchSize of 10, as the queue takes 300 calls of each kind per second, " +
      "got 3001; set fifoHighThroughput: true",
    right: { fifo: true, batchSize: 10, target: { messagesPerSecond: 3000, secondsPerMessage: 0.1 } },
  },
  {
    must: "Q18",
    wrong: { producers: { rules: { serviceName: "events.amazonaws.com" } } },
    message:
      'producers.rules must have sourceArn, sourceAccount or organizationId with serviceName, got ["serviceName"]; a service acts for every ' +
      "customer of AWS: without one of them, anybody's resource could send",
    right: { producers: { rules: { serviceName: "events.amazonaws.com", sourceAccount: "111111111111" } } },
  },
  {
    must: "Q18",
    wrong: { producers: { partner: { accountId: "222222222222" } } },
    message:
      'producers.partner must have organizationId with roleArn or accountId, got ["accountId"]; it keeps the permission within your ' +
      "organization; a role of this account needs no producer: grantSend, or attach producerPolicy",
    right: { producers: { partner: { accountId: "222222222222", organizationId: "o-a1b2c3d4e5" } } },
  },
  {
    must: "Q18",
    wrong: {
      producers: {
        partner: { accountId: "222222222222", organizationId: "o-a1b2c3d4e5", sourceArn: "arn:aws:s3:::partner" },
      },
    },
    message:
      'producers.partner must have sourceArn and sourceAccount with serviceName only, got ["accountId","organizationId","sourceArn"]; no such ' +
      "key comes with a role's or an account's own calls; they would never match",
    right: {},
  },
  {
    must: "Q18",
    wrong: { producers: { none: {} } },
    message:
      "producers.none must have exactly one of serviceName, roleArn, accountId, got []; make one producer for each sender",
    right: {},
  },
  {
    must: "Q18",
    wrong: { producers: { any: { serviceName: "*", sourceAccount: "111111111111" } } },
    message: 'producers.any.serviceName must be a service principal, got "*"; write "events.amazonaws.com" say',
    right: {},
  },
  {
    must: "Q18",
    wrong: { producers: { "web shop": { serviceName: "sns.amazonaws.com", sourceAccount: "111111111111" } } },
    message: 'producers.web shop must have a key of letters and digits, got "web shop"; write "orders" say',
    right: {},
  },
  {
    must: "Q18, G2",
    wrong: { producers: { uploads: { serviceName: "s3.amazonaws.com", sourceArn: "arn:aws:s3:::photos" } } },
    message:
      'producers.uploads.sourceArn must come with sourceAccount or organizationId when it names no account, got "arn:aws:s3:::photos"; add the ' +
      "account that the resource is in: names of buckets are given away again",
    right: {
      producers: {
        uploads: {
          serviceName: "s3.amazonaws.com",
          sourceArn: "arn:aws:s3:::photos",
          sourceAccount: pulumi.output("111111111111"),
        },
      },
    },
  },
  {
    must: "Q18",
    wrong: {
      producers: { rules: { serviceName: "events.amazonaws.com", sourceArn: "arn:aws:events:*:111111111111:rule/a" } },
    },
    message:
      'producers.rules.sourceArn must be an ARN whose service, Region and account hold no wildcard, nor its resource only "*", got ' +
      '"arn:aws:events:*:111111111111:rule/a"; name the resource; a "*" may end it',
    right: {
      producers: {
        rules: { serviceName: "events.amazonaws.com", sourceArn: "arn:aws:events:eu-west-1:111111111111:rule/a*" },
      },
    },
  },
  {
    must: "Q18",
    wrong: { kmsKeyArn: "arn:aws:kms:eu-west-1:111111111111:alias/orders" },
    message:
      'kmsKeyArn must be the ARN of a KMS key, got "arn:aws:kms:eu-west-1:111111111111:alias/orders"; pass the key\'s arn; IAM policies take ' +
      "neither aliases nor bare ids",
    right: { kmsKeyArn: "arn:aws:kms:eu-west-1:111111111111:key/mrk-1" },
  },
  {
    must: "Q12",
    wrong: { alarms: { topicArn: "operations" } },
    message: 'alarms.topicArn must be the ARN of an SNS topic, got "operations"; pass the topic\'s arn',
    right: { alarms: { topicArn: "arn:aws:sns:eu-west-1:111111111111:operations" } },
  },
  {
    must: "Q19",
    wrong: { filters: ['{"bdy":{"kind":["order"]}}'] },
    message:
      'filters must be patterns that Lambda accepts, since it deletes messages that match none, got ["1: looks at \\"bdy\\", but Lambda ' +
      'filters the messages of a queue by \\"body\\" alone"]; write {"body":{"kind":["order"]}} say',
    right: { filters: ['{"body":{"kind":["order"]}}'] },
  },
  {
    must: "Q19",
    wrong: { filters: Array.from({ length: 6 }, () => '{"body":["a"]}') },
    message:
      "filters must be 1 to 5 patterns, got 6; join patterns: a list of values matches any of them, $or joins several keys",
    right: { filters: Array.from({ length: 5 }, () => '{"body":["a"]}') },
  },
  {
    must: "Q19, Q24",
    wrong: { filters: ['{"body":{"kind":["order"]}}'], claimCheck: {} },
    message:
      "filters must have a pattern that every reference of claimCheck matches, since Lambda deletes messages that match none, got " +
      '["{\\"body\\":{\\"kind\\":[\\"order\\"]}}"]; add {"body":{"claimCheck":{"key":[{"exists":true}]}}}; large messages then pass whatever ' +
      "their bodies hold, and processMessage looks into them",
    right: {
      filters: ['{"body":{"kind":["order"]}}', '{"body":{"claimCheck":{"key":[{"exists":true}]}}}'],
      claimCheck: {},
    },
  },
  {
    must: "Q19",
    wrong: { filtersKmsKeyArn: "arn:aws:kms:eu-west-1:111111111111:key/1" },
    message:
      'filtersKmsKeyArn must be left out without filters, got "a key"; add filters; queues and tables take kmsKeyArn',
    right: { filtersKmsKeyArn: "arn:aws:kms:eu-west-1:111111111111:key/1", filters: ['{"body":["a"]}'] },
  },
  {
    must: "Q22",
    wrong: { rateLimit: { perSecond: 0 } },
    message:
      "rateLimit.perSecond must be above 0 and at most 1000, got 0; one row of DynamoDB counts for all workers; for more, bound concurrency instead",
    right: { rateLimit: { perSecond: 0.5 } },
  },
  {
    must: "Q22",
    wrong: { rateLimit: { perSecond: 0.4 } },
    message:
      "rateLimit.perSecond must be at least 0.417, so that the 5 messages that may be in work all get their turn in time, got 0.4; a message " +
      "without a turn goes back, each receive counts, and good messages end in the dead-letter queue; bound maximumConcurrency × batchSize " +
      "to 4, or raise functionTimeoutSeconds",
    right: { rateLimit: { perSecond: 0.4 }, maximumConcurrency: 4 },
  },
  {
    must: "Q22",
    wrong: { rateLimit: { perSecond: 4 }, batchSize: 10 },
    message:
      "rateLimit.perSecond must be at least 4.167, so that the 50 messages that may be in work all get their turn in time, got 4; a message " +
      "without a turn goes back, each receive counts, and good messages end in the dead-letter queue; bound maximumConcurrency × batchSize " +
      "to 48, or raise functionTimeoutSeconds",
    right: { rateLimit: { perSecond: 4 }, batchSize: 10, functionTimeoutSeconds: 32 },
  },
  {
    must: "Q24",
    wrong: { maxMessageSizeBytes: 1_048_577 },
    message:
      "maxMessageSizeBytes must be a whole number between 1024 and 1048576, got 1048577; use at most 1048576 (limits of SQS)",
    right: { maxMessageSizeBytes: 1024 },
  },
  {
    must: "Q26",
    wrong: { backoff: { baseSeconds: 10, maximumSeconds: 9 } },
    message:
      "backoff.maximumSeconds must be a whole number between 10 and 43200, got 9; use a whole number of at least 10 (no less than " +
      "baseSeconds, and a message is hidden for at most 12 hours)",
    right: { backoff: { maximumSeconds: 9 } },
  },
  {
    must: "Q27, Q29",
    wrong: { target: { messagesPerSecond: 20_001, secondsPerMessage: 1 } },
    message: `provisionedPollers.maximum must be a whole number between 2 and 2000, got 2001; use at most 2000 (${QUOTA}; derived from target)`,
    right: { target: { messagesPerSecond: 20_000, secondsPerMessage: 1 } },
  },
  {
    must: "Q27",
    wrong: { target: { messagesPerSecond: 1, secondsPerMessage: 0 } },
    message: "target.secondsPerMessage must be above 0, got 0; give what you measured",
    right: { target: { messagesPerSecond: 1, secondsPerMessage: 0.01 } },
  },
  {
    must: "Q27",
    wrong: { target: { messagesPerSecond: 1, secondsPerMessage: 10 }, fifo: true, batchSize: 10 },
    message:
      "functionTimeoutSeconds must be no less than the seconds of one batch of target (100), got 30; raise it, or lower batchSize",
    right: { target: { messagesPerSecond: 1, secondsPerMessage: 10 }, batchSize: 10 },
  },
  {
    must: "Q31",
    wrong: { circuitBreaker: { alarmArn: ALARM }, provisionedPollers: {} },
    message:
      'circuitBreaker must have a maximumConcurrency, which it lowers to probe, got "none"; set maximumConcurrency and no provisionedPollers',
    right: { circuitBreaker: { alarmArn: ALARM } },
  },
  {
    must: "Q31",
    wrong: { circuitBreaker: { alarmArn: ALARM, cooldownSeconds: 59 } },
    message:
      "circuitBreaker.cooldownSeconds must be a whole number between 60 and 86400, got 59; use a whole number of at least 60 (it looks once a minute)",
    right: { circuitBreaker: { alarmArn: ALARM, cooldownSeconds: 60 } },
  },
  {
    must: "Q31",
    wrong: { circuitBreaker: { alarmArn: "warehouse-is-slow" } },
    message:
      'circuitBreaker.alarmArn must be the ARN of a CloudWatch alarm, got "warehouse-is-slow"; pass the alarm\'s arn; anything else never rings',
    right: { circuitBreaker: { alarmArn: pulumi.output("known later") } },
  },
  {
    must: "code",
    wrong: { code },
    message:
      "entry must be given, or else code, and not both, got " +
      `${JSON.stringify(MINIMAL_QUEUE_ARGS.entry)}; name the file that exports processMessage, or pass a bundle of your own as code`,
    right: { entry: undefined, code } as unknown as Args,
  },
  {
    must: "code",
    wrong: { entry: undefined } as unknown as Args,
    message:
      'entry must be given, or else code, and not both, got "neither"; name the file that exports processMessage, or pass a bundle of your own as code',
    right: {},
  },
  {
    must: "code",
    wrong: { entry: undefined, code, rateLimit: { perSecond: 1 } } as unknown as Args,
    message:
      'code must be replaced by entry to have rateLimit, got "code"; the kit does these, and code is deployed unaltered; leave them out, or give an entry',
    right: { entry: undefined, code, idempotency: { enabled: false } } as unknown as Args,
  },
  {
    must: "environment",
    wrong: { environment: { QUEUE_URL: "x", AWS_REGION: "y", STAGE: "z" } },
    message:
      'environment must name variables that neither the kit nor Lambda uses, of letters, digits and _, got ["QUEUE_URL","AWS_REGION"]; rename them',
    right: { environment: { STAGE: "z" } },
  },
  {
    must: "A1",
    wrong: { statements: [{ sid: "Read", actions: ["s3:Get*"], resources: ["arn:aws:s3:::a/*"] }] },
    message:
      'statements must have no wildcard action without wildcardReason, got ["Read"]; list the actions, or write down why it cannot be narrower',
    right: {
      statements: [{ sid: "Read", actions: ["s3:Get*"], resources: ["arn:aws:s3:::a/*"], wildcardReason: "all reads" }],
    },
  },
  {
    must: "A1",
    wrong: { statements: [{ sid: "Read it", actions: ["s3:GetObject"], resources: ["arn:aws:s3:::a/*"] }] },
    message: 'statements must have unique sids of letters and digits, got ["Read it"]; name each after what it allows',
    right: { statements: [{ sid: "ReadIt", actions: ["s3:GetObject"], resources: ["arn:aws:s3:::a/*"] }] },
  },
  {
    must: "alarms",
    wrong: { alarms: { saturationMinutes: 1441 } },
    message:
      "alarms.saturationMinutes must be a whole number between 1 and 1440, got 1441; use at most 1440 (CloudWatch looks back over one day)",
    right: { alarms: { saturationMinutes: 1440 } },
  },
];

const read = (sid: string, ...actions: string[]): NonNullable<Args["statements"]>[number] => ({
  sid,
  actions,
  resources: ["arn:aws:s3:::a/*"],
});
const account = (values: object): Args => ({ producers: { it: values } });
const ORGANIZATION = { organizationId: "o-a1b2c3d4e5" };
const TARGET = { messagesPerSecond: 1, secondsPerMessage: 1 };

/** Rules that need no words of their own: just outside, the property that is named, just inside. */
const EDGES: readonly (readonly [wrong: Args, property: string, right: Args])[] = [
  [{ reservedConcurrentExecutions: 0 }, "reservedConcurrentExecutions", {}],
  [{ functionTimeoutSeconds: 901 }, "functionTimeoutSeconds", { functionTimeoutSeconds: 900 }],
  [{ functionTimeoutSeconds: 0 }, "functionTimeoutSeconds", { functionTimeoutSeconds: 1 }],
  [{ memorySize: 127 }, "memorySize", { memorySize: 128 }],
  [{ memorySize: 10_241 }, "memorySize", { memorySize: 10_240 }],
  [{ maxReceiveCount: 1001 }, "maxReceiveCount", { maxReceiveCount: 1000, messageRetentionSeconds: 1_000_000 }],
  [
    { deadLetterQueue: { messageRetentionSeconds: 1_209_601 } },
    "deadLetterQueue.messageRetentionSeconds",
    { deadLetterQueue: { messageRetentionSeconds: 1_209_600 } },
  ],
  [{ idempotency: { expirySeconds: 59 } }, "idempotency.expirySeconds", { idempotency: { expirySeconds: 60 } }],
  [{ backoff: { baseSeconds: 0 } }, "backoff.baseSeconds", { backoff: { baseSeconds: 1 } }],
  [{ backoff: { maximumSeconds: 43_201 } }, "backoff.maximumSeconds", { backoff: { maximumSeconds: 43_200 } }],
  [{ rateLimit: { perSecond: 1001 } }, "rateLimit.perSecond", { rateLimit: { perSecond: 1000 } }],
  [{ rateLimit: { perSecond: 1, burst: 0 } }, "rateLimit.burst", { rateLimit: { perSecond: 1, burst: 1 } }],
  [
    { circuitBreaker: { alarmArn: ALARM, probeSeconds: 59 } },
    "circuitBreaker.probeSeconds",
    { circuitBreaker: { alarmArn: ALARM, probeSeconds: 60 } },
  ],
  [{ target: { ...TARGET, messagesPerSecond: 0 } }, "target.messagesPerSecond", { target: TARGET }],
  [{ target: { ...TARGET, secondsPerBatch: -1 } }, "target.secondsPerBatch", { target: TARGET }],
  [{ target: { ...TARGET, rampSeconds: 0 } }, "target.rampSeconds", { target: { ...TARGET, rampSeconds: 1 } }],
  [{ logRetentionDays: 2 }, "logRetentionDays", { logRetentionDays: 1 }],
  [{ statements: [read("A", "s3:GetObject"), read("A", "s3:PutObject")] }, "statements", {}],
  [{ statements: [read("A", "GetObject")] }, "statements", { statements: [read("A", "s3:GetObject")] }],
  [{ statements: [read("A")] }, "statements", {}],
  [account({ serviceName: "sns.amazonaws.com", sourceAccount: "1" }), "producers.it.sourceAccount", {}],
  [account({ serviceName: "sns.amazonaws.com", organizationId: "*" }), "producers.it.organizationId", {}],
  [account({ roleArn: "arn:aws:iam::222222222222:role/*", ...ORGANIZATION }), "producers.it.roleArn", {}],
  [account({ accountId: "*", ...ORGANIZATION }), "producers.it.accountId", {}],
  ...(
    [
      "deadLettersThreshold",
      "oldestMessageAgeSeconds",
      "throttlesThreshold",
      "errorsThreshold",
      "saturationMinutes",
      "mappingFailuresThreshold",
      "rejectedMessagesThreshold",
    ] as const
  ).map((key) => [{ alarms: { [key]: 0 } }, `alarms.${key}`, { alarms: { [key]: 1 } }] as const),
  [{ alarms: { stalledAfterSeconds: 59 } }, "alarms.stalledAfterSeconds", { alarms: { stalledAfterSeconds: 60 } }],
];
const ownCode = (more: object): Args => ({ entry: undefined, code: { ...code, ...more } }) as unknown as Args;
const CODE_EDGES: typeof EDGES = [
  [ownCode({ handler: "app handler" }), "code.handler", ownCode({})],
  [ownCode({ architecture: "arm" }), "code.architecture", ownCode({ architecture: "x86_64" })],
];

const resolve = (args: Args): unknown =>
  resolveThrottledQueueConsumerSettings("orders", { ...MINIMAL_QUEUE_ARGS, ...args });

describe("ThrottledQueueConsumer: rules", () => {
  for (const { must, wrong, message, right } of CASES) {
    it(`${must}: rejects ${JSON.stringify(wrong, (key, value: unknown) => (key === "archive" ? "…" : value))}`, () => {
      assert.throws(
        () => resolve(wrong),
        (error: Error) => {
          assert.ok(pulumi.InputPropertiesError.isInstance(error));
          assert.equal(error.message, `orders: ${message}`);
          return true;
        },
      );
      assert.doesNotThrow(() => resolve(right));
    });
  }

  for (const [wrong, property, right] of [...EDGES, ...CODE_EDGES]) {
    const { archive: _, ...shown } = wrong.code ?? {};
    it(`rejects ${JSON.stringify(wrong.code ? shown : wrong)}`, () => {
      assert.throws(
        () => resolve(wrong),
        (error: Error) =>
          error.message.split("\n").some((line) => line.replace("orders: ", "").startsWith(`${property} must `)),
      );
      assert.doesNotThrow(() => resolve(right));
    });
  }

  it("Q1: defaults maximum concurrency to 5", () => {
    const { scaling } = resolveThrottledQueueConsumerSettings("orders", MINIMAL_QUEUE_ARGS);

    assert.deepEqual(scaling, { maximumConcurrency: 5, pollers: undefined, arithmetic: [] });
  });

  it("rejects with all problems at once, and registers nothing", async () => {
    const { errors, resources } = await evaluateProgram(() => {
      new ThrottledQueueConsumer("orders", { ...MINIMAL_QUEUE_ARGS, maximumConcurrency: 1, maxReceiveCount: 1 });
    });

    assert.match(errors[0]?.message ?? "", /orders: maximumConcurrency must .*\nmaxReceiveCount must /);
    assert.deepEqual(
      resources.filter(({ type }) => type.startsWith("aws:") || type.startsWith("serverless-patterns:")),
      [],
    );
  });

  it("rejects an entry that does not exist before anything is registered", async () => {
    const { errors, resources } = await evaluateProgram(() => {
      new ThrottledQueueConsumer("orders", { entry: "/nowhere/process-order.ts" });
    });

    assert.match(
      errors[0]?.message ?? "",
      /orders: entry must be a file that exports processMessage, got "\/nowhere\/process-order\.ts"; there is no file \/nowhere/,
    );
    assert.deepEqual(
      resources.filter(({ type }) => type.startsWith("aws:") || type.startsWith("serverless-patterns:")),
      [],
    );
  });

  it("Q18: rejects bad values of producers that are known only later", async () => {
    const { errors } = await evaluateProgram(() => {
      new ThrottledQueueConsumer("orders", {
        ...MINIMAL_QUEUE_ARGS,
        producers: {
          any: { serviceName: "sns.amazonaws.com", sourceArn: pulumi.output("arn:aws:sns:eu-west-1:111111111111:*") },
        },
      });
    });

    assert.match(
      errors[0]?.message ?? "",
      /orders: producers\.any\.sourceArn must be an ARN whose service, Region and account/,
    );
  });

  it("Q18, G2: rejects a bucket without its account that is known only later", async () => {
    const { errors } = await evaluateProgram(() => {
      new ThrottledQueueConsumer("orders", {
        ...MINIMAL_QUEUE_ARGS,
        producers: { uploads: { serviceName: "s3.amazonaws.com", sourceArn: pulumi.output("arn:aws:s3:::photos") } },
      });
    });

    assert.match(errors[0]?.message ?? "", /orders: producers\.uploads\.sourceArn must come with sourceAccount/);
  });

  it("rejects bad ARNs that are known only later, and sends them to no resource", async () => {
    const alias = "arn:aws:kms:eu-west-1:111111111111:alias/orders";
    const { errors, resources } = await evaluateProgram(() => {
      new ThrottledQueueConsumer("orders", {
        ...MINIMAL_QUEUE_ARGS,
        kmsKeyArn: pulumi.output(alias),
        circuitBreaker: { alarmArn: pulumi.output("slow") },
        alarms: { topicArn: pulumi.output("operations") },
      });
    });

    const messages = errors.map(({ message }) => message).join("\n");
    assert.match(messages, /orders: kmsKeyArn must be the ARN of a KMS key/);
    assert.ok(!JSON.stringify(resources.map(({ inputs }) => inputs)).includes(alias));
  });

  for (const [argument, more] of [
    ["circuitBreaker.alarmArn", { circuitBreaker: { alarmArn: pulumi.output("slow") } }],
    ["alarms.topicArn", { alarms: { topicArn: pulumi.output("operations") } }],
    ["filtersKmsKeyArn", { filters: ['{"body":["a"]}'], filtersKmsKeyArn: pulumi.output("key/1") }],
  ] as const) {
    it(`rejects a bad ${argument} that is known only later`, async () => {
      const { errors } = await evaluateProgram(() => {
        new ThrottledQueueConsumer("orders", { ...MINIMAL_QUEUE_ARGS, ...(more as Args) });
      });

      assert.match(errors[0]?.message ?? "", new RegExp(`orders: ${argument.replace(".", "\\.")} must be the ARN of`));
    });
  }

  it('A1: rejects the resource "*" of a statement without a reason', async () => {
    const evaluate = async (wildcardReason?: string): Promise<string> => {
      const { errors } = await evaluateProgram(() => {
        new ThrottledQueueConsumer("orders", {
          ...MINIMAL_QUEUE_ARGS,
          statements: [
            {
              sid: "Trace",
              actions: ["xray:PutTraceSegments"],
              resources: pulumi.output(["*"]),
              ...(wildcardReason === undefined ? {} : { wildcardReason }),
            },
          ],
        });
      });
      return errors.map(({ message }) => message).join();
    };

    assert.match(await evaluate(), /orders: statements must name resources, and not "\*" without wildcardReason/);
    assert.equal(await evaluate("X-Ray has no resources"), "");
  });

  it("Q2, Q4: whatever is accepted throttles at the source alone and hides messages long enough", () => {
    const args = fc.record(
      {
        maximumConcurrency: fc.integer({ min: 0, max: 1100 }),
        reservedConcurrentExecutions: fc.integer({ min: 0, max: 1100 }),
        functionTimeoutSeconds: fc.integer({ min: 1, max: 900 }),
        visibilityTimeoutSeconds: fc.integer({ min: 0, max: 43_200 }),
        batchSize: fc.integer({ min: 1, max: 100 }),
        maximumBatchingWindowInSeconds: fc.integer({ min: 0, max: 300 }),
        fifo: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    let accepted = 0;

    fc.assert(
      fc.property(args, (given) => {
        let settings;
        try {
          settings = resolveThrottledQueueConsumerSettings("orders", { ...MINIMAL_QUEUE_ARGS, ...given });
        } catch {
          return;
        }
        accepted++;
        const { scaling, reservedConcurrentExecutions: reserved, maximumBatchingWindowInSeconds: window } = settings;
        assert.ok(scaling.maximumConcurrency !== undefined && scaling.maximumConcurrency >= 2);
        assert.ok(reserved === undefined || reserved > scaling.maximumConcurrency);
        assert.ok(settings.visibilityTimeoutSeconds >= 6 * settings.functionTimeoutSeconds + window);
        assert.ok(settings.fifo ? settings.batchSize <= 10 && window === 0 : settings.batchSize <= 10 || window >= 1);
      }),
      { numRuns: 500, seed: 13 },
    );
    assert.ok(accepted > 20, String(accepted));
  });
});
