// Proves how messages are sent: batches within SQS's limits, repetition of failed entries only, order on FIFO, large bodies by reference,
// and that a body which is not stored costs no other message.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { sendMessages } from "../../../handlers/queue";
import {
  createProducer,
  type ProducedMessage,
  type ProducerPorts,
  type SendReport,
} from "../../../handlers/queue/producer";
import type { OutgoingMessage } from "../../../handlers/queue/sqs";
import { AwsCallError } from "../../../handlers/shared/errors";
import { BASE_ENVIRONMENT, queueUrl, startQueueStub } from "../../support/queue-stub";

interface Sending {
  readonly report: SendReport;
  readonly batches: readonly (readonly OutgoingMessage[])[];
  readonly objects: ReadonlyMap<string, string>;
  readonly pauses: readonly number[];
}

/** Sends through ports that record. `refuse`: code for an entry of the n-th batch; `refusePut`: S3's, for a body. */
async function send(
  messages: readonly ProducedMessage[],
  given: {
    readonly queue?: string;
    readonly bucket?: boolean;
    readonly limit?: number;
    readonly refuse?: (batch: number, message: OutgoingMessage) => string | undefined;
    readonly refusePut?: (body: string) => string | undefined;
  } = {},
): Promise<Sending> {
  const { queue = "work", bucket = true, limit, refuse = () => undefined, refusePut = () => undefined } = given;
  const batches: OutgoingMessage[][] = [];
  const objects = new Map<string, string>();
  const pauses: number[] = [];
  const ports: Partial<ProducerPorts> = {
    queue: {
      sendBatch: async (batch) => {
        batches.push([...batch]);
        return batch.flatMap((message, index) => {
          const code = refuse(batches.length, message);
          return code ? [{ index, code, senderFault: code === "Bad" }] : [];
        });
      },
    },
    pause: async (milliseconds) => void pauses.push(milliseconds),
    random: () => 1,
    newKey: () => `key-${objects.size + 1}`,
    ...(bucket
      ? {
          bodies: {
            bucket: "bodies",
            get: async () => "",
            put: async (key: string, body: string) => {
              const code = refusePut(body);
              if (code) throw new AwsCallError(code, 503, "refused");
              objects.set(key, body);
            },
          },
        }
      : {}),
  };
  const environment = BASE_ENVIRONMENT;
  const settings = { queueUrl: queueUrl(queue), environment, ...(limit ? { maxMessageSizeBytes: limit } : {}) };
  const report = await createProducer(settings, ports).send(messages);
  return { report, batches, objects, pauses };
}

const numbered = (count: number, groupId?: string): ProducedMessage[] =>
  Array.from({ length: count }, (_, index) => ({ body: `${groupId ?? ""}${index}`, ...(groupId ? { groupId } : {}) }));

describe("The producer", () => {
  it("sends ten messages to a call", async () => {
    const { batches, report } = await send(numbered(23));

    assert.deepEqual(
      batches.map(({ length }) => length),
      [10, 10, 3],
    );
    assert.deepEqual(report, { sent: 23, failed: [] });
  });

  it("keeps every batch within 1 MiB and 10 entries, and loses and repeats nothing", async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 700_000 }), { maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(sizes, async (lengths) => {
        const { batches } = await send(lengths.map((length, index) => ({ body: `${index}:`.padEnd(length, "x") })));
        for (const batch of batches) {
          assert.ok(batch.length <= 10);
          assert.ok(batch.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) <= 1_048_576);
        }
        const ids = batches.flat().map(({ text }) => Number.parseInt(text));
        assert.deepEqual(
          ids,
          lengths.map((_, index) => index),
        );
      }),
      { numRuns: 20 },
    );
  });

  it("repeats failed entries only, with growing pauses", async () => {
    const { batches, report, pauses } = await send(numbered(3), {
      refuse: (batch, { text }) => (batch < 3 && text === "1" ? "InternalError" : undefined),
    });

    assert.deepEqual(
      batches.map((batch) => batch.map(({ text }) => text)),
      [["0", "1", "2"], ["1"], ["1"]],
    );
    assert.deepEqual([report, pauses], [{ sent: 3, failed: [] }, [100, 200]]);
  });

  it("reports an entry that is wrong itself, without repeating it", async () => {
    const { batches, report } = await send(numbered(3), {
      refuse: (_, { text }) => (text === "1" ? "Bad" : undefined),
    });

    assert.equal(batches.length, 1);
    assert.deepEqual(report, { sent: 2, failed: [{ index: 1, code: "Bad" }] });
  });

  it("gives up after six attempts", async () => {
    const { batches, report } = await send(numbered(1), { refuse: () => "InternalError" });

    assert.equal(batches.length, 6);
    assert.deepEqual(report, { sent: 0, failed: [{ index: 0, code: "InternalError" }] });
  });

  it("keeps the order of a FIFO group when SQS refuses an entry for a while", async () => {
    const messages = [...numbered(2, "a"), ...numbered(2, "b")];
    const { batches } = await send(messages, {
      queue: "work.fifo",
      refuse: (batch, { text }) => (batch < 3 && text === "a0" ? "InternalError" : undefined),
    });

    const order = batches.flat().map(({ text }) => text);
    assert.ok(order.lastIndexOf("a0") < order.indexOf("a1"), order.join());
  });

  it("stops a FIFO group at a message that SQS never takes", async () => {
    const { report } = await send([...numbered(3, "a"), ...numbered(1, "b")], {
      queue: "work.fifo",
      refuse: (_, { text }) => (text === "a1" ? "Bad" : undefined),
    });

    assert.deepEqual(report, {
      sent: 2,
      failed: [
        { index: 1, code: "Bad" },
        { index: 2, code: "GroupStopped" },
      ],
    });
  });

  it("Q24: sends a body above 1 MiB as a claim check", async () => {
    const body = "é".repeat(600_000);
    const { batches, objects } = await send([{ body }]);

    assert.equal(objects.get("claim-checks/key-1"), body);
    assert.deepEqual(JSON.parse(batches[0]![0]!.text), {
      claimCheck: { bucket: "bodies", key: "claim-checks/key-1", bytes: 1_200_000 },
    });
  });

  it("Q24: sends a body above the queue's own limit as a claim check", async () => {
    const { batches, objects } = await send([{ body: "x".repeat(2049) }, { body: "x".repeat(2048) }], { limit: 2048 });

    assert.deepEqual([...objects.keys()], ["claim-checks/key-1"]);
    assert.equal(batches.flat()[1]!.text.length, 2048);
  });

  const LARGE = "x".repeat(1_048_577);
  const refuseMarked = (body: string): string | undefined => (body.startsWith("!") ? "SlowDown" : undefined);

  it("Q24: reports a body that S3 does not take, and sends all others", async () => {
    const { batches, report } = await send([{ body: "a" }, { body: `!${LARGE}` }, { body: LARGE }, { body: "b" }], {
      refusePut: refuseMarked,
    });

    assert.deepEqual(report, { sent: 3, failed: [{ index: 1, code: "SlowDown" }] });
    assert.deepEqual(
      batches.flat().map(({ text }) => text.slice(0, 13)),
      ["a", '{"claimCheck"', "b"],
    );
  });

  it("Q24: stops a FIFO group at a body that S3 does not take", async () => {
    const bodies = [`!${LARGE}`, "behind", "other", "last"];
    const { batches, report } = await send(
      bodies.map((body, index) => ({ body, groupId: index === 2 ? "b" : "a" })),
      { queue: "work.fifo", refusePut: refuseMarked },
    );

    assert.deepEqual(report, {
      sent: 1,
      failed: [
        { index: 0, code: "SlowDown" },
        { index: 1, code: "GroupStopped" },
        { index: 3, code: "GroupStopped" },
      ],
    });
    assert.deepEqual(
      batches.flat().map(({ text }) => text),
      ["other"],
    );
  });

  it("Q24: gives a claim check on FIFO the deduplication id that SQS would have made of the body itself", async () => {
    const messages = [
      { body: LARGE, groupId: "a" },
      { body: LARGE, groupId: "b" },
      { body: LARGE, groupId: "c", deduplicationId: "own" },
      { body: "small", groupId: "d" },
    ];
    const { batches, objects } = await send(messages, { queue: "work.fifo" });
    const standard = await send([{ body: LARGE }]);

    const digest = createHash("sha256").update(LARGE).digest("hex");
    assert.equal(objects.size, 3);
    assert.deepEqual(
      batches.flat().map(({ deduplicationId }) => deduplicationId),
      [digest, digest, "own", undefined],
    );
    assert.equal(standard.batches[0]![0]!.deduplicationId, undefined);
  });

  it("rejects a body above 1 MiB without a bucket, before anything is sent", async () => {
    await assert.rejects(send([{ body: "small" }, { body: "x".repeat(1_048_577) }], { bucket: false }), {
      name: "RangeError",
      message: "message 1 has 1048577 bytes, SQS takes 1048576; set claimCheckBucket",
    });
  });

  it("Q10: sends group, deduplication id, attributes and bodies over HTTP as SQS asks", async () => {
    const stub = await startQueueStub();
    const environment = { ...BASE_ENVIRONMENT, AWS_ENDPOINT_URL: stub.endpoint };
    const attributes = { kind: { dataType: "String", stringValue: "x" } };

    const report = await sendMessages({ queueUrl: queueUrl("work.fifo"), environment }, [
      { body: { n: 1 }, groupId: "tenant-1", deduplicationId: "d-1", attributes, delaySeconds: 3 },
    ]);
    await stub.close();

    assert.deepEqual(report, { sent: 1, failed: [] });
    assert.deepEqual(stub.callsOf("SendMessageBatch")[0]!.input, {
      QueueUrl: queueUrl("work.fifo"),
      Entries: [
        {
          Id: "0",
          MessageBody: '{"n":1}',
          MessageAttributes: { kind: { DataType: "String", StringValue: "x" } },
          MessageGroupId: "tenant-1",
          MessageDeduplicationId: "d-1",
          DelaySeconds: 3,
        },
      ],
    });
  });

  it("reports all entries of a call that is refused as a whole", async () => {
    const stub = await startQueueStub();
    stub.fail = () => ({ status: 403, code: "AccessDeniedException" });
    const environment = { ...BASE_ENVIRONMENT, AWS_ENDPOINT_URL: stub.endpoint };

    const report = await sendMessages({ queueUrl: queueUrl("work"), environment }, numbered(2));
    await stub.close();

    assert.deepEqual(report, {
      sent: 0,
      failed: [0, 1].map((index) => ({ index, code: "AccessDeniedException" })),
    });
  });
});
