// What remains of an occurrence on a WebSocket API: a line in the access log, metrics and a trace.
import { formatClfTime } from "../apigateway/event";
import { renderTemplate } from "../apigateway/templates";
import type { Decision } from "../core/access";
import type { CloudContext } from "../core/service";
import { domainNameOf, executionArnOf } from "./api";
import type { ConnectionFacts } from "./connection";
import type { Occurrence } from "./events";
import type { IntegrationOutcome } from "./integration";

/** How it ended. */
export interface OccurrenceResult {
  readonly status: number;
  readonly errorCode?: string;
  readonly decisions: readonly Decision[];
  readonly functionRequestId?: string;
  readonly integrationLatencyMs?: number;
}

/** What a function's outcome says for the records; without a function all is well. */
export function resultOf(outcome: IntegrationOutcome | undefined): Omit<OccurrenceResult, "decisions"> {
  if (!outcome) return { status: 200 };
  return {
    status: outcome.status,
    integrationLatencyMs: outcome.latencyMs,
    ...(outcome.errorCode === undefined ? {} : { errorCode: outcome.errorCode }),
    ...(outcome.functionRequestId === undefined ? {} : { functionRequestId: outcome.functionRequestId }),
  };
}

/** Writes all three. */
export function recordOccurrence(
  context: CloudContext,
  connection: ConnectionFacts,
  occurrence: Occurrence,
  result: OccurrenceResult,
): void {
  const { api, stage } = connection;
  writeAccessLog(context, connection, occurrence, result);
  putMetrics(context, connection, occurrence, result);
  context.traces.record({
    id: occurrence.requestId,
    at: occurrence.at,
    durationMs: Math.round(context.clock.now() - occurrence.at),
    caller: String(connection.authorizer?.principalId ?? "anonymous"),
    service: "execute-api",
    operation: occurrence.routeKey,
    resource: `${executionArnOf(api)}/${stage.name}`,
    status: result.status,
    ...(result.errorCode === undefined ? {} : { errorCode: result.errorCode }),
    decisions: result.decisions,
    detail: {
      api: api.name,
      connectionId: connection.id,
      ...(result.functionRequestId === undefined ? {} : { functionRequestId: result.functionRequestId }),
    },
  });
}

function writeAccessLog(
  context: CloudContext,
  connection: ConnectionFacts,
  occurrence: Occurrence,
  result: OccurrenceResult,
): void {
  const { api, stage, authorizer } = connection;
  if (!stage.accessLog) return;
  const claims = Object.entries(authorizer ?? {}).map(([name, value]) => [`authorizer.${name}`, String(value)]);
  const values: Record<string, string> = {
    ...(Object.fromEntries(claims) as Record<string, string>),
    apiId: api.id,
    connectedAt: String(connection.connectedAt),
    connectionId: connection.id,
    domainName: domainNameOf(api),
    eventType: occurrence.eventType,
    extendedRequestId: occurrence.extendedRequestId,
    "identity.sourceIp": connection.sourceIp,
    "identity.userAgent": connection.userAgent ?? "-",
    messageDirection: "IN",
    requestId: occurrence.requestId,
    requestTime: formatClfTime(occurrence.at),
    requestTimeEpoch: String(occurrence.at),
    routeKey: occurrence.routeKey,
    stage: stage.name,
    status: String(result.status),
    ...(occurrence.messageId === undefined ? {} : { messageId: occurrence.messageId }),
    ...(result.errorCode === undefined ? {} : { "error.responseType": result.errorCode }),
    ...(result.integrationLatencyMs === undefined
      ? {}
      : { integrationLatency: String(Math.round(result.integrationLatencyMs)) }),
    ...(result.functionRequestId === undefined ? {} : { "integration.requestId": result.functionRequestId }),
    ...(occurrence.disconnect
      ? { disconnectStatusCode: String(occurrence.disconnect.code), disconnectReason: occurrence.disconnect.reason }
      : {}),
  };
  const { group, stream, format } = stage.accessLog;
  context.logs.append(group, stream, renderTemplate(format, values, stage.variables, "-"));
}

const COUNTS: Readonly<Record<Occurrence["eventType"], string | undefined>> = {
  CONNECT: "ConnectCount",
  MESSAGE: "MessageCount",
  DISCONNECT: undefined,
};

function putMetrics(
  context: CloudContext,
  { api, stage }: ConnectionFacts,
  { eventType, at }: Occurrence,
  { status, integrationLatencyMs }: OccurrenceResult,
): void {
  const put = (name: string, value: number, unit: string): void => {
    for (const dimensions of [{ ApiId: api.id }, { ApiId: api.id, Stage: stage.name }]) {
      context.metrics.put({ namespace: "AWS/ApiGateway", name, dimensions, value, unit, at });
    }
  };
  const count = COUNTS[eventType];
  if (count !== undefined) put(count, 1, "Count");
  if (status >= 400 && status < 500) put("ClientError", 1, "Count");
  if (status === 502) put("IntegrationError", 1, "Count");
  if (status >= 500 && status !== 502) put("ExecutionError", 1, "Count");
  if (integrationLatencyMs !== undefined) put("IntegrationLatency", integrationLatencyMs, "Milliseconds");
}
