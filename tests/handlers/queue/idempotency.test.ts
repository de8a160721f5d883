// Proves the claims on the embedded DynamoDB, alone and through the handler: side effects once, crashes that expire, lost answers.
import assert from "node:assert/strict";
import { createQueueHandler, NonRetryableError, type QueueConsumer } from "../../../handlers/queue";
import { createJsonClient, type KitOverrides } from "../../../handlers/queue/kit";
import { IdempotencyStore } from "../../../handlers/queue/idempotency";
import type { QueueHandler } from "../../../handlers/queue/lambda";
import { StateTable } from "../../../handlers/queue/state-table";
import { DYNAMODB } from "../../../handlers/shared/aws-json";
import {
  BASE_ENVIRONMENT,
  failedIds,
  invocation,
  queueEvent,
  queueUrl,
  startQueueStub,
  startStateTable,
} from "../../support/queue-stub";

describe("Idempotency of the consumer kit", () => {
  let database: { readonly endpoint: string; close(): Promise<void> };
  let now: number;
  let lines: string[];

  before(async () => {
    database = await startStateTable();
  });
  after(() => database.close());
  beforeEach(() => {
    // Each test in a year of its own: rows of others are outdated.
    now = (now ?? Date.UTC(2026, 0, 1)) + 400 * 86_400_000;
    lines = [];
  });

  const environment = (): Record<string, string> => ({
    ...BASE_ENVIRONMENT,
    AWS_ENDPOINT_URL_DYNAMODB: database.endpoint,
    STATE_TABLE_NAME: "state",
    IDEMPOTENCY_SECONDS: "3600",
  });

  function handlerOf(consumer: QueueConsumer, overrides: KitOverrides = {}): QueueHandler {
    return createQueueHandler(consumer, environment(), {
      now: () => now,
      writeLine: (line) => void lines.push(line),
      ...overrides,
    });
  }

  function storeOf(owner: () => string): IdempotencyStore {
    const client = createJsonClient(DYNAMODB, environment(), () => now);
    return new IdempotencyStore(new StateTable(client, "state"), 3600, () => now, owner);
  }

  it("Q8: has the side effect of a message that is delivered twice once", async () => {
    let effects = 0;
    const handler = handlerOf({ processMessage: async () => void effects++ });

    const first = await handler(queueEvent([{ id: "twice" }]), invocation());
    const second = await handler(queueEvent([{ id: "twice", receives: 2 }]), invocation());

    assert.equal(effects, 1);
    assert.deepEqual([failedIds(first), failedIds(second)], [[], []]);
    assert.ok(lines.some((line) => line.includes('"DuplicatesSkipped":1')));
  });

  it("Q8: takes the consumer's own key", async () => {
    const effects: string[] = [];
    const consumer: QueueConsumer<{ order: string }> = {
      processMessage: async ({ id }) => void effects.push(id),
      idempotencyKey: ({ body }) => body.order,
      concurrency: 1,
    };

    await handlerOf(consumer as QueueConsumer)(
      queueEvent([
        { id: "k1", body: '{"order":"o-1"}' },
        { id: "k2", body: '{"order":"o-1"}' },
      ]),
      invocation(),
    );

    assert.deepEqual(effects, ["k1"]);
  });

  it("Q8, Q21: takes a rejected message up again that is redriven, or corrected and sent again, under the same key", async () => {
    const effects: string[] = [];
    const consumer: QueueConsumer<{ order: string; valid: boolean }> = {
      processMessage: async ({ id, body }) => {
        if (!body.valid) throw new NonRetryableError("not valid");
        effects.push(id);
      },
      idempotencyKey: ({ body }) => body.order,
    };
    const queues = await startQueueStub();
    const handler = createQueueHandler(
      consumer as QueueConsumer,
      { ...environment(), AWS_ENDPOINT_URL_SQS: queues.endpoint, DEAD_LETTER_QUEUE_URL: queueUrl("dead") },
      { now: () => now, writeLine: () => undefined },
    );

    const rejected = await handler(queueEvent([{ id: "r1", body: '{"order":"o-9","valid":false}' }]), invocation());
    await handler(queueEvent([{ id: "r2", body: '{"order":"o-9","valid":true}' }]), invocation());
    await queues.close();

    assert.deepEqual([failedIds(rejected), queues.callsOf("SendMessage").length, effects], [[], 1, ["r2"]]);
  });

  for (const [what, key] of [
    ["an empty key", ""],
    ["a key that is no text", 7],
  ] as const) {
    it(`Q8: fails a message with ${what}, since all such messages would count as one`, async () => {
      let effects = 0;
      const consumer = { processMessage: async () => void effects++, idempotencyKey: () => key as string };

      const response = await handlerOf(consumer)(queueEvent([{ id: "no-key" }]), invocation());

      assert.deepEqual([failedIds(response), effects], [["no-key"], 0]);
      assert.ok(lines.some((line) => line.includes("idempotencyKey must return a text that is not empty")));
    });
  }

  it("Q8: lets a duplicate wait until the claim of the first falls, so that it does not use its receives up", async () => {
    const store = storeOf(() => "other");
    await store.claim("long", now + 600_000);
    const queues = await startQueueStub();
    const handler = createQueueHandler(
      { processMessage: async () => undefined },
      { ...environment(), AWS_ENDPOINT_URL_SQS: queues.endpoint, QUEUE_URL: queueUrl("work") },
      { now: () => now, writeLine: () => undefined },
    );

    await handler(queueEvent([{ id: "long" }]), invocation());
    await queues.close();

    const [entry] = queues.callsOf("ChangeMessageVisibilityBatch")[0]!.input.Entries as { VisibilityTimeout: number }[];
    assert.equal(entry!.VisibilityTimeout, 600);
  });

  it("Q8: returns a duplicate while the first is at work", async () => {
    let [effects, finish] = [0, (): void => undefined];
    const started = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const handler = handlerOf({
      processMessage: async () => {
        effects++;
        finish();
        await held;
      },
    });
    const first = handler(queueEvent([{ id: "busy" }]), invocation());
    await started;

    const second = await handler(queueEvent([{ id: "busy" }]), invocation());
    release();

    assert.deepEqual([failedIds(second), failedIds(await first), effects], [["busy"], [], 1]);
  });

  it("Q8: lets the next attempt begin at once after a failure", async () => {
    let attempts = 0;
    const handler = handlerOf({
      processMessage: async () => {
        if (++attempts === 1) throw new Error("first");
      },
    });

    await handler(queueEvent([{ id: "again" }]), invocation());
    const second = await handler(queueEvent([{ id: "again", receives: 2 }]), invocation());

    assert.deepEqual([failedIds(second), attempts], [[], 2]);
  });

  it("Q8: a crash in the middle leaves a claim that falls at the function's deadline", async () => {
    let attempts = 0;
    const crashing = handlerOf({
      processMessage: () => {
        attempts++;
        return new Promise(() => undefined);
      },
    });
    void crashing(queueEvent([{ id: "crash" }]), invocation(300)).catch(() => undefined);
    while (attempts === 0) await new Promise((resolve) => setImmediate(resolve));
    const handler = handlerOf({ processMessage: async () => void attempts++ });

    now += 200;
    const before = await handler(queueEvent([{ id: "crash" }]), invocation());
    now += 200;
    const after = await handler(queueEvent([{ id: "crash" }]), invocation());

    assert.deepEqual([failedIds(before), failedIds(after), attempts], [["crash"], [], 2]);
  });

  it("Q8: keeps the claim of work that was cut off by the deadline until it has passed", async () => {
    let attempts = 0;
    const handler = handlerOf({
      processMessage: () => {
        attempts++;
        return new Promise(() => undefined);
      },
    });

    await handler(queueEvent([{ id: "slow" }]), invocation(250));
    await handler(queueEvent([{ id: "slow" }]), invocation(250));

    assert.equal(attempts, 1);
  });

  it("forgets a completed key after its time to live", async () => {
    let effects = 0;
    const handler = handlerOf({ processMessage: async () => void effects++ });

    await handler(queueEvent([{ id: "old" }]), invocation());
    now += 3_602_000;
    await handler(queueEvent([{ id: "old" }]), invocation());

    assert.equal(effects, 2);
  });

  it("claims again when the answer to its own claim was lost", async () => {
    const store = storeOf(() => "same-owner");

    await store.claim("lost", now + 1000);
    const repeated = await store.claim("lost", now + 1000);

    assert.equal(repeated.kind, "claimed");
  });

  it("rejects the completion, renewal and release of a claim that has fallen to another", async () => {
    const [one, other] = [storeOf(() => "one"), storeOf(() => "other")];
    const claimed = await one.claim("contested", now + 10);
    assert.ok(claimed.kind === "claimed");
    now += 20;
    await other.claim("contested", now + 1000);

    const results = [await one.complete(claimed.claim), await one.renew(claimed.claim, now + 5000)];
    await one.release(claimed.claim).catch(() => undefined);

    assert.deepEqual(results, [false, false]);
    assert.deepEqual(await one.claim("contested", now + 10), { kind: "in-progress", until: now + 1000 });
  });

  it("claims keys longer than DynamoDB takes", async () => {
    const long = "k".repeat(5000);
    const store = storeOf(() => "o");

    await store.claim(long, now + 1000);

    assert.equal((await storeOf(() => "p").claim(long, now + 1000)).kind, "in-progress");
    assert.equal((await storeOf(() => "p").claim(`${long}x`, now + 1000)).kind, "claimed");
  });
});
