// The event of a Lambda proxy integration (payload version 1.0), complete.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
import { type ApiRequest, isBinary, mediaType } from "./request";

/** The event that the function receives. */
export function buildProxyEvent(request: ApiRequest): Readonly<Record<string, unknown>> {
  const { stage, method, message, body } = request;
  const headers = pairs(message.rawHeaders);
  const query = [...request.query.entries()];
  const binary = isBinary(stage.deployment.snapshot.binaryMediaTypes, mediaType(message.headers["content-type"]));
  return {
    resource: method.path,
    path: request.path,
    httpMethod: request.verb,
    headers: orNull(last(headers)),
    multiValueHeaders: orNull(all(headers)),
    queryStringParameters: orNull(last(query)),
    multiValueQueryStringParameters: orNull(all(query)),
    pathParameters: orNull(request.pathParameters),
    stageVariables: orNull(stage.variables),
    requestContext: buildRequestContext(request),
    body: body.length === 0 ? null : body.toString(binary ? "base64" : "utf8"),
    isBase64Encoded: binary && body.length > 0,
  };
}

function buildRequestContext(request: ApiRequest): Readonly<Record<string, unknown>> {
  const { api, stage, method, message, facts } = request;
  const domainPrefix = api.id;
  return {
    resourceId: method.resourceId,
    resourcePath: method.path,
    ...(method.operationName === undefined ? {} : { operationName: method.operationName }),
    httpMethod: request.verb,
    extendedRequestId: request.extendedRequestId,
    requestTime: formatClfTime(request.at),
    path: `/${stage.name}${request.path}`,
    accountId: api.accountId,
    protocol: `HTTP/${message.httpVersion}`,
    stage: stage.name,
    domainPrefix,
    requestTimeEpoch: request.at,
    requestId: request.requestId,
    identity: {
      cognitoIdentityPoolId: null,
      accountId: null,
      cognitoIdentityId: null,
      caller: null,
      sourceIp: request.sourceIp,
      principalOrgId: null,
      accessKey: null,
      cognitoAuthenticationType: null,
      cognitoAuthenticationProvider: null,
      userArn: null,
      userAgent: message.headers["user-agent"] ?? null,
      user: null,
      ...facts.identity,
    },
    domainName: `${domainPrefix}.execute-api.${api.region}.amazonaws.com`,
    deploymentId: stage.deployment.id,
    apiId: api.id,
    ...(facts.authorizer ? { authorizer: facts.authorizer } : {}),
  };
}

type Pair = readonly [string, string];

function pairs(rawHeaders: readonly string[]): readonly Pair[] {
  const result: Pair[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    result.push([rawHeaders[index] ?? "", rawHeaders[index + 1] ?? ""]);
  }
  return result;
}

function last(entries: readonly Pair[]): Readonly<Record<string, string>> {
  return Object.fromEntries(entries);
}

function all(entries: readonly Pair[]): Readonly<Record<string, readonly string[]>> {
  const values = new Map<string, string[]>();
  for (const [name, value] of entries) values.set(name, [...(values.get(name) ?? []), value]);
  return Object.fromEntries(values);
}

/** API Gateway sends null where there is nothing. */
function orNull<T extends object>(map: T): T | null {
  return Object.keys(map).length > 0 ? map : null;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** "24/Nov/2026:05:40:34 +0000" */
export function formatClfTime(at: number): string {
  const [date = "", time = ""] = new Date(at).toISOString().split("T");
  const [year = "", month = "", day = ""] = date.split("-");
  return `${day}/${MONTHS[Number(month) - 1] ?? ""}/${year}:${time.slice(0, 8)} +0000`;
}
