// Proves dead-letter queues and message move tasks on a virtual clock.
import assert from "node:assert/strict";
import {
  CancelMessageMoveTaskCommand,
  ListMessageMoveTasksCommand,
  type ListMessageMoveTasksResultEntry,
  SQSClient,
  StartMessageMoveTaskCommand,
} from "@aws-sdk/client-sqs";
import type { PropertyMap } from "../../../../local/cloud/core/resource-model";
import { type ServiceStub, serveStub } from "../../../support/json-service-stub";
import { arnOf, createQueueCloud, type QueueCloud, type TestQueue } from "../../../support/queue-cloud";

const redrive = (target: TestQueue, maxReceiveCount = 2): PropertyMap => ({
  redrivePolicy: JSON.stringify({ deadLetterTargetArn: target.arn, maxReceiveCount }),
});

describe("A dead-letter queue", () => {
  let cloud: QueueCloud;

  beforeEach(() => {
    cloud = createQueueCloud();
  });

  const failTwice = async (queue: TestQueue): Promise<void> => {
    for (let receive = 0; receive < 2; receive++) {
      for (const message of await queue.receive(10)) queue.changeVisibility(message, 0);
    }
  };

  it("gets a message at the receive after the last one that is allowed, with its id and time of sending", async () => {
    const dead = await cloud.declare({}, "dead");
    const queue = await cloud.declare(redrive(dead));
    const messageId = queue.send("poison");
    const sentAt = cloud.context.clock.now();
    await cloud.context.clock.advance(1000);

    await failTwice(queue);
    const before = dead.info().visible;
    const third = await queue.receive();
    const [message] = await dead.receive();

    assert.equal(before, 0);
    assert.deepEqual(third, []);
    assert.equal(message?.messageId, messageId);
    assert.equal(message.systemAttributes.SentTimestamp, String(sentAt));
    assert.equal(message.systemAttributes.DeadLetterQueueSourceArn, queue.arn);
    assert.equal(queue.info().visible, 0);
    const trace = cloud.context.traces.recent().find(({ operation }) => operation === "Redrive");
    assert.equal(trace?.detail?.deadLetterQueue, dead.arn);
  });

  it("skips poison to deliver what is behind it in the same receive", async () => {
    const dead = await cloud.declare({}, "dead");
    const queue = await cloud.declare(redrive(dead));
    queue.send("poison");
    await failTwice(queue);
    queue.send("good");

    const bodies = (await queue.receive(1)).map(({ body }) => body);

    assert.deepEqual(bodies, ["good"]);
    assert.equal(dead.info().visible, 1);
  });

  it("starts the retention period anew on FIFO only, where it replaces the deduplication id", async () => {
    const dead = await cloud.declare({ fifoQueue: true }, "dead");
    const queue = await cloud.declare({ fifoQueue: true, ...redrive(dead) });
    const messageId = queue.send({ body: "poison", groupId: "a", deduplicationId: "mine" });
    await cloud.context.clock.advance(1000);

    await failTwice(queue);
    await queue.receive();
    const [message] = await dead.receive();

    assert.equal(message?.systemAttributes.SentTimestamp, String(cloud.context.clock.now()));
    assert.equal(message.systemAttributes.MessageDeduplicationId, messageId);
  });

  it("loses a standard message when its original retention period ends", async () => {
    const dead = await cloud.declare({ messageRetentionSeconds: 60 }, "dead");
    const queue = await cloud.declare(redrive(dead));
    queue.send("poison");
    await cloud.context.clock.advance(59_000);
    await failTwice(queue);
    await queue.receive();
    const before = dead.info().visible;

    await cloud.context.clock.advance(1000);

    assert.equal(before, 1);
    assert.equal(dead.info().visible, 0);
  });

  it("unblocks the group when the poison has gone", async () => {
    const dead = await cloud.declare({ fifoQueue: true }, "dead");
    const queue = await cloud.declare({ fifoQueue: true, ...redrive(dead, 1) });
    queue.send({ body: "poison", groupId: "a", deduplicationId: "1" });
    queue.send({ body: "good", groupId: "a", deduplicationId: "2" });
    for (const message of await queue.receive(1)) queue.changeVisibility(message, 0);

    const bodies = (await queue.receive(1)).map(({ body }) => body);

    assert.deepEqual(bodies, ["good"]);
  });

  for (const [title, inputs, reason] of [
    ["that does not exist", { target: arnOf("nowhere") }, /does not exist/],
    ["of another Region", { target: "arn:aws:sqs:us-east-1:123456789012:dead-1234567" }, /same Region/],
    ["of another account", { target: "arn:aws:sqs:eu-west-1:999999999999:dead-1234567" }, /owner/],
    ["of another type", { fifoQueue: true }, /same type/],
    ["that denies all sources", { redriveAllowPolicy: '{"redrivePermission":"denyAll"}' }, /allow policy/],
    [
      "that admits other sources only",
      {
        redriveAllowPolicy: JSON.stringify({ redrivePermission: "byQueue", sourceQueueArns: [arnOf("other")] }),
      },
      /allow policy/,
    ],
  ] as const) {
    it(`rejects a redrive policy with a target ${title}`, async () => {
      const { target, ...queueInputs } = { target: undefined, ...inputs };
      const dead = await cloud.declare(queueInputs, "dead");
      const policy = JSON.stringify({ deadLetterTargetArn: target ?? dead.arn, maxReceiveCount: 2 });

      await assert.rejects(cloud.declare({ redrivePolicy: policy }), (error: Error) => reason.test(error.message));
    });
  }

  it("takes messages of the sources that its allow policy names", async () => {
    const allow = { redrivePermission: "byQueue", sourceQueueArns: [arnOf("work-1234567")] };
    const dead = await cloud.declare({ redriveAllowPolicy: JSON.stringify(allow) }, "dead");

    const queue = await cloud.declare(redrive(dead));

    assert.equal(queue.info().deadLetterTarget, dead.arn);
  });

  describe("whose messages are moved", () => {
    let stub: ServiceStub;
    let client: SQSClient;

    beforeEach(async () => {
      stub = await serveStub(cloud.service);
      client = new SQSClient(stub.client);
    });

    afterEach(async () => {
      client.destroy();
      await stub.close();
    });

    const start = async (source: TestQueue, destination?: TestQueue, rate?: number): Promise<string> => {
      const command = new StartMessageMoveTaskCommand({
        SourceArn: source.arn,
        ...(destination && { DestinationArn: destination.arn }),
        ...(rate !== undefined && { MaxNumberOfMessagesPerSecond: rate }),
      });
      return (await client.send(command)).TaskHandle ?? "";
    };
    const latest = async (source: TestQueue): Promise<ListMessageMoveTasksResultEntry> => {
      const { Results } = await client.send(new ListMessageMoveTasksCommand({ SourceArn: source.arn }));
      return Results?.[0] ?? {};
    };
    const withDead = async (messages: number, fifoQueue = false): Promise<[TestQueue, TestQueue]> => {
      const dead = await cloud.declare({ ...(fifoQueue && { fifoQueue }) }, "dead");
      const queue = await cloud.declare({ ...(fifoQueue && { fifoQueue }), ...redrive(dead, 1) });
      for (let index = 0; index < messages; index++) {
        const body = `m${index}`;
        queue.send(fifoQueue ? { body, groupId: "a", deduplicationId: body } : body);
        for (const message of await queue.receive(1)) queue.changeVisibility(message, 0);
      }
      await queue.receive();
      assert.equal(dead.info().visible, messages);
      return [dead, queue];
    };

    it("go back to their source at the rate that was asked for, with new ids and a new count", async () => {
      const [dead, queue] = await withDead(20);
      const ids = new Set((await dead.receive(20, 0)).map(({ messageId }) => messageId));

      const handle = await start(dead, undefined, 5);
      await cloud.context.clock.advance(2000);
      const half = await latest(dead);
      const moved = queue.info().visible;
      await cloud.context.clock.advance(2200);

      assert.equal(moved, 10);
      assert.deepEqual(
        [half.Status, half.TaskHandle, half.ApproximateNumberOfMessagesMoved, half.ApproximateNumberOfMessagesToMove],
        ["RUNNING", handle, 10, 20],
      );
      const done = await latest(dead);
      assert.deepEqual(
        [done.Status, done.TaskHandle, done.ApproximateNumberOfMessagesMoved],
        ["COMPLETED", undefined, 20],
      );
      const back = await queue.receive(20);
      assert.equal(back.length, 20);
      assert.ok(back.every(({ messageId }) => !ids.has(messageId)));
      assert.ok(back.every(({ systemAttributes }) => systemAttributes.ApproximateReceiveCount === "1"));
      assert.ok(back.every(({ systemAttributes }) => systemAttributes.DeadLetterQueueSourceArn === undefined));
      assert.equal(cloud.service.moveTasks()[0]?.status, "COMPLETED");
    });

    it("keep the order of their group on FIFO", async () => {
      const [dead, queue] = await withDead(3, true);

      await start(dead);
      await cloud.context.clock.advance(1000);

      assert.deepEqual(
        (await queue.receive(10)).map(({ body }) => body),
        ["m0", "m1", "m2"],
      );
    });

    it("stay when nobody knows where they came from, and the task fails", async () => {
      const [dead, queue] = await withDead(1);
      dead.send("sent here by hand");

      await start(dead);
      await cloud.context.clock.advance(1000);

      const task = await latest(dead);
      assert.deepEqual([task.Status, task.FailureReason], ["FAILED", "CouldNotDetermineMessageSource"]);
      assert.equal(queue.info().visible, 1);
      assert.equal(dead.info().visible, 1);
    });

    it("go to the destination that was named, those sent by hand too", async () => {
      const [dead] = await withDead(1);
      dead.send("sent here by hand");
      const elsewhere = await cloud.declare({}, "elsewhere");

      await start(dead, elsewhere);
      await cloud.context.clock.advance(1000);

      assert.equal(elsewhere.info().visible, 2);
      assert.equal((await latest(dead)).Status, "COMPLETED");
    });

    it("stop when the task is cancelled", async () => {
      const [dead, queue] = await withDead(10);
      const handle = await start(dead, undefined, 1);
      await cloud.context.clock.advance(3000);

      const { ApproximateNumberOfMessagesMoved } = await client.send(
        new CancelMessageMoveTaskCommand({ TaskHandle: handle }),
      );
      await cloud.context.clock.advance(10_000);

      assert.equal(ApproximateNumberOfMessagesMoved, 3);
      assert.equal(queue.info().visible, 3);
      assert.equal((await latest(dead)).Status, "CANCELLED");
    });

    it("fail when the one who moves them may no longer send", async () => {
      const [dead, queue] = await withDead(1);
      const refused = createQueueCloud(({ action }) => action !== "sqs:SendMessage");
      Object.assign(cloud.context.access, { decide: refused.context.access.decide });

      await start(dead);
      await cloud.context.clock.advance(1000);

      const task = await latest(dead);
      assert.deepEqual([task.Status, task.FailureReason], ["FAILED", "AccessDenied"]);
      assert.equal(queue.info().visible, 0);
    });

    it("rejects a second task while one runs", async () => {
      const [dead] = await withDead(10);
      await start(dead, undefined, 1);

      await assert.rejects(start(dead), { name: "UnsupportedOperation" });
    });

    it("rejects a source that is nobody's dead-letter queue", async () => {
      const queue = await cloud.declare();

      await assert.rejects(start(queue), /Source queue must be configured as a Dead Letter Queue/);
    });

    it("rejects missing queues, equal queues and queues of another type", async () => {
      const [dead] = await withDead(1);
      const missing = { ...dead, arn: arnOf("nowhere") };
      const fifo = await cloud.declare({ fifoQueue: true }, "other");

      await assert.rejects(start(missing), { name: "ResourceNotFoundException" });
      await assert.rejects(start(dead, missing), { name: "ResourceNotFoundException" });
      await assert.rejects(start(dead, dead), /must be different/);
      await assert.rejects(start(dead, fifo), /same type/);
    });

    for (const rate of [0, 501]) {
      it(`rejects a rate of ${rate} messages per second`, async () => {
        const [dead] = await withDead(1);

        await assert.rejects(start(dead, undefined, rate), /MaxNumberOfMessagesPerSecond/);
      });
    }

    for (const action of [
      "StartMessageMoveTask",
      "ReceiveMessage",
      "DeleteMessage",
      "GetQueueAttributes",
      "SendMessage",
    ]) {
      it(`rejects a caller without sqs:${action}`, async () => {
        const [dead] = await withDead(1);
        stub.allows = (question) => question.action !== `sqs:${action}`;

        await assert.rejects(start(dead), { name: "AccessDenied" });
      });
    }

    it("rejects to cancel a task that is over or unknown", async () => {
      const [dead] = await withDead(1);
      const handle = await start(dead);
      await cloud.context.clock.advance(1000);
      const cancel = (TaskHandle: string) => client.send(new CancelMessageMoveTaskCommand({ TaskHandle }));

      await assert.rejects(cancel(handle), { name: "UnsupportedOperation" });
      await assert.rejects(cancel("unknown"), { name: "ResourceNotFoundException" });
    });
  });
});
