// Proves that presigned URLs of the real presigner are accepted while they live and unaltered, and refused as S3 refuses them.
import assert from "node:assert/strict";
import { GetObjectCommand, S3Client, UploadPartCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { accountRoot } from "../../../../local/cloud/core/principal";
import { computeSignature, formatAmzDate, scopeText, sha256Hex } from "../../../../local/cloud/gateway/canonical";
import { account, codeOf, type GatewayRun, region, send, startGateway } from "../../../support/gateway-run";

describe("presigned URLs at the gateway", () => {
  let run: GatewayRun;
  let client: S3Client;
  beforeEach(async () => {
    run = await startGateway();
    client = new S3Client({
      endpoint: run.gateway.origin,
      region,
      credentials: run.access.issue(accountRoot(account), 12 * 3600),
      requestChecksumCalculation: "WHEN_REQUIRED",
    });
  });
  afterEach(async () => {
    client.destroy();
    await run.stop();
  });

  const getUrl = (expiresIn = 300): Promise<string> =>
    getSignedUrl(client, new GetObjectCommand({ Bucket: "media", Key: "a b/ü(1)'!.bin" }), {
      expiresIn,
      signingDate: new Date(run.clock.now()),
    });

  it("accepts the presigner's URL and tells how it was signed", async () => {
    const url = await getUrl();
    await run.clock.advance(42_000);

    const answer = await send(url);

    assert.equal(answer.status, 200, answer.body);
    assert.deepEqual(run.seen[0]?.call.auth, {
      type: "REST-QUERY-STRING",
      signatureAgeMs: 42_000,
      signedHeaders: ["host"],
    });
  });

  it("accepts a part whose length is signed, and streams its body", async () => {
    const url = await getSignedUrl(
      client,
      new UploadPartCommand({ Bucket: "media", Key: "k", UploadId: "u", PartNumber: 1, ContentLength: 4 }),
      { signingDate: new Date(run.clock.now()) },
    );

    const answer = await send(url, { method: "PUT", body: "part", headers: { "content-length": "4" } });

    assert.equal(answer.status, 200, answer.body);
    assert.equal(run.seen[0]?.bytes, 4);
  });

  it("U27: rejects a part whose length is not the signed one with SignatureDoesNotMatch", async () => {
    const url = await getSignedUrl(
      client,
      new UploadPartCommand({ Bucket: "media", Key: "k", UploadId: "u", PartNumber: 1, ContentLength: 4 }),
      { signingDate: new Date(run.clock.now()), signableHeaders: new Set(["host", "content-length"]) },
    );

    const answer = await send(url, { method: "PUT", body: "parts", headers: { "content-length": "5" } });

    assert.match(url, /SignedHeaders=content-length%3Bhost/);
    assert.equal(codeOf(answer), "SignatureDoesNotMatch");
    assert.equal(run.seen.length, 0);
  });

  it("accepts a URL until the second in which it expires, and rejects it afterwards", async () => {
    const url = await getUrl(60);

    await run.clock.advance(60_000);
    assert.equal((await send(url)).status, 200);
    await run.clock.advance(1);
    const answer = await send(url);

    assert.equal(answer.status, 403);
    assert.equal(codeOf(answer), "AccessDenied");
    assert.match(
      answer.body,
      /<Message>Request has expired<\/Message><X-Amz-Expires>60<\/X-Amz-Expires><Expires>2026-01-01T00:01:00Z<\/Expires>/,
    );
  });

  it("rejects a URL whose credentials have expired with ExpiredToken", async () => {
    const url = await getUrl(7 * 24 * 3600);
    await run.clock.advance(12 * 3600_000);

    assert.equal(codeOf(await send(url)), "ExpiredToken");
  });

  it("rejects a URL that is signed for later with AccessDenied", async () => {
    const url = await getSignedUrl(client, new GetObjectCommand({ Bucket: "b", Key: "k" }), {
      signingDate: new Date(run.clock.now() + 16 * 60_000),
    });

    const answer = await send(url);

    assert.equal(answer.status, 403);
    assert.match(answer.body, /Request is not yet valid/);
  });

  const alterations: readonly [string, string, number, (url: string) => string][] = [
    ["another key", "SignatureDoesNotMatch", 403, (url) => url.replace("/media/", "/other/")],
    ["a longer life", "SignatureDoesNotMatch", 403, (url) => url.replace("X-Amz-Expires=300", "X-Amz-Expires=3000")],
    ["an added parameter", "SignatureDoesNotMatch", 403, (url) => `${url}&versionId=1`],
    [
      "another signature",
      "SignatureDoesNotMatch",
      403,
      (url) => url.replace(/(X-Amz-Signature=)\w/, (_m, name: string) => `${name}z`),
    ],
    ["another token", "InvalidToken", 400, (url) => url.replace(/X-Amz-Security-Token=\w/, "X-Amz-Security-Token=-")],
    ["no token", "InvalidAccessKeyId", 403, (url) => url.replace(/&X-Amz-Security-Token=[^&]*/, "")],
    ["an unknown key id", "InvalidAccessKeyId", 403, (url) => url.replace("Credential=ASIA", "Credential=ASIB")],
    ["no signature", "AuthorizationQueryParametersError", 400, (url) => url.replace(/&X-Amz-Signature=\w+/, "")],
    ["no expiry", "AuthorizationQueryParametersError", 400, (url) => url.replace(/&X-Amz-Expires=\d+/, "")],
    [
      "an expiry over a week",
      "AuthorizationQueryParametersError",
      400,
      (url) => url.replace("Expires=300", "Expires=604801"),
    ],
    ["an expiry of zero", "AuthorizationQueryParametersError", 400, (url) => url.replace("Expires=300", "Expires=0")],
    [
      "an expiry that is no number",
      "AuthorizationQueryParametersError",
      400,
      (url) => url.replace("Expires=300", "Expires=abc"),
    ],
    [
      "another algorithm",
      "AuthorizationQueryParametersError",
      400,
      (url) => url.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
    ],
    [
      "a malformed credential",
      "AuthorizationQueryParametersError",
      400,
      (url) => url.replace(/Credential=[^&]+/, "Credential=AKIA"),
    ],
    ["a malformed date", "AuthorizationQueryParametersError", 400, (url) => url.replace(/Date=\w+/, "Date=today")],
    [
      "a date outside the scope",
      "AuthorizationQueryParametersError",
      400,
      (url) => url.replace(/Date=20260101/, "Date=20260102"),
    ],
  ];
  for (const [what, code, status, alter] of alterations) {
    it(`rejects a URL with ${what} with ${code}`, async () => {
      const altered = alter(await getUrl());

      const answer = await send(altered);

      assert.equal(codeOf(answer), code, answer.body);
      assert.equal(answer.status, status);
      assert.equal(run.seen.length, 0);
    });
  }

  /** Presigns a PUT by the specification, for options that the SDK's presigner does not have. */
  function presignPut(inQuery: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>>): string {
    const { origin, host } = new URL(run.gateway.origin);
    const amzDate = formatAmzDate(run.clock.now());
    const scope = { day: amzDate.slice(0, 8), region, service: "s3" };
    const signed: Record<string, string> = { host, ...headers };
    const signedHeaders = Object.keys(signed).sort();
    const query = new URLSearchParams({
      "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
      "X-Amz-Credential": `${run.root.accessKeyId}/${scopeText(scope)}`,
      "X-Amz-Date": amzDate,
      "X-Amz-Expires": "300",
      "X-Amz-SignedHeaders": signedHeaders.join(";"),
      ...inQuery,
    }).toString();
    const signature = computeSignature(run.root.secretAccessKey, amzDate, scope, {
      method: "PUT",
      rawPath: "/b/k",
      rawQuery: query,
      headers: Object.fromEntries(Object.entries(signed).map(([name, value]) => [name, [value]])),
      signedHeaders,
      payloadHash: headers["x-amz-content-sha256"] ?? inQuery["X-Amz-Content-Sha256"] ?? "UNSIGNED-PAYLOAD",
      service: "s3",
    });
    return `${origin}/b/k?${query}&X-Amz-Signature=${signature}`;
  }

  it("holds a body to the hash that the URL signs, in a header or in the query", async () => {
    const hash = sha256Hex("content");
    const header = { "x-amz-content-sha256": hash };
    const byHeader = presignPut({}, header);
    const byQuery = presignPut({ "X-Amz-Content-Sha256": hash }, {});
    const put = (url: string, body: string, headers = {}) => send(url, { method: "PUT", body, headers });

    const answers = [
      await put(byHeader, "content", header),
      await put(byQuery, "content"),
      await put(byHeader, "another", header),
      await put(byQuery, "another"),
    ];

    assert.deepEqual(
      answers.map((answer) => codeOf(answer) ?? answer.status),
      [200, 200, "XAmzContentSHA256Mismatch", "XAmzContentSHA256Mismatch"],
    );
  });

  it("takes the preflight of a presigned URL as unsigned", async () => {
    const answer = await send(await getUrl(), { method: "OPTIONS", headers: { origin: "http://a" } });

    assert.equal(answer.status, 200);
    assert.equal(run.seen[0]?.call.principal.kind, "anonymous");
  });

  it("rejects an x-amz header that the URL does not cover with AccessDenied", async () => {
    const answer = await send(await getUrl(), { headers: { "x-amz-acl": "public-read" } });

    assert.equal(codeOf(answer), "AccessDenied");
    assert.match(answer.body, /HeadersNotSigned/);
  });

  it("rejects Signature Version 2 URLs", async () => {
    const answer = await send(`${run.gateway.origin}/b/k?AWSAccessKeyId=AKIA&Signature=x&Expires=1`);

    assert.equal(codeOf(answer), "InvalidRequest");
  });

  it("keeps signatures and tokens out of the traces", async () => {
    const url = await getUrl();
    const { searchParams } = new URL(url);

    await send(url);
    await send(`${url}&x=1`);

    const written = JSON.stringify(run.traces.recent());
    assert.equal(run.traces.recent().length, 2);
    for (const name of ["X-Amz-Signature", "X-Amz-Security-Token"]) {
      assert.ok(!written.includes(name));
      assert.ok(!written.includes(searchParams.get(name) ?? "?"));
    }
  });
});
