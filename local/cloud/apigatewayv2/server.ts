// The running half of WebSocket APIs: from a request to upgrade to an open connection, and its end.
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { CloudContext } from "../core/service";
import { HandshakeRefusal, type WebSocketApi } from "./api";
import { Connection, MAXIMUM_MESSAGE_BYTES } from "./connection";
import { FrameWatch } from "./frames";
import { type Admission, Handshakes } from "./handshake";
import { ConnectionsApi } from "./management";
import { SocketRuntime } from "./runtime";
import { toBuffer, Traffic } from "./traffic";

/** How long a client may take to answer a close, in milliseconds of real time. */
const CLOSE_TIMEOUT_MS = 2000;
const ABNORMAL = 1006;

/** Serves all WebSocket APIs of one cloud. */
export class WebSocketHost {
  readonly management: ConnectionsApi;
  private readonly runtime: SocketRuntime;
  private readonly handshakes: Handshakes;
  private readonly traffic: Traffic;
  private readonly subprotocols = new WeakMap<IncomingMessage, string>();
  private readonly sockets: WebSocketServer;
  private readonly connections = new Map<string, Connection>();
  /** Sockets whose handshake is being judged: no listener knows of them any more. */
  private readonly judged = new Set<Duplex>();

  constructor(context: CloudContext) {
    this.runtime = new SocketRuntime(context);
    this.handshakes = new Handshakes(this.runtime);
    this.traffic = new Traffic(this.runtime);
    const options = {
      noServer: true,
      maxPayload: MAXIMUM_MESSAGE_BYTES,
      closeTimeout: CLOSE_TIMEOUT_MS,
      // API Gateway selects no subprotocol by itself: the $connect function does, among those that are offered.
      handleProtocols: (offered: ReadonlySet<string>, message: IncomingMessage) => {
        const chosen = this.subprotocols.get(message);
        return chosen !== undefined && offered.has(chosen) ? chosen : false;
      },
    };
    this.sockets = new WebSocketServer(options);
    this.management = new ConnectionsApi(context, this.handshakes.verify, (api, stageName, id) => {
      const connection = this.connections.get(id);
      if (!connection?.isOpen || connection.facts.api !== api) return undefined;
      return connection.facts.stage.name === stageName ? connection : undefined;
    });
  }

  /** Open connections, for the console and tests. */
  list(): readonly Connection[] {
    return [...this.connections.values()];
  }

  /** Takes over a request to upgrade. Never throws. */
  upgrade(api: WebSocketApi, message: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => undefined);
    this.judged.add(socket);
    const judged = this.handshakes.judge(api, message).then(
      (admission) => this.accept(admission, message, socket, head),
      (error: unknown) => refuse(socket, error instanceof HandshakeRefusal ? error.status : 500),
    );
    this.runtime.track(judged.finally(() => this.judged.delete(socket)));
  }

  /** Ends the connections of a stage that is deleted. */
  closeStage(api: WebSocketApi, stageName: string): void {
    for (const connection of this.connections.values()) {
      const { facts } = connection;
      if (facts.api === api && facts.stage.name === stageName) connection.close(1001, "Going away");
    }
  }

  async stop(): Promise<void> {
    const stopped = this.runtime.stop();
    for (const socket of this.judged) socket.destroy();
    for (const connection of this.connections.values()) {
      connection.end();
      connection.terminate();
    }
    this.connections.clear();
    this.sockets.close();
    await stopped;
  }

  private accept(admission: Admission, message: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.runtime.stopped) {
      socket.destroy();
      return;
    }
    if (socket.destroyed) {
      // The $connect function believes in this connection; it is told of the end like of any other.
      this.runtime.track(this.traffic.disconnect(admission.facts, ABNORMAL, ""));
      return;
    }
    if (admission.subprotocol !== undefined) this.subprotocols.set(message, admission.subprotocol);
    this.sockets.handleUpgrade(message, socket, head, (webSocket) => this.open(admission, socket, webSocket));
  }

  private open({ facts }: Admission, socket: Duplex, webSocket: WebSocket): void {
    const connection = new Connection(facts, webSocket, this.runtime.context.clock);
    this.connections.set(facts.id, connection);
    // Before ws reads them: a frame that is too large must not become a message. What came with the handshake is read again here.
    const watch = new FrameWatch(() => connection.closeTooBig());
    socket.prependListener("data", (chunk: Buffer) => watch.read(chunk));
    webSocket.on("error", () => undefined);
    webSocket.on("message", (data, binary) => {
      if (!connection.isOpen) return;
      if (binary) connection.closeUnsupported();
      else this.runtime.track(this.traffic.receive(connection, toBuffer(data)));
    });
    webSocket.on("close", (code, reason) => {
      this.connections.delete(facts.id);
      const isFirst = connection.end();
      if (isFirst && !this.runtime.stopped) {
        this.runtime.track(this.traffic.disconnect(facts, code, reason.toString()));
      }
    });
  }
}

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  504: "Gateway Timeout",
};

function refuse(socket: Duplex, status: number): void {
  const text = STATUS_TEXTS[status] ?? "Rejected";
  // A client that does not hang up would keep the listener from closing.
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
