// Proves how responses of functions that report failed messages are read, malformed ones included.
import assert from "node:assert/strict";
import { readFailures } from "../../../../../local/cloud/lambda/event-source/response";

const read = (text: string): readonly string[] | undefined => {
  const failures = readFailures(Buffer.from(text), new Set(["a", "b"]));
  return failures && [...failures];
};

describe("Partial batch responses", () => {
  for (const text of [
    "",
    "null",
    '""',
    "[]",
    "{}",
    '{"batchItemFailures":[]}',
    '{"batchItemFailures":null}',
    '{"ok":1}',
  ]) {
    it(`takes ${text || "nothing"} for success`, () => assert.deepEqual(read(text), []));
  }

  it("names the messages that failed", () => {
    assert.deepEqual(read('{"batchItemFailures":[{"itemIdentifier":"b"}]}'), ["b"]);
  });

  for (const text of [
    "{oops",
    "7",
    '{"batchItemFailures":"b"}',
    '{"batchItemFailures":[{"itemIdentifier":""}]}',
    '{"batchItemFailures":[{"itemIdentifier":null}]}',
    '{"batchItemFailures":[{"itemIdentifier":"stranger"}]}',
    '{"batchItemFailures":[{"id":"a"}]}',
    '{"batchItemFailures":["a"]}',
    '{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"stranger"}]}',
  ]) {
    it(`rejects the whole batch for ${text}`, () => assert.equal(read(text), undefined));
  }
});
