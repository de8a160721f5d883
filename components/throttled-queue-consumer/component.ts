// ThrottledQueueConsumer: a queue whose consumer never asks more of its downstream than that can take.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { findPlacement } from "../shared/placement";
import { enforce } from "../shared/validation";
import type { ThrottledQueueConsumerArgs } from "./args";
import { checkLaterArns } from "./arns";
import { createCircuitBreaker } from "./breaker";
import { createConsumerFunction, findPolicyParts, resolveConsumerCode } from "./function";
import { createEventSourceMapping } from "./mapping";
import { createMonitoring } from "./monitoring";
import { buildProducerPolicy } from "./policies";
import { checkProducers, createQueues } from "./queues";
import { resolveThrottledQueueConsumerSettings } from "./settings";
import { createClaimCheckStorage, createStateTable, usesState } from "./storage";

/**
 * A queue with a dead-letter queue and a function that processes its messages, never more at a time than the downstream can take:
 * the queue is slowed down at its source, so that nothing is throttled and no good message is lost.
 *
 * Creates two `aws.sqs.Queue`s with policies, a redrive policy and its counterpart, an `aws.lambda.Function` with role, policy and log
 * group, an `aws.lambda.EventSourceMapping` with maximum concurrency, an `aws.dynamodb.Table` for idempotency, eight alarms and a
 * dashboard; on request a bucket of claim checks and a circuit breaker.
 *
 * ```ts
 * const orders = new ThrottledQueueConsumer("orders", { entry: path.join(__dirname, "process-order.ts"), maximumConcurrency: 5 });
 * export const queueUrl = orders.queueUrl;
 * ```
 *
 * With a goal in the place of a number:
 *
 * ```ts
 * const orders = new ThrottledQueueConsumer("orders", {
 *   entry: path.join(__dirname, "process-order.ts"),
 *   target: { messagesPerSecond: 20, secondsPerMessage: 0.5 },
 *   alarms: { topicArn: operations.arn },
 * });
 * orders.grantSend("web-shop", webShopRole);
 * ```
 *
 * Security: queues are encrypted and refuse plain HTTP; nobody may send but roles that were granted it and named producers; the function
 * may consume this queue and nothing else. Limits: messages are delivered at least once. Cost: SQS requests, function time, and writes of
 * the state table per message; nothing runs while no message comes, but for Lambda's polling and the alarms.
 */
export class ThrottledQueueConsumer extends pulumi.ComponentResource {
  /** Type token of the component. */
  static readonly pulumiType = "serverless-patterns:index:ThrottledQueueConsumer";

  /** Logical name of the consumer; prefix of every child's name. */
  public readonly logicalName: string;
  /** The source queue. */
  public readonly queue: aws.sqs.Queue;
  /** The queue of failed messages. */
  public readonly deadLetterQueue: aws.sqs.Queue;
  /** Lets only the source queue use the dead-letter queue. */
  public readonly redriveAllowPolicy: aws.sqs.RedriveAllowPolicy;
  /** Policy of the source queue: TLS only, producers. */
  public readonly queuePolicy: aws.sqs.QueuePolicy;
  /** Policy of the dead-letter queue: TLS only. */
  public readonly deadLetterQueuePolicy: aws.sqs.QueuePolicy;
  /** The consumer. */
  public readonly function: aws.lambda.Function;
  /** Role of the consumer. */
  public readonly role: aws.iam.Role;
  /** What the consumer may do. */
  public readonly rolePolicy: aws.iam.RolePolicy;
  /** Log of the consumer. */
  public readonly logGroup: aws.cloudwatch.LogGroup;
  /** Between queue and consumer; here is the throttle. */
  public readonly eventSourceMapping: aws.lambda.EventSourceMapping;
  /** Idempotency, rate limit and circuit breaker; when one of them is on. */
  public readonly stateTable?: aws.dynamodb.Table;
  /** Bodies above the message limit; with `claimCheck`. */
  public readonly claimCheckBucket?: aws.s3.Bucket;
  /** With `claimCheck`. */
  public readonly claimCheckPublicAccessBlock?: aws.s3.BucketPublicAccessBlock;
  /** With `claimCheck`. */
  public readonly claimCheckOwnershipControls?: aws.s3.BucketOwnershipControls;
  /** With `claimCheck`. */
  public readonly claimCheckEncryption?: aws.s3.BucketServerSideEncryptionConfiguration;
  /** With `claimCheck`. */
  public readonly claimCheckLifecycle?: aws.s3.BucketLifecycleConfiguration;
  /** With `claimCheck`. */
  public readonly claimCheckBucketPolicy?: aws.s3.BucketPolicy;
  /** With `circuitBreaker`. */
  public readonly breakerFunction?: aws.lambda.Function;
  /** With `circuitBreaker`. */
  public readonly breakerRole?: aws.iam.Role;
  /** With `circuitBreaker`. */
  public readonly breakerRolePolicy?: aws.iam.RolePolicy;
  /** With `circuitBreaker`. */
  public readonly breakerLogGroup?: aws.cloudwatch.LogGroup;
  /** By trigger, "alarm" and "schedule"; empty without `circuitBreaker`. */
  public readonly breakerRules: Record<string, aws.cloudwatch.EventRule>;
  /** By trigger; empty without `circuitBreaker`. */
  public readonly breakerTargets: Record<string, aws.cloudwatch.EventTarget>;
  /** By trigger; empty without `circuitBreaker`. */
  public readonly breakerPermissions: Record<string, aws.lambda.Permission>;
  /** By what they watch: dead-letters, oldest-message, throttles, errors, saturation, mapping-failures, stalled, rejected-messages. */
  public readonly alarms: Record<string, aws.cloudwatch.MetricAlarm>;
  /** Unless alarms are off. */
  public readonly dashboard?: aws.cloudwatch.Dashboard;
  /** URL of the source queue. */
  public readonly queueUrl: pulumi.Output<string>;
  /** ARN of the source queue. */
  public readonly queueArn: pulumi.Output<string>;
  /** Physical name of the source queue. */
  public readonly queueName: pulumi.Output<string>;
  /** URL of the dead-letter queue. */
  public readonly deadLetterQueueUrl: pulumi.Output<string>;
  /** ARN of the dead-letter queue. */
  public readonly deadLetterQueueArn: pulumi.Output<string>;
  /** Physical name of the consumer. */
  public readonly functionName: pulumi.Output<string>;
  /** JSON policy for a sender's role: it may send, and nothing else. */
  public readonly producerPolicy: pulumi.Output<string>;
  /** Sums by which concurrency and pollers were derived; empty without `target`. */
  public readonly sizingArithmetic: string[];

  /**
   * @param name Logical name; prefix of every child's name.
   * @param args Arguments; all problems are reported at once, before anything is registered.
   * @param opts Options of the component resource.
   * @throws pulumi.InputPropertiesError when an argument breaks a rule, or the entry does not build.
   */
  constructor(name: string, args: ThrottledQueueConsumerArgs, opts?: pulumi.ComponentResourceOptions) {
    const resolved = resolveThrottledQueueConsumerSettings(name, args);
    const code = resolveConsumerCode(name, args);
    super(ThrottledQueueConsumer.pulumiType, name, {}, opts);

    const settings = checkLaterArns(name, resolved);
    const placement = findPlacement(settings.region, this);
    const access = { producers: checkProducers(name, settings), placement };
    const queues = createQueues(name, settings, access, this);
    const stateTable = createStateTable(name, settings, this);
    const claimCheck = createClaimCheckStorage(name, settings, access, this);
    const parts = { queues, stateTable: usesState(settings) ? stateTable : undefined, claimCheck, placement };
    const consumer = createConsumerFunction(name, settings, code, parts, this);
    const mapping = createEventSourceMapping(name, settings, queues, consumer, this);
    const breaker = createCircuitBreaker(name, settings, { queue: queues.queue, mapping, stateTable, placement }, this);
    const monitoring = createMonitoring(
      name,
      settings,
      { queues, consumer: consumer.function, mapping, hasKit: code.hasKit, placement },
      this,
    );

    this.logicalName = name;
    this.queue = queues.queue;
    this.deadLetterQueue = queues.deadLetterQueue;
    this.redriveAllowPolicy = queues.redriveAllowPolicy;
    this.queuePolicy = queues.queuePolicy;
    this.deadLetterQueuePolicy = queues.deadLetterQueuePolicy;
    this.function = consumer.function;
    this.role = consumer.role;
    this.rolePolicy = consumer.policy;
    this.logGroup = consumer.logGroup;
    this.eventSourceMapping = mapping;
    if (stateTable) this.stateTable = stateTable;
    if (claimCheck) {
      this.claimCheckBucket = claimCheck.bucket;
      this.claimCheckPublicAccessBlock = claimCheck.publicAccessBlock;
      this.claimCheckOwnershipControls = claimCheck.ownershipControls;
      this.claimCheckEncryption = claimCheck.encryption;
      this.claimCheckLifecycle = claimCheck.lifecycle;
      this.claimCheckBucketPolicy = claimCheck.policy;
    }
    if (breaker) {
      this.breakerFunction = breaker.handler.function;
      this.breakerRole = breaker.handler.role;
      this.breakerRolePolicy = breaker.handler.policy;
      this.breakerLogGroup = breaker.handler.logGroup;
    }
    this.breakerRules = { ...breaker?.rules };
    this.breakerTargets = { ...breaker?.targets };
    this.breakerPermissions = { ...breaker?.permissions };
    this.alarms = { ...monitoring?.alarms };
    if (monitoring) this.dashboard = monitoring.dashboard;
    this.queueUrl = queues.queue.url;
    this.queueArn = queues.queue.arn;
    this.queueName = queues.queue.name;
    this.deadLetterQueueUrl = queues.deadLetterQueue.url;
    this.deadLetterQueueArn = queues.deadLetterQueue.arn;
    this.functionName = consumer.function.name;
    this.producerPolicy = findPolicyParts(parts, settings.kmsKeyArn).apply((known) =>
      JSON.stringify(buildProducerPolicy(known)),
    );
    this.sizingArithmetic = [...settings.scaling.arithmetic];
    for (const line of this.sizingArithmetic) void pulumi.log.info(line, this);
    if (args.unsafeDemonstration === true) {
      void pulumi.log.warn("unsafeDemonstration is on: this queue may lose messages, as it is meant to show", this);
    }
    this.registerOutputs(listOutputs(this));
  }

  /**
   * Lets a role send to the queue.
   * @param grantName Names the grant among those of this queue: lower-case letters, digits and hyphens.
   * @param role The sender's role, of the same account.
   */
  grantSend(grantName: string, role: aws.iam.Role): aws.iam.RolePolicy {
    enforce(this.logicalName, [
      {
        property: "grantName",
        holds: /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(grantName),
        rule: "be lower-case letters, digits and hyphens",
        got: grantName,
        remedy: 'write "web-shop" say',
      },
    ]);
    return new aws.iam.RolePolicy(
      `${this.logicalName}-send-${grantName}-policy`,
      { role: role.id, policy: this.producerPolicy },
      { parent: this },
    );
  }
}

/** The public fields that have a value. */
function listOutputs(component: ThrottledQueueConsumer): Record<string, unknown> {
  const inherited = new Set(["urn"]);
  return Object.fromEntries(Object.entries(component).filter(([key]) => !key.startsWith("__") && !inherited.has(key)));
}
