// Proves what a mapping does with messages: records, batches, windows, filters, failures, permissions, metrics, traces and quiet.
import assert from "node:assert/strict";
import type { SimulatedFunction } from "../../../../../local/cloud/cloud";
import { sleep } from "../../../../../local/cloud/core/clock";
import type { PropertyMap } from "../../../../../local/cloud/core/resource-model";
import type { TraceEvent } from "../../../../../local/cloud/core/trace";
import { ACCOUNT, REGION, resourceContext } from "../../../../support/function-cloud";
import {
  ALLOW_POLLING,
  FIFO_ARN,
  MAPPING,
  type MappingCloud,
  QUEUE_ARN,
  recordsOf,
  root,
  startMappingCloud,
  takes,
} from "../../../../support/mapping-cloud";
import type { FakeQueue } from "../../../../support/fake-queues";

const PARTIAL = { functionResponseTypes: ["ReportBatchItemFailures"] };

describe("Polling a queue for a function", () => {
  let cloud: MappingCloud;
  let queue: FakeQueue;
  /** Bodies of each event, in the order in which the function got them. */
  let events: string[][];

  const start = async (work: SimulatedFunction = takes(100), inputs: PropertyMap = {}): Promise<void> => {
    events = [];
    cloud = await startMappingCloud(async (invocation) => {
      events.push(recordsOf(invocation).map(({ body }) => body));
      return work(invocation);
    }, inputs);
    queue = cloud.queues.add(QUEUE_ARN, { visibilityTimeoutSeconds: 90 });
  };
  afterEach(() => cloud.stop());

  const invocations = (): readonly TraceEvent[] =>
    cloud.context.traces.recent().filter(({ operation }) => operation === "Invoke");
  const left = (): number => queue.visible.length - queue.head + queue.inFlight.size;

  it("hands over records as Lambda writes them", async () => {
    const seen: unknown[] = [];
    await start(async (invocation) => void seen.push(invocation.event));
    await cloud.map({ batchSize: 10 });
    const attributes = {
      tenant: { dataType: "String", stringValue: "a" },
      blob: { dataType: "Binary", binaryValue: "AQI=" },
    };
    cloud.queues.send(QUEUE_ARN, { body: "hello", attributes }, root);
    await cloud.clock.advance(1);
    const lists = { stringListValues: [], binaryListValues: [] };
    assert.deepEqual(seen[0], {
      Records: [
        {
          messageId: "message-1",
          receiptHandle: "message-1/1",
          body: "hello",
          attributes: { ApproximateReceiveCount: "1", SentTimestamp: String(Date.UTC(2026, 0, 1)) },
          messageAttributes: {
            tenant: { stringValue: "a", ...lists, dataType: "String" },
            blob: { binaryValue: "AQI=", ...lists, dataType: "Binary" },
          },
          md5OfBody: "5d41402abc4b2a76b9719d911017c592",
          eventSource: "aws:sqs",
          eventSourceARN: QUEUE_ARN,
          awsRegion: REGION,
        },
      ],
    });
  });

  it("deletes what was processed, in batches of the given size", async () => {
    await start();
    cloud.send(25);
    await cloud.map({ batchSize: 10 });
    await cloud.clock.advance(10_000);
    assert.deepEqual(
      events.map(({ length }) => length),
      [10, 10, 5],
    );
    assert.equal(left(), 0);
  });

  it("invokes at once without a window, and with one when the batch is full or the window is over", async () => {
    await start();
    await cloud.map({ batchSize: 100, maximumBatchingWindowInSeconds: 10 });
    cloud.send(3);
    await cloud.clock.advance(5000);
    cloud.send(2);
    await cloud.clock.advance(4999);
    assert.equal(events.length, 0);
    await cloud.clock.advance(1);
    assert.deepEqual(events, [["1", "2", "3", "1", "2"]]);
    cloud.send(100);
    await cloud.clock.advance(1);
    assert.equal(events[1]?.length, 100);
  });

  it("ends a batch before its event exceeds 6 MiB", async () => {
    await start();
    const body = "x".repeat(1024 * 1024);
    for (let count = 0; count < 8; count++) cloud.queues.send(QUEUE_ARN, { body }, root);
    await cloud.map({ batchSize: 10 });
    await cloud.clock.advance(1000);
    assert.deepEqual(
      events.map(({ length }) => length),
      [5, 3],
    );
  });

  it("deletes what no filter passes without showing it to the function", async () => {
    await start();
    await cloud.map({ batchSize: 10, filterCriteria: { filters: [{ pattern: '{"body":["2"]}' }] } });
    cloud.send(3);
    await cloud.clock.advance(1000);
    assert.deepEqual(events, [["2"]]);
    assert.equal(left(), 0);
  });

  it("lets every message of a failed batch come back after its visibility timeout", async () => {
    let failing = true;
    await start(async () => {
      if (failing) throw new Error("no");
    });
    await cloud.map({ batchSize: 10 });
    cloud.send(2);
    await cloud.clock.advance(89_999);
    const before = events.flat().length;
    failing = false;
    await cloud.clock.advance(2);
    assert.equal(before, 2);
    assert.equal(events.flat().length, 4);
    assert.equal(left(), 0);
  });

  it("lets a batch that timed out come back", async () => {
    await start(takes(20_000));
    await cloud.map();
    cloud.send(1);
    await cloud.clock.advance(15_000);
    assert.equal(invocations()[0]?.errorCode, "Sandbox.Timedout");
    assert.equal(left(), 1);
  });

  it("deletes the others when the function reports failed messages", async () => {
    await start(async (invocation) => ({
      batchItemFailures: recordsOf(invocation)
        .filter(({ body }) => body === "2")
        .map(({ messageId }) => ({ itemIdentifier: messageId })),
    }));
    cloud.send(3);
    await cloud.map({ batchSize: 10, ...PARTIAL });
    await cloud.clock.advance(1000);
    assert.deepEqual(
      [...queue.inFlight.values()].map(({ message }) => message.body),
      ["2"],
    );
  });

  it("deletes nothing when the report makes no sense, and everything when nobody asked for it", async () => {
    const nonsense = { batchItemFailures: [{ itemIdentifier: null }] };
    await start(async () => nonsense);
    cloud.send(3);
    await cloud.map({ batchSize: 10, ...PARTIAL });
    await cloud.clock.advance(1000);
    assert.equal(left(), 3);
    await cloud.stop();
    await start(async () => nonsense);
    cloud.send(3);
    await cloud.map({ batchSize: 10 });
    await cloud.clock.advance(1000);
    assert.equal(left(), 0);
  });

  it("moves a message that fails every time to the dead-letter queue after maxReceiveCount receives", async () => {
    await start(async () => {
      throw new Error("poison");
    });
    queue = cloud.queues.add(QUEUE_ARN, { visibilityTimeoutSeconds: 15, maxReceiveCount: 3 });
    await cloud.map();
    cloud.send(1);
    await cloud.clock.advance(120_000);
    assert.equal(events.length, 3);
    assert.equal(queue.deadLetters.length, 1);
  });

  it("runs no more batches at a time than the maximum concurrency, and tells how many run", async () => {
    await start(takes(1000));
    cloud.send(40);
    await cloud.map({ scalingConfig: { maximumConcurrency: 3 } });
    await cloud.clock.advance(500);
    assert.equal(cloud.lambda.mappings()[0]?.concurrency, 3);
    await cloud.clock.advance(60_000);
    assert.equal(cloud.highest("ConcurrentExecutions"), 3);
    assert.equal(events.length, 40);
    assert.equal(cloud.lambda.mappings()[0]?.concurrency, 0);
  });

  it("grows by 300 a minute while the queue has more, and starts over when it is empty", async () => {
    await start(takes(10_000));
    cloud.send(3000);
    await cloud.map();
    await cloud.clock.advance(60_500);
    assert.equal(cloud.lambda.mappings()[0]?.concurrency, 305);
    await cloud.clock.advance(600_000);
    assert.equal(left(), 0);
    assert.equal(cloud.lambda.mappings()[0]?.limit, 5);
  });

  it("starts with ten batches per provisioned poller", async () => {
    await start(takes(10_000));
    cloud.send(200);
    await cloud.map({ provisionedPollerConfig: { minimumPollers: 4, maximumPollers: 5 } });
    await cloud.clock.advance(500);
    assert.equal(cloud.lambda.mappings()[0]?.concurrency, 40);
    await cloud.clock.advance(5000);
    assert.equal(cloud.lambda.mappings()[0]?.concurrency, 50);
  });

  it("tries a throttled batch again, and gives it up when its messages are about to come back", async () => {
    await start(takes(100), { reservedConcurrentExecutions: 0 });
    await cloud.map();
    cloud.send(1);
    await cloud.clock.advance(89_000);
    const at = invocations().map((trace) => (trace.at - Date.UTC(2026, 0, 1)) / 1000);
    assert.deepEqual(at, [0, 1, 3, 7, 15, 31, 63]);
    assert.ok(
      invocations().every(({ status, errorCode }) => status === 429 && errorCode === "TooManyRequestsException"),
    );
    await cloud.clock.advance(1000);
    assert.equal([...queue.inFlight.values()][0]?.receives, 2);
  });

  it("keeps the order within each group of a FIFO queue, one batch at a time per group", async () => {
    const running = new Map<string, number>();
    let overlaps = 0;
    await start(async (invocation) => {
      const groups = new Set(recordsOf(invocation).map(({ attributes }) => attributes.MessageGroupId ?? ""));
      for (const group of groups) {
        overlaps += running.get(group) ?? 0;
        running.set(group, (running.get(group) ?? 0) + 1);
      }
      await sleep(invocation.clock, 1000);
      for (const group of groups) running.set(group, (running.get(group) ?? 0) - 1);
    });
    queue = cloud.queues.add(FIFO_ARN, { visibilityTimeoutSeconds: 90 });
    for (let number = 0; number < 60; number++) {
      cloud.queues.send(
        FIFO_ARN,
        { body: `${String(number % 3)}/${String(number)}`, groupId: String(number % 3) },
        root,
      );
    }
    await cloud.map({ eventSourceArn: FIFO_ARN, batchSize: 4 });
    await cloud.clock.advance(120_000);
    assert.equal(overlaps, 0);
    assert.equal(left(), 0);
    for (const group of ["0", "1", "2"]) {
      const order = events
        .flat()
        .filter((body) => body.startsWith(`${group}/`))
        .map((body) => Number(body.split("/")[1]));
      assert.deepEqual(
        order,
        [...order].sort((one, other) => one - other),
      );
      assert.equal(order.length, 20);
    }
  });

  it("reads as the function's role: reports a lost permission, and goes on when it is given back", async () => {
    await start();
    await cloud.map();
    cloud.allow({ ...ALLOW_POLLING, Action: "sqs:GetQueueAttributes" });
    await cloud.clock.advance(20_000);
    cloud.send(1);
    await cloud.clock.advance(60_000);
    assert.equal(events.length, 0);
    const trace = cloud.context.traces
      .recent()
      .find(({ operation }) => operation === "EventSourceMapping.ReceiveMessage");
    assert.equal(trace?.errorCode, "AccessDenied");
    assert.match(
      cloud.lambda.mappings()[0]?.lastProcessingResult ?? "",
      /^PROBLEM: .*assumed-role\/fn\/fn may not sqs:ReceiveMessage/,
    );
    cloud.allow(ALLOW_POLLING);
    await cloud.clock.advance(60_000);
    assert.equal(events.length, 1);
    assert.equal(cloud.lambda.mappings()[0]?.lastProcessingResult, "OK");
  });

  it("reports that it may not delete, and lets the messages come back", async () => {
    await start();
    await cloud.map();
    cloud.allow({ ...ALLOW_POLLING, Action: "sqs:ReceiveMessage" });
    cloud.send(1);
    await cloud.clock.advance(95_000);
    assert.equal(events.length, 2);
    assert.match(cloud.lambda.mappings()[0]?.lastProcessingResult ?? "", /^PROBLEM: .*sqs:DeleteMessage/);
  });

  it("assumes the role anew before its session expires", async () => {
    await start();
    await cloud.map();
    let assumed = 0;
    const { access } = cloud;
    const assumeRole = access.assumeRole.bind(access);
    access.assumeRole = (...parameters) => {
      assumed++;
      return assumeRole(...parameters);
    };
    await cloud.clock.advance(3_000_000);
    assert.equal(assumed, 0);
    await cloud.clock.advance(600_000);
    assert.equal(assumed, 1);
  });

  it("waits for messages with one long poll of 20 seconds", async () => {
    await start();
    await cloud.map();
    await cloud.clock.advance(3_600_000);
    assert.equal(queue.receives, 180);
    assert.equal(cloud.context.traces.recent().length, 0);
  });

  it("stops reading when it is disabled, finishes what it has read, and goes on when it is enabled", async () => {
    await start(takes(1000));
    const { id, outputs } = await cloud.map({ scalingConfig: { maximumConcurrency: 2 } });
    const model = cloud.models().find(({ type }) => type === MAPPING)!;
    const set = (enabled: boolean) =>
      model.update!(
        id,
        { eventSourceArn: QUEUE_ARN, functionName: "fn", batchSize: 1, enabled },
        outputs,
        resourceContext(MAPPING, "m"),
      );
    cloud.send(5);
    await cloud.clock.advance(100);
    await set(false);
    await cloud.clock.advance(10_000);
    assert.equal(events.length, 2);
    assert.equal(left(), 3);
    await set(true);
    await cloud.clock.advance(10_000);
    assert.equal(left(), 0);
  });

  it("counts events by its own id when it is asked to", async () => {
    await start(async (invocation) => {
      if (recordsOf(invocation)[0]?.body === "3") throw new Error("no");
    });
    cloud.send(4);
    const filters = [{ pattern: '{"body":["1"]}' }, { pattern: '{"body":["2"]}' }, { pattern: '{"body":["3"]}' }];
    const { id } = await cloud.map({ filterCriteria: { filters }, metricsConfig: { metrics: ["EventCount"] } });
    await cloud.clock.advance(1000);
    const counts = ["Polled", "FilteredOut", "Invoked", "FailedInvoke", "Deleted"].map((name) =>
      cloud.sum(`${name}EventCount`),
    );
    assert.deepEqual(counts, [4, 1, 3, 1, 3]);
    const datum = cloud.metrics.find(({ name }) => name === "PolledEventCount");
    assert.deepEqual([datum?.namespace, datum?.dimensions], ["AWS/Lambda", { EventSourceMappingUUID: id }]);
  });

  it("publishes no metrics of its own otherwise", async () => {
    await start();
    cloud.send(1);
    await cloud.map();
    await cloud.clock.advance(1000);
    assert.equal(
      cloud.metrics.some(({ name }) => name.endsWith("EventCount")),
      false,
    );
  });

  it("leaves one trace per batch, which names the mapping and the number of messages, and no body", async () => {
    await start();
    cloud.send(3);
    const { id } = await cloud.map({ batchSize: 10 });
    await cloud.clock.advance(1000);
    const [trace] = invocations();
    assert.equal(invocations().length, 1);
    assert.equal(trace?.caller, `arn:aws:lambda:${REGION}:${ACCOUNT}:event-source-mapping:${id}`);
    assert.deepEqual(trace?.detail, { invocationType: "RequestResponse", attempt: 1, mapping: id, batchSize: 3 });
    assert.equal(trace?.durationMs, 100);
  });

  it("invokes nothing after the cloud has stopped", async () => {
    await start();
    await cloud.map();
    await cloud.lambda.stop?.();
    cloud.send(1);
    await cloud.clock.advance(60_000);
    assert.equal(events.length, 0);
  });
});
