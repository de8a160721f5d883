// Proves for random histories: no message is lost or given twice while it is invisible, groups of FIFO queues keep their order, a
// poison message leaves within its receives, and the structures underneath agree with plain arrays.
import assert from "node:assert/strict";
import fc from "fast-check";
import { IndexedHeap } from "../../../../local/cloud/sqs/indexed-heap";
import { Ring } from "../../../../local/cloud/sqs/ring";
import type { ReceivedMessage } from "../../../../local/cloud/core/service";
import { createQueueCloud } from "../../../support/queue-cloud";

const VISIBILITY_MS = 30_000;
const RUNS = 60;

type Step =
  | { readonly kind: "send"; readonly group: string; readonly delaySeconds: number }
  | { readonly kind: "receive"; readonly limit: number }
  | { readonly kind: "delete"; readonly index: number }
  | { readonly kind: "release"; readonly index: number; readonly timeoutMs: number }
  | { readonly kind: "wait"; readonly milliseconds: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("send" as const),
      group: fc.constantFrom("a", "b", "c"),
      delaySeconds: fc.constantFrom(0, 0, 5),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("receive" as const), limit: fc.integer({ min: 1, max: 10 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), index: fc.nat(20) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("release" as const),
      index: fc.nat(20),
      timeoutMs: fc.constantFrom(0, 1_000, 60_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      milliseconds: fc.constantFrom(1, 1_000, 5_000, 30_000),
    }),
  },
);

describe("Queues under random histories", () => {
  for (const fifo of [false, true]) {
    it(`${fifo ? "keep order and lose" : "lose"} nothing and show nothing while it is invisible (${fifo ? "FIFO" : "standard"})`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
          const cloud = createQueueCloud();
          const { clock } = cloud.context;
          const queue = await cloud.declare({
            visibilityTimeoutSeconds: VISIBILITY_MS / 1000,
            ...(fifo && { fifoQueue: true }),
          });
          const present = new Map<string, { group: string; number: number; invisibleUntil: number }>();
          const held: ReceivedMessage[] = [];
          let number = 0;
          const take = async (limit: number): Promise<readonly ReceivedMessage[]> => {
            const messages = await queue.receive(limit);
            for (const message of messages) {
              const known = present.get(message.messageId);
              assert.ok(known, "a message that was never sent, or was deleted");
              assert.ok(known.invisibleUntil <= clock.now(), "a message that is invisible");
              if (fifo) {
                const earlier = [...present.values()].filter(
                  (other) => other.group === known.group && other.number < known.number,
                );
                const inThisReceive = new Set(messages.map(({ messageId }) => present.get(messageId)));
                assert.ok(
                  earlier.every((other) => inThisReceive.has(other)),
                  "a message overtook another of its group",
                );
              }
            }
            for (const message of messages) {
              const known = present.get(message.messageId);
              if (known) known.invisibleUntil = clock.now() + VISIBILITY_MS;
            }
            return messages;
          };

          for (const each of steps) {
            if (each.kind === "send") {
              const { group, delaySeconds } = each;
              const more = fifo ? { deduplicationId: `d${number}` } : { delaySeconds };
              const messageId = queue.send({ body: "x", groupId: group, ...more });
              const invisibleUntil = fifo ? 0 : clock.now() + delaySeconds * 1000;
              present.set(messageId, { group, number: number++, invisibleUntil });
            } else if (each.kind === "receive") held.push(...(await take(each.limit)));
            else if (each.kind === "wait") await clock.advance(each.milliseconds);
            else {
              const message = held[each.index];
              const known = message && present.get(message.messageId);
              const isLatest = message && held.findLast(({ messageId }) => messageId === message.messageId) === message;
              if (!known || !isLatest) continue;
              const inFlight = known.invisibleUntil > clock.now();
              if (each.kind === "delete") {
                queue.delete(message);
                if (inFlight || !fifo) present.delete(message.messageId);
              } else {
                queue.changeVisibility(message, each.timeoutMs);
                if (inFlight) known.invisibleUntil = clock.now() + each.timeoutMs;
              }
            }
            const { visible, notVisible, delayed } = queue.info();
            assert.equal(visible + notVisible + delayed, present.size);
          }

          await clock.advance(60_000);
          for (let rest = await take(10); rest.length > 0; rest = await take(10)) {
            for (const message of rest) {
              queue.delete(message);
              present.delete(message.messageId);
            }
          }
          assert.equal(present.size, 0, "messages were lost");
        }),
        { numRuns: RUNS },
      );
    });
  }

  it("let a poison message leave within its receives, and lose none on the way", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 10 }),
        async (maxReceiveCount, poisonous, limit) => {
          const cloud = createQueueCloud();
          const dead = await cloud.declare({}, "dead");
          const redrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount });
          const queue = await cloud.declare({ redrivePolicy });
          for (const [index, poison] of poisonous.entries()) queue.send(`${poison ? "poison" : "good"} ${index}`);
          const receives = new Map<string, number>();

          for (let messages = await queue.receive(limit); messages.length > 0; messages = await queue.receive(limit)) {
            for (const message of messages) {
              receives.set(message.body, (receives.get(message.body) ?? 0) + 1);
              if (message.body.startsWith("good")) queue.delete(message);
              else queue.changeVisibility(message, 0);
            }
          }

          const bad = poisonous.filter((poison) => poison).length;
          assert.equal(dead.info().visible, bad);
          assert.deepEqual(
            [...receives].filter(([body, count]) => count !== (body.startsWith("good") ? 1 : maxReceiveCount)),
            [],
          );
          assert.equal(receives.size, poisonous.length);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it("give ids that differ, also in their first digits", () => {
    const cloud = createQueueCloud();
    return cloud.declare().then((queue) => {
      const ids = Array.from({ length: 1000 }, () => queue.send("x"));

      assert.equal(new Set(ids.map((id) => id.slice(0, 8))).size, ids.length);
      assert.ok(ids.every((id) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)));
    });
  });
});

describe("The structures of queues", () => {
  it("hold a ring's items in order at both ends", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom("push", "unshift", "shift"))), (operations) => {
        const ring = new Ring<number>();
        const model: number[] = [];
        for (const [index, operation] of operations.entries()) {
          if (operation === "push") {
            ring.push(index);
            model.push(index);
          } else if (operation === "unshift") {
            ring.unshift(index);
            model.unshift(index);
          } else assert.equal(ring.shift(), model.shift());
          assert.deepEqual([ring.length, ring.peek()], [model.length, model[0]]);
        }
      }),
    );
  });

  it("keep the first item of a heap on top when items come, go and change", () => {
    interface Item {
      rank: number;
      position: number;
    }
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom("add", "remove", "update"), fc.nat(50), fc.nat(20))),
        (operations) => {
          const heap = new IndexedHeap<Item>({
            comesBefore: (one, other) => one.rank < other.rank,
            positionOf: (item) => item.position,
            place: (item, position) => (item.position = position),
          });
          const model: Item[] = [];
          for (const [operation, rank, index] of operations) {
            const item = model[index % Math.max(1, model.length)];
            if (operation === "add" || !item) {
              const added = { rank, position: -1 };
              heap.add(added);
              model.push(added);
            } else if (operation === "remove") {
              heap.remove(item);
              model.splice(model.indexOf(item), 1);
            } else {
              item.rank = rank;
              heap.update(item);
            }
            assert.equal(heap.size, model.length);
            assert.equal(
              heap.peek()?.rank,
              model.length === 0 ? undefined : Math.min(...model.map((each) => each.rank)),
            );
          }
        },
      ),
    );
  });
});
