// Proves that our signatures equal those of @smithy/signature-v4, the AWS SDK's own signer, over generated requests.
import assert from "node:assert/strict";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import fc from "fast-check";
import { canonicalPath, canonicalQuery, formatAmzDate, parseAmzDate } from "../../../../local/cloud/gateway/canonical";
import { signRequest } from "../../../../local/cloud/gateway/sign";

const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const at = Date.UTC(2026, 0, 1, 12, 30, 15);

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
const text = fc.string({ unit: fc.constantFrom(...Array.from("abzAZ09-._~ /+&=?:@!'()*%#é€😀,;")), maxLength: 12 });
const segments = fc.array(
  text.filter((each) => each !== "" && each !== "." && each !== ".."),
  { maxLength: 4 },
);
const query = fc.dictionary(
  text.filter((each) => each !== ""),
  text,
  { maxKeys: 4 },
);
const headerValue = fc
  .string({ unit: fc.constantFrom(...Array.from("ab 1/;=,")), minLength: 1, maxLength: 12 })
  .filter((each) => each.trim() !== "");

describe("signatures", () => {
  for (const service of ["s3", "dynamodb"]) {
    it(`equals the SDK's signature for generated ${service} requests`, async () => {
      const signer = new SignatureV4({
        credentials,
        region: "eu-west-1",
        service,
        sha256: Sha256,
        uriEscapePath: service !== "s3",
      });
      const inputs = fc.record({
        method: fc.constantFrom("GET", "PUT", "POST"),
        segments,
        query,
        meta: headerValue,
        body: fc.string({ maxLength: 20 }),
      });

      const property = fc.asyncProperty(inputs, async ({ method, segments: parts, query: parameters, meta, body }) => {
        const path = `/${parts.map(encode).join("/")}`;
        const search = Object.entries(parameters)
          .map(([name, value]) => `${encode(name)}=${encode(value)}`)
          .join("&");
        const url = `http://127.0.0.1:4000${path}${search === "" ? "" : `?${search}`}`;
        const signed = await signer.sign(
          {
            method,
            protocol: "http:",
            hostname: "127.0.0.1",
            port: 4000,
            path,
            query: parameters,
            headers: { host: "127.0.0.1:4000", "x-amz-meta-note": meta },
            body,
          },
          { signingDate: new Date(at) },
        );

        const ours = signRequest({
          method,
          url,
          headers: { "x-amz-meta-note": meta },
          body,
          credentials,
          service,
          region: "eu-west-1",
          at,
        });

        assert.equal(ours.authorization, signed.headers.authorization);
      });
      await fc.assert(property, { numRuns: 150 });
    });
  }

  it("signs the session token", () => {
    const headers = signRequest({
      method: "GET",
      url: "http://127.0.0.1:4000/",
      credentials: { ...credentials, sessionToken: "token" },
      service: "s3",
      region: "eu-west-1",
      at,
    });

    assert.equal(headers["x-amz-security-token"], "token");
    assert.match(
      headers.authorization ?? "",
      /SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,/,
    );
  });

  it("encodes S3 paths once and other paths twice", () => {
    assert.equal(canonicalPath("/a%20b/c(d)", "s3"), "/a%20b/c%28d%29");
    assert.equal(canonicalPath("/a//../b", "s3"), "/a//../b");
    assert.equal(canonicalPath("/a%2Fb", "s3"), "/a%2Fb");
    assert.equal(canonicalPath("/a%20b//c/../d/", "lambda"), "/a%2520b/d/");
    assert.equal(canonicalPath("", "s3"), "/");
  });

  it("sorts the query by encoded name and value and leaves the signature out", () => {
    assert.equal(canonicalQuery("b=2&a=z&a=b+c&uploads&X-Amz-Signature=1"), "a=b%20c&a=z&b=2&uploads=");
  });

  it("reads only dates that exist", () => {
    assert.equal(parseAmzDate("20260101T123015Z"), at);
    assert.equal(formatAmzDate(at), "20260101T123015Z");
    assert.equal(parseAmzDate("20260230T000000Z"), undefined);
    assert.equal(parseAmzDate("2026-01-01"), undefined);
  });
});
