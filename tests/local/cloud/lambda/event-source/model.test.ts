// Proves the resource: what Lambda refuses of its inputs and of its surroundings, what the provider returns, changes in place.
import assert from "node:assert/strict";
import type { PropertyMap } from "../../../../../local/cloud/core/resource-model";
import { ACCOUNT, REGION, resourceContext } from "../../../../support/function-cloud";
import {
  ALLOW_POLLING,
  FIFO_ARN,
  MAPPING,
  type MappingCloud,
  QUEUE_ARN,
  startMappingCloud,
  takes,
} from "../../../../support/mapping-cloud";

const FUNCTION_ARN = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:fn`;

describe("Event source mapping", () => {
  let cloud: MappingCloud;

  beforeEach(async () => {
    cloud = await startMappingCloud(takes(100));
    cloud.queues.add(QUEUE_ARN, { visibilityTimeoutSeconds: 90 });
  });
  afterEach(() => cloud.stop());

  const problems = (inputs: PropertyMap): readonly string[] => {
    const model = cloud.models().find(({ type }) => type === MAPPING)!;
    const all = { eventSourceArn: QUEUE_ARN, functionName: "fn", ...inputs };
    return model
      .check(all, resourceContext(MAPPING, "mapping"))
      .map(({ property, reason }) => `${property}: ${reason}`);
  };

  it("returns what the provider returns", async () => {
    const { id, outputs } = await cloud.map({ functionName: FUNCTION_ARN, batchSize: 10, tags: { team: "x" } });
    assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.equal(outputs.uuid, id);
    assert.equal(outputs.arn, `arn:aws:lambda:${REGION}:${ACCOUNT}:event-source-mapping:${id}`);
    assert.equal(outputs.functionArn, FUNCTION_ARN);
    assert.equal(outputs.state, "Enabled");
    assert.equal(outputs.stateTransitionReason, "USER_INITIATED");
    assert.equal(outputs.lastModified, "2026-01-01T00:00:00.000Z");
    assert.deepEqual(outputs.tagsAll, { team: "x" });
  });

  it("finds nothing to refuse in valid inputs", () => {
    assert.deepEqual(problems({ batchSize: 10_000, maximumBatchingWindowInSeconds: 1 }), []);
    assert.deepEqual(problems({ eventSourceArn: FIFO_ARN, batchSize: 10 }), []);
    assert.deepEqual(
      problems({ scalingConfig: { maximumConcurrency: 2 }, functionResponseTypes: ["ReportBatchItemFailures"] }),
      [],
    );
    assert.deepEqual(problems({ provisionedPollerConfig: { minimumPollers: 200, maximumPollers: 2000 } }), []);
    assert.deepEqual(
      problems({
        filterCriteria: { filters: [{ pattern: '{"body":{"a":[1]}}' }] },
        metricsConfig: { metrics: ["EventCount"] },
      }),
      [],
    );
  });

  const refused: readonly (readonly [string, PropertyMap, RegExp])[] = [
    ["a batch over 10,000", { batchSize: 10_001, maximumBatchingWindowInSeconds: 1 }, /^batchSize: .*10000/],
    [
      "a batch over 10 without a window",
      { batchSize: 11 },
      /must be greater than 0 if maximum batch size is greater than 10/,
    ],
    ["a batch over 10 of a FIFO queue", { eventSourceArn: FIFO_ARN, batchSize: 11 }, /^batchSize: .*between 1 and 10/],
    [
      "a window on a FIFO queue",
      { eventSourceArn: FIFO_ARN, maximumBatchingWindowInSeconds: 1 },
      /not supported for FIFO/,
    ],
    ["a window over five minutes", { maximumBatchingWindowInSeconds: 301 }, /between 0 and 300/],
    [
      "a maximum concurrency of 1",
      { scalingConfig: { maximumConcurrency: 1 } },
      /^scalingConfig.maximumConcurrency: .*between 2 and 1000/,
    ],
    ["a maximum concurrency over 1,000", { scalingConfig: { maximumConcurrency: 1001 } }, /between 2 and 1000/],
    ["a single poller", { provisionedPollerConfig: { minimumPollers: 1 } }, /minimumPollers: .*between 2 and 200/],
    [
      "more pollers at least than at most",
      { provisionedPollerConfig: { minimumPollers: 9, maximumPollers: 8 } },
      /above maximumPollers/,
    ],
    [
      "pollers together with a maximum concurrency",
      { provisionedPollerConfig: { minimumPollers: 2 }, scalingConfig: { maximumConcurrency: 2 } },
      /choose one/,
    ],
    ["an unknown response type", { functionResponseTypes: ["Everything"] }, /ReportBatchItemFailures, got Everything/],
    ["metrics of other sources", { metricsConfig: { metrics: ["KafkaMetrics"] } }, /EventCount, got KafkaMetrics/],
    [
      "a pattern that is none",
      { filterCriteria: { filters: [{ pattern: "[]" }] } },
      /filters\[0\]\.pattern: Invalid filter pattern/,
    ],
    [
      "a pattern of message attributes",
      { filterCriteria: { filters: [{ pattern: '{"messageAttributes":{"a":{"stringValue":["b"]}}}' }] } },
      /^filterCriteria\.filters\[0\]\.pattern: .*only support filtering on the body key, got "messageAttributes"/,
    ],
    [
      "six filters",
      { filterCriteria: { filters: Array.from({ length: 6 }, () => ({ pattern: '{"body":["a"]}' })) } },
      /at most 5/,
    ],
    ["a stream", { eventSourceArn: `arn:aws:kinesis:${REGION}:${ACCOUNT}:stream/s` }, /not simulated by the local run/],
    ["settings of streams", { startingPosition: "LATEST" }, /^startingPosition: is not valid for SQS event sources/],
    ["what nobody knows", { speed: 11 }, /^speed: is not simulated/],
  ];
  for (const [what, inputs, reason] of refused) {
    it(`rejects ${what}`, () => {
      const found = problems(inputs);
      assert.equal(found.length, 1, found.join("; "));
      assert.match(found[0]!, reason);
    });
  }

  it("rejects a queue whose visibility is shorter than the function's timeout, in AWS's words", async () => {
    cloud.queues.add(QUEUE_ARN, { visibilityTimeoutSeconds: 14 });
    const message =
      /InvalidParameterValueException: Queue visibility timeout: 14 seconds is less than Function timeout: 15 seconds/;
    await assert.rejects(cloud.map(), { name: "InvalidInputsError", message });
  });

  for (const missing of ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"]) {
    it(`rejects a role without sqs:${missing}`, async () => {
      const Action = ALLOW_POLLING.Action.filter((action) => action !== `sqs:${missing}`);
      cloud.allow({ ...ALLOW_POLLING, Action });
      const message = new RegExp(
        `InvalidParameterValueException: .* does not have permissions to call ${missing} on SQS`,
      );
      await assert.rejects(cloud.map(), { message });
    });
  }

  it("rejects a second mapping of the same queue and function, and accepts one of an alias", async () => {
    const first = await cloud.map();
    await assert.rejects(cloud.map(), {
      message: new RegExp(
        `ResourceConflictException: An event source mapping with SQS arn \\(" ${QUEUE_ARN} "\\) and function \\(" fn "\\) already ` +
          `exists. Please update or delete the existing mapping with UUID ${first.id}`,
      ),
    });
    await cloud.create("aws:lambda/alias:Alias", { functionName: "fn", functionVersion: "$LATEST", name: "live" });
    const { outputs } = await cloud.map({ functionName: `${FUNCTION_ARN}:live` });
    assert.equal(outputs.functionArn, `${FUNCTION_ARN}:live`);
  });

  it("rejects a queue, a function and a Region that do not fit", async () => {
    await assert.rejects(cloud.map({ eventSourceArn: `${QUEUE_ARN}-2` }), { message: /NonExistentQueue/ });
    await assert.rejects(cloud.map({ functionName: "nobody" }), {
      message: /functionName: .*Function not found: .*:nobody/,
    });
    const elsewhere = QUEUE_ARN.replace(REGION, "us-east-1");
    await assert.rejects(cloud.map({ eventSourceArn: elsewhere }), { message: /same Region/ });
  });

  it("changes in place and keeps its identity, and is replaced for another queue", async () => {
    const model = cloud.models().find(({ type }) => type === MAPPING)!;
    const { id, outputs } = await cloud.map();
    const resource = resourceContext(MAPPING, "mapping");
    const inputs = {
      eventSourceArn: QUEUE_ARN,
      functionName: "fn",
      enabled: false,
      scalingConfig: { maximumConcurrency: 3 },
    };
    const changed = await model.update!(id, inputs, outputs, resource);
    assert.equal(changed.id, id);
    assert.equal(changed.outputs.state, "Disabled");
    assert.equal(changed.outputs.batchSize, 10);
    assert.equal(cloud.lambda.mappings()[0]?.limit, 3);
    cloud.queues.add(FIFO_ARN, { visibilityTimeoutSeconds: 90 });
    const replaced = await model.update!(id, { ...inputs, eventSourceArn: FIFO_ARN }, outputs, resource);
    assert.notEqual(replaced.id, id);
    assert.deepEqual(
      cloud.lambda.mappings().map(({ uuid }) => uuid),
      [replaced.id],
    );
  });

  it("tells the console what it is and does, until it is deleted", async () => {
    const { id, outputs } = await cloud.map();
    const [info] = cloud.lambda.mappings();
    assert.equal(info?.uuid, id);
    assert.equal(info?.urn, resourceContext(MAPPING, "mapping").urn);
    assert.deepEqual([info?.functionName, info?.queueArn, info?.enabled], ["fn", QUEUE_ARN, true]);
    assert.deepEqual([info?.concurrency, info?.limit], [0, 5]);
    await cloud.models().find(({ type }) => type === MAPPING)!.delete!(
      id,
      outputs,
      resourceContext(MAPPING, "mapping"),
    );
    assert.deepEqual(cloud.lambda.mappings(), []);
    cloud.send(1);
    await cloud.clock.advance(60_000);
    assert.equal(cloud.sum("Invocations"), 0);
  });
});
