// The running half of a WebSocket API: handshakes, messages and what follows a close.
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import { createSignatureCheck, type SignatureCheck } from "../apigateway/signature";
import { ACCOUNT_THROTTLE, Throttling } from "../apigateway/throttling";
import type { Decision } from "../core/access";
import type { CloudContext } from "../core/service";
import { uuidFrom } from "../core/uuid";
import { HandshakeRefusal, servedBy, type WebSocketApi, type WebSocketSnapshot, type WebSocketStage } from "./api";
import { admit } from "./authorizer";
import { Connection, type ConnectionFacts, MAXIMUM_MESSAGE_BYTES } from "./connection";
import { connectEvent, messageEvent, type Occurrence } from "./events";
import { FrameWatch } from "./frames";
import { type IntegrationOutcome, invokeIntegration } from "./integration";
import { ConnectionsApi } from "./management";
import { recordOccurrence } from "./records";

/** New connections per second and account. https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html */
const CONNECT_THROTTLE = { rate: 500, burst: 500 };

/** Serves all WebSocket APIs of one cloud. */
export class WebSocketHost {
  readonly management: ConnectionsApi;
  private readonly verify: SignatureCheck;
  private readonly throttling: Throttling;
  private readonly sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAXIMUM_MESSAGE_BYTES,
    // API Gateway selects no subprotocol by itself.
    handleProtocols: () => false,
  });
  private readonly connections = new Map<string, Connection>();
  /** $disconnect functions that still run. */
  private readonly pending = new Set<Promise<void>>();
  private stopped = false;

  constructor(private readonly context: CloudContext) {
    this.verify = createSignatureCheck(context);
    this.throttling = new Throttling(context.clock);
    this.management = new ConnectionsApi(context, this.verify, (api, stageName, id) => {
      const connection = this.connections.get(id);
      return connection?.facts.api === api && connection.facts.stage.name === stageName ? connection : undefined;
    });
  }

  /** Open connections, for the console and tests. */
  list(): readonly Connection[] {
    return [...this.connections.values()];
  }

  /** Takes over a request to upgrade. Never throws. */
  upgrade(api: WebSocketApi, message: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => undefined);
    void this.handshake(api, message).then(
      (facts) => this.accept(facts, message, socket, head),
      (error: unknown) => refuse(socket, error instanceof HandshakeRefusal ? error.status : 500),
    );
  }

  /** Ends the connections of a stage that is deleted. */
  closeStage(api: WebSocketApi, stageName: string): void {
    for (const connection of this.connections.values()) {
      const { facts } = connection;
      if (facts.api === api && facts.stage.name === stageName) connection.close(1001, "Going away");
    }
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const connection of this.connections.values()) {
      connection.end();
      connection.terminate();
    }
    this.connections.clear();
    this.sockets.close();
    await Promise.all(this.pending);
  }

  private async handshake(api: WebSocketApi, message: IncomingMessage): Promise<ConnectionFacts> {
    const stage = api.stages.get(new URL(message.url ?? "/", "http://api.local").pathname.split("/")[1] ?? "");
    if (!stage) throw new HandshakeRefusal(403, "ForbiddenException");
    const facts: ConnectionFacts = {
      id: `${this.context.uniqueId(15)}=`,
      api,
      stage,
      sourceIp: (message.socket.remoteAddress ?? "").replace(/^::ffff:/, ""),
      userAgent: message.headers["user-agent"],
      connectedAt: this.context.clock.now(),
      authorizer: undefined,
    };
    const occurrence = this.occurrence("CONNECT", "$connect");
    const decisions: Decision[] = [];
    try {
      const outcome = await this.connect(facts, message, occurrence, decisions);
      recordOccurrence(this.context, facts, occurrence, { decisions, ...resultOf(outcome) });
      return facts;
    } catch (error) {
      if (error instanceof HandshakeRefusal) {
        recordOccurrence(this.context, facts, occurrence, {
          status: error.status,
          errorCode: error.errorCode,
          decisions,
        });
      }
      throw error;
    }
  }

  /** Throttle, authorise, ask the $connect function. Until it has answered, `@connections` knows nothing of the connection. */
  private async connect(
    facts: ConnectionFacts,
    message: IncomingMessage,
    occurrence: Occurrence,
    decisions: Decision[],
  ): Promise<IntegrationOutcome | undefined> {
    const { api, stage } = facts;
    const snapshot = servedBy(api, stage);
    const admitted =
      this.throttling.admit(`connect/${api.accountId}/${api.region}`, CONNECT_THROTTLE) &&
      this.admitted(facts, "$connect");
    if (!admitted) throw new HandshakeRefusal(429, "TooManyRequestsException");
    const route = snapshot.routes.get("$connect");
    if (!route) return undefined;
    await admit(this.context, this.verify, snapshot, route, { message, connection: facts, occurrence, decisions });
    const integration = snapshot.integrations.get(route.integrationId ?? "");
    if (!integration) return undefined;
    const event = connectEvent(message, facts, occurrence);
    const outcome = await invokeIntegration(this.context, integration, facts, "$connect", event);
    if (outcome.status < 200 || outcome.status > 299) {
      throw new HandshakeRefusal(outcome.status, outcome.errorCode ?? "ConnectRefused");
    }
    return outcome;
  }

  private accept(facts: ConnectionFacts, message: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.stopped || socket.destroyed) {
      socket.destroy();
      return;
    }
    this.sockets.handleUpgrade(message, socket, head, (webSocket) => this.open(facts, socket, head, webSocket));
  }

  private open(facts: ConnectionFacts, socket: Duplex, head: Buffer, webSocket: WebSocket): void {
    const connection = new Connection(facts, webSocket, this.context.clock);
    this.connections.set(facts.id, connection);
    const watch = new FrameWatch(() => connection.closeTooBig());
    watch.read(head);
    socket.on("data", (chunk: Buffer) => watch.read(chunk));
    webSocket.on("error", () => undefined);
    webSocket.on("message", (data, binary) => {
      this.track(this.receive(connection, toBuffer(data), binary));
    });
    webSocket.on("close", (code, reason) => {
      this.connections.delete(facts.id);
      if (connection.end() && !this.stopped) this.track(this.disconnect(connection, code, reason.toString()));
    });
  }

  private async receive(connection: Connection, body: Buffer, binary: boolean): Promise<void> {
    connection.touch();
    const { facts } = connection;
    const snapshot = servedBy(facts.api, currentStage(facts));
    const routeKey = selectRoute(snapshot, facts.api.selection, binary ? undefined : body);
    const occurrence = this.occurrence("MESSAGE", routeKey ?? "$default", `${this.context.uniqueId(15)}=`);
    const outcome = await this.route(facts, snapshot, routeKey, occurrence, body, binary);
    recordOccurrence(this.context, facts, occurrence, { decisions: [], ...resultOf(outcome) });
    if (!this.connections.has(facts.id)) return;
    const route = snapshot.routes.get(routeKey ?? "");
    if (outcome.status < 400) {
      if (route?.answers && outcome.body !== undefined) connection.send(outcome.body);
      return;
    }
    // A status that the function chose is its own affair; what API Gateway itself refuses is told to the client.
    const text = MESSAGES[outcome.errorCode ?? ""] ?? (outcome.status >= 500 ? "Internal server error" : undefined);
    const { requestId } = occurrence;
    if (text !== undefined && outcome.errorCode !== undefined) {
      connection.send(JSON.stringify({ message: text, connectionId: facts.id, requestId }));
    }
  }

  private async route(
    facts: ConnectionFacts,
    snapshot: WebSocketSnapshot,
    routeKey: string | undefined,
    occurrence: Occurrence,
    body: Buffer,
    binary: boolean,
  ): Promise<IntegrationOutcome> {
    if (routeKey === undefined) return { status: 403, errorCode: "Forbidden", latencyMs: 0 };
    if (!this.admitted(facts, routeKey)) return { status: 429, errorCode: "TooManyRequests", latencyMs: 0 };
    const integration = snapshot.integrations.get(snapshot.routes.get(routeKey)?.integrationId ?? "");
    if (!integration) return { status: 500, errorCode: "ApiConfigurationError", latencyMs: 0 };
    return invokeIntegration(this.context, integration, facts, routeKey, messageEvent(facts, occurrence, body, binary));
  }

  private async disconnect(connection: Connection, code: number, reason: string): Promise<void> {
    const { facts } = connection;
    const snapshot = servedBy(facts.api, facts.stage);
    const integration = snapshot.integrations.get(snapshot.routes.get("$disconnect")?.integrationId ?? "");
    const occurrence = { ...this.occurrence("DISCONNECT", "$disconnect"), disconnect: { code, reason } };
    const outcome =
      integration &&
      (await invokeIntegration(
        this.context,
        integration,
        facts,
        "$disconnect",
        messageEvent(facts, occurrence, undefined, false),
      ));
    recordOccurrence(this.context, facts, occurrence, { decisions: [], ...resultOf(outcome) });
  }

  /** The account's limit, then that of the route or the stage. */
  private admitted({ api, stage }: ConnectionFacts, routeKey: string): boolean {
    const current = api.stages.get(stage.name) ?? stage;
    const limit = current.routeThrottles.get(routeKey) ?? current.throttle;
    return (
      this.throttling.admit(`${api.accountId}/${api.region}`, ACCOUNT_THROTTLE) &&
      (limit === undefined || this.throttling.admit(`${api.id}/${stage.name}/${routeKey}`, limit))
    );
  }

  private occurrence(eventType: Occurrence["eventType"], routeKey: string, messageId?: string): Occurrence {
    return {
      eventType,
      routeKey,
      requestId: uuidFrom(this.context.uniqueId(32)),
      extendedRequestId: `${this.context.uniqueId(15)}=`,
      at: this.context.clock.now(),
      ...(messageId === undefined ? {} : { messageId }),
    };
  }

  private track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        // After the end of the run functions are gone; before it, a fault of this program must be seen.
        if (!this.stopped) throw error;
      })
      .finally(() => this.pending.delete(tracked));
    this.pending.add(tracked);
  }
}

const MESSAGES: Readonly<Record<string, string>> = {
  Forbidden: "Forbidden",
  TooManyRequests: "Too Many Requests",
};

function currentStage({ api, stage }: ConnectionFacts): WebSocketStage {
  return api.stages.get(stage.name) ?? stage;
}

function resultOf(outcome: IntegrationOutcome | undefined): {
  status: number;
  errorCode?: string;
  functionRequestId?: string;
  integrationLatencyMs?: number;
} {
  if (!outcome) return { status: 200 };
  return {
    status: outcome.status,
    integrationLatencyMs: outcome.latencyMs,
    ...(outcome.errorCode === undefined ? {} : { errorCode: outcome.errorCode }),
    ...(outcome.functionRequestId === undefined ? {} : { functionRequestId: outcome.functionRequestId }),
  };
}

/** The route of a message; undefined when not even $default exists. Routes that begin with "$" cannot be named by a client. */
function selectRoute(
  snapshot: WebSocketSnapshot,
  selection: readonly string[],
  body: Buffer | undefined,
): string | undefined {
  const key = body && readKey(body, selection);
  if (key !== undefined && !key.startsWith("$") && snapshot.routes.has(key)) return key;
  return snapshot.routes.has("$default") ? "$default" : undefined;
}

function readKey(body: Buffer, selection: readonly string[]): string | undefined {
  try {
    let value: unknown = JSON.parse(body.toString());
    for (const part of selection) value = (value as Readonly<Record<string, unknown>> | null)?.[part];
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

function toBuffer(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
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
  socket.end(`HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
