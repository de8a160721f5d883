// Proves that our header signatures equal those of the SDK's own signer (@smithy/signature-v4).
import assert from "node:assert/strict";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import fc from "fast-check";
import { encodeRfc3986, signHeaders } from "../../../handlers/shared/sigv4";

const at = Date.UTC(2026, 4, 17, 13, 5, 9, 123);

describe("SigV4 headers", () => {
  it("equal the SDK's for any body, token, service and Region", async () => {
    const text = fc.string({ maxLength: 40 });
    const secret = fc.string({ minLength: 1, maxLength: 40 });
    const token = fc.option(fc.base64String({ minLength: 4, maxLength: 400 }), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(text, secret, token, async (body, secretAccessKey, sessionToken) => {
        const credentials = { accessKeyId: "AKIAEXAMPLE", secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
        const url = new URL("http://127.0.0.1:4566/");
        const headers = { "content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.GetItem" };

        const ours = signHeaders(
          { method: "POST", url, headers, body, at, region: "eu-west-1", service: "dynamodb" },
          credentials,
        );

        const signer = new SignatureV4({
          service: "dynamodb",
          region: "eu-west-1",
          credentials,
          sha256: Sha256,
          applyChecksum: false,
        });
        const request = {
          method: "POST",
          protocol: "http:",
          hostname: "127.0.0.1",
          port: 4566,
          path: "/",
          query: {},
          headers: { ...headers, host: "127.0.0.1:4566" },
          body,
        };
        const theirs = await signer.sign(request, { signingDate: new Date(at) });
        assert.equal(ours.authorization, theirs.headers.authorization);
        assert.equal(ours["x-amz-date"], theirs.headers["x-amz-date"]);
        assert.equal(ours["x-amz-security-token"], theirs.headers["x-amz-security-token"]);
      }),
      { numRuns: 100 },
    );
  });

  it("follow the day, the Region and the secret, in spite of the cached key", () => {
    const request = {
      method: "POST",
      url: new URL("https://dynamodb.eu-west-1.amazonaws.com/"),
      headers: {},
      body: "",
      at,
      region: "eu-west-1",
      service: "dynamodb",
    };
    const credentials = { accessKeyId: "AKIA", secretAccessKey: "one" };
    const variants = [
      signHeaders(request, credentials),
      signHeaders({ ...request, at: at + 24 * 3600 * 1000 }, credentials),
      signHeaders({ ...request, region: "us-east-1" }, credentials),
      signHeaders({ ...request, service: "events" }, credentials),
      signHeaders(request, { ...credentials, secretAccessKey: "two" }),
    ].map(({ authorization }) => authorization?.split("Signature=")[1]);

    assert.equal(new Set(variants).size, variants.length);
    assert.equal(signHeaders(request, credentials).authorization?.split("Signature=")[1], variants[0]);
  });

  it("encode everything but RFC 3986's unreserved characters", () => {
    assert.equal(encodeRfc3986("aZ0-._~!'()* /ü"), "aZ0-._~%21%27%28%29%2A%20%2F%C3%BC");
  });
});
