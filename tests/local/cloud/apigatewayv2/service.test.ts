// Proves handshakes, route selection, authorizers, limits and close of WebSocket APIs, over real WebSockets and a virtual clock.
import assert from "node:assert/strict";
import { once } from "node:events";
import { problemsOf } from "../../../support/cloud-context";
import {
  invokeArnOf,
  nextMessage,
  type SocketCloud,
  type SocketEvent,
  startSocketCloud,
} from "../../../support/websocket-cloud";

const HOUR_MS = 3_600_000;

describe("WebSocket APIs", () => {
  let cloud: SocketCloud;
  beforeEach(async () => {
    cloud = await startSocketCloud();
  });
  afterEach(() => cloud.stop());

  it("accepts a connection without a $connect route, and tells the stage's path from others", async () => {
    await cloud.open();
    assert.equal(cloud.service.connections().length, 1);
    await assert.rejects(cloud.open("/../other"), { status: 403 });
  });

  it("selects routes by the body's action, and $default for the rest", async () => {
    const seen: string[] = [];
    const { promise, resolve } = Promise.withResolvers<undefined>();
    await cloud.route("start", () => void seen.push("start"));
    await cloud.route("$default", (event) => {
      seen.push(`default ${event.body ?? ""}`);
      if (seen.length === 4) resolve(undefined);
    });
    const client = await cloud.open();
    client.send('{"action":"start"}');
    client.send('{"action":"$connect"}');
    client.send("not json");
    client.send('{"action":"other"}');
    await promise;
    assert.deepEqual(
      new Set(seen),
      new Set(["start", 'default {"action":"$connect"}', "default not json", 'default {"action":"other"}']),
    );
  });

  it("answers Forbidden on the connection when there is neither a route nor $default", async () => {
    const client = await cloud.open();
    client.send('{"action":"other"}');
    const message = await nextMessage(client);
    assert.equal(message.message, "Forbidden");
    assert.equal(message.connectionId, cloud.service.connections()[0]?.facts.id);
  });

  it("sends a function's answer back only where the route has a response", async () => {
    await cloud.route("silent", () => ({ statusCode: 200, body: '{"from":"silent"}' }));
    await cloud.route("loud", () => ({ statusCode: 200, body: '{"from":"loud"}' }), {
      routeResponseSelectionExpression: "$default",
    });
    const client = await cloud.open();
    client.send('{"action":"silent"}');
    client.send('{"action":"loud"}');
    assert.deepEqual(await nextMessage(client), { from: "loud" });
  });

  it("tells the client of an internal error when a function fails", async () => {
    await cloud.route("start", () => {
      throw new Error("secret of the function");
    });
    const client = await cloud.open();
    client.send('{"action":"start"}');
    const message = await nextMessage(client);
    assert.equal(message.message, "Internal server error");
    assert.doesNotMatch(JSON.stringify(message), /secret/);
  });

  it("gives a message's function the connection, the route and the stage", async () => {
    const { promise, resolve } = Promise.withResolvers<SocketEvent>();
    await cloud.route("start", resolve);
    const client = await cloud.open();
    client.send('{"action":"start"}');
    const { requestContext, isBase64Encoded } = await promise;
    assert.equal(isBase64Encoded, false);
    assert.equal(requestContext.eventType, "MESSAGE");
    assert.equal(requestContext.routeKey, "start");
    assert.equal(requestContext.stage, "dev");
    assert.equal(requestContext.apiId, cloud.apiId);
    assert.equal(requestContext.domainName, `${cloud.apiId}.execute-api.eu-west-1.amazonaws.com`);
    assert.match(String(requestContext.connectionId), /=$/);
  });

  it("rejects the handshake with the status that the $connect function chose", async () => {
    await cloud.route("$connect", () => ({ statusCode: 429 }));
    await assert.rejects(cloud.open(), { status: 429 });
    assert.equal(cloud.service.connections().length, 0);
  });

  it("rejects the handshake with 502 when the $connect function fails", async () => {
    await cloud.route("$connect", () => {
      throw new Error("no");
    });
    await assert.rejects(cloud.open(), { status: 502 });
  });

  it("calls $disconnect with the client's code and reason", async () => {
    const { promise, resolve } = Promise.withResolvers<SocketEvent>();
    await cloud.route("$disconnect", resolve);
    const client = await cloud.open();
    client.close(4000, "done");
    const { requestContext } = await promise;
    assert.equal(requestContext.eventType, "DISCONNECT");
    assert.equal(requestContext.disconnectStatusCode, 4000);
    assert.equal(requestContext.disconnectReason, "done");
  });

  it("closes an idle connection after ten minutes, and a message puts it off", async () => {
    await cloud.route("$default", () => undefined);
    const client = await cloud.open();
    const closed = once(client, "close");
    await cloud.clock.advance(9 * 60_000);
    client.send("x");
    await traced(cloud, "$default");
    await cloud.clock.advance(9 * 60_000);
    assert.equal(cloud.service.connections().length, 1);
    await cloud.clock.advance(60_000);
    assert.equal(((await closed) as [number])[0], 1001);
  });

  it("closes every connection after two hours, however busy", async () => {
    await cloud.route("$default", () => undefined);
    const client = await cloud.open();
    const closed = once(client, "close");
    for (let minutes = 0; minutes < 120; minutes += 5) {
      cloud.service.connections()[0]?.touch();
      await cloud.clock.advance(5 * 60_000);
    }
    assert.equal(cloud.clock.now() - Date.UTC(2026, 0, 1), 2 * HOUR_MS);
    assert.equal(((await closed) as [number])[0], 1001);
  });

  it("rejects a message above 128 KiB, and a frame above 32 KiB, with close code 1009", async () => {
    await cloud.route("$default", () => undefined);
    const long = await cloud.open();
    const longClosed = once(long, "close");
    for (let part = 0; part < 5; part++) long.send("x".repeat(30 * 1024), { fin: part === 4 });
    assert.equal(((await longClosed) as [number])[0], 1009);
    const wide = await cloud.open();
    const wideClosed = once(wide, "close");
    wide.send("x".repeat(33 * 1024));
    assert.equal(((await wideClosed) as [number])[0], 1009);
  });

  it("accepts a message of 100 KiB in frames of 25 KiB", async () => {
    const { promise, resolve } = Promise.withResolvers<SocketEvent>();
    await cloud.route("$default", resolve);
    const client = await cloud.open();
    for (let part = 0; part < 4; part++) client.send("x".repeat(25 * 1024), { fin: part === 3 });
    assert.equal((await promise).body?.length, 100 * 1024);
  });
});

describe("WebSocket authorizers", () => {
  let cloud: SocketCloud;
  let verdict: unknown;
  let asked: SocketEvent[];
  beforeEach(async () => {
    cloud = await startSocketCloud();
    asked = [];
    // The first function that is registered stands behind the authorizer.
    await cloud.route("$disconnect", (event) => {
      if (event.type !== "REQUEST") return undefined;
      asked.push(event);
      if (verdict instanceof Error) throw verdict;
      return verdict;
    });
    const authorizerId = await cloud.add("authorizer:Authorizer", {
      apiId: cloud.apiId,
      name: "tickets",
      authorizerType: "REQUEST",
      authorizerUri: invokeArnOf(0),
      identitySources: ["route.request.querystring.ticket", "route.request.header.Origin"],
    });
    await cloud.route("$connect", () => ({ statusCode: 200 }), { authorizationType: "CUSTOM", authorizerId });
  });
  afterEach(() => cloud.stop());

  const connect = (): Promise<unknown> => cloud.open("?ticket=t", { Origin: "https://app.example.com" });
  const policy = (Effect: string, Resource: string): unknown => ({
    principalId: "user-1",
    policyDocument: { Version: "2012-10-17", Statement: [{ Action: "execute-api:Invoke", Effect, Resource }] },
    context: { owner: "user-1", level: 3, flag: true },
  });

  it("admits whom the returned policy allows, and hands its context on as text", async () => {
    verdict = policy("Allow", "*");
    await connect();
    assert.equal(asked[0]?.queryStringParameters?.ticket, "t");
    assert.match(asked[0]?.methodArn ?? "", /\/dev\/\$connect$/);
    const { authorizer } = cloud.service.connections()[0]?.facts ?? {};
    assert.equal(authorizer?.principalId, "user-1");
    assert.equal(authorizer?.level, "3");
    assert.equal(authorizer?.flag, "true");
  });

  it("rejects with 401, without asking the function, when an identity source is missing", async () => {
    await assert.rejects(cloud.open("?ticket=t"), { status: 401 });
    await assert.rejects(cloud.open("", { Origin: "https://app.example.com" }), { status: 401 });
    assert.equal(asked.length, 0);
  });

  it("rejects with 403 whom the policy denies, or does not mention", async () => {
    verdict = policy("Deny", "*");
    await assert.rejects(connect(), { status: 403 });
    verdict = policy("Allow", "arn:aws:execute-api:eu-west-1:123456789012:other/dev/$connect");
    await assert.rejects(connect(), { status: 403 });
  });

  it("rejects with 401 when the function throws Unauthorized, and with 500 for other failures", async () => {
    verdict = new Error("Unauthorized");
    await assert.rejects(connect(), { status: 401 });
    verdict = new Error("TypeError");
    await assert.rejects(connect(), { status: 500 });
  });

  it("rejects with 500 an answer with nested context, without policy, or above 8 KB", async () => {
    verdict = { ...(policy("Allow", "*") as object), context: { nested: { a: 1 } } };
    await assert.rejects(connect(), { status: 500 });
    verdict = { principalId: "user-1" };
    await assert.rejects(connect(), { status: 500 });
    verdict = { ...(policy("Allow", "*") as object), context: { long: "x".repeat(9000) } };
    await assert.rejects(connect(), { status: 500 });
  });
});

describe("limits and records of WebSocket stages", () => {
  it("rejects messages and handshakes beyond the stage's throttle", async () => {
    const cloud = await startSocketCloud({ defaultRouteSettings: { throttlingRateLimit: 1, throttlingBurstLimit: 1 } });
    try {
      await cloud.route("$default", () => undefined);
      const client = await cloud.open();
      await assert.rejects(cloud.open(), { status: 429 });
      client.send("1");
      client.send("2");
      assert.equal((await nextMessage(client)).message, "Too Many Requests");
    } finally {
      await cloud.stop();
    }
  });

  it("writes access logs in the stage's format, without the query, and counts connections and messages", async () => {
    const cloud = await startSocketCloud({
      accessLogSettings: {
        destinationArn: "arn:aws:logs:eu-west-1:123456789012:log-group:access",
        format:
          '{"id":"$context.requestId","route":"$context.routeKey","event":"$context.eventType","status":"$context.status"}',
      },
    });
    try {
      await cloud.route("$default", () => undefined);
      const client = await cloud.open("?ticket=hidden");
      client.send("x");
      await traced(cloud, "$default");
      const lines = cloud.logs.map((line) => JSON.parse(line) as Readonly<Record<string, string>>);
      assert.deepEqual(
        lines.map(({ route, event, status }) => [route, event, status]),
        [
          ["$connect", "CONNECT", "200"],
          ["$default", "MESSAGE", "200"],
        ],
      );
      assert.doesNotMatch(cloud.logs.join(), /hidden/);
      const names = cloud.metrics.filter(({ dimensions }) => !("Stage" in dimensions)).map(({ name }) => name);
      assert.deepEqual(names, ["ConnectCount", "MessageCount", "IntegrationLatency"]);
    } finally {
      await cloud.stop();
    }
  });

  it("serves a stage without auto-deploy from its deployment only", async () => {
    const cloud = await startSocketCloud();
    try {
      await cloud.route("first", () => ({ statusCode: 200, body: '{"route":"first"}' }), {
        routeResponseSelectionExpression: "$default",
      });
      const deploymentId = await cloud.add("deployment:Deployment", { apiId: cloud.apiId });
      await cloud.route("second", () => undefined);
      await cloud.add("stage:Stage", { apiId: cloud.apiId, name: "fixed", deploymentId });
      const client = await cloud.open("/../fixed");
      client.send('{"action":"second"}');
      assert.equal((await nextMessage(client)).message, "Forbidden");
      client.send('{"action":"first"}');
      assert.deepEqual(await nextMessage(client), { route: "first" });
    } finally {
      await cloud.stop();
    }
  });
});

describe("checks of WebSocket resources", () => {
  const refusals: readonly (readonly [string, Readonly<Record<string, unknown>>, RegExp])[] = [
    ["api:Api", { name: "a", protocolType: "HTTP", routeSelectionExpression: "$request.body.a" }, /only WEBSOCKET/],
    ["api:Api", { name: "a", protocolType: "WEBSOCKET" }, /routeSelectionExpression: is required/],
    ["api:Api", { protocolType: "WEBSOCKET", routeSelectionExpression: "$context.x" }, /must have the form/],
    ["route:Route", { apiId: "a", routeKey: "start", authorizationType: "CUSTOM" }, /on the \$connect route only/],
    ["route:Route", { apiId: "a", routeKey: "$connect", authorizationType: "CUSTOM" }, /authorizerId: is required/],
    ["route:Route", { apiId: "a", routeKey: "$connect", authorizationType: "JWT" }, /must be one of/],
    ["integration:Integration", { apiId: "a", integrationType: "HTTP", integrationUri: "https://x" }, /only AWS_PROXY/],
    ["integration:Integration", { apiId: "a", integrationType: "AWS_PROXY", integrationUri: invokeArnOf(0), timeoutMilliseconds: 30_000 }, /between 50 and 29000/],
    ["authorizer:Authorizer", { apiId: "a", name: "x", authorizerType: "REQUEST", authorizerUri: invokeArnOf(0), identitySources: ["method.request.header.X"] }, /route\.request/],
    ["stage:Stage", { apiId: "a", name: "dev", accessLogSettings: { destinationArn: "x", format: "$context.status" } }, /must be the ARN of a log group/],
    ["stage:Stage", { apiId: "a", name: "dev", clientCertificateId: "x" }, /not simulated/],
  ]; // prettier-ignore
  for (const [type, inputs, reason] of refusals) {
    it(`rejects ${type} ${JSON.stringify(inputs).slice(0, 90)}`, async () => {
      const cloud = await startSocketCloud();
      const problems = problemsOf(cloud.service, `aws:apigatewayv2/${type}`, inputs as never);
      await cloud.stop();
      assert.match(problems.join("; "), reason);
    });
  }
});

/** Resolves once an occurrence of the route is in the trace. */
function traced(cloud: SocketCloud, operation: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = cloud.context.traces.subscribe((event) => {
      if (event.operation !== operation) return;
      stop();
      resolve();
    });
  });
}
