// What OpenAPI bodies and single resources declare alike: integrations, answers of mocks and of the gateway, policies.
import type { PolicyDocument } from "../core/access";
import type { IntegrationDraft } from "./api";
import type { GatewayResponse, MockResponse } from "./definition";
import { CUSTOMISABLE_TYPES } from "./gateway-responses";
import { mappingProblem, templateProblem } from "./templates";

/** Receives a problem: property path and reason. */
export type Report = (property: string, reason: string) => void;

/** 29 seconds, and 50 milliseconds at least. */
const MAXIMUM_TIMEOUT_MS = 29_000;
const MINIMUM_TIMEOUT_MS = 50;
const LAMBDA_URI = /^arn:aws:apigateway:[a-z0-9-]+:lambda:path\/2015-03-31\/functions\/(.+)\/invocations$/;
const NOT_SIMULATED = "is not simulated by the local run; leave it out, or run this part on AWS";

/** Members of an integration, not yet checked. */
export interface IntegrationSource {
  readonly type: unknown;
  readonly uri: unknown;
  readonly httpMethod: unknown;
  readonly timeoutMs: unknown;
  readonly passthroughBehavior: unknown;
  readonly requestTemplates: unknown;
  /** Everything else that was written: refused by name. */
  readonly others: Readonly<Record<string, unknown>>;
}

/** Checks and reads an integration; undefined when it is of a kind that is not simulated. */
export function readIntegration(source: IntegrationSource, report: Report): IntegrationDraft | undefined {
  const type = typeof source.type === "string" ? source.type.toUpperCase() : "";
  for (const [name, value] of Object.entries(source.others))
    if (value !== undefined && value !== null) report(name, NOT_SIMULATED);
  if (type === "AWS_PROXY") return readProxy(source, report);
  if (type === "MOCK") {
    const requestTemplates = readTemplates(source.requestTemplates, "requestTemplates", report);
    const behavior =
      typeof source.passthroughBehavior === "string" ? source.passthroughBehavior.toUpperCase() : "WHEN_NO_MATCH";
    return { kind: "mock", requestTemplates, passthroughBehavior: behavior };
  }
  report(
    "type",
    `${type || "nothing"} is not simulated by the local run; use AWS_PROXY or MOCK, or run this part on AWS`,
  );
  return undefined;
}

function readProxy(source: IntegrationSource, report: Report): IntegrationDraft | undefined {
  const functionArn = typeof source.uri === "string" ? LAMBDA_URI.exec(source.uri)?.[1] : undefined;
  if (functionArn === undefined) {
    report("uri", "must be the invoke ARN of a function: only Lambda is simulated behind AWS_PROXY");
    return undefined;
  }
  if (source.httpMethod !== "POST")
    report("httpMethod", `must be POST: Lambda is invoked by POST, got ${String(source.httpMethod)}`);
  const timeoutMs = typeof source.timeoutMs === "number" ? source.timeoutMs : MAXIMUM_TIMEOUT_MS;
  if (timeoutMs < MINIMUM_TIMEOUT_MS || timeoutMs > MAXIMUM_TIMEOUT_MS) {
    const range = `${String(MINIMUM_TIMEOUT_MS)} and ${String(MAXIMUM_TIMEOUT_MS)} milliseconds`;
    report("timeoutMilliseconds", `Timeout should be between ${range}, got ${String(timeoutMs)}`);
  }
  return { kind: "lambda-proxy", functionArn, timeoutMs };
}

/** Members of a mock's answer, not yet checked. */
export interface MockResponseSource {
  readonly statusCode: unknown;
  readonly selectionPattern: unknown;
  readonly responseParameters: unknown;
  readonly responseTemplates: unknown;
}

/** Checks and reads one answer of a mock. */
export function readMockResponse(source: MockResponseSource, report: Report): MockResponse {
  const statusCode = readStatus(source.statusCode, report) ?? 200;
  const { selectionPattern } = source;
  return {
    statusCode,
    headers: readHeaders(source.responseParameters, "method.response.header.", report),
    templates: readTemplates(source.responseTemplates, "responseTemplates", report),
    ...(typeof selectionPattern === "string" && selectionPattern !== "" ? { selectionPattern } : {}),
  };
}

/** Headers that an answer sets and its method response does not declare: API Gateway refuses them. */
export function undeclaredHeaders(response: MockResponse, declared: ReadonlySet<string>): readonly string[] {
  return Object.keys(response.headers)
    .filter((name) => !declared.has(name.toLowerCase()))
    .map((name) => `Invalid mapping expression parameter specified: method.response.header.${name}`);
}

/** Checks and reads a customised answer of the gateway. */
export function readGatewayResponse(
  type: string,
  source: Readonly<Record<string, unknown>>,
  report: Report,
): GatewayResponse {
  if (!CUSTOMISABLE_TYPES.includes(type))
    report("responseType", `must be one of ${CUSTOMISABLE_TYPES.join(", ")}, got ${type}`);
  const statusCode = readStatus(source.statusCode, report);
  return {
    headers: readHeaders(source.responseParameters, "gatewayresponse.header.", report),
    templates: readTemplates(source.responseTemplates, "responseTemplates", report),
    ...(statusCode === undefined ? {} : { statusCode }),
  };
}

function readStatus(value: unknown, report: Report): number | undefined {
  if (value === undefined || value === null) return undefined;
  const text = typeof value === "number" || typeof value === "string" ? String(value) : JSON.stringify(value);
  if (!/^[1-5]\d\d$/.test(text)) report("statusCode", `must be a status code, got ${text}`);
  return Number(text);
}

function readHeaders(value: unknown, prefix: string, report: Report): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, expression] of Object.entries(value ?? {})) {
    const at = `responseParameters.${name}`;
    const problem = typeof expression === "string" ? mappingProblem(expression) : "must be text";
    if (problem) report(at, problem);
    else if (!name.startsWith(prefix)) report(at, `must start with ${prefix}`);
    else headers[name.slice(prefix.length)] = String(expression);
  }
  return headers;
}

function readTemplates(value: unknown, property: string, report: Report): Readonly<Record<string, string>> {
  const templates: Record<string, string> = {};
  for (const [contentType, template] of Object.entries(value ?? {})) {
    const problem = typeof template === "string" ? templateProblem(template) : "must be text";
    if (problem) report(`${property}.${contentType}`, problem);
    else templates[contentType.toLowerCase()] = String(template);
  }
  return templates;
}

/** Checks and reads a resource policy, as JSON text or as an object. */
export function readPolicy(value: unknown, refuse: (reason: string) => void): PolicyDocument | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  let policy: unknown = value;
  try {
    if (typeof value === "string") policy = JSON.parse(value);
  } catch {
    // Refused below.
  }
  if (policy !== null && typeof policy === "object" && "Statement" in policy) return policy as PolicyDocument;
  refuse("Invalid policy document. Please check the policy syntax and ensure that Principals are valid.");
  return undefined;
}
