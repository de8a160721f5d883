// Proves which filter patterns are refused, and that Lambda's documented forms pass. Lambda's own check is not proven here.
import assert from "node:assert/strict";
import { findFilterProblem } from "../../../components/throttled-queue-consumer/filters";

const ACCEPTED: readonly string[] = [
  '{"body":{"kind":["order"]}}',
  '{"body":["plain text"]}',
  '{"body":{"kind":[{"prefix":"or"},{"suffix":"er"},{"equals-ignore-case":"ORDER"}]}}',
  '{"body":{"amount":[{"numeric":[">",0,"<=",100]}],"vip":[true,null,""]}}',
  '{"body":{"state":[{"anything-but":["done","gone"]}],"id":[{"exists":true}]}}',
  '{"body":{"state":[{"anything-but":{"prefix":"test-"}}]}}',
  '{"messageAttributes":{"kind":{"stringValue":["order"]}}}',
  '{"$or":[{"body":{"kind":["a"]}},{"messageAttributes":{"kind":{"stringValue":["b"]}}}]}',
];

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ["{", /^is not JSON$/],
  ["[]", /^is not a JSON object$/],
  ["{}", /^is empty$/],
  ['{"Body":{"kind":["order"]}}', /^looks at "Body", which no SQS record has; did you mean "body"\?$/],
  ['{"body":{"kind":"order"}}', /^"body\.kind" must be a list of values, as \["order"\]$/],
  ['{"body":{"kind":[]}}', /^"body\.kind" is an empty list, which matches nothing$/],
  ['{"body":{}}', /^"body" is an empty object$/],
  ['{"body":{"kind":[["order"]]}}', /^"body\.kind" holds a list within a list$/],
  ['{"body":{"kind":[{"prefx":"a"}]}}', /^"body\.kind": unknown operator "prefx"; did you mean "prefix"\?$/],
  ['{"body":{"kind":[{"prefix":"a","suffix":"b"}]}}', /^"body\.kind" must hold one operator per object$/],
  ['{"body":{"kind":[{"prefix":1}]}}', /^"body\.kind": prefix takes a text$/],
  ['{"body":{"kind":[{"exists":"yes"}]}}', /^"body\.kind": exists takes true or false$/],
  ['{"body":{"n":[{"numeric":[">"]}]}}', /^"body\.n": numeric takes a comparison and a number/],
  ['{"body":{"n":[{"numeric":[">","1"]}]}}', /^"body\.n": numeric takes/],
  ['{"body":{"n":[{"anything-but":[]}]}}', /^"body\.n": anything-but takes/],
  ['{"$or":[{"body":["a"]}]}', /^"\$or" must list two or more patterns$/],
  [`{"body":["${"a".repeat(4096)}"]}`, /^has 4109 characters, at most 4096$/],
];

describe("filter patterns of an SQS event source", () => {
  for (const text of ACCEPTED) {
    it(`Q19: accept ${text}`, () => {
      assert.equal(findFilterProblem(text), undefined);
    });
  }

  for (const [text, problem] of REFUSED) {
    it(`Q19: rejects ${text.slice(0, 60)}`, () => {
      assert.match(findFilterProblem(text) ?? "accepted", problem);
    });
  }
});
