// Proves what each answer of Amazon S3 to a part, and each refusal of the API, means.

import assert from "node:assert/strict";
import { readRefusal } from "../../../clients/upload/api";
import type { UploadError } from "../../../clients/upload/errors";
import { backoffMs, DEFAULT_RETRY } from "../../../clients/upload/retry";
import { judgeAnswer } from "../../../clients/upload/verdict";

const refusal = (status: number, code = ""): { status: number; eTag: null; body: string } => ({
  status,
  eTag: null,
  body: code && `<Error><Code>${code}</Code></Error>`,
});

describe("Answer to a part", () => {
  it("finishes the part when there is an ETag", () => {
    assert.deepEqual(judgeAnswer({ status: 200, eTag: '"1"', body: "" }), { action: "finish", eTag: '"1"' });
  });

  const again: readonly [answer: Parameters<typeof judgeAnswer>[0], action: string, slowDown?: boolean][] = [
    [undefined, "retry"],
    [refusal(408), "retry", false],
    [refusal(429), "retry", true],
    [refusal(500, "InternalError"), "retry", false],
    [refusal(502), "retry", false],
    [refusal(503, "SlowDown"), "retry", true],
    [refusal(403, "AccessDenied"), "resign"],
    [refusal(403, "SignatureDoesNotMatch"), "resign"],
    [refusal(400, "BadDigest"), "rehash"],
    [refusal(400, "XAmzContentChecksumMismatch"), "rehash"],
    [refusal(400, "RequestTimeout"), "rehash"],
  ];
  for (const [answer, action, slowDown] of again) {
    it(`U12: means "${action}" for ${answer ? `${answer.status} ${answer.body}` : "no answer"}`, () => {
      const verdict = judgeAnswer(answer);

      assert.ok(verdict.action !== "finish" && verdict.error.transient);
      assert.equal(verdict.action, action);
      assert.equal(verdict.slowDown, slowDown);
    });
  }

  const final: readonly [status: number, code: string, expected: string][] = [
    [404, "NoSuchUpload", "UploadNotOpen"],
    [400, "EntityTooLarge", "PartRefused"],
    [405, "MethodNotAllowed", "PartRefused"],
    [200, "", "ETagHidden"],
  ];
  for (const [status, code, expected] of final) {
    it(`rejects ${status} ${code || "without an ETag"} for good`, () => {
      assert.throws(
        () => judgeAnswer(refusal(status, code)),
        (error: UploadError) => error.code === expected && !error.transient,
      );
    });
  }
});

describe("Refusal of the API", () => {
  const json = (code: string): string => JSON.stringify({ error: { code, message: "m", requestId: "r" } });
  const cases: readonly [status: number, text: string, code: string, transient: boolean][] = [
    [429, json("QuotaExceeded"), "QuotaExceeded", false],
    [429, '{"message":"Too Many Requests"}', "TryAgain", true],
    [401, '{"message":"Unauthorized"}', "Unauthenticated", false],
    [403, "", "UploadNotYours", false],
    [413, json("FileTooLarge"), "FileTooLarge", false],
    [500, json("Internal"), "Internal", true],
    [503, json("TryAgain"), "TryAgain", true],
    [504, '{"message":"Endpoint request timed out"}', "TryAgain", true],
    [400, "<html>", "InvalidRequest", false],
  ];
  for (const [status, text, code, transient] of cases) {
    it(`reads ${status} ${text || "without a body"} as ${code}`, () => {
      const error = readRefusal(status, text);

      assert.deepEqual([error.code, error.status, error.transient], [code, status, transient]);
    });
  }
});

describe("Back-off", () => {
  it("U12: doubles its upper bound with each failure, up to the cap", () => {
    const bounds = [1, 2, 3, 7, 30].map((failures) => backoffMs(DEFAULT_RETRY, failures, 1));

    assert.deepEqual(bounds, [500, 1_000, 2_000, 20_000, 20_000]);
  });

  it("U12: spreads over the whole range below", () => {
    assert.deepEqual(
      [0, 0.5].map((random) => backoffMs(DEFAULT_RETRY, 1, random)),
      [0, 250],
    );
  });
});
