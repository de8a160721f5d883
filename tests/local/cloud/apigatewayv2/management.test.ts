// Proves @connections with the real SDK client: signatures, permissions, 410, limits.
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from "@aws-sdk/client-apigatewaymanagementapi";
import assert from "node:assert/strict";
import { once } from "node:events";
import type { Credentials } from "../../../../local/cloud/core/access";
import { nextMessage, type SocketCloud, startSocketCloud } from "../../../support/websocket-cloud";

describe("the @connections API", () => {
  let cloud: SocketCloud;
  beforeEach(async () => {
    cloud = await startSocketCloud();
  });
  afterEach(() => cloud.stop());

  const client = (
    credentials: Credentials = cloud.access.rootCredentials("123456789012"),
  ): ApiGatewayManagementApiClient =>
    new ApiGatewayManagementApiClient({
      endpoint: `${cloud.origin()}/dev`,
      region: "eu-west-1",
      credentials: {
        ...credentials,
        ...(credentials.sessionToken === undefined ? {} : { sessionToken: credentials.sessionToken }),
      },
      // The cloud's clock is virtual, and so is the time of signatures.
      systemClockOffset: cloud.clock.now() - Date.now(),
      maxAttempts: 1,
    });
  const idOf = (): string => cloud.service.connections()[0]?.facts.id ?? "";

  it("posts to a connection, describes it and ends it", async () => {
    const socket = await cloud.open();
    const ConnectionId = idOf();
    const received = nextMessage(socket);
    await client().send(new PostToConnectionCommand({ ConnectionId, Data: '{"percent":50}' }));
    assert.deepEqual(await received, { percent: 50 });
    const described = await client().send(new GetConnectionCommand({ ConnectionId }));
    assert.equal(described.ConnectedAt?.getTime(), cloud.clock.now());
    assert.equal(described.Identity?.SourceIp, "127.0.0.1");
    const closed = once(socket, "close");
    await client().send(new DeleteConnectionCommand({ ConnectionId }));
    await closed;
  });

  it("rejects a post to a connection that is gone with 410 GoneException", async () => {
    const socket = await cloud.open();
    const ConnectionId = idOf();
    const ended = new Promise<void>((resolve) => {
      const stop = cloud.context.traces.subscribe(({ operation }) => {
        if (operation !== "$disconnect") return;
        stop();
        resolve();
      });
    });
    socket.close();
    await ended;
    const error = await failure(client().send(new PostToConnectionCommand({ ConnectionId, Data: "x" })));
    assert.equal(error.name, "GoneException");
    assert.equal(error.$metadata.httpStatusCode, 410);
  });

  it("rejects a post from inside $connect with 410: the connection does not exist yet", async () => {
    const posted: number[] = [];
    await cloud.route("$connect", async ({ requestContext }) => {
      const ConnectionId = String(requestContext.connectionId);
      const error = await failure(client().send(new PostToConnectionCommand({ ConnectionId, Data: "x" })));
      posted.push(error.$metadata.httpStatusCode ?? 0);
      return { statusCode: 200 };
    });
    await cloud.open();
    assert.deepEqual(posted, [410]);
  });

  it("rejects more than 128 KiB with 413 and sends nothing", async () => {
    await cloud.open();
    const Data = "x".repeat(128 * 1024 + 1);
    const error = await failure(client().send(new PostToConnectionCommand({ ConnectionId: idOf(), Data })));
    assert.equal(error.name, "PayloadTooLargeException");
    assert.equal(error.$metadata.httpStatusCode, 413);
  });

  it("rejects an unsigned call and a wrong signature with 403", async () => {
    await cloud.open();
    const url = `${cloud.origin()}/dev/@connections/${encodeURIComponent(idOf())}`;
    assert.equal((await fetch(url, { method: "POST", body: "x" })).status, 403);
    const forged = { ...cloud.access.rootCredentials("123456789012"), secretAccessKey: "wrong" };
    const error = await failure(client(forged).send(new PostToConnectionCommand({ ConnectionId: idOf(), Data: "x" })));
    assert.equal(error.$metadata.httpStatusCode, 403);
  });

  it("rejects a role without execute-api:ManageConnections on this connection's stage", async () => {
    const socket = await cloud.open();
    const arn = `arn:aws:execute-api:eu-west-1:123456789012:${cloud.apiId}`;
    const ConnectionId = idOf();
    const post = async (name: string, Resource: string): Promise<unknown> =>
      client(roleWith(name, Resource)).send(new PostToConnectionCommand({ ConnectionId, Data: '{"n":1}' }));
    const error = await failure(post("other-stage", `${arn}/prod/POST/@connections/*`));
    assert.equal(error.$metadata.httpStatusCode, 403);
    const received = nextMessage(socket);
    await post("own-stage", `${arn}/dev/POST/@connections/*`);
    assert.deepEqual(await received, { n: 1 });
  });

  function roleWith(name: string, Resource: string): Credentials {
    const statement = { Effect: "Allow" as const, Action: "execute-api:ManageConnections", Resource };
    const arn = `arn:aws:iam::123456789012:role/${name}`;
    cloud.access.roles.add({
      arn,
      name,
      accountId: "123456789012",
      uniqueId: `AROA${name.toUpperCase()}`,
      trustPolicy: {
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
      },
      maxSessionDurationSeconds: 3600,
      inline: new Map([
        [
          "inline",
          { policy: { name: "inline", document: { Version: "2012-10-17", Statement: [statement] } }, size: 100 },
        ],
      ]),
      attached: new Map(),
    });
    return cloud.access.assumeRole(arn, "session", "lambda.amazonaws.com");
  }
});

interface Failure {
  readonly name: string;
  readonly $metadata: { readonly httpStatusCode?: number };
}

async function failure(work: Promise<unknown>): Promise<Failure> {
  try {
    await work;
  } catch (error) {
    return error as Failure;
  }
  throw new Error("the call was accepted");
}
