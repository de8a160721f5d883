// Proves that a standard queue with group ids is fair: who has much in flight waits for those who have little.
import assert from "node:assert/strict";
import { createQueueCloud } from "../../../support/queue-cloud";

describe("A fair queue", () => {
  it("Q10: serves quiet tenants first while a noisy one has messages in flight", async () => {
    const cloud = createQueueCloud();
    const queue = await cloud.declare({ visibilityTimeoutSeconds: 3600 });
    for (let index = 0; index < 1000; index++) queue.send({ body: `noisy ${index}`, groupId: "noisy" });
    await queue.receive(5);
    for (const tenant of ["quiet", "calm"]) queue.send({ body: tenant, groupId: tenant });

    const bodies = (await queue.receive(3)).map(({ body }) => body);

    assert.deepEqual(bodies, ["quiet", "calm", "noisy 5"]);
  });

  it("Q10: serves a quiet tenant next, each time, while five workers are busy with a backlog of 10,000", async () => {
    const cloud = createQueueCloud();
    const queue = await cloud.declare({ visibilityTimeoutSeconds: 3600 });
    for (let index = 0; index < 10_000; index++) queue.send({ body: "noisy", groupId: "noisy" });
    const working = [...(await queue.receive(5))];
    const served: string[] = [];

    for (let round = 0; round < 50; round++) {
      queue.send({ body: `quiet ${round}`, groupId: "quiet" });
      queue.delete(working.shift()!);
      const [next] = await queue.receive(1);
      served.push(next!.body);
      queue.delete(next!);
      working.push(...(await queue.receive(1)));
    }

    assert.deepEqual(
      served,
      Array.from({ length: 50 }, (_, round) => `quiet ${round}`),
    );
  });

  it("treats messages without a group as nobody's noise, oldest first", async () => {
    const cloud = createQueueCloud();
    const queue = await cloud.declare();
    for (const body of ["1", "2", "3"]) queue.send(body);
    queue.send({ body: "4", groupId: "tenant" });
    await queue.receive(2);

    const bodies = (await queue.receive(2)).map(({ body }) => body);

    assert.deepEqual(bodies, ["3", "4"]);
  });

  it("tells receivers the group", async () => {
    const cloud = createQueueCloud();
    const queue = await cloud.declare();
    queue.send({ body: "x", groupId: "tenant" });

    const [message] = await queue.receive();

    assert.equal(message?.systemAttributes.MessageGroupId, "tenant");
    assert.equal(message.systemAttributes.SequenceNumber, undefined);
  });

  it("counts a delayed message to its group, though the group was empty meanwhile", async () => {
    const cloud = createQueueCloud();
    const queue = await cloud.declare({ visibilityTimeoutSeconds: 3600 });
    queue.send({ body: "late", groupId: "a", delaySeconds: 10 });
    queue.send({ body: "a1", groupId: "a" });
    await queue.receive(1);
    await cloud.context.clock.advance(10_000);
    queue.send({ body: "b1", groupId: "b" });

    const bodies = (await queue.receive(2)).map(({ body }) => body);

    assert.deepEqual(bodies, ["b1", "late"]);
  });
});
