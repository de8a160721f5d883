// Proves which filter patterns are refused, that Lambda's documented forms pass, and that no filter deletes claim checks. Lambda's own
// check is not proven here.
import assert from "node:assert/strict";
import { findFilterProblem } from "../../../components/throttled-queue-consumer/filters";
import { resolveThrottledQueueConsumerSettings } from "../../../components/throttled-queue-consumer/settings";
import { CLAIM_CHECK_PREFIX, type ClaimCheck } from "../../../handlers/queue/contract";
import { compileFilters } from "../../../local/cloud/lambda/event-source/filter";
import { MINIMAL_QUEUE_ARGS } from "../../support/queue-component";

const ACCEPTED: readonly string[] = [
  '{"body":{"kind":["order"]}}',
  '{"body":["plain text"]}',
  '{"body":{"kind":[{"prefix":"or"},{"suffix":"er"},{"equals-ignore-case":"ORDER"}]}}',
  '{"body":{"amount":[{"numeric":[">",0,"<=",100]}],"vip":[true,null,""]}}',
  '{"body":{"state":[{"anything-but":["done","gone"]}],"id":[{"exists":true}]}}',
  '{"body":{"state":[{"anything-but":{"prefix":"test-"}}]}}',
  '{"body":{"messageAttributes":["a name like any other"]}}',
  '{"$or":[{"body":{"kind":["a"]}},{"body":["b"]}]}',
];

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ["{", /^is not JSON$/],
  ["[]", /^is not a JSON object$/],
  ["{}", /^is empty$/],
  ['{"Body":{"kind":["order"]}}', /^looks at "Body", but Lambda filters the messages of a queue by "body" alone$/],
  ['{"messageAttributes":{"kind":{"stringValue":["order"]}}}', /^looks at "messageAttributes", but Lambda filters/],
  ['{"body":["a"],"attributes":{"SenderId":["b"]}}', /^looks at "attributes", but Lambda filters/],
  ['{"$or":[{"body":["a"]},{"messageId":["b"]}]}', /^looks at "\$or\.messageId", but Lambda filters/],
  ['{"$or":[{"body":["a"]},{"$or":[{"body":["b"]},{"awsRegion":["c"]}]}]}', /^looks at "\$or\.\$or\.awsRegion", but/],
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
  ['{"$or":[{"body":["a"]}]}', /^"\$or" must list two or more patterns, none of them empty$/],
  ['{"$or":[{"body":["a"]},{}]}', /^"\$or" must list two or more patterns, none of them empty$/],
  [`{"body":["${"a".repeat(4096)}"]}`, /^has 4109 characters, at most 4096$/],
];

const ADMITTING: readonly string[] = [
  '{"body":{"claimCheck":{"key":[{"exists":true}]}}}',
  '{"body":{"claimCheck":{"key":[{"prefix":"claim-checks/"}],"bytes":[{"exists":true}]}}}',
  '{"body":{"$or":[{"kind":["order"]},{"claimCheck":{"bucket":[{"exists":true}]}}]}}',
  '{"$or":[{"body":{"kind":["order"]}},{"body":{"claimCheck":{"key":["none",{"exists":true}]}}}]}',
  '{"body":{"kind":[{"exists":false}]}}',
  '{"body":{"claimCheck":{"key":[{"exists":true}]},"kind":{"name":[{"exists":false}]}}}',
];

const DELETING: readonly string[] = [
  '{"body":{"kind":["order"]}}',
  '{"body":{"kind":[{"exists":true}]}}',
  '{"body":[{"prefix":"{"}]}',
  '{"body":{"claimCheck":[{"exists":true}]}}',
  '{"body":{"claimCheck":{"key":[{"exists":false}]}}}',
  '{"body":{"claimCheck":{"key":[{"prefix":"orders/"}]}}}',
  '{"body":{"claimCheck":{"key":[{"exists":true}]},"kind":["order"]}}',
  '{"body":{"$or":[{"kind":["order"]},{"claimCheck":{"sha":[{"exists":true}]}}]}}',
];

const REFERENCE: ClaimCheck = { claimCheck: { bucket: "bodies", key: `${CLAIM_CHECK_PREFIX}1`, bytes: 2_000_000 } };
const resolve = (...filters: string[]): unknown =>
  resolveThrottledQueueConsumerSettings("orders", { ...MINIMAL_QUEUE_ARGS, claimCheck: {}, filters });
const passesInTheCloud = (text: string): boolean | undefined =>
  compileFilters([text])?.({ body: JSON.stringify(REFERENCE) });

describe("filter patterns of an SQS event source", () => {
  for (const text of ADMITTING) {
    it(`Q19, Q24: accept ${text} with claimCheck, and a claim check passes it`, () => {
      assert.doesNotThrow(() => resolve('{"body":{"kind":["order"]}}', text));
      assert.equal(passesInTheCloud(text), true);
    });
  }

  for (const text of DELETING) {
    it(`Q19, Q24: rejects ${text} with claimCheck, as it would delete claim checks`, () => {
      assert.throws(
        () => resolve('{"body":{"kind":["order"]}}', text),
        /orders: filters must have a pattern that every/,
      );
      assert.equal(passesInTheCloud(text), false);
    });
  }

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
