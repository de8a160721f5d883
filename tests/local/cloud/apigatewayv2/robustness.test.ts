// Proves that WebSocket APIs survive clients that misbehave, and leave nothing behind when the run ends in the middle of work.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { WebSocket } from "ws";
import { nextMessage, type SocketCloud, type SocketEvent, startSocketCloud } from "../../../support/websocket-cloud";

const UPGRADE =
  "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

describe("WebSocket APIs and difficult clients", () => {
  let cloud: SocketCloud;
  beforeEach(async () => {
    cloud = await startSocketCloud();
  });
  afterEach(() => cloud.stop());

  const raw = (): Socket => {
    const { port, hostname } = new URL(cloud.origin());
    return connect(Number(port), hostname).on("error", () => undefined);
  };
  const statusOf = async (text: string): Promise<number> => {
    const socket = raw();
    socket.write(text);
    const [answer] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    return Number(answer.toString().split(" ")[1]);
  };

  it("rejects a path that is no percent-encoding, and goes on serving", async () => {
    const response = await fetch(`${cloud.origin()}/dev/@connections/%E0%A4%A`, { method: "POST", body: "x" });
    assert.equal(response.status, 403);
    await cloud.open();
  });

  it("rejects handshakes without a valid key, version or path before it asks any function", async () => {
    let asked = 0;
    await cloud.route("$connect", () => void asked++);
    assert.equal(await statusOf(`GET /dev HTTP/1.1\r\n${UPGRADE.replace("AAAA", "!")}`), 400);
    assert.equal(await statusOf(`GET /dev HTTP/1.1\r\n${UPGRADE.replace("13", "7")}`), 400);
    assert.equal(await statusOf(`GET // HTTP/1.1\r\n${UPGRADE}`), 403);
    assert.equal(asked, 0);
  });

  it("goes on when a client hangs up in the middle of a post", async () => {
    const socket = raw();
    socket.write("POST /dev/@connections/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx");
    // By the time of this answer the service reads the body of the other request.
    await fetch(`${cloud.origin()}/dev/@connections/y`);
    socket.resetAndDestroy();
    await once(socket, "close");
    await cloud.open();
  });

  it("rejects binary messages with close code 1003, and asks no function", async () => {
    let asked = 0;
    await cloud.route("$default", () => void asked++);
    const client = await cloud.open();
    client.send(Buffer.from([1, 2, 3]));
    assert.equal(((await once(client, "close")) as [number])[0], 1003);
    assert.equal(asked, 0);
  });

  it("rejects a frame above 32 KiB without handing it on", async () => {
    let asked = 0;
    await cloud.route("$default", () => void asked++);
    const client = await cloud.open();
    client.send("x".repeat(33 * 1024));
    assert.equal(((await once(client, "close")) as [number])[0], 1009);
    assert.equal(asked, 0);
  });

  it("measures frames that come together with the handshake once", async () => {
    const { promise, resolve } = Promise.withResolvers<SocketEvent>();
    await cloud.route("$default", resolve);
    const socket = raw();
    // A masked frame "hi", then a ping, in the same segment as the request.
    const frames = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69, 0x89, 0x80, 0, 0, 0, 0]);
    socket.write(Buffer.concat([Buffer.from(`GET /dev HTTP/1.1\r\n${UPGRADE}`), frames]));
    assert.equal((await promise).body, "hi");
    assert.equal(cloud.service.connections().length, 1);
    socket.destroy();
  });

  it("tells $disconnect of a client that left during $connect", async () => {
    const gone = Promise.withResolvers<SocketEvent>();
    const connecting = Promise.withResolvers<undefined>();
    const left = Promise.withResolvers<undefined>();
    await cloud.route("$connect", async () => {
      connecting.resolve(undefined);
      await left.promise;
      return { statusCode: 200 };
    });
    await cloud.route("$disconnect", gone.resolve);
    const socket = raw();
    socket.write(`GET /dev HTTP/1.1\r\n${UPGRADE}`);
    await connecting.promise;
    socket.resetAndDestroy();
    await once(socket, "close");
    left.resolve(undefined);
    assert.equal((await gone.promise).requestContext.disconnectStatusCode, 1006);
  });

  it("rejects posts to a connection that is closing with 410 at once", async () => {
    await cloud.open();
    const [connection] = cloud.service.connections();
    assert.equal(connection?.isOpen, true);
    connection?.close(1000, "done");
    assert.equal(connection?.isOpen, false);
  });

  it("answers with the subprotocol that $connect chose, where the client offered it", async () => {
    await cloud.route("$connect", () => ({ statusCode: 200, headers: { "sec-websocket-protocol": "progress" } }));
    const client = new WebSocket(`${cloud.origin().replace("http", "ws")}/dev`, ["other", "progress"]);
    await once(client, "open");
    assert.equal(client.protocol, "progress");
    client.terminate();
  });

  it("sends back what a function answers whatever its status", async () => {
    await cloud.route("start", () => ({ statusCode: 400, body: '{"wrong":true}' }), {
      routeResponseSelectionExpression: "$default",
    });
    const client = await cloud.open();
    client.send('{"action":"start"}');
    assert.deepEqual(await nextMessage(client), { wrong: true });
  });

  it("names the missing status of a close", async () => {
    const { promise, resolve } = Promise.withResolvers<SocketEvent>();
    await cloud.route("$disconnect", resolve);
    (await cloud.open()).close();
    const { requestContext } = await promise;
    assert.equal(requestContext.disconnectStatusCode, 1005);
    assert.equal(requestContext.disconnectReason, "Client-side close frame status not set");
  });
});

describe("the end of a run of WebSocket APIs", () => {
  const never = (): Promise<undefined> => new Promise(() => undefined);

  it("does not wait for functions that still run, and ends the handshakes that wait for one", async () => {
    const cloud = await startSocketCloud();
    const started = Promise.withResolvers<undefined>();
    const connecting = Promise.withResolvers<undefined>();
    await cloud.route("$default", () => {
      started.resolve(undefined);
      return never();
    });
    const client = await cloud.open();
    client.send("x");
    await started.promise;
    await cloud.route("$connect", () => {
      connecting.resolve(undefined);
      return never();
    });
    const waiting = new WebSocket(`${cloud.origin().replace("http", "ws")}/dev`);
    const failed = once(waiting, "error");
    await connecting.promise;

    await cloud.stop();

    await failed;
    assert.equal(cloud.service.connections().length, 0);
    const before = cloud.context.clock.now();
    await cloud.clock.advance(3 * 3_600_000);
    assert.ok(cloud.clock.now() > before);
  });
});
