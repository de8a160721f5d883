// A handshake: stage, limits, authorisation and the $connect function decide whether there will be a connection.
import type { IncomingMessage } from "node:http";
import { createSignatureCheck, type SignatureCheck } from "../apigateway/signature";
import type { Decision } from "../core/access";
import { HandshakeRefusal, type WebSocketApi } from "./api";
import { admit } from "./authorizer";
import type { ConnectionFacts } from "./connection";
import { connectEvent, type Occurrence, targetOf } from "./events";
import { type IntegrationOutcome, invokeIntegration } from "./integration";
import { recordOccurrence, resultOf } from "./records";
import type { SocketRuntime } from "./runtime";

const KEY = /^[+/0-9A-Za-z]{22}==$/;
const VERSIONS = ["8", "13"];

/** A connection that may be opened. */
export interface Admission {
  readonly facts: ConnectionFacts;
  /** What the $connect function chose among those that the client offers. */
  readonly subprotocol: string | undefined;
}

/** Judges handshakes. */
export class Handshakes {
  readonly verify: SignatureCheck;

  constructor(private readonly runtime: SocketRuntime) {
    this.verify = createSignatureCheck(runtime.context);
  }

  /** @throws HandshakeRefusal */
  async judge(api: WebSocketApi, message: IncomingMessage): Promise<Admission> {
    const { context } = this.runtime;
    if (!isUpgrade(message)) throw new HandshakeRefusal(400, "BadRequestException");
    const stage = api.stages.get(targetOf(message).path.split("/")[1] ?? "");
    if (!stage) throw new HandshakeRefusal(403, "ForbiddenException");
    const facts: ConnectionFacts = {
      id: `${context.uniqueId(15)}=`,
      api,
      stage,
      sourceIp: (message.socket.remoteAddress ?? "").replace(/^::ffff:/, ""),
      userAgent: message.headers["user-agent"],
      connectedAt: context.clock.now(),
      authorizer: undefined,
    };
    const occurrence = this.runtime.occurrence("CONNECT", "$connect");
    const decisions: Decision[] = [];
    try {
      const outcome = await this.connect(facts, message, occurrence, decisions);
      recordOccurrence(context, facts, occurrence, { decisions, ...resultOf(outcome) });
      return { facts, subprotocol: outcome?.subprotocol };
    } catch (error) {
      if (error instanceof HandshakeRefusal && !this.runtime.stopped) {
        const { status, errorCode } = error;
        recordOccurrence(context, facts, occurrence, { status, errorCode, decisions });
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
    const { runtime } = this;
    const { context, signal } = runtime;
    const snapshot = runtime.snapshot(facts);
    if (!runtime.admitsConnection(facts) || !runtime.admits(facts, "$connect")) {
      throw new HandshakeRefusal(429, "TooManyRequestsException");
    }
    const route = snapshot.routes.get("$connect");
    if (!route) return undefined;
    const handshake = { message, connection: facts, occurrence, decisions, signal };
    await admit(context, this.verify, snapshot, route, handshake);
    // A $connect route may be there for its authorizer alone.
    const integration = snapshot.integrations.get(route.integrationId ?? "");
    if (!integration) return undefined;
    const event = connectEvent(message, facts, occurrence);
    const outcome = await invokeIntegration(context, integration, facts, "$connect", event, signal);
    if (outcome.status < 200 || outcome.status > 299) {
      // A status below 200 would not end the handshake.
      throw new HandshakeRefusal(Math.max(outcome.status, 400), outcome.errorCode ?? "ConnectRefused");
    }
    return outcome;
  }
}

/** Whether a request asks for a WebSocket in a way that can be answered: else no function need be asked. */
function isUpgrade({ method, headers }: IncomingMessage): boolean {
  return (
    method === "GET" &&
    headers.upgrade?.toLowerCase() === "websocket" &&
    KEY.test(headers["sec-websocket-key"] ?? "") &&
    VERSIONS.includes(headers["sec-websocket-version"] ?? "")
  );
}
