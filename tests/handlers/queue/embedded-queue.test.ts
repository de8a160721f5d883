// Proves the kit against the embedded SQS instead of a stub: what it sends is accepted, and what becomes of messages is right on both
// kinds of queue. Receipt handles, groups, attributes and their limits are checked by the queue itself.
import assert from "node:assert/strict";
import { NonRetryableError, sendMessages, type QueueConsumer, type QueueMessage } from "../../../handlers/queue";
import { createQueue } from "../../../handlers/queue/kit";
import { runConsumer } from "../../../handlers/queue/container/run-consumer";
import { readContainerSettings } from "../../../handlers/queue/container/settings";
import { SystemClock } from "../../../local/cloud/core/clock";
import { createSqsService } from "../../../local/cloud/sqs/service";
import { declare, serveStub, testContext, type ServiceStub } from "../../support/json-service-stub";
import { BASE_ENVIRONMENT } from "../../support/queue-stub";

const QUEUE = "aws:sqs/queue:Queue";

describe("The consumer kit on the embedded SQS", () => {
  let stub: ServiceStub;
  let urls: Record<string, string>;

  beforeEach(async () => {
    const service = createSqsService({
      ...testContext({ gatewayOrigin: () => "http://127.0.0.1:4566" }),
      clock: new SystemClock(),
    });
    stub = await serveStub(service);
    urls = {};
    for (const name of ["work", "dead", "work.fifo", "dead.fifo"]) {
      const fifo = name.endsWith(".fifo") ? { fifoQueue: true } : {};
      const { outputs } = await declare(service, QUEUE, { name, ...fifo }, name);
      urls[name] = String(outputs.url);
    }
  });
  afterEach(() => stub.close());

  const environmentOf = (queue: string): Record<string, string> => ({
    ...BASE_ENVIRONMENT,
    AWS_ENDPOINT_URL: stub.endpoint,
    QUEUE_URL: urls[queue]!,
    DEAD_LETTER_QUEUE_URL: urls[queue.replace("work", "dead")]!,
  });

  /** Runs a consumer until it has settled so many messages of its own. */
  async function consume(queue: string, count: number, processMessage: QueueConsumer["processMessage"]): Promise<void> {
    const stop = new AbortController();
    let settled = 0;
    const consumer: QueueConsumer = {
      processMessage: async (message, context) => {
        try {
          await processMessage(message, context);
        } finally {
          if (++settled === count) stop.abort();
        }
      },
    };
    await runConsumer(consumer, readContainerSettings({ WAIT_SECONDS: "1" }), {
      environment: environmentOf(queue),
      signal: stop.signal,
      overrides: { writeLine: () => undefined, random: () => 0 },
    });
  }

  const receiveAll = (name: string) =>
    createQueue(urls[name]!, environmentOf("work"), Date.now).receive(
      { maximum: 10, waitSeconds: 0, visibilitySeconds: 30 },
      "arn",
    );

  it("Q7: processes what a producer sent, and deletes it", async () => {
    const seen: QueueMessage[] = [];
    const attributes = { kind: { dataType: "String", stringValue: "invoice" } };
    await sendMessages(
      { queueUrl: urls.work!, environment: environmentOf("work") },
      Array.from({ length: 25 }, (_, n) => ({ body: { n }, groupId: `tenant-${n % 3}`, attributes })),
    );

    await consume("work", 25, async (message) => void seen.push(message));

    assert.deepEqual(
      seen.map(({ body }) => (body as { n: number }).n).sort((one, other) => one - other),
      Array.from({ length: 25 }, (_, n) => n),
    );
    assert.deepEqual([seen[0]!.attributes, seen[0]!.groupId?.startsWith("tenant-")], [attributes, true]);
    assert.deepEqual(await receiveAll("work"), []);
  });

  it("Q21: rejects to the dead-letter queue with group, own attributes and reason, and deletes the message", async () => {
    const attributes = { kind: { dataType: "String", stringValue: "invoice" } };
    await sendMessages({ queueUrl: urls["work.fifo"]!, environment: environmentOf("work.fifo") }, [
      { body: "poison", groupId: "a", deduplicationId: "1", attributes },
      { body: "fine", groupId: "a", deduplicationId: "2" },
    ]);
    const seen: unknown[] = [];

    await consume("work.fifo", 2, async ({ body }) => {
      seen.push(body);
      if (body === "poison") throw new NonRetryableError("bad \u0000 character");
    });

    const [dead] = await receiveAll("dead.fifo");
    assert.deepEqual(seen, ["poison", "fine"]);
    assert.deepEqual([dead!.text, dead!.system.MessageGroupId], ["poison", "a"]);
    const { kind, Rejection } = dead!.attributes;
    assert.deepEqual(kind, attributes.kind);
    const { reason, errorType } = JSON.parse(Rejection?.stringValue ?? "") as Record<string, string>;
    assert.deepEqual([reason, errorType], ["bad ? character", "NonRetryableError"]);
    assert.deepEqual(await receiveAll("work.fifo"), []);
  });

  it("Q21: rejects a message that leaves little room for the reason", async () => {
    const body = "x".repeat(1_048_576 - 200);
    await sendMessages({ queueUrl: urls.work!, environment: environmentOf("work") }, [{ body }]);

    await consume("work", 1, async () => {
      throw new NonRetryableError("too long ".repeat(50));
    });

    const [dead] = await receiveAll("dead");
    const { reason = "" } = JSON.parse(dead?.attributes.Rejection?.stringValue ?? "{}") as { readonly reason?: string };
    assert.ok(dead?.text === body && reason.startsWith("too long too long") && reason.length < 200, reason);
  });

  it("Q26: keeps the order of a FIFO group while its first message is tried again", async () => {
    const environment = environmentOf("work.fifo");
    // Rounds to no wait at all.
    environment.BACKOFF_BASE_SECONDS = "0.5";
    await sendMessages(
      { queueUrl: urls["work.fifo"]!, environment },
      [1, 2, 3].map((n) => ({ body: String(n), groupId: "a", deduplicationId: String(n) })),
    );
    const [seen, stop] = [[] as unknown[], new AbortController()];
    const consumer: QueueConsumer<number> = {
      processMessage: async ({ body, receiveCount }) => {
        seen.push(body);
        if (body === 1 && receiveCount === 1) throw new Error("once");
        if (body === 3) stop.abort();
      },
    };

    await runConsumer(consumer, readContainerSettings({ WAIT_SECONDS: "1" }), {
      environment,
      signal: stop.signal,
      overrides: { writeLine: () => undefined, random: () => 0 },
    });

    assert.deepEqual(seen, [1, 1, 2, 3]);
  });
});
