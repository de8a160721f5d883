// Proves filter criteria: bodies of JSON and of text, several patterns, and what Lambda refuses.
import assert from "node:assert/strict";
import { compileFilters } from "../../../../../local/cloud/lambda/event-source/filter";

const passes = (pattern: unknown, body: string): boolean | undefined =>
  compileFilters([JSON.stringify(pattern)])?.({ body });

describe("Filter criteria", () => {
  it("looks into bodies of JSON", () => {
    const pattern = { body: { kind: ["order"], amount: [{ numeric: [">", 10] }] } };
    assert.equal(passes(pattern, '{"kind":"order","amount":11}'), true);
    assert.equal(passes(pattern, '{"kind":"order","amount":10}'), false);
  });

  it("drops a text when the pattern is for JSON, and JSON when it is for text", () => {
    assert.equal(passes({ body: { kind: [{ exists: false }] } }, "hello"), false);
    assert.equal(passes({ body: { kind: [{ exists: false }] } }, "{hello"), false);
    assert.equal(passes({ body: ["hello"] }, "hello"), true);
    assert.equal(passes({ body: [{ prefix: "{" }] }, '{"kind":"order"}'), false);
  });

  it("joins patterns of text and of JSON", () => {
    const pattern = { $or: [{ body: ["hello"] }, { $or: [{ body: { kind: [1] } }, { body: { kind: [2] } }] }] };
    assert.equal(passes(pattern, "hello"), true);
    assert.equal(passes(pattern, '{"kind":2}'), true);
    assert.equal(passes(pattern, '{"kind":3}'), false);
    assert.equal(passes(pattern, "good-bye"), false);
  });

  it("passes what fits one of several patterns", () => {
    const filter = compileFilters(['{"body":{"a":[1]}}', '{"body":["b"]}']);
    assert.deepEqual(
      [filter?.({ body: '{"a":1}' }), filter?.({ body: "b" }), filter?.({ body: "c" })],
      [true, true, false],
    );
  });

  it("has nothing to decide without patterns", () => {
    assert.equal(compileFilters([]), undefined);
  });

  for (const [what, pattern] of [
    ["text that is not JSON", "kind = order"],
    ["an unknown operator", '{"body":{"a":[{"like":"x"}]}}'],
    ["a value outside a list", '{"body":{"a":"x"}}'],
    ["more than 4,096 characters", JSON.stringify({ body: ["x".repeat(4096)] })],
  ] as const) {
    it(`rejects ${what}`, () => {
      const refusal = { code: "InvalidParameterValueException", message: /^Invalid filter pattern definition\./ };
      assert.throws(() => compileFilters([pattern]), refusal);
    });
  }

  for (const [pattern, key] of [
    ['{"messageAttributes":{"tenant":{"stringValue":["a"]}}}', "messageAttributes"],
    ['{"body":{"a":[1]},"eventSourceARN":["b"]}', "eventSourceARN"],
    ['{"$or":[{"body":["a"]},{"messageId":["b"]}]}', "messageId"],
    ['{"$or":["a"]}', "$or"],
  ] as const) {
    it(`rejects ${pattern}: AWS supports no key but the body`, () => {
      const reason = `SQS event source mappings only support filtering on the body key, got "${key}"`;
      const message = `Invalid filter pattern definition. ${reason}`;
      assert.throws(() => compileFilters([pattern]), { code: "InvalidParameterValueException", message });
    });
  }

  it("accepts a pattern longer than EventBridge's 2,048 characters", () => {
    assert.equal(passes({ body: ["x".repeat(3000)] }, "x".repeat(3000)), true);
  });
});
