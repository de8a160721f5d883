// Proves that REST APIs answer as on AWS: routing, authorization, validation, integration, refusals, logs and metrics.
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { VirtualClock } from "../../../../local/cloud/core/clock";
import { ACCOUNT, REGION } from "../../../support/function-cloud";
import {
  type Answer,
  type ApiCloud,
  call,
  createApi,
  createFunction,
  ECHO,
  permit,
  PROXY,
  startApiCloud,
} from "../../../support/rest-api";

const OPERATION = { "x-amazon-apigateway-integration": PROXY };
describe("API Gateway data plane", () => {
  let cloud: ApiCloud;
  let clock: VirtualClock;

  beforeEach(() => {
    clock = new VirtualClock();
    cloud = startApiCloud(clock);
  });
  afterEach(() => cloud.stop());

  describe("Lambda proxy", () => {
    it("sends the complete event of payload version 1.0", async () => {
      await createFunction(cloud, ECHO);
      const { id, url } = await createApi(
        cloud,
        { paths: { "/uploads/{id}": { post: { ...OPERATION, operationId: "Sign" } } } },
        { stage: { variables: { colour: "red" } } },
      );
      const headers = { "content-type": "application/json", "X-Own": "1" };
      const { body, headers: answered } = await call(`${url}/uploads/a%20b?q=1&q=2&r=x`, {
        method: "POST",
        headers,
        body: "{}",
      });
      assert.equal(body.resource, "/uploads/{id}");
      assert.equal(body.path, "/uploads/a%20b");
      assert.equal(body.httpMethod, "POST");
      assert.deepEqual(body.queryStringParameters, { q: "2", r: "x" });
      assert.deepEqual(body.multiValueQueryStringParameters, { q: ["1", "2"], r: ["x"] });
      assert.deepEqual(body.pathParameters, { id: "a%20b" });
      assert.deepEqual(body.stageVariables, { colour: "red" });
      assert.equal(body.body, "{}");
      assert.equal(body.isBase64Encoded, false);
      assert.equal((body.headers as Record<string, string>)["X-Own"], "1");
      assert.deepEqual((body.multiValueHeaders as Record<string, string[]>)["X-Own"], ["1"]);
      const context = body.requestContext as Record<string, unknown>;
      assert.equal(context.resourcePath, "/uploads/{id}");
      assert.equal(context.path, "/dev/uploads/a%20b");
      assert.equal(context.operationName, "Sign");
      assert.equal(context.accountId, ACCOUNT);
      assert.equal(context.apiId, id);
      assert.equal(context.stage, "dev");
      assert.equal(context.requestTime, "01/Jan/2026:00:00:00 +0000");
      assert.equal(context.requestId, answered.get("x-amzn-requestid"));
      assert.equal(context.domainName, `${id}.execute-api.${REGION}.amazonaws.com`);
      assert.equal((context.identity as Record<string, unknown>).sourceIp, "127.0.0.1");
      assert.equal("authorizer" in context, false);
    });

    it("passes status, headers with several values and binary bodies on", async () => {
      const code = `export const handler = async () => ({ statusCode: 201, headers: { "X-A": 1, "WWW-Authenticate": "x" },
        multiValueHeaders: { "Set-Cookie": ["a=1", "b=2"] }, body: "AAH/", isBase64Encoded: true });`;
      await createFunction(cloud, code);
      const { url } = await createApi(cloud, {
        paths: { "/": { get: OPERATION } },
        "x-amazon-apigateway-binary-media-types": ["*/*"],
      });
      const response = await fetch(url);
      assert.equal(response.status, 201);
      assert.equal(response.headers.get("x-a"), "1");
      assert.equal(response.headers.get("x-amzn-remapped-www-authenticate"), "x");
      assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
      assert.deepEqual([...new Uint8Array(await response.arrayBuffer())], [0, 1, 255]);
    });

    const malformed: Readonly<Record<string, string>> = {
      "no status": "({})",
      "an unknown member": "({ statusCode: 200, message: 'hi' })",
      "a body that is an object": "({ statusCode: 200, body: {} })",
      "a header that is an object": "({ statusCode: 200, headers: { a: {} } })",
      "plain text": "'hello'",
      "a thrown error": "(() => { throw new Error('secret'); })()",
    };
    for (const [what, expression] of Object.entries(malformed)) {
      it(`rejects an answer with ${what} with 502 and says nothing more`, async () => {
        await createFunction(cloud, `export const handler = async () => ${expression};`);
        const { url } = await createApi(cloud, { paths: { "/": { get: OPERATION } } });
        const { status, body } = await call(url);
        assert.deepEqual([status, body], [502, { message: "Internal server error" }]);
      });
    }

    it("rejects with 504 when the function takes longer than 29 seconds", async () => {
      await createFunction(cloud, "export const handler = () => new Promise(() => setInterval(() => 0, 1000));", {
        timeout: 60,
      });
      const { url } = await createApi(cloud, { paths: { "/": { get: OPERATION } } });
      const pending = call(url);
      await until(() => cloud.logs.some(({ message }) => message.startsWith("START")));
      await clock.advance(29_000);
      const { status, body } = await pending;
      assert.deepEqual([status, body], [504, { message: "Endpoint request timed out" }]);
    });

    it("rejects with 500 when the function's policy does not name this route", async () => {
      await createFunction(cloud, ECHO);
      const { id, url } = await createApi(cloud, { paths: { "/a": { get: OPERATION } } }, { permission: "/*/POST/a" });
      const { status, body } = await call(`${url}/a`);
      assert.deepEqual([status, body], [500, { message: "Internal server error" }]);
      await permit(cloud, id, "/dev/GET/a", "exact");
      assert.equal((await call(`${url}/a`)).status, 200);
      const trace = cloud.context.traces.recent().find(({ service }) => service === "lambda");
      assert.equal(trace?.errorCode, "AccessDeniedException");
    });

    it("rejects with 500 when Lambda throttles", async () => {
      await createFunction(cloud, ECHO, { reservedConcurrentExecutions: 0 });
      const { url } = await createApi(cloud, { paths: { "/": { get: OPERATION } } });
      assert.equal((await call(url)).status, 500);
    });

    it("rejects a body over 10 MB with 413", async () => {
      await createFunction(cloud, ECHO);
      const { url } = await createApi(cloud, { paths: { "/": { post: OPERATION } } });
      const { status, body } = await call(url, { method: "POST", body: Buffer.alloc(10 * 1024 ** 2 + 1) });
      assert.deepEqual([status, body], [413, { message: "Request Too Long" }]);
    });

    it("rejects a body that Lambda would refuse with 413", async () => {
      await createFunction(cloud, ECHO);
      const { url } = await createApi(cloud, { paths: { "/": { post: OPERATION } } });
      assert.equal((await call(url, { method: "POST", body: "x".repeat(7 * 1024 ** 2) })).status, 413);
    });

    it("rejects headers over 10,240 bytes", async () => {
      await createFunction(cloud, ECHO);
      const { url } = await createApi(cloud, { paths: { "/": { get: OPERATION } } });
      assert.equal((await call(url, { headers: { "x-long": "x".repeat(10_240) } })).status, 413);
    });
  });

  describe("routing", () => {
    const routeOf = async (url: string, method = "GET"): Promise<unknown> =>
      (await call(url, { method })).body.resource;

    it("prefers exact names to parameters, parameters to a greedy path, and a verb to ANY", async () => {
      await createFunction(cloud, ECHO);
      const any = { "x-amazon-apigateway-any-method": OPERATION };
      const { url } = await createApi(cloud, {
        paths: {
          "/a/b": { get: OPERATION },
          "/a/{x}": { get: OPERATION },
          "/{proxy+}": any,
          "/a/{x}/c": { get: OPERATION },
        },
      });
      assert.equal(await routeOf(`${url}/a/b`), "/a/b");
      assert.equal(await routeOf(`${url}/a/z`), "/a/{x}");
      assert.equal(await routeOf(`${url}/a/z/c`), "/a/{x}/c");
      assert.equal(await routeOf(`${url}/a/z/d`), "/{proxy+}");
      assert.equal(await routeOf(`${url}/other/deep/path`, "DELETE"), "/{proxy+}");
    });

    it("rejects an unknown path, an unknown verb and an unknown stage", async () => {
      await createFunction(cloud, ECHO);
      const { url } = await createApi(cloud, { paths: { "/a": { get: OPERATION } } });
      const missing = { message: "Missing Authentication Token" };
      const first = await call(`${url}/b`);
      assert.deepEqual([first.status, first.body], [403, missing]);
      assert.equal(first.headers.get("x-amzn-errortype"), "MissingAuthenticationTokenException");
      assert.deepEqual((await call(`${url}/a`, { method: "POST" })).body, missing);
      const stage = await call(url.replace("/dev", "/prod"));
      assert.deepEqual([stage.status, stage.body], [403, { message: "Forbidden" }]);
    });

    it("withdraws host and endpoint when the cloud stops", async () => {
      await createFunction(cloud, ECHO);
      const { url } = await createApi(cloud, { paths: { "/a": { get: OPERATION } } });
      assert.deepEqual(
        [...cloud.endpoints].map((endpoint) => [endpoint.label, endpoint.url]),
        [["api", url]],
      );
      await cloud.stop();
      assert.equal(cloud.endpoints.size, 0);
      assert.equal(cloud.context.hosts.all().size, 0);
    });
  });

  describe("validation", () => {
    const validated = {
      "x-amazon-apigateway-request-validators": { all: { validateRequestBody: true, validateRequestParameters: true } },
      "x-amazon-apigateway-request-validator": "all",
      components: {
        schemas: {
          Size: { type: "integer", minimum: 0 },
          Start: {
            type: "object",
            required: ["size"],
            properties: { size: { $ref: "#/components/schemas/Size" } },
            additionalProperties: false,
          },
        },
      },
      paths: {
        "/": {
          post: {
            ...OPERATION,
            parameters: [
              { name: "q", in: "query", required: true, schema: { type: "string" } },
              { name: "X-Id", in: "header", required: true, schema: { type: "string" } },
            ],
            requestBody: { content: { "application/json": { schema: { $ref: "#/components/schemas/Start" } } } },
          },
        },
      },
    };
    const post = (url: string, body: string, type = "application/json"): Promise<Answer> =>
      call(`${url}?q=1`, { method: "POST", body, headers: { "content-type": type, "x-id": "1" } });

    it("accepts a body that fits its schema, references included", async () => {
      await createFunction(cloud, ECHO);
      const { url } = await createApi(cloud, validated);
      assert.equal((await post(url, '{"size":1}')).status, 200);
    });

    it("rejects a body that does not fit, is no JSON or is missing", async () => {
      await createFunction(cloud, ECHO);
      const { url } = await createApi(cloud, validated);
      for (const body of ['{"size":-1}', '{"size":1,"key":"x"}', "{", ""]) {
        const answer = await post(url, body);
        assert.deepEqual([answer.status, answer.body], [400, { message: "Invalid request body" }]);
      }
      assert.equal(cloud.lambda.environments().length, 0);
    });

    it("does not validate a content type without a model, as on AWS", async () => {
      await createFunction(cloud, ECHO);
      const { url } = await createApi(cloud, validated);
      assert.equal((await post(url, "{", "text/plain")).status, 200);
    });

    it("rejects a request without its required parameters and names them", async () => {
      await createFunction(cloud, ECHO);
      const { url } = await createApi(cloud, validated);
      const { status, body } = await call(url, { method: "POST", body: '{"size":1}' });
      assert.deepEqual([status, body], [400, { message: "Missing required request parameters: [q, X-Id]" }]);
    });
  });

  describe("throttling", () => {
    it("rejects beyond the burst with 429, and refills on the clock", async () => {
      await createFunction(cloud, ECHO);
      const { id, url } = await createApi(cloud, { paths: { "/a": { get: OPERATION }, "/b": { get: OPERATION } } });
      await cloud.create("aws:apigateway/methodSettings:MethodSettings", {
        restApi: id,
        stageName: "dev",
        methodPath: "*/*",
        settings: { throttlingRateLimit: 1, throttlingBurstLimit: 2 },
      });
      const statuses: number[] = [];
      for (let count = 0; count < 3; count++) statuses.push((await call(`${url}/a`)).status);
      assert.deepEqual(statuses, [200, 200, 429]);
      const { body, headers } = await call(`${url}/a`);
      assert.deepEqual(body, { message: "Too Many Requests" });
      assert.equal(headers.get("x-amzn-errortype"), "TooManyRequestsException");
      assert.equal((await call(`${url}/b`)).status, 200);
      await clock.advance(1000);
      assert.equal((await call(`${url}/a`)).status, 200);
    });
  });

  describe("mock and gateway responses", () => {
    const options = {
      responses: { "200": { headers: { "Access-Control-Allow-Origin": {}, "Access-Control-Allow-Methods": {} } } },
      "x-amazon-apigateway-integration": {
        type: "mock",
        requestTemplates: { "application/json": '{"statusCode": 200}' },
        responses: {
          default: {
            statusCode: "200",
            responseParameters: {
              "method.response.header.Access-Control-Allow-Origin": "'https://app.example'",
              "method.response.header.Access-Control-Allow-Methods": "'POST,OPTIONS'",
            },
            responseTemplates: { "application/json": "" },
          },
        },
      },
    };

    it("answers a preflight without a function", async () => {
      const { url } = await createApi(cloud, { paths: { "/": { options } } }, { permission: false });
      const response = await fetch(url, { method: "OPTIONS" });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("access-control-allow-origin"), "https://app.example");
      assert.equal(response.headers.get("access-control-allow-methods"), "POST,OPTIONS");
    });

    it("rejects a preflight with a content type for which a NEVER integration has no template", async () => {
      const integration = { ...options["x-amazon-apigateway-integration"], passthroughBehavior: "never" };
      const paths = { "/": { options: { ...options, "x-amazon-apigateway-integration": integration } } };
      const { url } = await createApi(cloud, { paths }, { permission: false });
      const { status, body } = await call(url, { method: "OPTIONS", headers: { "content-type": "text/plain" } });
      assert.deepEqual([status, body], [415, { message: "Unsupported Media Type" }]);
    });

    it("adds headers and bodies of customised gateway responses, the type's own before its class's", async () => {
      const { url } = await createApi(
        cloud,
        {
          paths: { "/": { options } },
          "x-amazon-apigateway-gateway-responses": {
            DEFAULT_4XX: {
              responseParameters: { "gatewayresponse.header.Access-Control-Allow-Origin": "'https://app.example'" },
            },
            MISSING_AUTHENTICATION_TOKEN: {
              statusCode: 404,
              responseParameters: { "gatewayresponse.header.X-Own": "'yes'" },
              responseTemplates: {
                "application/json": '{"error":$context.error.messageString,"id":"$context.requestId"}',
              },
            },
          },
        },
        { permission: false },
      );
      const missing = await call(`${url}/nowhere`);
      assert.equal(missing.status, 404);
      assert.equal(missing.headers.get("x-own"), "yes");
      assert.equal(missing.headers.get("access-control-allow-origin"), null);
      assert.deepEqual(missing.body, {
        error: "Missing Authentication Token",
        id: missing.headers.get("x-amzn-requestid"),
      });
      const long = await call(url, { method: "OPTIONS", headers: { "x-long": "x".repeat(10_240) } });
      assert.equal(long.headers.get("access-control-allow-origin"), "https://app.example");
    });

    it("adds the headers of DEFAULT_5XX to a failed function's answer", async () => {
      await createFunction(cloud, "export const handler = async () => { throw new Error('x'); };");
      const { url } = await createApi(cloud, {
        paths: { "/": { get: OPERATION } },
        "x-amazon-apigateway-gateway-responses": {
          DEFAULT_5XX: {
            responseParameters: { "gatewayresponse.header.Access-Control-Allow-Origin": "'https://app.example'" },
          },
        },
      });
      const { status, headers } = await call(url);
      assert.equal(status, 502);
      assert.equal(headers.get("access-control-allow-origin"), "https://app.example");
    });
  });

  describe("records", () => {
    it("writes the access log, metrics and a trace of each request", async () => {
      await createFunction(cloud, ECHO);
      const format =
        '{"id":"$context.requestId","status":$context.status,"path":"$context.resourcePath","user":"$context.identity.user"}';
      const destinationArn = `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/api/access`;
      const { url } = await createApi(
        cloud,
        { paths: { "/a/{id}": { get: OPERATION } } },
        { stage: { accessLogSettings: { destinationArn, format } } },
      );
      const { headers } = await call(`${url}/a/1`);
      const id = headers.get("x-amzn-requestid");
      const lines = cloud.logs.filter(({ group }) => group === "/api/access").map(({ message }) => message);
      assert.deepEqual(lines, [`{"id":"${id ?? ""}","status":200,"path":"/a/{id}","user":"-"}`]);
      const metrics = cloud.metrics.filter(({ namespace }) => namespace === "AWS/ApiGateway");
      assert.deepEqual(
        metrics.filter(({ name }) => name === "Count").map(({ dimensions }) => dimensions),
        [{ ApiName: "api" }, { ApiName: "api", Stage: "dev" }],
      );
      assert.deepEqual(
        new Set(metrics.map(({ name }) => name)),
        new Set(["Count", "4XXError", "5XXError", "Latency", "IntegrationLatency"]),
      );
      const trace = cloud.context.traces.recent().find((event) => event.id === id);
      assert.deepEqual(
        [trace?.service, trace?.operation, trace?.status, trace?.caller],
        ["execute-api", "GET /a/{id}", 200, "anonymous"],
      );
    });

    it("keeps the query, which may carry a signature, out of the trace", async () => {
      await createFunction(cloud, ECHO);
      const { url } = await createApi(cloud, { paths: { "/a": { get: OPERATION } } });
      await call(`${url}/a?X-Amz-Signature=secret`);
      assert.equal(JSON.stringify(cloud.context.traces.recent()).includes("secret"), false);
    });
  });

  it("answers HEAD without a body", async () => {
    await createFunction(cloud, ECHO);
    const { url } = await createApi(cloud, { paths: { "/": { "x-amazon-apigateway-any-method": OPERATION } } });
    const status = await new Promise((resolve, reject) => {
      httpRequest(url, { method: "HEAD" }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
    assert.equal(status, 200);
  });
});

/** Waits for the real process; the clock of these tests stands still meanwhile. */
async function until(fits: () => boolean): Promise<void> {
  while (!fits()) await new Promise((resolve) => setTimeout(resolve, 5));
}
