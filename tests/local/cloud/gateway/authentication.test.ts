// Proves by real HTTP requests which signatures the gateway accepts and with what it refuses the others.
import assert from "node:assert/strict";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { signRequest } from "../../../../local/cloud/gateway/sign";
import { accountRoot } from "../../../../local/cloud/core/principal";
import { account, codeOf, type GatewayRun, region, send, sendSigned, startGateway } from "../../../support/gateway-run";

const minute = 60_000;

describe("gateway authentication", () => {
  let run: GatewayRun;
  beforeEach(async () => {
    run = await startGateway();
  });
  afterEach(() => run.stop());

  it("accepts a signed call and names its caller", async () => {
    const answer = await sendSigned(run, "/media/a%20b?list-type=2&prefix=x%2Fy");

    assert.equal(answer.status, 200);
    const call = run.seen[0]?.call ?? assert.fail("nothing arrived");
    assert.equal(call.principal.arn, accountRoot(account).arn);
    assert.equal(call.region, region);
    assert.equal(call.endpoint, "gateway");
    assert.deepEqual(call.auth.signedHeaders, ["host", "x-amz-content-sha256", "x-amz-date"]);
    assert.equal(call.query.get("prefix"), "x/y");
    assert.equal(answer.headers["x-amz-request-id"], call.id);
  });

  it("accepts temporary credentials with their token", async () => {
    const credentials = run.access.issue(accountRoot(account));

    assert.equal((await sendSigned(run, "/media/x", { credentials })).status, 200);
  });

  it("lets anonymous calls through to S3 only, preflights included", async () => {
    assert.equal((await send(`${run.gateway.origin}/media/x`)).status, 200);
    assert.equal(
      (await send(`${run.gateway.origin}/media/x`, { method: "OPTIONS", headers: { origin: "http://a" } })).status,
      200,
    );

    assert.deepEqual(
      run.seen.map(({ call }) => [call.method, call.principal.kind, call.auth.type]),
      [
        ["GET", "anonymous", "NONE"],
        ["OPTIONS", "anonymous", "NONE"],
      ],
    );
  });

  it("takes Cognito's public operations unsigned, and rejects its others with MissingAuthenticationToken", async () => {
    const call = (operation: string) =>
      send(run.gateway.origin, {
        method: "POST",
        headers: {
          "content-type": "application/x-amz-json-1.1",
          "x-amz-target": `AWSCognitoIdentityProviderService.${operation}`,
        },
        body: "{}",
      });

    assert.equal((await call("InitiateAuth")).status, 200);
    assert.equal(run.seen[0]?.call.principal.kind, "anonymous");
    assert.equal((await call("AdminCreateUser")).headers["x-amzn-errortype"], "MissingAuthenticationTokenException");
  });

  const refusals: readonly [string, string, number, (run: GatewayRun) => ReturnType<typeof send>][] = [
    [
      "an unknown key",
      "InvalidAccessKeyId",
      403,
      (r) => sendSigned(r, "/b/k", { credentials: { ...r.root, accessKeyId: "AKIANOSUCHKEY" } }),
    ],
    [
      "a wrong secret",
      "SignatureDoesNotMatch",
      403,
      (r) => sendSigned(r, "/b/k", { credentials: { ...r.root, secretAccessKey: "x" } }),
    ],
    [
      "an altered path",
      "SignatureDoesNotMatch",
      403,
      (r) => {
        const url = `${r.gateway.origin}/b/k`;
        const headers = signRequest({
          method: "GET",
          url,
          credentials: r.root,
          service: "s3",
          region,
          at: r.clock.now(),
        });
        return send(`${url}2`, { headers });
      },
    ],
    [
      "an altered signed header",
      "SignatureDoesNotMatch",
      403,
      (r) => sendSigned(r, "/b/k", { headers: { "x-amz-acl": "private" }, changes: { "x-amz-acl": "public-read" } }),
    ],
    [
      "an x-amz header that is not signed",
      "AccessDenied",
      403,
      (r) => sendSigned(r, "/b/k", { changes: { "x-amz-acl": "public-read" } }),
    ],
    [
      "a clock that is off by more than 15 minutes",
      "RequestTimeTooSkewed",
      403,
      (r) => sendSigned(r, "/b/k", { at: r.clock.now() - 15 * minute - 1000 }),
    ],
    [
      "a clock that is ahead by more than 15 minutes",
      "RequestTimeTooSkewed",
      403,
      (r) => sendSigned(r, "/b/k", { at: r.clock.now() + 15 * minute + 1000 }),
    ],
    [
      "a temporary key without its token",
      "InvalidAccessKeyId",
      403,
      (r) => {
        const { sessionToken: _token, ...credentials } = r.access.issue(accountRoot(account));
        return sendSigned(r, "/b/k", { credentials });
      },
    ],
    [
      "a wrong session token",
      "InvalidToken",
      400,
      (r) => sendSigned(r, "/b/k", { credentials: { ...r.access.issue(accountRoot(account)), sessionToken: "x" } }),
    ],
    [
      "a session token with a long-lived key",
      "InvalidToken",
      400,
      (r) => sendSigned(r, "/b/k", { credentials: { ...r.root, sessionToken: "x" } }),
    ],
    [
      "an expired session token",
      "ExpiredToken",
      400,
      async (r) => {
        const credentials = r.access.issue(accountRoot(account), 900);
        await r.clock.advance(900_000);
        return sendSigned(r, "/b/k", { credentials });
      },
    ],
    [
      "a Region that cannot be",
      "AuthorizationHeaderMalformed",
      400,
      (r) => sendSigned(r, "/b/k", { region: "europe" }),
    ],
    [
      "a missing content hash",
      "InvalidRequest",
      400,
      (r) => {
        const headers = signRequest({
          method: "GET",
          url: `${r.gateway.origin}/b/k`,
          credentials: r.root,
          service: "s3",
          region,
          at: r.clock.now(),
        });
        delete headers["x-amz-content-sha256"];
        return send(`${r.gateway.origin}/b/k`, { headers });
      },
    ],
    ["a content hash that is none", "InvalidArgument", 400, (r) => sendSigned(r, "/b/k", { payloadHash: "abc" })],
    [
      "another algorithm",
      "InvalidRequest",
      400,
      (r) => send(`${r.gateway.origin}/b/k`, { headers: { authorization: "AWS AKIA:sig" } }),
    ],
    [
      "a credential without scope",
      "AuthorizationHeaderMalformed",
      400,
      (r) =>
        send(`${r.gateway.origin}/b/k`, {
          headers: {
            authorization: "AWS4-HMAC-SHA256 Credential=AKIA, SignedHeaders=host, Signature=1",
            "x-amz-date": "20260101T000000Z",
          },
        }),
    ],
    [
      "a missing signature field",
      "AuthorizationHeaderMalformed",
      400,
      (r) =>
        send(`${r.gateway.origin}/b/k`, {
          headers: {
            authorization: "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host",
            "x-amz-date": "20260101T000000Z",
          },
        }),
    ],
    [
      "a missing date",
      "AccessDenied",
      403,
      (r) =>
        send(`${r.gateway.origin}/b/k`, {
          headers: {
            authorization:
              "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=1",
          },
        }),
    ],
    [
      "a scope with another end",
      "AuthorizationHeaderMalformed",
      400,
      (r) =>
        send(`${r.gateway.origin}/b/k`, {
          headers: {
            authorization:
              "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/s3/aws3_request, SignedHeaders=host, Signature=1",
            "x-amz-date": "20260101T000000Z",
          },
        }),
    ],
    [
      "a host that is not signed",
      "AccessDenied",
      403,
      (r) => {
        const url = `${r.gateway.origin}/b/k`;
        const at = r.clock.now();
        const headers = signRequest({ method: "GET", url, credentials: r.root, service: "s3", region, at });
        const { authorization = "", ...rest } = headers;
        return send(url, {
          headers: { ...rest, authorization: authorization.replace("SignedHeaders=host;", "SignedHeaders=") },
        });
      },
    ],
    [
      "a scope of another day",
      "AuthorizationHeaderMalformed",
      400,
      (r) =>
        send(`${r.gateway.origin}/b/k`, {
          headers: {
            authorization:
              "AWS4-HMAC-SHA256 Credential=AKIA/20260102/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=1",
            "x-amz-date": "20260101T000000Z",
          },
        }),
    ],
    [
      "a signature in header and query at once",
      "InvalidArgument",
      400,
      (r) => sendSigned(r, "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256"),
    ],
    [
      "a path that cannot be decoded",
      "InvalidURI",
      400,
      (r) =>
        sendSigned(r, "/b/k", {}).then(() =>
          send(r.gateway.origin, {
            path: "/b/%zz",
            headers: signRequest({
              method: "GET",
              url: `${r.gateway.origin}/b/k`,
              credentials: r.root,
              service: "s3",
              region,
              at: r.clock.now(),
            }),
          }),
        ),
    ],
  ];
  for (const [what, code, status, attempt] of refusals) {
    it(`rejects ${what} with ${code}`, async () => {
      const answer = await attempt(run);

      assert.equal(codeOf(answer), code, answer.body);
      assert.equal(answer.status, status);
      assert.match(answer.body, /<RequestId>[0-9a-f-]{36}<\/RequestId>/);
      assert.equal(run.traces.recent().at(-1)?.errorCode, code);
    });
  }

  it("names the unsigned headers as S3 does", async () => {
    const answer = await sendSigned(run, "/b/k", { changes: { "x-amz-acl": "public-read" } });

    assert.match(answer.body, /There were headers present in the request which were not signed/);
    assert.match(answer.body, /<HeadersNotSigned>x-amz-acl<\/HeadersNotSigned>/);
  });

  it("accepts a clock that is off by 15 minutes for S3 and 5 minutes for others", async () => {
    assert.equal((await sendSigned(run, "/b/k", { at: run.clock.now() - 15 * minute })).status, 200);
    assert.equal((await sendSigned(run, "/x", { service: "lambda", at: run.clock.now() + 5 * minute })).status, 200);
  });

  describe("services other than S3", () => {
    const json = { "content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.GetItem" };
    const call = (r: GatewayRun, more: Parameters<typeof sendSigned>[2] = {}) =>
      sendSigned(r, "/", { method: "POST", service: "dynamodb", headers: json, body: "{}", ...more });

    it("accepts a signed call", async () => {
      assert.equal((await call(run)).status, 200);
      assert.equal(run.seen[0]?.bytes, 2);
      assert.equal(run.traces.recent()[0]?.operation, "GetItem");
    });

    it("accepts a call that does not send its content hash, as SDKs of other languages make them", async () => {
      const { host } = new URL(run.gateway.origin);
      const signer = new SignatureV4({
        credentials: run.root,
        region,
        service: "dynamodb",
        sha256: Sha256,
        applyChecksum: false,
      });
      const signed = await signer.sign(
        { method: "POST", protocol: "http:", hostname: host, path: "/", headers: { host, ...json }, body: "{}" },
        { signingDate: new Date(run.clock.now()) },
      );

      const answer = await send(`${run.gateway.origin}/`, { method: "POST", headers: signed.headers, body: "{}" });

      assert.equal(signed.headers["x-amz-content-sha256"], undefined);
      assert.equal(answer.status, 200, answer.body);
    });

    const jsonRefusals: readonly [string, string, (r: GatewayRun) => ReturnType<typeof send>][] = [
      [
        "a missing signature",
        "MissingAuthenticationTokenException",
        (r) => send(`${r.gateway.origin}/`, { method: "POST", headers: json, body: "{}" }),
      ],
      [
        "an unknown key",
        "UnrecognizedClientException",
        (r) => call(r, { credentials: { ...r.root, accessKeyId: "AKIANO" } }),
      ],
      [
        "a wrong session token",
        "UnrecognizedClientException",
        (r) => call(r, { credentials: { ...r.access.issue(accountRoot(account)), sessionToken: "x" } }),
      ],
      [
        "a wrong secret",
        "InvalidSignatureException",
        (r) => call(r, { credentials: { ...r.root, secretAccessKey: "x" } }),
      ],
      [
        "a body that was altered",
        "InvalidSignatureException",
        (r) => {
          const headers = signRequest({
            method: "POST",
            url: `${r.gateway.origin}/`,
            headers: json,
            body: "{}",
            credentials: r.root,
            service: "dynamodb",
            region,
            at: r.clock.now(),
          });
          return send(`${r.gateway.origin}/`, { method: "POST", headers, body: "[]" });
        },
      ],
      [
        "a clock that is off by more than 5 minutes",
        "InvalidSignatureException",
        (r) => call(r, { at: r.clock.now() - 5 * minute - 1000 }),
      ],
      [
        "an x-amz header that is not signed",
        "InvalidSignatureException",
        (r) => call(r, { changes: { "x-amz-user-agent": "x" } }),
      ],
      ["a scope for another service", "InvalidSignatureException", (r) => call(r, { service: "events" })],
      [
        "an expired token",
        "ExpiredTokenException",
        async (r) => {
          const credentials = r.access.issue(accountRoot(account), 900);
          await r.clock.advance(900_000);
          return call(r, { credentials });
        },
      ],
    ];
    for (const [what, code, attempt] of jsonRefusals) {
      it(`rejects ${what} with ${code}`, async () => {
        const answer = await attempt(run);

        assert.equal((JSON.parse(answer.body) as { __type: string }).__type, code, answer.body);
        assert.equal(answer.status, 400);
        assert.equal(answer.headers["x-amzn-errortype"], code);
        assert.equal(run.seen.length, 0);
      });
    }

    it("rejects with status 403 where the protocol is REST", async () => {
      const answer = await sendSigned(run, "/2015-03-31/functions/f/invocations", {
        method: "POST",
        service: "lambda",
        body: "{}",
        credentials: { ...run.root, secretAccessKey: "x" },
      });

      assert.equal(answer.status, 403);
      assert.equal(answer.headers["x-amzn-errortype"], "InvalidSignatureException");
    });

    it("rejects a service that is not simulated by name", async () => {
      const answer = await sendSigned(run, "/", { service: "kinesis", method: "POST", body: "{}" });

      assert.equal(answer.status, 501);
      assert.match(answer.body, /The API of kinesis is not simulated/);
    });

    it("rejects bodies over 16 MiB", async () => {
      const answer = await sendSigned(run, "/x", {
        service: "lambda",
        method: "POST",
        body: Buffer.alloc(16 * 1024 * 1024 + 1),
      });

      assert.equal(answer.status, 413);
    });
  });

  describe("the accelerate endpoint", () => {
    it("marks its calls", async () => {
      const { origin } = await run.gateway.serveAccelerate(0, "127.0.0.1");

      const answer = await sendSigned(run, "/", { url: `${origin}/media/k` });

      assert.equal(answer.status, 200);
      assert.equal(run.seen[0]?.call.endpoint, "accelerate");
    });

    it("rejects signatures for other services with AuthorizationHeaderMalformed", async () => {
      const { origin } = await run.gateway.serveAccelerate(0, "127.0.0.1");

      const answer = await sendSigned(run, "/", { url: `${origin}/x`, service: "lambda" });

      assert.equal(answer.status, 400);
      assert.match(answer.body, /incorrect service/);
    });
  });
});
