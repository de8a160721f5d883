// Messages of open connections, and what follows a close.
import { type RawData } from "ws";
import type { WebSocketSnapshot } from "./api";
import type { Connection, ConnectionFacts } from "./connection";
import { messageEvent, type Occurrence } from "./events";
import { type IntegrationOutcome, invokeIntegration } from "./integration";
import { recordOccurrence, resultOf } from "./records";
import type { SocketRuntime } from "./runtime";

/** What API Gateway itself tells a client, by the reason. */
const MESSAGES: Readonly<Record<string, string>> = {
  Forbidden: "Forbidden",
  TooManyRequests: "Too Many Requests",
};
const NO_STATUS = 1005;

/** Takes messages to their functions. Those of one connection may overtake each other, as on AWS. */
export class Traffic {
  constructor(private readonly runtime: SocketRuntime) {}

  /** A text message. */
  async receive(connection: Connection, body: Buffer): Promise<void> {
    connection.touch();
    const { facts } = connection;
    const { context } = this.runtime;
    const snapshot = this.runtime.snapshot(facts);
    const routeKey = selectRoute(snapshot, facts.api.selection, body);
    const occurrence = this.runtime.occurrence("MESSAGE", routeKey ?? "$default", `${context.uniqueId(15)}=`);
    const outcome = await this.route(facts, snapshot, routeKey, occurrence, body);
    if (this.runtime.stopped) return;
    recordOccurrence(context, facts, occurrence, { decisions: [], ...resultOf(outcome) });
    const reply = replyTo(outcome, snapshot.routes.get(routeKey ?? "")?.answers === true, facts, occurrence);
    if (reply !== undefined && connection.isOpen) connection.send(reply);
  }

  /** The connection has ended; its $disconnect function is told, once and without retry. */
  async disconnect(facts: ConnectionFacts, code: number, reason: string): Promise<void> {
    const { context, signal } = this.runtime;
    const snapshot = this.runtime.snapshot(facts);
    const integration = snapshot.integrations.get(snapshot.routes.get("$disconnect")?.integrationId ?? "");
    const told = reason === "" && code === NO_STATUS ? "Client-side close frame status not set" : reason;
    const occurrence = {
      ...this.runtime.occurrence("DISCONNECT", "$disconnect"),
      disconnect: { code, reason: told },
    };
    const event = messageEvent(facts, occurrence, undefined);
    const outcome = integration && (await invokeIntegration(context, integration, facts, "$disconnect", event, signal));
    if (!this.runtime.stopped) recordOccurrence(context, facts, occurrence, { decisions: [], ...resultOf(outcome) });
  }

  private async route(
    facts: ConnectionFacts,
    snapshot: WebSocketSnapshot,
    routeKey: string | undefined,
    occurrence: Occurrence,
    body: Buffer,
  ): Promise<IntegrationOutcome> {
    const { context, signal } = this.runtime;
    if (routeKey === undefined) return { status: 403, errorCode: "Forbidden", latencyMs: 0 };
    if (!this.runtime.admits(facts, routeKey)) return { status: 429, errorCode: "TooManyRequests", latencyMs: 0 };
    const integration = snapshot.integrations.get(snapshot.routes.get(routeKey)?.integrationId ?? "");
    if (!integration) return { status: 500, errorCode: "ApiConfigurationError", latencyMs: 0 };
    return invokeIntegration(context, integration, facts, routeKey, messageEvent(facts, occurrence, body), signal);
  }
}

/** A function's own answer goes back where the route has a response; what API Gateway itself refuses is told in any case. */
function replyTo(
  outcome: IntegrationOutcome,
  answers: boolean,
  facts: ConnectionFacts,
  { requestId }: Occurrence,
): string | undefined {
  if (outcome.errorCode === undefined) return answers ? outcome.body : undefined;
  const message = MESSAGES[outcome.errorCode] ?? "Internal server error";
  return JSON.stringify({ message, connectionId: facts.id, requestId });
}

/** The route of a message; undefined when not even $default exists. Routes that begin with "$" cannot be named by a client. */
function selectRoute(snapshot: WebSocketSnapshot, selection: readonly string[], body: Buffer): string | undefined {
  const key = readKey(body, selection);
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

/** A message as one buffer. */
export function toBuffer(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
