// Proves that requests are checked completely: whatever a client sends, it is a request of the contract or InvalidRequest.
import assert from "node:assert/strict";
import fc from "fast-check";
import { InvalidRequestError } from "../../../handlers/shared/errors";
import { parseComplete, parseList, parseSign, parseStart } from "../../../handlers/upload/requests";
import { CHECKSUM } from "../../support/upload-handlers";

const start = { fileName: "a.png", size: 1, contentType: "image/png", requestId: "0123456789abcdef" };
const part = { partNumber: 1, checksum: CHECKSUM };
const completed = { ...part, eTag: '"e"' };
const id = "01940000-0000-7000-8000-000000000000";

describe("Requests", () => {
  it("keep what the contract names and drop the rest, a key above all", () => {
    const full = { ...start, partSize: 5, fingerprint: "f", firstBytes: "iVBORw==" };

    const { firstBytes, ...rest } = parseStart({ ...full, key: "someone/else", uploadId: "x" });

    assert.deepEqual(rest, { ...start, partSize: 5, fingerprint: "f" });
    assert.deepEqual([...(firstBytes ?? [])], [0x89, 0x50, 0x4e, 0x47]);
  });

  const badStarts = [
    { fileName: "" },
    { fileName: "a".repeat(256) },
    { fileName: 7 },
    { size: -1 },
    { size: 1.5 },
    { size: "1" },
    { size: 2 ** 60 },
    { contentType: undefined },
    { requestId: "short" },
    { requestId: "a".repeat(65) },
    { requestId: "with#separator#in#it" },
    { partSize: 0 },
    { partSize: 2 ** 60 },
    { fingerprint: "" },
    { fingerprint: "f".repeat(129) },
    { firstBytes: "not base64!" },
    { firstBytes: Buffer.alloc(65).toString("base64") },
    { firstBytes: 7 },
  ];
  for (const change of badStarts) {
    it(`rejects a start with ${JSON.stringify(change).slice(0, 60)}`, () => {
      assert.throws(() => parseStart({ ...start, ...change }), { code: "InvalidRequest", status: 400 });
    });
  }

  const badSigns = [
    {},
    { parts: [] },
    { parts: "x" },
    { parts: [null] },
    { parts: [part, part] },
    { parts: [part, { ...part, partNumber: 2 }, { ...part, partNumber: 3 }] },
    { parts: [{ ...part, partNumber: 0 }] },
    { parts: [{ ...part, partNumber: 10_001 }] },
    { parts: [{ ...part, checksum: "AAAAAA==" }] },
    { parts: [{ ...part, checksum: "AAAAAAAAAAB=" }] },
    { parts: [{ ...part, checksum: `${CHECKSUM}\n` }] },
  ];
  for (const body of badSigns) {
    it(`U4: rejects signing ${JSON.stringify(body)} with a window of two`, () => {
      assert.throws(() => parseSign(body, 2), { code: "InvalidRequest" });
    });
  }

  it("take the quoted and the bare ETag", () => {
    const parts = [completed, { ...completed, partNumber: 2, eTag: "bare" }];

    assert.deepEqual(parseComplete({ parts, checksum: CHECKSUM }), { parts, checksum: CHECKSUM });
  });

  const badCompletes = [
    { parts: [completed] },
    { checksum: CHECKSUM },
    { checksum: CHECKSUM, parts: [{ ...completed, eTag: "" }] },
    { checksum: CHECKSUM, parts: [{ ...completed, eTag: "<xml>\n" }] },
    { checksum: CHECKSUM, parts: Array(10_001).fill(completed) },
  ];
  for (const body of badCompletes) {
    it(`rejects completing ${JSON.stringify(body).slice(0, 80)}`, () => {
      assert.throws(() => parseComplete(body), { code: "InvalidRequest" });
    });
  }

  const badLists = [
    { state: "aborted" },
    { state: "toString" },
    { limit: "0" },
    { limit: "101" },
    { limit: "1e1" },
    { cursor: "UPLOAD#x" },
  ];
  for (const query of badLists) {
    it(`rejects listing with ${JSON.stringify(query)}`, () => {
      assert.throws(() => parseList(query), { code: "InvalidRequest" });
    });
  }

  it("list everything but cancelled uploads when nothing is asked", () => {
    assert.deepEqual(parseList({ cursor: id, limit: "100" }), {
      states: ["open", "completing", "completed", "failed", "abandoned"],
      limit: 100,
      after: id,
    });
  });

  it("throw nothing but InvalidRequest, for any JSON", () => {
    const names = fc.constantFrom(
      "fileName",
      "size",
      "contentType",
      "requestId",
      "partSize",
      "firstBytes",
      "parts",
      "checksum",
      "fingerprint",
      "__proto__",
    );
    const body = fc.oneof(
      fc.dictionary(names, fc.jsonValue()),
      fc.record({
        parts: fc.array(fc.oneof(fc.jsonValue(), fc.record({ partNumber: fc.jsonValue(), checksum: fc.jsonValue() }))),
      }),
    );
    fc.assert(
      fc.property(body, (value) => {
        const parsers = [parseStart, parseComplete, (each: Readonly<Record<string, unknown>>) => parseSign(each, 100)];
        for (const parse of parsers) {
          try {
            parse(value);
          } catch (error) {
            assert.ok(error instanceof InvalidRequestError, String(error));
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});
