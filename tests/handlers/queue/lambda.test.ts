// Proves what the kit does with a batch from Lambda's event source mapping: which ids it returns, in which order it works, what it logs
// and measures, how it ends in time. It does not prove what Lambda makes of the answer.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { NonRetryableError, RetryLaterError, createQueueHandler, type QueueConsumer } from "../../../handlers/queue";
import type { QueueHandler } from "../../../handlers/queue/lambda";
import {
  BASE_ENVIRONMENT,
  failedIds,
  invocation,
  queueEvent,
  queueUrl,
  startQueueStub,
  type QueueStub,
} from "../../support/queue-stub";

interface Line {
  readonly level?: string;
  readonly message?: string;
  readonly [field: string]: unknown;
}

describe("The consumer kit behind Lambda", () => {
  let stub: QueueStub;
  let lines: Line[];

  beforeEach(async () => {
    stub = await startQueueStub();
    lines = [];
  });
  afterEach(() => stub.close());

  function handlerOf(consumer: QueueConsumer, more: Record<string, string> = {}): QueueHandler {
    const environment = {
      ...BASE_ENVIRONMENT,
      AWS_ENDPOINT_URL: stub.endpoint,
      QUEUE_URL: queueUrl("work"),
      QUEUE_NAME: "work",
      DEAD_LETTER_QUEUE_URL: queueUrl("dead"),
      ...more,
    };
    const writeLine = (line: string): void => void lines.push(JSON.parse(line) as Line);
    return createQueueHandler(consumer, environment, { writeLine, random: () => 0.5 });
  }

  const failing = (...ids: string[]): QueueConsumer => ({
    processMessage: async ({ id }) => {
      if (ids.includes(id)) throw new Error(`no luck with ${id}`);
    },
  });

  it("Q7: returns exactly the ids that failed", async () => {
    const handler = handlerOf(failing("m2", "m4"));

    const response = await handler(queueEvent([{}, {}, {}, {}]), invocation());

    assert.deepEqual(failedIds(response), ["m2", "m4"]);
  });

  it("Q7: returns nothing when all succeed, and everything when all fail", async () => {
    const none = await handlerOf(failing())(queueEvent([{}, {}]), invocation());
    const all = await handlerOf(failing("m1", "m2"))(queueEvent([{}, {}]), invocation());

    assert.deepEqual([failedIds(none), failedIds(all)], [[], ["m1", "m2"]]);
  });

  it("works on messages of a standard queue side by side, no more than the consumer allows", async () => {
    let [running, peak] = [0, 0];
    const processMessage = async (): Promise<void> => {
      peak = Math.max(peak, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    };

    await handlerOf({ processMessage, concurrency: 3 })(
      queueEvent(Array.from({ length: 9 }, () => ({}))),
      invocation(),
    );

    assert.equal(peak, 3);
  });

  it("hands over the parsed body, or the text when it is no JSON", async () => {
    const bodies: unknown[] = [];
    const handler = handlerOf({ processMessage: async ({ body }) => void bodies.push(body) });

    await handler(queueEvent([{ body: '{"n":1}' }, { body: "plain {text" }]), invocation());

    assert.deepEqual(bodies, [{ n: 1 }, "plain {text"]);
  });

  it("Q9: stops a FIFO group at its first failure and returns it and everything after it", async () => {
    const seen: string[] = [];
    const handler = handlerOf({
      processMessage: async ({ id }) => {
        seen.push(id);
        if (id === "a2") throw new Error("stop");
      },
    });
    const records = ["a1", "b1", "a2", "b2", "a3", "a4"].map((id) => ({ id, group: id.charAt(0) }));

    const response = await handler(queueEvent(records, "work.fifo"), invocation());

    assert.deepEqual(failedIds(response), ["a2", "a3", "a4"]);
    assert.deepEqual(seen.sort(), ["a1", "a2", "b1", "b2"]);
  });

  it("Q9: over random batches keeps each group's order and returns just its tail", async () => {
    const record = fc.record({ group: fc.constantFrom("a", "b", "c"), fails: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 10 }), async (sketches) => {
        const seen = new Map<string, string[]>();
        const handler = handlerOf({
          processMessage: async ({ id, groupId = "" }) => {
            seen.set(groupId, [...(seen.get(groupId) ?? []), id]);
            await new Promise((resolve) => setImmediate(resolve));
            if (sketches[Number(id)]!.fails) throw new Error("stop");
          },
        });
        const records = sketches.map(({ group }, index) => ({ id: String(index), group }));

        const failed = failedIds(await handler(queueEvent(records, "work.fifo"), invocation()));

        for (const group of ["a", "b", "c"]) {
          const ids = records.filter((one) => one.group === group).map(({ id }) => id);
          const first = ids.findIndex((id) => sketches[Number(id)]!.fails);
          const cut = first === -1 ? ids.length : first;
          assert.deepEqual(seen.get(group) ?? [], ids.slice(0, cut + 1));
          assert.deepEqual(
            failed.filter((id) => ids.includes(id)),
            ids.slice(cut),
          );
        }
      }),
      { numRuns: 50 },
    );
  });

  it("returns what is unfinished or not begun shortly before the function's time is up", async () => {
    const signals: AbortSignal[] = [];
    const handler = handlerOf({
      concurrency: 2,
      processMessage: async ({ id }, { signal }) => {
        signals.push(signal);
        if (id !== "m1") await new Promise(() => undefined);
      },
    });
    const context = invocation(320);

    const response = await handler(queueEvent([{}, {}, {}, {}]), context);

    assert.ok(context.getRemainingTimeInMillis() > 0, "the time was up");
    assert.deepEqual(failedIds(response), ["m2", "m3", "m4"]);
    assert.ok(signals.every(({ aborted }) => aborted));
    const late = lines.filter(({ errorMessage }) => errorMessage === "time is up");
    assert.deepEqual(
      late.map(({ messageId, started }) => [messageId, started]),
      [
        ["m2", true],
        ["m3", true],
        ["m4", false],
      ],
    );
  });

  it("Q21: sends a non-retryable message to the dead-letter queue with its reason, and does not return it", async () => {
    const handler = handlerOf({
      processMessage: async () => {
        throw new NonRetryableError("unknown customer");
      },
    });
    const attributes = Object.fromEntries(
      Array.from({ length: 10 }, (_, index) => [`a${index}`, { dataType: "String", stringValue: "x" }]),
    ) as NonNullable<Parameters<typeof queueEvent>[0][number]["attributes"]>;
    const records = [{ id: "poison", body: "b", group: "g", attributes, trace: "Root=1-2" }];

    const response = await handler(queueEvent(records, "work.fifo"), invocation());

    assert.deepEqual(failedIds(response), []);
    const sent = stub.callsOf("SendMessage")[0]!.input;
    const names = Object.keys(sent.MessageAttributes as object);
    assert.deepEqual(
      { url: sent.QueueUrl, body: sent.MessageBody, group: sent.MessageGroupId, id: sent.MessageDeduplicationId },
      { url: queueUrl("dead"), body: "b", group: "g", id: "poison" },
    );
    assert.equal(names.length, 10);
    assert.deepEqual((sent.MessageAttributes as Record<string, unknown>).Rejection, {
      DataType: "String",
      StringValue: JSON.stringify({ reason: "unknown customer", errorType: "NonRetryableError", messageId: "poison" }),
    });
    assert.deepEqual(sent.MessageSystemAttributes, {
      AWSTraceHeader: { DataType: "String", StringValue: "Root=1-2" },
    });
  });

  it("Q21: recognises the error of another copy of the kit", async () => {
    const foreign = Object.assign(new Error("not ours"), {
      [Symbol.for("serverless-patterns.queue.error")]: "non-retryable",
      reason: "",
    });

    await handlerOf({ processMessage: () => Promise.reject(foreign) })(queueEvent([{}]), invocation());

    const { Rejection } = stub.callsOf("SendMessage")[0]!.input.MessageAttributes as Record<
      string,
      { readonly StringValue: string }
    >;
    assert.deepEqual(JSON.parse(Rejection!.StringValue), {
      reason: "unspecified",
      errorType: "Error",
      messageId: "m1",
    });
  });

  it("Q21: returns a non-retryable message when the dead-letter queue does not take it", async () => {
    stub.fail = ({ operation }) =>
      operation === "SendMessage" ? { status: 403, code: "AccessDeniedException" } : undefined;
    const handler = handlerOf({ processMessage: () => Promise.reject(new NonRetryableError("no")) });

    const response = await handler(queueEvent([{}]), invocation());

    assert.deepEqual(failedIds(response), ["m1"]);
  });

  it("Q26: lets each failed message wait by its own count, ten to a call", async () => {
    const handler = handlerOf(failing(...Array.from({ length: 12 }, (_, index) => `m${index + 1}`)), {
      BACKOFF_BASE_SECONDS: "10",
      BACKOFF_MAXIMUM_SECONDS: "100",
    });

    await handler(queueEvent(Array.from({ length: 12 }, (_, index) => ({ receives: index + 1 }))), invocation());

    const calls = stub
      .callsOf("ChangeMessageVisibilityBatch")
      .map(({ input }) => input.Entries as { VisibilityTimeout: number }[]);
    assert.deepEqual(
      calls.map((entries) => entries.map(({ VisibilityTimeout }) => VisibilityTimeout)),
      [
        [8, 15, 30, 60, 75, 75, 75, 75, 75, 75],
        [75, 75],
      ],
    );
  });

  it("Q26: lets the messages behind a failed one of their group wait as long", async () => {
    const handler = handlerOf(
      {
        processMessage: async () => {
          throw new RetryLaterError(77);
        },
      },
      { QUEUE_URL: queueUrl("work.fifo") },
    );

    await handler(queueEvent([{ group: "a" }, { group: "a" }], "work.fifo"), invocation());

    const entries = stub.callsOf("ChangeMessageVisibilityBatch")[0]!.input.Entries as object[];
    assert.deepEqual(entries, [
      { Id: "0", ReceiptHandle: "handle-m1", VisibilityTimeout: 77 },
      { Id: "1", ReceiptHandle: "handle-m2", VisibilityTimeout: 77 },
    ]);
  });

  it("Q26: leaves the wait to the back-off when RetryLaterError asks for no time", async () => {
    const handler = handlerOf(
      { processMessage: () => Promise.reject(new RetryLaterError(Number("retry-after"))) },
      { BACKOFF_BASE_SECONDS: "10" },
    );

    await handler(queueEvent([{}]), invocation());

    const entries = stub.callsOf("ChangeMessageVisibilityBatch")[0]!.input.Entries as object[];
    assert.deepEqual(entries, [{ Id: "0", ReceiptHandle: "handle-m1", VisibilityTimeout: 8 }]);
  });

  it("Q26: answers as well when the visibility cannot be changed", async () => {
    stub.fail = () => ({ status: 400, code: "ReceiptHandleIsInvalid" });
    const handler = handlerOf(failing("m1"), { BACKOFF_BASE_SECONDS: "1" });

    const response = await handler(queueEvent([{}]), invocation());

    assert.deepEqual(failedIds(response), ["m1"]);
    assert.ok(
      lines.some(({ message, code }) => message === "back-off not applied" && code === "ReceiptHandleIsInvalid"),
    );
  });

  it("Q26: answers in time when the visibility takes too long to change", async () => {
    const context = invocation(400);
    const queue = createServer(() => undefined);
    await new Promise<void>((resolve) => queue.listen(0, "127.0.0.1", resolve));
    const handler = handlerOf(failing("m1"), {
      BACKOFF_BASE_SECONDS: "1",
      AWS_ENDPOINT_URL_SQS: `http://127.0.0.1:${(queue.address() as AddressInfo).port}`,
    });

    const response = await handler(queueEvent([{}]), context);

    assert.deepEqual(failedIds(response), ["m1"]);
    assert.ok(context.getRemainingTimeInMillis() > 0, "the time was up");
    queue.close();
    queue.closeAllConnections();
  });

  it("leaves visibility alone when back-off is off", async () => {
    await handlerOf(failing("m1"))(queueEvent([{}]), invocation());

    assert.deepEqual(stub.calls, []);
  });

  it("Q23: logs message id, group, trace header and receive count, and no body", async () => {
    const handler = handlerOf({
      processMessage: async (_message, { log }) => {
        log.info("hello");
        throw new Error("failed");
      },
    });

    await handler(
      queueEvent([{ body: '{"card":"4111-1111"}', group: "tenant-1", trace: "Root=1-abc", receives: 3 }]),
      invocation(),
    );

    for (const message of ["hello", "message failed"]) {
      const line = lines.find((candidate) => candidate.message === message)!;
      const { messageId, groupId, traceHeader, receiveCount, requestId } = line;
      assert.deepEqual(
        [messageId, groupId, traceHeader, receiveCount, requestId],
        ["m1", "tenant-1", "Root=1-abc", 3, "request-1"],
      );
    }
    assert.ok(!JSON.stringify(lines).includes("4111"));
  });

  it("Q23: publishes the metrics of a batch as one line, without a call", async () => {
    const handler = handlerOf({
      processMessage: async ({ id }) => {
        if (id === "m2") throw new Error("failed");
      },
    });

    await handler(queueEvent([{}, { group: "a" }, { group: "a" }], "work.fifo"), invocation());

    const published = lines.filter((line) => "_aws" in line);
    assert.equal(published.length, 1);
    const { QueueName, MessagesProcessed, MessagesFailed, MessagesRejected, DuplicatesSkipped, MessagesReturned } =
      published[0]!;
    assert.deepEqual(
      [QueueName, MessagesProcessed, MessagesFailed, MessagesRejected, DuplicatesSkipped, MessagesReturned],
      ["work", 1, 1, 0, 0, 1],
    );
    assert.deepEqual(stub.calls, []);
  });

  it("rejects settings that are no numbers, or that need a table that is not named", () => {
    assert.throws(
      () => handlerOf(failing(), { BACKOFF_BASE_SECONDS: "soon" }),
      /BACKOFF_BASE_SECONDS must be a number/,
    );
    assert.throws(() => handlerOf(failing(), { IDEMPOTENCY_SECONDS: "60" }), /STATE_TABLE_NAME is not set/);
  });
});
