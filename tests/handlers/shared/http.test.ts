// Proves the frame around API handlers: identity first, errors without detail, CORS by list, logs without bodies.
import assert from "node:assert/strict";
import { AwsCallError, InvalidRequestError, TryAgainError } from "../../../handlers/shared/errors";
import { serve, type Answer, type Call, type ProxyHandler } from "../../../handlers/shared/http";
import { createEvent, createRequestContext } from "../../support/upload-handlers";

const ORIGIN = "https://app.example.com";

describe("API frame", () => {
  let lines: string[];

  beforeEach(() => {
    lines = [];
  });

  function frame(route: (call: Call) => Promise<Answer>): ProxyHandler {
    const writeLine = (line: string): number => lines.push(line);
    return serve({ allowedOrigins: [ORIGIN], tenantClaim: "custom:tenant", route: "test", writeLine }, route);
  }

  it("hands caller, path, query and body to the route and answers as JSON", async () => {
    const handler = frame(async ({ caller, path, query, readBody }) => ({
      status: 201,
      body: { caller, path, query, read: readBody() },
    }));

    const { statusCode, body, headers } = await handler(
      createEvent({ body: '{"a":1}', pathParameters: { id: "x" }, queryStringParameters: { q: "y" } }),
    );

    assert.equal(statusCode, 201);
    assert.deepEqual(JSON.parse(body), {
      caller: { tenant: "acme", user: "alice" },
      path: { id: "x" },
      query: { q: "y" },
      read: { a: 1 },
    });
    assert.equal(headers?.["Content-Type"], "application/json");
  });

  it("reads bodies that API Gateway passes on in base64", async () => {
    const handler = frame(async ({ readBody }) => ({ status: 200, body: readBody() }));

    const { body } = await handler(
      createEvent({ body: Buffer.from('{"ü":1}').toString("base64"), isBase64Encoded: true }),
    );

    assert.deepEqual(JSON.parse(body), { ü: 1 });
  });

  it("U1: rejects a request without identity before the route runs, whatever its address", async () => {
    let ran = false;
    const handler = frame(async () => {
      ran = true;
      return { status: 200 };
    });

    const answer = await handler(createEvent({ requestContext: createRequestContext() }));

    assert.equal(answer.statusCode, 401);
    assert.deepEqual(JSON.parse(answer.body), {
      error: {
        code: "Unauthenticated",
        message: "No identity came with the request; send a valid ID token or sign the request with SigV4",
        requestId: "request-1",
      },
    });
    assert.equal(ran, false);
  });

  const bodies = [null, "", "{", "[]", "null", "7", '"text"'];
  for (const body of bodies) {
    it(`rejects the body ${JSON.stringify(body)}`, async () => {
      const answer = await frame(async ({ readBody }) => ({ status: 200, body: readBody() }))(createEvent({ body }));

      assert.equal(answer.statusCode, 400);
      assert.match(answer.body, /InvalidRequest/);
    });
  }

  const failures = [
    [new InvalidRequestError("size must be 1"), 400, "InvalidRequest"],
    [new TryAgainError(), 503, "TryAgain"],
    [new AwsCallError("ThrottlingException", 400, "Rate exceeded"), 503, "TryAgain"],
    [new AwsCallError("AccessDeniedException", 400, "User arn:secret is not allowed"), 500, "Internal"],
    [new TypeError("secret detail"), 500, "Internal"],
  ] as const;
  for (const [failure, status, code] of failures) {
    it(`answers ${failure.name} (${failure.message}) with ${status} ${code}`, async () => {
      const answer = await frame(() => Promise.reject(failure))(createEvent());

      assert.equal(answer.statusCode, status);
      assert.equal((JSON.parse(answer.body) as { error: { code: string } }).error.code, code);
      assert.doesNotMatch(answer.body, /secret/);
    });
  }

  it("logs an unknown error with request id and stack, in one line, and answers none of it", async () => {
    await frame(() => Promise.reject(new Error("table\nmissing")))(createEvent());

    assert.equal(lines.length, 1);
    const entry = JSON.parse(lines[0] ?? "") as Record<string, string>;
    assert.deepEqual(
      [entry.level, entry.requestId, entry.route, entry.errorMessage],
      ["ERROR", "request-1", "test", "table\nmissing"],
    );
    assert.match(entry.stack ?? "", /http\.test\.ts/);
  });

  it("never logs bodies or headers", async () => {
    await frame(async () => ({ status: 200, body: { url: "https://signed" } }))(
      createEvent({ body: '{"secret":"body"}', headers: { Authorization: "Bearer token" } }),
    );

    assert.equal(lines.length, 1);
    assert.doesNotMatch(lines.join(), /secret|token|signed/);
  });

  it("U16: allows exactly the listed origins, and says that the answer depends on them", async () => {
    const handler = frame(async () => ({ status: 200 }));
    const origins = [ORIGIN, "https://evil.example.com", "https://app.example.com.evil", "null", undefined];

    const answers = await Promise.all(origins.map((origin) => handler(createEvent({ headers: { Origin: origin } }))));

    assert.deepEqual(
      answers.map(({ headers }) => headers?.["Access-Control-Allow-Origin"]),
      [ORIGIN, undefined, undefined, undefined, undefined],
    );
    assert.ok(answers.every(({ headers }) => headers?.Vary === "Origin"));
  });

  it("U16: answers every origin with * when that is acknowledged", async () => {
    const options = { allowedOrigins: [ORIGIN, "*"], tenantClaim: "custom:tenant", route: "test", writeLine: () => 0 };
    const handler = serve(options, async () => ({ status: 200 }));

    for (const headers of [{ Origin: ORIGIN }, { Origin: "https://other.example.com" }, {}]) {
      const answer = await handler(createEvent({ headers }));
      assert.equal(answer.headers?.["Access-Control-Allow-Origin"], "*");
    }
  });

  it("U16: lets listed origins read refusals too", async () => {
    const answer = await frame(() => Promise.reject(new TryAgainError()))(createEvent({ headers: { origin: ORIGIN } }));

    assert.equal(answer.headers?.["Access-Control-Allow-Origin"], ORIGIN);
  });
});
