// Proves which resources ThrottledQueueConsumer declares, and which argument changes which input. Runs on the engine with AWS-shaped
// outputs; it does not prove that AWS accepts them.
import assert from "node:assert/strict";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { ThrottledQueueConsumer, type ThrottledQueueConsumerArgs } from "../../../components";
import { BREAKER_ENVIRONMENT, QUEUE_ENVIRONMENT } from "../../../handlers/queue/contract";
import { autoname } from "../../support/fake-aws";
import { evaluateProgram, type ProgramEvaluation, type ProgramOptions } from "../../support/engine-run";
import { MINIMAL_QUEUE_ARGS } from "../../support/queue-component";

const ALARM = "arn:aws:cloudwatch:eu-west-1:111111111111:alarm:warehouse-slow";
const KEY = "arn:aws:kms:eu-west-1:111111111111:key/1";
const QUEUE_ARN = `arn:aws:sqs:eu-west-1:111111111111:${autoname("orders-queue")}`;

async function evaluate(
  args: Partial<ThrottledQueueConsumerArgs> = {},
  options: ProgramOptions = {},
): Promise<ProgramEvaluation> {
  const evaluation = await evaluateProgram(() => {
    const base = args.code ? {} : MINIMAL_QUEUE_ARGS;
    const orders = new ThrottledQueueConsumer("orders", { ...base, ...args });
    return { queueUrl: orders.queueUrl, producerPolicy: orders.producerPolicy, arithmetic: orders.sizingArithmetic };
  }, options);
  assert.deepEqual(
    evaluation.errors.map(({ message }) => message),
    [],
  );
  return evaluation;
}

const parsed = (value: unknown): unknown => {
  assert.equal(typeof value, "string");
  return JSON.parse(value as string);
};
const mappingOf = async (args: Partial<ThrottledQueueConsumerArgs>): Promise<Record<string, unknown>> =>
  (await evaluate(args)).byName("orders-event-source-mapping").inputs;
const archive = (): pulumi.asset.Archive =>
  new pulumi.asset.AssetArchive({ "app.py": new pulumi.asset.StringAsset("def handler(event, context): pass") });

const BASE_CHILDREN = [
  "orders-consumer-function (Function)",
  "orders-consumer-log-group (LogGroup)",
  "orders-consumer-policy (RolePolicy)",
  "orders-consumer-role (Role)",
  "orders-dead-letter-queue (Queue)",
  "orders-dead-letter-queue-policy (QueuePolicy)",
  "orders-event-source-mapping (EventSourceMapping)",
  "orders-queue (Queue)",
  "orders-queue-policy (QueuePolicy)",
  "orders-redrive-allow-policy (RedriveAllowPolicy)",
  "orders-state-table (Table)",
];
const ALARMS = [
  "dead-letters",
  "errors",
  "mapping-failures",
  "oldest-message",
  "rejected-messages",
  "saturation",
  "stalled",
  "throttles",
];
const MONITORING_CHILDREN = [
  ...ALARMS.map((role) => `orders-${role}-alarm (MetricAlarm)`),
  "orders-dashboard (Dashboard)",
];

const childrenOf = ({ table }: ProgramEvaluation): string[] =>
  table()
    .filter(([, , parent]) => parent === "orders")
    .map(([type, name]) => `${name} (${type.split(":")[2] ?? ""})`)
    .sort();

describe("ThrottledQueueConsumer: resources", function () {
  this.timeout(20_000);

  it("creates exactly these children from minimal arguments", async () => {
    assert.deepEqual(childrenOf(await evaluate()), [...BASE_CHILDREN, ...MONITORING_CHILDREN].sort());
  });

  it("Q12: creates neither alarms nor dashboard when they are off", async () => {
    assert.deepEqual(childrenOf(await evaluate({ alarms: { enabled: false } })), BASE_CHILDREN);
  });

  it("creates the state table only for what needs it", async () => {
    const tables = async (args: Partial<ThrottledQueueConsumerArgs>): Promise<number> =>
      (await evaluate({ alarms: { enabled: false }, ...args })).byType("aws:dynamodb/table:Table").length;

    assert.equal(await tables({ idempotency: { enabled: false } }), 0);
    assert.equal(await tables({ idempotency: { enabled: false }, rateLimit: { perSecond: 10 } }), 1);
    assert.equal(await tables({ idempotency: { enabled: false }, circuitBreaker: { alarmArn: ALARM } }), 1);
    assert.equal(await tables({ code: { archive: archive(), handler: "app.handler", runtime: "python3.14" } }), 0);
  });

  it("Q8: remembers messages in a table that expires rows and can be restored", async () => {
    const { inputs } = (await evaluate({ kmsKeyArn: KEY })).byName("orders-state-table");

    assert.deepEqual(inputs.ttl, { attributeName: "expiresAt", enabled: true });
    assert.deepEqual(inputs.pointInTimeRecovery, { enabled: true });
    assert.deepEqual(inputs.attributes, [{ name: "pk", type: "S" }]);
    assert.equal(inputs.hashKey, "pk");
    assert.equal(inputs.billingMode, "PAY_PER_REQUEST");
    assert.equal(inputs.deletionProtectionEnabled, true);
    assert.deepEqual(inputs.serverSideEncryption, { enabled: true, kmsKeyArn: KEY });
  });

  for (const fifo of [false, true]) {
    it(`Q6: the dead-letter queue of a ${fifo ? "FIFO" : "standard"} queue has its type, keeps messages longer, and admits it alone`, async () => {
      const { byName } = await evaluate({ fifo });
      const queue = byName("orders-queue");
      const deadLetterQueue = byName("orders-dead-letter-queue");

      assert.equal(queue.inputs.fifoQueue, fifo ? true : undefined);
      assert.equal(deadLetterQueue.inputs.fifoQueue, queue.inputs.fifoQueue);
      assert.equal(deadLetterQueue.inputs.messageRetentionSeconds, 1_209_600);
      assert.equal(queue.inputs.messageRetentionSeconds, 345_600);
      assert.deepEqual(parsed(queue.inputs.redrivePolicy), {
        deadLetterTargetArn: deadLetterQueue.outputs.arn,
        maxReceiveCount: 5,
      });
      const allow = byName("orders-redrive-allow-policy").inputs;
      assert.equal(allow.queueUrl, deadLetterQueue.outputs.url);
      assert.deepEqual(parsed(allow.redriveAllowPolicy), {
        redrivePermission: "byQueue",
        sourceQueueArns: [queue.outputs.arn],
      });
    });
  }

  it("Q4: derives the visibility from the function's timeout and the batching window", async () => {
    const visibility = async (args: Partial<ThrottledQueueConsumerArgs>): Promise<unknown> =>
      (await evaluate({ alarms: { enabled: false }, ...args })).byName("orders-queue").inputs.visibilityTimeoutSeconds;

    assert.equal(await visibility({}), 180);
    assert.equal(await visibility({ functionTimeoutSeconds: 60, batchSize: 100 }), 361);
    assert.equal(await visibility({ functionTimeoutSeconds: 60, maximumBatchingWindowInSeconds: 20 }), 380);
    assert.equal(await visibility({ visibilityTimeoutSeconds: 4000 }), 4000);
    assert.equal(await visibility({ visibilityTimeoutSeconds: 60, acknowledgeShortVisibility: true }), 60);
  });

  it("Q18: encrypts both queues with a key of SQS, or with the given one", async () => {
    const free = await evaluate({ alarms: { enabled: false } });
    const keyed = await evaluate({ alarms: { enabled: false }, kmsKeyArn: KEY });

    for (const name of ["orders-queue", "orders-dead-letter-queue"]) {
      assert.equal(free.byName(name).inputs.sqsManagedSseEnabled, true);
      assert.equal(keyed.byName(name).inputs.sqsManagedSseEnabled, undefined);
      assert.equal(keyed.byName(name).inputs.kmsMasterKeyId, KEY);
    }
  });

  it("Q24: sets the largest message explicitly on both queues, on the dead-letter queue with room for a reason", async () => {
    for (const maxMessageSizeBytes of [undefined, 2048]) {
      const { byType } = await evaluate(maxMessageSizeBytes === undefined ? {} : { maxMessageSizeBytes });

      assert.deepEqual(
        byType("aws:sqs/queue:Queue").map(({ name, inputs }) => [name, inputs.maxMessageSize]),
        [
          ["orders-dead-letter-queue", 1_048_576],
          ["orders-queue", maxMessageSizeBytes ?? 1_048_576],
        ],
      );
    }
  });

  it("Q24: keeps claim checks in a private, encrypted bucket for longer than any message", async () => {
    const evaluation = await evaluate({ claimCheck: {}, alarms: { enabled: false } });
    const { byName } = evaluation;

    assert.deepEqual(
      childrenOf(evaluation).filter((child) => child.includes("claim-check")),
      [
        "orders-claim-check-bucket (Bucket)",
        "orders-claim-check-bucket-policy (BucketPolicy)",
        "orders-claim-check-encryption (BucketServerSideEncryptionConfiguration)",
        "orders-claim-check-lifecycle (BucketLifecycleConfiguration)",
        "orders-claim-check-ownership-controls (BucketOwnershipControls)",
        "orders-claim-check-public-access-block (BucketPublicAccessBlock)",
      ],
    );
    assert.deepEqual(byName("orders-claim-check-lifecycle").inputs.rules, [
      { id: "expire-claim-checks", status: "Enabled", filter: { prefix: "claim-checks/" }, expiration: { days: 23 } },
    ]);
    const { inputs } = byName("orders-consumer-function");
    const { variables } = inputs.environment as { variables: Record<string, string> };
    assert.equal(variables.CLAIM_CHECK_BUCKET, byName("orders-claim-check-bucket").outputs.bucket);
  });

  it("Q7: asks for partial batch responses, and bounds concurrency at the source", async () => {
    const { byName } = await evaluate();
    const { inputs } = byName("orders-event-source-mapping");

    assert.deepEqual(inputs, {
      eventSourceArn: QUEUE_ARN,
      functionName: byName("orders-consumer-function").outputs.name,
      enabled: true,
      batchSize: 1,
      maximumBatchingWindowInSeconds: 0,
      functionResponseTypes: ["ReportBatchItemFailures"],
      scalingConfig: { maximumConcurrency: 5 },
      metricsConfig: { metrics: ["EventCount"] },
      tags: {},
    });
    assert.equal(byName("orders-consumer-function").inputs.reservedConcurrentExecutions, undefined);
  });

  it("Q7: a team's own code may answer for whole batches", async () => {
    const code = { archive: archive(), handler: "app.handler", runtime: "python3.14" };

    assert.equal((await mappingOf({ code, reportBatchItemFailures: false })).functionResponseTypes, undefined);
  });

  it("Q3: provisioned pollers take the place of maximum concurrency", async () => {
    const inputs = await mappingOf({ provisionedPollers: { minimum: 3, maximum: 30 } });

    assert.equal(inputs.scalingConfig, undefined);
    assert.deepEqual(inputs.provisionedPollerConfig, { minimumPollers: 3, maximumPollers: 30 });
  });

  it("Q11: leaves the batching window out for FIFO queues", async () => {
    const inputs = await mappingOf({ fifo: true, batchSize: 10 });

    assert.equal("maximumBatchingWindowInSeconds" in inputs, false);
    assert.equal(inputs.batchSize, 10);
  });

  it("Q11: names both throughput modes of FIFO queues, so that switching back reaches AWS", async () => {
    const modesOf = async (args: Partial<ThrottledQueueConsumerArgs>): Promise<unknown[]> =>
      (await evaluate({ alarms: { enabled: false }, ...args }))
        .byType("aws:sqs/queue:Queue")
        .map(({ inputs }) => [inputs.deduplicationScope, inputs.fifoThroughputLimit]);
    const twice = (...mode: unknown[]): unknown[] => [mode, mode];

    assert.deepEqual(await modesOf({}), twice(undefined, undefined));
    assert.deepEqual(await modesOf({ fifo: true }), twice("queue", "perQueue"));
    assert.deepEqual(
      await modesOf({ fifo: true, fifoHighThroughput: true }),
      twice("messageGroup", "perMessageGroupId"),
    );
  });

  it("Q18, Q24: lets a role of another account, known only later, put claim checks", async () => {
    const { byName } = await evaluate({
      alarms: { enabled: false },
      claimCheck: {},
      producers: {
        shop: { roleArn: pulumi.output("arn:aws:iam::222222222222:role/shop"), organizationId: "o-a1b2c3d4e5" },
      },
    });

    const { Statement } = parsed(byName("orders-claim-check-bucket-policy").inputs.policy) as { Statement: unknown[] };
    assert.deepEqual(Statement.slice(1), [
      {
        Sid: "AllowClaimChecksShop",
        Effect: "Allow",
        Principal: { AWS: "arn:aws:iam::222222222222:role/shop" },
        Action: ["s3:PutObject"],
        Resource: `${String(byName("orders-claim-check-bucket").outputs.arn)}/claim-checks/*`,
        Condition: { StringEquals: { "aws:PrincipalOrgID": "o-a1b2c3d4e5" } },
      },
    ]);
  });

  it("Q19: passes filters and their key on", async () => {
    const inputs = await mappingOf({ filters: ['{"body":{"kind":["order"]}}'], filtersKmsKeyArn: KEY });

    assert.deepEqual(inputs.filterCriteria, { filters: [{ pattern: '{"body":{"kind":["order"]}}' }] });
    assert.equal(inputs.kmsKeyArn, KEY);
  });

  it("Q20: pausing changes one input of the mapping, and nothing else", async () => {
    const running = await evaluate();
    const paused = await evaluate({ paused: true });

    const differing = running.resources.filter(
      ({ inputs }, index) => JSON.stringify(inputs) !== JSON.stringify(paused.resources[index]?.inputs),
    );
    assert.deepEqual(
      differing.map(({ name }) => name),
      ["orders-event-source-mapping"],
    );
    assert.equal(paused.byName("orders-event-source-mapping").inputs.enabled, false);
    assert.deepEqual(
      { ...paused.byName("orders-event-source-mapping").inputs, enabled: true },
      running.byName("orders-event-source-mapping").inputs,
    );
  });

  it("Q14: reserved and maximum concurrency stand side by side with equal settings", async () => {
    const equal = {
      ...MINIMAL_QUEUE_ARGS,
      unsafeDemonstration: true,
      maxReceiveCount: 1,
      visibilityTimeoutSeconds: 30,
    };
    const { byName, errors, resources } = await evaluateProgram(() => {
      new ThrottledQueueConsumer("reserved", { ...equal, reservedConcurrentExecutions: 5 });
      new ThrottledQueueConsumer("maximum", { ...equal, maximumConcurrency: 5 });
    });

    assert.deepEqual(errors, []);
    assert.equal(byName("reserved-event-source-mapping").inputs.scalingConfig, undefined);
    assert.equal(byName("reserved-consumer-function").inputs.reservedConcurrentExecutions, 5);
    assert.deepEqual(byName("maximum-event-source-mapping").inputs.scalingConfig, { maximumConcurrency: 5 });
    assert.equal(byName("maximum-consumer-function").inputs.reservedConcurrentExecutions, undefined);
    const kinds = (prefix: string): string[] =>
      resources.filter(({ name }) => name.startsWith(`${prefix}-`)).map(({ name }) => name.slice(prefix.length));
    assert.deepEqual(kinds("reserved").sort(), kinds("maximum").sort());
  });

  it("gives the consumer exactly the environment that the kit's contract names, and the team's own", async () => {
    const { byName } = await evaluate({
      rateLimit: { perSecond: 2.5 },
      claimCheck: {},
      environment: { WAREHOUSE_URL: "https://warehouse.example.com" },
    });

    const { variables } = byName("orders-consumer-function").inputs.environment as {
      variables: Record<string, string>;
    };
    assert.deepEqual(Object.keys(variables).sort(), [...Object.values(QUEUE_ENVIRONMENT), "WAREHOUSE_URL"].sort());
    assert.equal(variables[QUEUE_ENVIRONMENT.idempotencySeconds], "86400");
    assert.equal(variables[QUEUE_ENVIRONMENT.backoffBaseSeconds], "60");
    assert.equal(variables[QUEUE_ENVIRONMENT.backoffMaximumSeconds], "900");
    assert.equal(variables[QUEUE_ENVIRONMENT.rateLimitPerSecond], "2.5");
    assert.equal(variables[QUEUE_ENVIRONMENT.rateLimitBurst], "2");
  });

  it("Q31: a circuit breaker hears of the alarm, looks every minute, and may switch only this mapping", async () => {
    const evaluation = await evaluate({ circuitBreaker: { alarmArn: ALARM }, maximumConcurrency: 7 });
    const { byName } = evaluation;

    assert.deepEqual(parsed(byName("orders-breaker-alarm-rule").inputs.eventPattern), {
      source: ["aws.cloudwatch"],
      "detail-type": ["CloudWatch Alarm State Change"],
      resources: [ALARM],
    });
    assert.equal(byName("orders-breaker-schedule-rule").inputs.scheduleExpression, "rate(1 minute)");
    for (const trigger of ["alarm", "schedule"]) {
      const permission = byName(`orders-breaker-${trigger}-permission`).inputs;
      assert.equal(permission.principal, "events.amazonaws.com");
      assert.equal(permission.sourceArn, byName(`orders-breaker-${trigger}-rule`).outputs.arn);
      assert.equal(
        byName(`orders-breaker-${trigger}-target`).inputs.arn,
        byName("orders-breaker-function").outputs.arn,
      );
    }
    const { variables } = byName("orders-breaker-function").inputs.environment as { variables: Record<string, string> };
    assert.deepEqual(Object.keys(variables).sort(), Object.values(BREAKER_ENVIRONMENT).sort());
    assert.equal(variables.EVENT_SOURCE_MAPPING_ID, byName("orders-event-source-mapping").outputs.uuid);
    assert.equal(variables.MAXIMUM_CONCURRENCY, "7");
    assert.equal(variables.PAUSED, "false");
    assert.equal(byName("orders-breaker-function").inputs.memorySize, 256);
  });

  it("Q20, Q31: tells the circuit breaker of a pause, so that no probe ends it", async () => {
    const { byName } = await evaluate({ circuitBreaker: { alarmArn: ALARM }, paused: true, memorySize: 4096 });

    const { environment, memorySize } = byName("orders-breaker-function").inputs;
    assert.equal((environment as { variables: Record<string, string> }).variables.PAUSED, "true");
    assert.equal(memorySize, 256, "the breaker does not grow with the consumer");
  });

  it("A1: keeps the circuit breaker's state from a consumer that has none of its own", async () => {
    const { byName } = await evaluate({
      code: { archive: archive(), handler: "app.handler", runtime: "python3.14" },
      circuitBreaker: { alarmArn: ALARM },
      kmsKeyArn: KEY,
    });

    const { Statement } = parsed(byName("orders-consumer-policy").inputs.policy) as { Statement: { Sid: string }[] };
    assert.deepEqual(
      Statement.map(({ Sid }) => Sid),
      ["WriteOwnLogs", "ConsumeQueue", "UseKeyForMessages"],
    );
    const { variables } = byName("orders-consumer-function").inputs.environment as { variables: object };
    assert.equal("STATE_TABLE_NAME" in variables, false);
  });

  it("deploys a team's own bundle unaltered, without what only the kit uses", async () => {
    const { byName } = await evaluate({
      code: { archive: archive(), handler: "app.handler", runtime: "python3.14", architecture: "x86_64" },
      alarms: { enabled: false },
    });

    const { inputs } = byName("orders-consumer-function");
    assert.equal(inputs.handler, "app.handler");
    assert.equal(inputs.runtime, "python3.14");
    assert.deepEqual(inputs.architectures, ["x86_64"]);
    const { variables } = inputs.environment as { variables: object };
    assert.deepEqual(Object.keys(variables).sort(), ["QUEUE_NAME", "QUEUE_URL"]);
  });

  it("Q27: derives concurrency from the target and shows the arithmetic", async () => {
    const evaluation = await evaluate({ target: { messagesPerSecond: 20, secondsPerMessage: 0.5 } });

    assert.deepEqual(evaluation.byName("orders-event-source-mapping").inputs.scalingConfig, { maximumConcurrency: 10 });
    assert.deepEqual(evaluation.output("arithmetic"), [
      "20 messages/s × 0.5 s per batch ÷ 1 per batch = 10: 10 concurrent invocations",
      "Lambda's own pollers take (10 − 5) ÷ 300/min = 1 s, no ramp time is asked for: standard mode",
    ]);
  });

  it("Q29: takes provisioned pollers for a steep ramp, unless a value is given", async () => {
    const target = { messagesPerSecond: 1000, secondsPerMessage: 0.5, rampSeconds: 30 };

    assert.deepEqual((await mappingOf({ target })).provisionedPollerConfig, { minimumPollers: 2, maximumPollers: 50 });
    const overridden = await mappingOf({ target, maximumConcurrency: 100 });
    assert.equal(overridden.provisionedPollerConfig, undefined);
    assert.deepEqual(overridden.scalingConfig, { maximumConcurrency: 100 });
  });

  it("puts its Region on every regional child, and asks for none elsewhere", async () => {
    const { resources } = await evaluate({ region: "eu-north-1", claimCheck: {}, circuitBreaker: { alarmArn: ALARM } });

    for (const { type, name, inputs } of resources) {
      if (!type.startsWith("aws:") || type.startsWith("aws:iam/")) continue;
      assert.equal(inputs.region, "eu-north-1", name);
    }
  });

  it("Q18: grants sending to a role by a policy of its own", async () => {
    const { byName, errors } = await evaluateProgram(() => {
      const role = new aws.iam.Role("shop", { assumeRolePolicy: "{}" });
      new ThrottledQueueConsumer("orders", MINIMAL_QUEUE_ARGS).grantSend("web-shop", role);
    });

    assert.deepEqual(errors, []);
    assert.deepEqual(parsed(byName("orders-send-web-shop-policy").inputs.policy), {
      Version: "2012-10-17",
      Statement: [{ Sid: "SendMessages", Effect: "Allow", Action: ["sqs:SendMessage"], Resource: QUEUE_ARN }],
    });
  });

  it("A6: exposes every child by a public field, and registers exactly these", async () => {
    let component: ThrottledQueueConsumer | undefined;
    const evaluation = await evaluateProgram(() => {
      component = new ThrottledQueueConsumer("orders", {
        ...MINIMAL_QUEUE_ARGS,
        claimCheck: {},
        circuitBreaker: { alarmArn: ALARM },
      });
    });
    assert.deepEqual(evaluation.errors, []);

    const fields = Object.entries(component ?? {}).filter(([key]) => !key.startsWith("__") && key !== "urn");
    const exposed = fields
      .flatMap(([, value]) =>
        pulumi.Resource.isInstance(value) ? [value] : Object.values(value as Record<string, unknown>),
      )
      .filter((value): value is pulumi.Resource => pulumi.Resource.isInstance(value));
    assert.equal(new Set(exposed).size, childrenOf(evaluation).length);
    assert.deepEqual(Object.keys(evaluation.byName("orders").outputs).sort(), fields.map(([key]) => key).sort());
  });

  it("two instances stand side by side", async () => {
    const { errors } = await evaluateProgram(() => {
      new ThrottledQueueConsumer("orders", MINIMAL_QUEUE_ARGS);
      new ThrottledQueueConsumer("returns", MINIMAL_QUEUE_ARGS);
    });

    assert.deepEqual(errors, []);
  });

  it("previews with ARNs that are not known yet", async () => {
    const { errors } = await evaluateProgram(
      () => {
        const topic = new aws.sns.Topic("operations");
        new ThrottledQueueConsumer("orders", {
          ...MINIMAL_QUEUE_ARGS,
          alarms: { topicArn: topic.arn },
          producers: { topic: { serviceName: "sns.amazonaws.com", sourceArn: topic.arn } },
          statements: [{ sid: "Notify", actions: ["sns:Publish"], resources: [topic.arn] }],
        });
      },
      { preview: true },
    );

    assert.deepEqual(errors, []);
  });
});
