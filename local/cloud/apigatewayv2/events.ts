// The events that functions behind a WebSocket API receive.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
import type { IncomingMessage } from "node:http";
import { formatClfTime } from "../apigateway/event";
import { domainNameOf, executionArnOf } from "./api";
import type { ConnectionFacts } from "./connection";

/** What happens on a connection. */
export interface Occurrence {
  readonly eventType: "CONNECT" | "MESSAGE" | "DISCONNECT";
  readonly routeKey: string;
  readonly requestId: string;
  readonly extendedRequestId: string;
  readonly at: number;
  readonly messageId?: string;
  readonly disconnect?: { readonly code: number; readonly reason: string };
}

/** `requestContext` of all three kinds. */
export function requestContextOf(
  connection: ConnectionFacts,
  occurrence: Occurrence,
): Readonly<Record<string, unknown>> {
  const { api, stage, authorizer, userAgent } = connection;
  const { messageId, disconnect } = occurrence;
  return {
    routeKey: occurrence.routeKey,
    ...(messageId === undefined ? {} : { messageId }),
    ...(authorizer ? { authorizer } : {}),
    eventType: occurrence.eventType,
    ...(disconnect ? { disconnectStatusCode: disconnect.code, disconnectReason: disconnect.reason } : {}),
    extendedRequestId: occurrence.extendedRequestId,
    requestTime: formatClfTime(occurrence.at),
    messageDirection: "IN",
    stage: stage.name,
    connectedAt: connection.connectedAt,
    requestTimeEpoch: occurrence.at,
    identity: { ...(userAgent === undefined ? {} : { userAgent }), sourceIp: connection.sourceIp },
    requestId: occurrence.requestId,
    domainName: domainNameOf(api),
    connectionId: connection.id,
    apiId: api.id,
  };
}

/** Path and query of a request; unlike URL, it takes whatever a client sends. */
export function targetOf({ url = "/" }: IncomingMessage): { readonly path: string; readonly query: URLSearchParams } {
  const mark = url.indexOf("?");
  return mark < 0
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) };
}

/** Headers and query of a handshake, single and repeated values. */
export function handshakeParts(message: IncomingMessage): Readonly<Record<string, unknown>> {
  const headers = pairs(message.rawHeaders);
  const query = [...targetOf(message).query];
  return {
    headers: Object.fromEntries(headers),
    multiValueHeaders: grouped(headers),
    ...(query.length === 0
      ? {}
      : { queryStringParameters: Object.fromEntries(query), multiValueQueryStringParameters: grouped(query) }),
  };
}

/** Event of $connect. */
export function connectEvent(
  message: IncomingMessage,
  connection: ConnectionFacts,
  occurrence: Occurrence,
): Readonly<Record<string, unknown>> {
  return {
    ...handshakeParts(message),
    requestContext: requestContextOf(connection, occurrence),
    isBase64Encoded: false,
    ...stageVariables(connection),
  };
}

/** Event of a REQUEST authorizer. */
export function authorizerEvent(
  message: IncomingMessage,
  connection: ConnectionFacts,
  occurrence: Occurrence,
): Readonly<Record<string, unknown>> {
  const { api, stage } = connection;
  return {
    type: "REQUEST",
    methodArn: `${executionArnOf(api)}/${stage.name}/$connect`,
    ...handshakeParts(message),
    stageVariables: stage.variables,
    requestContext: requestContextOf(connection, occurrence),
  };
}

/** Event of a message, which is always text, or of $disconnect. */
export function messageEvent(
  connection: ConnectionFacts,
  occurrence: Occurrence,
  body: Buffer | undefined,
): Readonly<Record<string, unknown>> {
  return {
    requestContext: requestContextOf(connection, occurrence),
    ...(body === undefined ? {} : { body: body.toString("utf8") }),
    isBase64Encoded: false,
    ...stageVariables(connection),
  };
}

function stageVariables({ stage }: ConnectionFacts): Readonly<Record<string, unknown>> {
  return Object.keys(stage.variables).length === 0 ? {} : { stageVariables: stage.variables };
}

function pairs(rawHeaders: readonly string[]): readonly (readonly [string, string])[] {
  const result: (readonly [string, string])[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    result.push([rawHeaders[index] ?? "", rawHeaders[index + 1] ?? ""]);
  }
  return result;
}

function grouped(entries: readonly (readonly [string, string])[]): Readonly<Record<string, readonly string[]>> {
  const values = new Map<string, string[]>();
  for (const [name, value] of entries) values.set(name, [...(values.get(name) ?? []), value]);
  return Object.fromEntries(values);
}
