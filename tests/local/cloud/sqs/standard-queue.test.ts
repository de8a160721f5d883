// Proves the life of a message in a standard queue on a virtual clock: visibility, delay, retention, long polls, limits, purge.
// The protocol is proven in api.test.ts, random histories in properties.test.ts.
import assert from "node:assert/strict";
import { AwsError } from "../../../../local/cloud/core/errors";
import { createQueueCloud, type QueueCloud, type TestQueue } from "../../../support/queue-cloud";

describe("A standard queue", () => {
  let cloud: QueueCloud;

  beforeEach(() => {
    cloud = createQueueCloud();
  });

  afterEach(() => cloud.service.stop?.());

  const wait = (queue: TestQueue, waitTimeMs: number, signal?: AbortSignal) =>
    cloud.service.receive(queue.arn, { maximumMessages: 10, waitTimeMs, ...(signal && { signal }) }, cloud.root);

  it("hides a received message until its visibility timeout ends, and counts its receives", async () => {
    const queue = await cloud.declare({ visibilityTimeoutSeconds: 60 });
    const messageId = queue.send("one");

    const [first] = await queue.receive();
    await cloud.context.clock.advance(59_999);
    const hidden = await queue.receive();
    await cloud.context.clock.advance(1);
    const [second] = await queue.receive();

    assert.deepEqual(hidden, []);
    assert.equal(second?.messageId, messageId);
    assert.notEqual(second.receiptHandle, first?.receiptHandle);
    assert.equal(second.systemAttributes.ApproximateReceiveCount, "2");
    assert.equal(
      second.systemAttributes.ApproximateFirstReceiveTimestamp,
      first?.systemAttributes.ApproximateFirstReceiveTimestamp,
    );
  });

  it("deletes for good with the handle of the latest receive, also after its visibility timeout", async () => {
    const queue = await cloud.declare({ visibilityTimeoutSeconds: 10 });
    queue.send("one");
    const [message] = await queue.receive();
    await cloud.context.clock.advance(10_000);

    queue.delete(message!);

    assert.deepEqual(await queue.receive(), []);
    assert.equal(queue.info().visible, 0);
  });

  it("does nothing with the handle of an earlier receive", async () => {
    const queue = await cloud.declare({ visibilityTimeoutSeconds: 10 });
    queue.send("one");
    const [early] = await queue.receive();
    await cloud.context.clock.advance(10_000);
    await queue.receive();

    queue.delete(early!);

    assert.equal(queue.info().notVisible, 1);
  });

  it("gives a message back at once when its visibility becomes 0, and keeps it longer when asked", async () => {
    const queue = await cloud.declare({ visibilityTimeoutSeconds: 10 });
    queue.send("one");
    const [message] = await queue.receive();

    queue.changeVisibility(message!, 100_000);
    await cloud.context.clock.advance(99_999);
    const hidden = queue.info();
    queue.changeVisibility(message!, 0);

    assert.equal(hidden.notVisible, 1);
    assert.equal(queue.info().visible, 1);
    assert.equal((await queue.receive()).length, 1);
  });

  it("holds a delayed message back, by the queue's delay or its own", async () => {
    const queue = await cloud.declare({ delaySeconds: 5 });
    queue.send("queue's");
    queue.send({ body: "own", delaySeconds: 0 });

    const bodies = async () => (await queue.receive()).map(({ body }) => body);
    const atOnce = await bodies();
    const waiting = queue.info();
    await cloud.context.clock.advance(5_000);

    assert.deepEqual(atOnce, ["own"]);
    assert.equal(waiting.delayed, 1);
    assert.deepEqual(await bodies(), ["queue's"]);
  });

  it("forgets a message when its retention period ends, in flight or not", async () => {
    const queue = await cloud.declare({ messageRetentionSeconds: 60, visibilityTimeoutSeconds: 3600 });
    queue.send("waiting");
    queue.send("in flight");
    await queue.receive(1);

    await cloud.context.clock.advance(59_999);
    const before = queue.info();
    await cloud.context.clock.advance(1);

    assert.deepEqual([before.visible, before.notVisible, before.oldestAgeMs], [1, 1, 59_999]);
    const { visible, notVisible, oldestAgeMs } = queue.info();
    assert.deepEqual([visible, notVisible, oldestAgeMs], [0, 0, 0]);
  });

  it("wakes a long poll at once when a message is sent", async () => {
    const queue = await cloud.declare();
    const poll = wait(queue, 20_000);

    queue.send("one");

    assert.deepEqual(
      (await poll).map(({ body }) => body),
      ["one"],
    );
  });

  it("wakes a long poll when a delay or a visibility timeout ends", async () => {
    const queue = await cloud.declare({ visibilityTimeoutSeconds: 3 });
    queue.send("one");
    await queue.receive();
    const poll = wait(queue, 20_000);

    await cloud.context.clock.advance(3_000);

    assert.equal((await poll)[0]?.systemAttributes.ApproximateReceiveCount, "2");
    assert.equal(queue.info().notVisible, 1);
  });

  it("ends a long poll empty after its time, or when the receiver goes away, and then serves the next one", async () => {
    const queue = await cloud.declare();
    const gone = new AbortController();
    const polls = [wait(queue, 20_000, gone.signal), wait(queue, 1_000), wait(queue, 20_000)];

    gone.abort();
    await cloud.context.clock.advance(1_000);
    queue.send("one");

    const lengths = (await Promise.all(polls)).map(({ length }) => length);
    assert.deepEqual(lengths, [0, 0, 1]);
  });

  it("keeps no receiver waiting when it stops", async () => {
    const queue = await cloud.declare();
    const poll = wait(queue, 20_000);

    await cloud.service.stop?.();

    assert.deepEqual(await poll, []);
  });

  it("rejects a short poll with OverLimit while 120,000 messages are in flight", async () => {
    const queue = await cloud.declare({ visibilityTimeoutSeconds: 3600 });
    for (let index = 0; index < 120_001; index++) queue.send("x");

    const messages = await queue.receive(200_000);

    assert.equal(messages.length, 120_000);
    await assert.rejects(queue.receive(1), (error) => error instanceof AwsError && error.code === "OverLimit");
    queue.delete(messages[0]!);
    assert.equal((await queue.receive(5)).length, 1);
  });

  it("traces what services send, and no receive", async () => {
    const queue = await cloud.declare();

    const messageId = queue.send("secret");
    await queue.receive();
    await queue.receive();

    const traces = cloud.context.traces.recent();
    assert.deepEqual(
      traces.map(({ operation, detail }) => [operation, detail]),
      [["SendMessage", { messageId }]],
    );
    assert.equal(JSON.stringify(traces).includes("secret"), false);
  });

  it("rejects a sender that the policies do not admit, and traces the refusal", async () => {
    const refused = createQueueCloud(({ action }) => action !== "sqs:SendMessage");
    const queue = await refused.declare();

    assert.throws(() => queue.send("x"), { code: "AccessDenied", statusCode: 403 });

    assert.equal(refused.context.traces.recent()[0]?.errorCode, "AccessDenied");
    assert.equal(queue.info().visible, 0);
  });

  for (const [action, use] of Object.entries<(queue: TestQueue, cloud: QueueCloud) => unknown>({
    "sqs:ReceiveMessage": (queue) => queue.receive(),
    "sqs:DeleteMessage": async (queue, { service, root }) => service.delete(queue.arn, [], root),
    "sqs:ChangeMessageVisibility": async (queue, { service, root }) => service.changeVisibility(queue.arn, [], 0, root),
  })) {
    it(`rejects a service without ${action}`, async () => {
      const refused = createQueueCloud((question) => question.action !== action);
      const queue = await refused.declare();

      await assert.rejects(async () => use(queue, refused), { code: "AccessDenied" });
    });
  }

  it("rejects senders and receivers that may not use the queue's key", async () => {
    const kmsMasterKeyId = "arn:aws:kms:eu-west-1:123456789012:key/k1";
    const asked: string[] = [];
    const refused = createQueueCloud(({ action, resource }) => {
      if (resource === kmsMasterKeyId) asked.push(action);
      return action !== "kms:Decrypt";
    });
    const queue = await refused.declare({ kmsMasterKeyId });

    assert.throws(() => queue.send("x"), { code: "KmsAccessDenied" });
    await assert.rejects(queue.receive(), { code: "KmsAccessDenied" });

    assert.deepEqual(asked, ["kms:GenerateDataKey", "kms:Decrypt", "kms:Decrypt"]);
    assert.equal(refused.service.describe(queue.arn)?.kmsKeyArn, kmsMasterKeyId);
  });

  it("rejects use of a queue that does not exist", async () => {
    const queue = await cloud.declare();
    const missing = queue.arn.replace("work", "other");

    assert.throws(() => cloud.service.send(missing, { body: "x" }, cloud.root), { code: "QueueDoesNotExist" });
    assert.equal(cloud.service.describe(missing), undefined);
  });

  it("tells listeners what happens to its messages", async () => {
    const queue = await cloud.declare();
    const seen: string[] = [];
    const end = cloud.service.subscribe(({ kind, messages }) => seen.push(`${kind} ${messages}`));

    queue.send("one");
    const [message] = await queue.receive();
    queue.delete(message!);
    end();
    queue.send("two");

    assert.deepEqual(seen, ["sent 1", "received 1", "deleted 1"]);
  });
});
