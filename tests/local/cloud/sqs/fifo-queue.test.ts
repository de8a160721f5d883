// Proves FIFO queues on a virtual clock: order and blocking of groups, deduplication, delay, handles.
import assert from "node:assert/strict";
import { createQueueCloud, type QueueCloud, type TestQueue } from "../../../support/queue-cloud";

describe("A FIFO queue", () => {
  let cloud: QueueCloud;
  let queue: TestQueue;
  let count = 0;

  beforeEach(async () => {
    cloud = createQueueCloud();
    queue = await cloud.declare({ fifoQueue: true, visibilityTimeoutSeconds: 30 });
  });

  const send = (groupId: string, body: string, deduplicationId = `d${++count}`): string =>
    queue.send({ body, groupId, deduplicationId });
  const bodies = async (limit?: number) => (await queue.receive(limit)).map(({ body }) => body);

  it("gives several messages of a group in order, and none of them while one is in flight", async () => {
    for (const body of ["a1", "a2", "a3", "a4"]) send("a", body);
    send("b", "b1");

    const first = await queue.receive(3);
    const others = await bodies();
    queue.delete(first[0]!);
    const stillBlocked = await bodies();
    queue.delete(first[1]!);
    queue.delete(first[2]!);

    assert.deepEqual(
      first.map(({ body }) => body),
      ["a1", "a2", "a3"],
    );
    assert.deepEqual(others, ["b1"]);
    assert.deepEqual(stillBlocked, []);
    assert.deepEqual(await bodies(), ["a4"]);
  });

  it("gives messages back in order, however they came back", async () => {
    for (const body of ["a1", "a2", "a3"]) send("a", body);
    const [one, two] = await queue.receive(2);

    queue.changeVisibility(two!, 0);
    const blocked = await bodies();
    queue.changeVisibility(one!, 0);

    assert.deepEqual(blocked, []);
    assert.deepEqual(await bodies(), ["a1", "a2", "a3"]);
  });

  it("wakes a long poll when a delete unblocks a group", async () => {
    send("a", "a1");
    send("a", "a2");
    const [one] = await queue.receive(1);
    const poll = cloud.service.receive(queue.arn, { maximumMessages: 10, waitTimeMs: 20_000 }, cloud.root);

    queue.delete(one!);

    assert.deepEqual(
      (await poll).map(({ body }) => body),
      ["a2"],
    );
  });

  it("accepts a message with a known deduplication id for five minutes without adding it", async () => {
    const id = send("a", "first", "same");

    const again = send("a", "second", "same");
    await cloud.context.clock.advance(299_999);
    const late = send("a", "third", "same");
    await cloud.context.clock.advance(1);
    const anew = send("a", "fourth", "same");

    assert.deepEqual([again, late], [id, id]);
    assert.notEqual(anew, id);
    assert.deepEqual(await bodies(), ["first", "fourth"]);
  });

  it("deduplicates by content, and by group in high-throughput mode", async () => {
    const fast = await cloud.declare(
      {
        fifoQueue: true,
        contentBasedDeduplication: true,
        deduplicationScope: "messageGroup",
        fifoThroughputLimit: "perMessageGroupId",
      },
      "fast",
    );

    const one = fast.send({ body: "x", groupId: "a" });
    const same = fast.send({ body: "x", groupId: "a" });
    const other = fast.send({ body: "x", groupId: "b" });

    assert.equal(same, one);
    assert.notEqual(other, one);
    assert.equal(fast.info().visible, 2);
  });

  it("numbers messages in growing order, with twenty digits", async () => {
    send("a", "a1");
    send("b", "b1");

    const numbers = (await queue.receive()).map(({ systemAttributes }) => String(systemAttributes.SequenceNumber));

    assert.ok(numbers.every((number) => /^\d{20}$/.test(number)));
    assert.deepEqual(numbers, [...numbers].sort());
  });

  it("applies a changed delay to messages that wait already", async () => {
    const service = cloud.service;
    const delayed = await cloud.declare({ fifoQueue: true, delaySeconds: 900 }, "delayed");
    delayed.send({ body: "x", groupId: "a", deduplicationId: "1" });
    const model = service.models.find(({ type }) => type === "aws:sqs/queue:Queue");
    const context = { defaultTags: {}, region: "eu-west-1" } as never;

    await model?.update?.("", { fifoQueue: true, delaySeconds: 10 }, { arn: delayed.arn }, context);
    await cloud.context.clock.advance(10_000);

    assert.equal((await delayed.receive()).length, 1);
  });

  it("keeps the order of a group whose head is delayed", async () => {
    const delayed = await cloud.declare({ fifoQueue: true, delaySeconds: 10 }, "delayed");
    delayed.send({ body: "a1", groupId: "a", deduplicationId: "1" });
    await cloud.context.clock.advance(5_000);
    delayed.send({ body: "a2", groupId: "a", deduplicationId: "2" });
    await cloud.context.clock.advance(5_000);

    const first = await delayed.receive();
    await cloud.context.clock.advance(5_000);
    const blocked = await delayed.receive();

    assert.deepEqual(
      first.map(({ body }) => body),
      ["a1"],
    );
    assert.deepEqual(blocked, []);
  });

  it("answers with nothing, not an error, while 20,000 messages are in flight", async () => {
    for (let index = 0; index < 20_001; index++) send(`g${index}`, "x");

    const messages = await queue.receive(30_000);

    assert.equal(messages.length, 20_000);
    assert.deepEqual(await queue.receive(1), []);
  });

  it("goes on with a group after its head has expired", async () => {
    const brief = await cloud.declare({ fifoQueue: true, messageRetentionSeconds: 60 }, "brief");
    brief.send({ body: "old", groupId: "a", deduplicationId: "1" });
    await cloud.context.clock.advance(30_000);
    brief.send({ body: "new", groupId: "a", deduplicationId: "2" });
    await cloud.context.clock.advance(30_000);

    assert.deepEqual(
      (await brief.receive()).map(({ body }) => body),
      ["new"],
    );
  });

  it("rejects messages without a group or a deduplication id, and delays of their own", () => {
    assert.throws(() => queue.send({ body: "x", deduplicationId: "1" }), { code: "MissingRequiredParameterException" });
    assert.throws(() => queue.send({ body: "x", groupId: "a" }), { code: "InvalidParameterValueException" });
    const delayed = { body: "x", groupId: "a", deduplicationId: "1", delaySeconds: 5 };
    assert.throws(() => queue.send(delayed), { code: "InvalidParameterValueException" });
  });
});
