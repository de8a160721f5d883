// Proves queue, mapping and function together, in a whole embedded cloud on the virtual clock: the post's demonstration, the scaling
// model over random loads, drain times, order within groups.
import assert from "node:assert/strict";
import * as fc from "fast-check";
import type { SimulatedFunction } from "../../../../../local/cloud";
import { sleep } from "../../../../../local/cloud/core/clock";
import { recordsOf, takes } from "../../../../support/mapping-cloud";
import { type QueueSystem, type QueueSystemSettings, startQueueSystem } from "../../../../support/queue-system";

describe("A queue, its mapping and its function", () => {
  let system: QueueSystem | undefined;
  afterEach(async () => {
    await system?.cloud.stop();
    system = undefined;
  });
  const start = async (work: SimulatedFunction, settings: QueueSystemSettings = {}): Promise<QueueSystem> =>
    (system = await startQueueSystem(work, settings));

  describe("with 25 messages of 10 seconds, one receive each, and a limit of 5", () => {
    const post = { maxReceiveCount: 1, queue: { visibilityTimeoutSeconds: 30 } };

    it("Q16: throttles and loses messages when only the function's concurrency is reserved", async () => {
      const { send, clock, metric, queue, deadLetters } = await start(takes(10_000), {
        ...post,
        function: { reservedConcurrentExecutions: 5 },
      });
      for (let number = 0; number < 25; number++) send(String(number));
      await clock.advance(600_000);
      assert.ok(metric("Throttles") > 0);
      assert.ok(deadLetters().visible > 0);
      assert.equal(metric("Invocations") + deadLetters().visible, 25);
      assert.equal(metric("ConcurrentExecutions", "Maximum"), 5);
      assert.equal(queue().visible + queue().notVisible, 0);
    });

    it("Q16: neither throttles nor loses a message when the mapping has a maximum concurrency", async () => {
      const { send, clock, metric, deadLetters } = await start(takes(10_000), {
        ...post,
        mapping: { scalingConfig: { maximumConcurrency: 5 } },
      });
      for (let number = 0; number < 25; number++) send(String(number));
      await clock.advance(600_000);
      assert.equal(metric("Throttles"), 0);
      assert.equal(deadLetters().visible, 0);
      assert.equal(metric("Invocations"), 25);
      assert.equal(metric("ConcurrentExecutions", "Maximum"), 5);
    });
  });

  it("Q30: drains a queue in messages ÷ concurrency × duration, within 5 %", async () => {
    const { send, drain, metric } = await start(takes(2000), { mapping: { scalingConfig: { maximumConcurrency: 5 } } });
    for (let number = 0; number < 1000; number++) send(String(number));
    const seconds = await drain(1000);
    const expected = (1000 / 5) * 2;
    assert.ok(Math.abs(seconds - expected) <= expected * 0.05, `${String(seconds)} s instead of ${String(expected)} s`);
    assert.equal(metric("Invocations"), 1000);
  });

  it("Q30: keeps bound, receives and messages over random loads", async () => {
    const loads = fc.record({
      maximumConcurrency: fc.integer({ min: 2, max: 40 }),
      batchSize: fc.integer({ min: 1, max: 10 }),
      durationMs: fc.integer({ min: 0, max: 9000 }),
      maxReceiveCount: fc.integer({ min: 1, max: 4 }),
      // The larger, the rarer: poison is every so many messages.
      poisonEvery: fc.integer({ min: 2, max: 60 }),
      messages: fc.integer({ min: 1, max: 300 }),
    });
    await fc.assert(
      fc.asyncProperty(loads, async (load) => {
        const received = new Map<string, number>();
        let running = 0;
        let peak = 0;
        const isPoison = (body: string): boolean => Number(body) % load.poisonEvery === 0;
        const running2 = await startQueueSystem(
          async (invocation) => {
            peak = Math.max(peak, ++running);
            const records = recordsOf(invocation);
            for (const { body } of records) received.set(body, (received.get(body) ?? 0) + 1);
            await sleep(invocation.clock, load.durationMs);
            running--;
            const failed = records.filter(({ body }) => isPoison(body));
            return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
          },
          {
            maxReceiveCount: load.maxReceiveCount,
            queue: { visibilityTimeoutSeconds: 15 },
            mapping: {
              batchSize: load.batchSize,
              functionResponseTypes: ["ReportBatchItemFailures"],
              scalingConfig: { maximumConcurrency: load.maximumConcurrency },
            },
          },
        );
        try {
          for (let number = 1; number <= load.messages; number++) running2.send(String(number));
          await running2.drain(100_000);
          const poison = Math.floor(load.messages / load.poisonEvery);
          assert.ok(peak <= load.maximumConcurrency, `${String(peak)} ran at a time`);
          assert.equal(running2.deadLetters().visible, poison);
          assert.equal(received.size, load.messages);
          for (const [body, times] of received) assert.equal(times, isPoison(body) ? load.maxReceiveCount : 1);
        } finally {
          await running2.cloud.stop();
        }
      }),
      { numRuns: 15 },
    );
  });

  it("keeps the order of each group of a FIFO queue while messages fail and come back", async () => {
    const done = new Map<string, number[]>();
    const attempts = new Map<string, number>();
    const { send, drain } = await start(
      async (invocation) => {
        await sleep(invocation.clock, 500);
        const failed: string[] = [];
        const stopped = new Set<string>();
        for (const { body, messageId, attributes } of recordsOf(invocation)) {
          const group = attributes.MessageGroupId ?? "";
          const attempt = (attempts.get(body) ?? 0) + 1;
          attempts.set(body, attempt);
          // Every seventh message fails once; what comes after it in its group goes back too.
          if (stopped.has(group) || (Number(body) % 7 === 0 && attempt === 1)) {
            stopped.add(group);
            failed.push(messageId);
          } else done.set(group, [...(done.get(group) ?? []), Number(body)]);
        }
        return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
      },
      {
        queue: { fifoQueue: true, visibilityTimeoutSeconds: 15 },
        mapping: { batchSize: 10, functionResponseTypes: ["ReportBatchItemFailures"] },
      },
    );
    for (let number = 1; number <= 200; number++) send(String(number), `group-${String(number % 4)}`);
    await drain(10_000);
    assert.equal(done.size, 4);
    for (const order of done.values()) {
      assert.equal(order.length, 50);
      assert.deepEqual(
        order,
        [...order].sort((one, other) => one - other),
      );
    }
  });
});
