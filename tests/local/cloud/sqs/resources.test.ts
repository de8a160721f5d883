// Proves what the declared queues and their policies accept, give back and change in place.
import assert from "node:assert/strict";
import type { PropertyMap } from "../../../../local/cloud/core/resource-model";
import { declare, modelOf, problemsOf, resourceContext } from "../../../support/json-service-stub";
import { arnOf, createQueueCloud, type QueueCloud, queueOrigin } from "../../../support/queue-cloud";

const QUEUE = "aws:sqs/queue:Queue";
const QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy";
const REDRIVE = "aws:sqs/redrivePolicy:RedrivePolicy";
const ALLOW = "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy";
const policyOf = (Action: string, extra: PropertyMap = {}): string =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: { Effect: "Allow", Principal: "*", Action, Resource: "*", ...extra },
  });

describe("A declared queue", () => {
  let cloud: QueueCloud;

  beforeEach(() => {
    cloud = createQueueCloud();
  });

  const update = (inputs: PropertyMap, old: PropertyMap, type = QUEUE) => {
    const model = modelOf(cloud.service, type);
    assert.deepEqual(model.check(inputs, resourceContext(type, "work")), []);
    return model.update!("", inputs, old, resourceContext(type, "work"));
  };
  const names = (): readonly string[] => cloud.service.queues().map(({ name }) => name);

  it("has AWS's names, URL and defaults", async () => {
    const { id, outputs } = await declare(cloud.service, QUEUE, { tags: { team: "a" } }, "work");

    const url = "https://sqs.eu-west-1.amazonaws.com/123456789012/work-1234567";
    assert.equal(id, url);
    assert.deepEqual(outputs, {
      id: url,
      url,
      arn: arnOf("work-1234567"),
      name: "work-1234567",
      namePrefix: "",
      region: "eu-west-1",
      fifoQueue: false,
      contentBasedDeduplication: false,
      deduplicationScope: "",
      fifoThroughputLimit: "",
      delaySeconds: 0,
      maxMessageSize: 1_048_576,
      messageRetentionSeconds: 345_600,
      receiveWaitTimeSeconds: 0,
      visibilityTimeoutSeconds: 30,
      kmsMasterKeyId: "",
      kmsDataKeyReusePeriodSeconds: 300,
      sqsManagedSseEnabled: true,
      policy: "",
      redrivePolicy: "",
      redriveAllowPolicy: "",
      tags: { team: "a" },
      tagsAll: { stack: "test", team: "a" },
    });
    assert.equal(cloud.context.hosts.localise(url), `${queueOrigin}/123456789012/work-1234567`);
  });

  it("gets a name that ends with .fifo when it is FIFO, or begins with the prefix", async () => {
    await cloud.declare({ fifoQueue: true });
    await cloud.declare({ namePrefix: "jobs-" });

    assert.deepEqual(names(), ["work-1234567.fifo", "jobs-1234567"]);
  });

  it("changes in place and keeps its messages", async () => {
    const { outputs } = await declare(cloud.service, QUEUE, { visibilityTimeoutSeconds: 10 }, "work");
    cloud.service.send(String(outputs.arn), { body: "x" }, cloud.root);

    const changed = await update({ visibilityTimeoutSeconds: 20 }, outputs);

    assert.equal(changed.outputs.visibilityTimeoutSeconds, 20);
    assert.equal(cloud.service.describe(String(outputs.arn))?.visibilityTimeoutSeconds, 20);
    assert.equal(cloud.service.queues()[0]?.visible, 1);
  });

  it("is replaced when its name or its type changes", async () => {
    const { outputs } = await declare(cloud.service, QUEUE, { name: "one" }, "work");

    const renamed = await update({ name: "two" }, outputs);
    const after = names();
    await update({ name: "two.fifo", fifoQueue: true }, renamed.outputs);

    assert.deepEqual(after, ["two"]);
    assert.deepEqual(names(), ["two.fifo"]);
  });

  it("keeps the policies of other resources when its own inputs change, and drops those it had itself", async () => {
    const { outputs } = await declare(cloud.service, QUEUE, {}, "work");
    const policy = policyOf("sqs:SendMessage");
    await declare(cloud.service, QUEUE_POLICY, { queueUrl: String(outputs.url), policy });

    const { outputs: kept } = await update({ delaySeconds: 1 }, outputs);
    const { outputs: own } = await update({ policy }, kept);
    const { outputs: dropped } = await update({}, own);

    assert.equal(kept.policy, policy);
    assert.equal(dropped.policy, "");
  });

  it("goes with its messages and its URL", async () => {
    const { outputs } = await declare(cloud.service, QUEUE, {}, "work");
    const url = String(outputs.url);
    const poll = cloud.service.receive(String(outputs.arn), { maximumMessages: 1, waitTimeMs: 20_000 }, cloud.root);

    await modelOf(cloud.service, QUEUE).delete?.("", outputs, resourceContext(QUEUE));

    assert.deepEqual(await poll, []);
    assert.deepEqual(names(), []);
    assert.equal(cloud.context.hosts.localise(url), url);
  });

  it("rejects a name that another queue has", async () => {
    await cloud.declare({ name: "same" });

    await assert.rejects(cloud.declare({ name: "same" }), { code: "QueueNameExists" });
  });

  it("takes its policies from resources of their own, found by the local URL too, and gives them back", async () => {
    const dead = await cloud.declare({}, "dead");
    const queue = await cloud.declare();
    const local = cloud.context.hosts.localise(queue.url);
    const redrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 4 });
    const redriveAllowPolicy = JSON.stringify({ redrivePermission: "byQueue", sourceQueueArns: [queue.arn] });

    const redrive = await declare(cloud.service, REDRIVE, { queueUrl: local, redrivePolicy });
    await declare(cloud.service, ALLOW, { queueUrl: dead.url, redriveAllowPolicy });
    const before = queue.info().maxReceiveCount;
    await modelOf(cloud.service, REDRIVE).delete?.("", redrive.outputs, resourceContext(REDRIVE));

    assert.equal(redrive.outputs.queueUrl, queue.url);
    assert.equal(before, 4);
    assert.equal(queue.info().deadLetterTarget, undefined);
  });

  it("moves a policy to another queue", async () => {
    const [one, two] = [await cloud.declare({}, "one"), await cloud.declare({}, "two")];
    const dead = await cloud.declare({}, "dead");
    const redrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 4 });
    const { outputs } = await declare(cloud.service, REDRIVE, { queueUrl: one.url, redrivePolicy });

    await update({ queueUrl: two.url, redrivePolicy }, outputs, REDRIVE);

    assert.equal(one.info().deadLetterTarget, undefined);
    assert.equal(two.info().deadLetterTarget, dead.arn);
  });

  for (const [title, inputs, problem] of [
    ["a malformed name", { name: "a b" }, /^name: must be 1 to 80 letters/],
    ["a FIFO name without its suffix", { name: "a", fifoQueue: true }, /^name: must be 1 to 75 letters.*\.fifo/],
    ["a standard name with the FIFO suffix", { name: "a.fifo" }, /^name: /],
    ["a name and a prefix", { name: "a", namePrefix: "b" }, /^namePrefix: must be left out/],
    ["an unknown input", { colour: "red" }, /^colour: is not simulated/],
    ["too long a delay", { delaySeconds: 901 }, /^delaySeconds: must be a whole number between 0 and 900, got 901/],
    ["too small a size", { maxMessageSize: 1023 }, /^maxMessageSize: .*1024 and 1048576/],
    ["too large a size", { maxMessageSize: 1_048_577 }, /^maxMessageSize: /],
    ["too short a retention", { messageRetentionSeconds: 59 }, /^messageRetentionSeconds: .*60 and 1209600/],
    ["too long a retention", { messageRetentionSeconds: 1_209_601 }, /^messageRetentionSeconds: /],
    ["too long a wait", { receiveWaitTimeSeconds: 21 }, /^receiveWaitTimeSeconds: .*0 and 20/],
    ["too long a visibility timeout", { visibilityTimeoutSeconds: 43_201 }, /^visibilityTimeoutSeconds: .*43200/],
    ["half a second", { visibilityTimeoutSeconds: 0.5 }, /^visibilityTimeoutSeconds: /],
    ["text for a number", { delaySeconds: "5" }, /^delaySeconds: must be a number/],
    ["too short a reuse of data keys", { kmsMasterKeyId: "k", kmsDataKeyReusePeriodSeconds: 59 }, /^kmsDataKeyReuse/],
    [
      "two kinds of encryption",
      { kmsMasterKeyId: "k", sqsManagedSseEnabled: true },
      /^sqsManagedSseEnabled: .*kmsMasterKeyId/,
    ],
    [
      "deduplication by content on a standard queue",
      { contentBasedDeduplication: true },
      /^contentBasedDeduplication: is only for FIFO/,
    ],
    ["a FIFO scope on a standard queue", { deduplicationScope: "queue" }, /^deduplicationScope: is only for FIFO/],
    [
      "an unknown scope",
      { fifoQueue: true, deduplicationScope: "world" },
      /^deduplicationScope: must be queue or messageGroup/,
    ],
    [
      "high throughput without its scope",
      { fifoQueue: true, fifoThroughputLimit: "perMessageGroupId" },
      /^fifoThroughputLimit: .*deduplicationScope is "messageGroup"/,
    ],
    ["a policy that is no JSON", { policy: "{" }, /^policy: /],
    [
      "a policy with actions of another service",
      { policy: policyOf("s3:GetObject") },
      /^policy: .*SQS only, got s3:GetObject/,
    ],
    ["a policy without a principal", { policy: policyOf("sqs:*", { Principal: null }) }, /^policy: /],
    [
      "a policy that is too long",
      { policy: policyOf("sqs:*", { Sid: "x".repeat(9000) }) },
      /^policy: must be at most 8192/,
    ],
    ["a redrive policy that is no JSON", { redrivePolicy: "x" }, /^redrivePolicy: must be a JSON object/],
    [
      "a redrive policy without a target",
      { redrivePolicy: '{"maxReceiveCount":3}' },
      /^redrivePolicy: .*deadLetterTargetArn/,
    ],
    [
      "a redrive policy that allows no receive",
      { redrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf("dead"), maxReceiveCount: 0 }) },
      /^redrivePolicy: .*between 1 and 1000, got 0/,
    ],
    [
      "a redrive policy with more than 1,000 receives",
      { redrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf("dead"), maxReceiveCount: 1001 }) },
      /^redrivePolicy: /,
    ],
    [
      "an unknown redrive permission",
      { redriveAllowPolicy: '{"redrivePermission":"some"}' },
      /^redriveAllowPolicy: .*byQueue/,
    ],
    [
      "byQueue without queues",
      { redriveAllowPolicy: '{"redrivePermission":"byQueue"}' },
      /^redriveAllowPolicy: .*1 to 10/,
    ],
    [
      "queues beside denyAll",
      { redriveAllowPolicy: JSON.stringify({ redrivePermission: "denyAll", sourceQueueArns: [arnOf("a")] }) },
      /^redriveAllowPolicy: .*only with byQueue/,
    ],
  ] as const satisfies readonly (readonly [string, PropertyMap, RegExp])[]) {
    it(`rejects ${title}`, () => {
      const problems = problemsOf(cloud.service, QUEUE, inputs);

      assert.ok(
        problems.some((text) => problem.test(text)),
        problems.join("; ") || "accepted",
      );
    });
  }

  it("reports all problems at once", () => {
    const problems = problemsOf(cloud.service, QUEUE, { delaySeconds: 901, visibilityTimeoutSeconds: -1, policy: "{" });

    assert.equal(problems.length, 3);
  });

  for (const [type, property] of [
    [QUEUE_POLICY, "policy"],
    [REDRIVE, "redrivePolicy"],
    [ALLOW, "redriveAllowPolicy"],
  ] as const) {
    it(`rejects a malformed ${property} of its own resource, and one without a queue`, () => {
      const problems = problemsOf(cloud.service, type, { [property]: "x" });

      assert.deepEqual(
        problems.map((text) => text.split(":")[0]),
        ["queueUrl", property],
      );
      assert.deepEqual(problemsOf(cloud.service, type, { queueUrl: "u" }), [`${property}: is required`]);
    });
  }

  it("rejects a policy of a queue that does not exist", async () => {
    const inputs = { queueUrl: `${queueOrigin}/123456789012/nowhere`, policy: policyOf("sqs:*") };

    await assert.rejects(declare(cloud.service, QUEUE_POLICY, inputs), { code: "QueueDoesNotExist" });
  });
});
