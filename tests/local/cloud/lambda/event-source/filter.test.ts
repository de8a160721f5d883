// Proves filter criteria: bodies of JSON and of text, attributes, several patterns, and what Lambda refuses.
import assert from "node:assert/strict";
import { compileFilters } from "../../../../../local/cloud/lambda/event-source/filter";

const passes = (pattern: unknown, body: string, more: Readonly<Record<string, unknown>> = {}): boolean | undefined =>
  compileFilters([JSON.stringify(pattern)])?.({ body, ...more });

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

  it("leaves the body alone when the pattern does not name it", () => {
    const pattern = { messageAttributes: { tenant: { stringValue: ["a"] } } };
    const of = (stringValue: string) => ({ messageAttributes: { tenant: { stringValue } } });
    assert.equal(passes(pattern, "hello", of("a")), true);
    assert.equal(passes(pattern, '{"kind":1}', of("a")), true);
    assert.equal(passes(pattern, "hello", of("b")), false);
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

  it("accepts a pattern longer than EventBridge's 2,048 characters", () => {
    assert.equal(passes({ body: ["x".repeat(3000)] }, "x".repeat(3000)), true);
  });
});
