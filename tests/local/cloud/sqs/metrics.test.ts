// Proves the metrics of queues: counts are summed up and land in their minute, gauges are written while there is something to tell.
import assert from "node:assert/strict";
import { createMonitoringService, type MonitoringService } from "../../../../local/cloud/monitoring/service";
import { createQueueCloud, type QueueCloud, type TestQueue } from "../../../support/queue-cloud";

const MINUTE_MS = 60_000;

describe("Metrics of queues", () => {
  let cloud: QueueCloud;
  let monitoring: MonitoringService;
  let queue: TestQueue;
  let startedAt: number;

  beforeEach(async () => {
    cloud = createQueueCloud();
    monitoring = createMonitoringService(cloud.context);
    Object.assign(cloud.context, { metrics: monitoring });
    queue = await cloud.declare({ visibilityTimeoutSeconds: 600 });
    startedAt = cloud.context.clock.now();
  });

  const read = (name: string, statistic: string, minutes = 1): readonly number[] =>
    monitoring
      .query({
        namespace: "AWS/SQS",
        name,
        dimensions: { QueueName: "work-1234567" },
        statistic,
        periodSeconds: 60,
        from: startedAt,
        to: startedAt + minutes * MINUTE_MS,
      })
      .map(({ value }) => value);

  it("counts what is sent, received and deleted, and the sizes, within five seconds", async () => {
    for (const body of ["1", "22", "333"]) queue.send(body);
    const [message] = await queue.receive(2);
    queue.delete(message!);
    await queue.receive(1);
    await queue.receive(1);

    await cloud.context.clock.advance(5_000);

    assert.deepEqual(read("NumberOfMessagesSent", "Sum"), [3]);
    assert.deepEqual(read("NumberOfMessagesReceived", "Sum"), [3]);
    assert.deepEqual(read("NumberOfMessagesDeleted", "Sum"), [1]);
    assert.deepEqual(read("NumberOfEmptyReceives", "Sum"), [1]);
    assert.deepEqual(
      ["Average", "Minimum", "Maximum", "Sum"].map((statistic) => read("SentMessageSize", statistic)[0]),
      [2, 1, 3, 6],
    );
  });

  it("puts counts into the minute in which things happened", async () => {
    await cloud.context.clock.advance(59_999);
    queue.send("1");
    await cloud.context.clock.advance(1);
    queue.send("2");
    queue.send("3");
    await cloud.context.clock.advance(MINUTE_MS);

    assert.deepEqual(read("NumberOfMessagesSent", "Sum", 3), [1, 2]);
  });

  it("measures messages and the age of the oldest each minute while the queue holds anything", async () => {
    queue.send("visible");
    queue.send("in flight");
    queue.send({ body: "delayed", delaySeconds: 900 });
    await queue.receive(1);

    await cloud.context.clock.advance(3 * MINUTE_MS);

    assert.deepEqual(read("ApproximateNumberOfMessagesVisible", "Maximum", 3), [1, 1, 1]);
    assert.deepEqual(read("ApproximateNumberOfMessagesNotVisible", "Maximum", 3), [1, 1, 1]);
    assert.deepEqual(read("ApproximateNumberOfMessagesDelayed", "Maximum", 3), [1, 1, 1]);
    assert.deepEqual(read("ApproximateAgeOfOldestMessage", "Maximum", 3), [59, 119, 179]);
  });

  it("measures the dead-letter queue when a message is redriven to it, which counts as no sending", async () => {
    const dead = await cloud.declare({}, "dead");
    const redrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 1 });
    const source = await cloud.declare({ redrivePolicy }, "source");
    source.send("poison");
    await source.receive(1, 0);
    await source.receive(1);

    await cloud.context.clock.advance(5_000);

    const dimensions = { QueueName: "dead-1234567" };
    const at = { namespace: "AWS/SQS", dimensions, periodSeconds: 60, from: startedAt, to: startedAt + MINUTE_MS };
    const visible = monitoring.query({ ...at, name: "ApproximateNumberOfMessagesVisible", statistic: "Maximum" });
    const sent = monitoring.query({ ...at, name: "NumberOfMessagesSent", statistic: "Sum" });
    assert.deepEqual([visible[0]?.value, sent.length], [1, 0]);
  });

  it("falls silent when the queue has been empty for a while", async () => {
    queue.send("x");
    const [message] = await queue.receive();
    queue.delete(message!);
    await cloud.context.clock.advance(60 * MINUTE_MS);
    let written = 0;
    monitoring.subscribe(() => written++);

    await cloud.context.clock.advance(24 * 60 * MINUTE_MS);

    assert.equal(written, 0);
    assert.equal(read("ApproximateNumberOfMessagesVisible", "Maximum", 60).length, 16);
  });

  it("writes no metric after it has stopped", async () => {
    queue.send("x");
    await cloud.service.stop?.();
    let written = 0;
    monitoring.subscribe(() => written++);

    await cloud.context.clock.advance(10 * MINUTE_MS);

    assert.equal(written, 0);
  });
});
