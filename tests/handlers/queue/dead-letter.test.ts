// Proves what the kit sends to the dead-letter queue itself: within SQS's limits whatever the body, attributes and reason are.
import assert from "node:assert/strict";
import fc from "fast-check";
import { NonRetryableError } from "../../../handlers/queue";
import { REJECTION_ATTRIBUTE, SQS_LIMITS, type Rejection } from "../../../handlers/queue/contract";
import { toRejected } from "../../../handlers/queue/dead-letter";
import type { MessageAttribute, ReceivedMessage } from "../../../handlers/queue/message";
import { bytesOf, type OutgoingMessage } from "../../../handlers/queue/sqs";

const ID = "0c6f1a52-6a3a-4a44-9d5e-3f0f1a2b3c4d";
const text = (stringValue: string): MessageAttribute => ({ dataType: "String", stringValue });

function received(body: string, attributes: Readonly<Record<string, MessageAttribute>> = {}): ReceivedMessage {
  const queueArn = "arn:aws:sqs:eu-west-1:123456789012:work";
  return { id: ID, receiptHandle: "handle", text: body, attributes, system: {}, queueArn };
}

function rejectionOf({ attributes = {} }: OutgoingMessage): Rejection | undefined {
  const value = attributes[REJECTION_ATTRIBUTE]?.stringValue;
  return value === undefined ? undefined : (JSON.parse(value) as Rejection);
}

describe("A rejected message", () => {
  it("Q21: carries the reason in one attribute, so that nine of the sender's stay", () => {
    const names = Array.from({ length: 10 }, (_, index) => `a${index}`);
    const own = Object.fromEntries(names.map((name) => [name, text(name)]));

    const sent = toRejected(received("b", own), new NonRetryableError("no such customer"));

    assert.deepEqual(Object.keys(sent.attributes ?? {}), [...names.slice(0, 9), REJECTION_ATTRIBUTE]);
    const rejection: Rejection = { reason: "no such customer", errorType: "NonRetryableError", messageId: ID };
    assert.deepEqual(rejectionOf(sent), rejection);
  });

  it("Q21: takes the place of an earlier rejection", () => {
    const first = toRejected(received("b", { own: text("x") }), new NonRetryableError("first"));

    const second = toRejected(received("b", first.attributes), new NonRetryableError("second"));

    assert.deepEqual(
      [Object.keys(second.attributes ?? {}), rejectionOf(second)?.reason],
      [["own", "Rejection"], "second"],
    );
  });

  it("Q21: fits into the dead-letter queue however large it is: the reason is cut, the body and the attributes are not", () => {
    const reasons = fc.string({
      unit: fc.constantFrom("a", '"', "\\", "\n", "é", "漢", "😀", "\u0000", "\ud800"),
      maxLength: 600,
    });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1500 }), reasons, (room, reason) => {
        const own = { kind: text("invoice") };
        const body = "x".repeat(SQS_LIMITS.maximumMessageBytes - bytesOf("", own) - room);

        const sent = toRejected(received(body, own), new NonRetryableError(reason));

        assert.ok(bytesOf(sent.text, sent.attributes) <= SQS_LIMITS.maximumMessageBytes);
        assert.ok(sent.text === body && sent.attributes?.kind === own.kind);
        const cleaned = reason.replaceAll(/[\u0000\ud800](?![\udc00-\udfff])/g, "?") || "unspecified";
        const kept = rejectionOf(sent)?.reason;
        if (room >= 200) assert.ok(kept !== undefined && cleaned.startsWith(kept));
        if (room === 1500 && reason.length < 200) assert.equal(kept, cleaned);
        // No more is cut than has to be: another character has six bytes at most.
        if (kept !== undefined && kept !== cleaned.slice(0, 1024)) {
          assert.ok(bytesOf(sent.text, sent.attributes) > SQS_LIMITS.maximumMessageBytes - 6);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("Q21: goes without a reason where there is no room at all", () => {
    const sent = toRejected(received("x".repeat(SQS_LIMITS.maximumMessageBytes)), new NonRetryableError("no"));

    assert.deepEqual([sent.attributes, sent.text.length], [{}, SQS_LIMITS.maximumMessageBytes]);
  });
});
