// What remains of a request: a line in the access log, metrics and a trace.
import type { CloudContext } from "../core/service";
import { formatClfTime } from "./event";
import type { ApiRequest } from "./request";
import { type ContextValues, renderTemplate } from "./templates";

/** How a request ended. */
export interface RequestResult {
  readonly statusCode: number;
  readonly responseBytes: number;
  readonly latencyMs: number;
  readonly errorType?: string;
}

/** The values of `$context`: those of the request, and later those of its end. */
export function contextValues(request: ApiRequest): ContextValues {
  const { api, stage, method, message, facts } = request;
  const text: Record<string, string | undefined> = {
    accountId: api.accountId,
    apiId: api.id,
    deploymentId: stage.deployment.id,
    domainName: `${api.id}.execute-api.${api.region}.amazonaws.com`,
    domainPrefix: api.id,
    extendedRequestId: request.extendedRequestId,
    httpMethod: request.verb,
    "identity.accountId": facts.identity?.accountId ?? undefined,
    "identity.caller": facts.identity?.caller ?? undefined,
    "identity.sourceIp": request.sourceIp,
    "identity.user": facts.identity?.user ?? undefined,
    "identity.userAgent": message.headers["user-agent"],
    "identity.userArn": facts.identity?.userArn ?? undefined,
    path: `/${stage.name}${request.path}`,
    protocol: `HTTP/${message.httpVersion}`,
    requestId: request.requestId,
    requestTime: formatClfTime(request.at),
    requestTimeEpoch: String(request.at),
    resourceId: method.resourceId,
    resourcePath: method.path,
    stage: stage.name,
  };
  const claims = (facts.authorizer?.claims ?? {}) as Readonly<Record<string, string>>;
  for (const [name, value] of Object.entries(claims)) text[`authorizer.claims.${name}`] = value;
  return Object.fromEntries(Object.entries(text).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Writes all three. Access logs never hold tokens: only what the stage's format names from `$context`. */
export function recordRequest(
  context: CloudContext,
  request: ApiRequest,
  result: RequestResult,
  values: ContextValues,
): void {
  writeAccessLog(context, request, result, values);
  putMetrics(context, request, result);
  const { facts, method } = request;
  context.traces.record({
    id: request.requestId,
    at: request.at,
    durationMs: Math.round(result.latencyMs),
    caller: facts.caller ?? "anonymous",
    service: "execute-api",
    operation: `${request.verb} ${method.path}`,
    resource: `arn:aws:execute-api:${request.api.region}:${request.api.accountId}:${request.api.id}/${request.stage.name}`,
    status: result.statusCode,
    ...(result.errorType === undefined ? {} : { errorCode: result.errorType }),
    decisions: facts.decisions,
    detail: {
      api: request.api.name,
      path: request.path,
      ...(facts.functionRequestId === undefined ? {} : { functionRequestId: facts.functionRequestId }),
    },
  });
}

function writeAccessLog(
  context: CloudContext,
  request: ApiRequest,
  result: RequestResult,
  values: ContextValues,
): void {
  const { accessLog, variables } = request.stage;
  if (!accessLog) return;
  const { integrationLatencyMs, integrationStatus, functionRequestId } = request.facts;
  const latency =
    integrationLatencyMs === undefined ? {} : { integrationLatency: String(Math.round(integrationLatencyMs)) };
  const all: ContextValues = {
    ...values,
    status: String(result.statusCode),
    responseLatency: String(Math.round(result.latencyMs)),
    responseLength: String(result.responseBytes),
    ...latency,
    ...("integrationLatency" in latency ? { "integration.latency": latency.integrationLatency } : {}),
    ...(integrationStatus === undefined
      ? {}
      : { integrationStatus: String(integrationStatus), "integration.status": String(integrationStatus) }),
    ...(functionRequestId === undefined ? {} : { "integration.requestId": functionRequestId }),
  };
  context.logs.append(accessLog.group, accessLog.stream, renderTemplate(accessLog.format, all, variables, "-"));
}

function putMetrics(context: CloudContext, request: ApiRequest, result: RequestResult): void {
  const { api, stage, at, facts } = request;
  const put = (name: string, value: number, unit: string): void => {
    for (const dimensions of [{ ApiName: api.name }, { ApiName: api.name, Stage: stage.name }]) {
      context.metrics.put({ namespace: "AWS/ApiGateway", name, dimensions, value, unit, at });
    }
  };
  const { statusCode } = result;
  put("Count", 1, "Count");
  put("4XXError", statusCode >= 400 && statusCode < 500 ? 1 : 0, "Count");
  put("5XXError", statusCode >= 500 ? 1 : 0, "Count");
  put("Latency", result.latencyMs, "Milliseconds");
  if (facts.integrationLatencyMs !== undefined) put("IntegrationLatency", facts.integrationLatencyMs, "Milliseconds");
}
