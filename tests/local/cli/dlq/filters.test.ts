// Proves the filters of `npm run dlq`, and what they refuse.
import assert from "node:assert/strict";
import { readFilter } from "../../../../local/cli/dlq/filters";
import type { DeadLetter } from "../../../../local/cli/dlq/messages";

const NOW = 1_000_000_000;
const LETTER: DeadLetter = {
  id: "11111111-2222-3333-4444-555555555555",
  receiptHandle: "handle",
  body: "Invoice 7",
  sentAt: NOW - 3_600_000,
  receiveCount: 5,
  groupId: "tenant-1",
  reason: "No such customer",
  errorType: "NotFound",
  attributes: { kind: "a=b" },
  original: {},
};

const fits = (options: Record<string, string>): boolean => readFilter(options, NOW)?.(LETTER) === true;

describe("filters of dead letters", () => {
  it("contain a text whatever its case, or are exactly it", () => {
    assert.ok(fits({ where: "reason~CUSTOMER" }));
    assert.ok(fits({ where: "type=NotFound" }));
    assert.ok(fits({ where: "group~tenant" }));
    assert.ok(fits({ where: "id=11111111-2222-3333-4444-555555555555" }));
    assert.ok(!fits({ where: "type=notfound" }));
    assert.ok(!fits({ where: "body=Invoice" }));
  });

  it("compare attributes as a whole, also with = in their value", () => {
    assert.ok(fits({ attribute: "kind=a=b" }));
    assert.ok(!fits({ attribute: "kind=a" }));
    assert.ok(!fits({ attribute: "constructor=x" }));
  });

  it("count age from the sending, the bound included", () => {
    assert.ok(fits({ "older-than": "1h" }));
    assert.ok(!fits({ "older-than": "61m" }));
  });

  it("must all hold, and are none when none was given", () => {
    assert.ok(!fits({ where: "reason~customer", "older-than": "2h" }));
    assert.equal(readFilter({}, NOW), undefined);
  });

  it("rejects unknown fields, operators and forms, with what would be right", () => {
    assert.throws(
      () => fits({ where: "reason" }),
      /--where must be FIELD~TEXT .* reason, type, body, group, id, got reason/,
    );
    assert.throws(() => fits({ where: "sender~x" }), /got sender~x/);
    assert.throws(() => fits({ where: "constructor~x" }), /got constructor~x/);
    assert.throws(() => fits({ attribute: "kind" }), /--attribute must be NAME=VALUE, got kind/);
    assert.throws(() => fits({ "older-than": "1" }), /--older-than must be a time .* got 1/);
  });
});
