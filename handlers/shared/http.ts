// The frame around every API handler: identity, body, CORS, errors, logs. Routes supply only what happens in between.
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from "aws-lambda";
import { AwsCallError, InternalError, InvalidRequestError, PublicError, TryAgainError } from "./errors";
import { identifyCaller, type Caller } from "./identity";
import { Log, type LineWriter } from "./log";

/** A request of a verified caller. */
export interface Call {
  readonly caller: Caller;
  /** Values of the path's placeholders and of the query; a missing one is undefined. */
  readonly path: Readonly<Record<string, string | undefined>>;
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Parses the body as a JSON object. Throws InvalidRequestError. */
  readonly readBody: () => Readonly<Record<string, unknown>>;
}

/** What a route answers. */
export interface Answer {
  readonly status: number;
  /** Sent as JSON; nothing is sent when left out. */
  readonly body?: object;
}

/** What holds for every route of an API. */
export interface FrameSettings {
  /** Origins that browsers may call from, exactly as they send them. */
  readonly allowedOrigins: readonly string[];
  readonly tenantClaim: string;
  /** Name of the route in the log. */
  readonly route: string;
  readonly writeLine?: LineWriter;
}

/** A handler behind API Gateway's Lambda proxy integration. */
export type ProxyHandler = (event: APIGatewayProxyEvent) => Promise<APIGatewayProxyResult>;

/** Wraps a route. The result never rejects: every failure becomes an ErrorResponse. */
export function serve(settings: FrameSettings, route: (call: Call) => Promise<Answer>): ProxyHandler {
  return async (event) => {
    const requestId = event.requestContext.requestId;
    const log = new Log({ requestId, route: settings.route }, settings.writeLine);
    const headers = buildHeaders(event, settings.allowedOrigins);
    try {
      const caller = identifyCaller(event.requestContext, settings.tenantClaim);
      const answer = await route({
        caller,
        path: event.pathParameters ?? {},
        query: event.queryStringParameters ?? {},
        log,
        readBody: () => parseBody(event),
      });
      log.info("answered", { status: answer.status });
      return { statusCode: answer.status, headers, body: answer.body ? JSON.stringify(answer.body) : "" };
    } catch (error) {
      const { code, status, message } = toPublicError(error, log);
      return { statusCode: status, headers, body: JSON.stringify({ error: { code, message, requestId } }) };
    }
  };
}

function toPublicError(error: unknown, log: Log): PublicError {
  if (error instanceof PublicError) {
    if (error.status >= 500) log.error("failed", error, { code: error.code });
    else log.refusal(error.code);
    return error;
  }
  log.error("failed", error);
  return error instanceof AwsCallError && error.retryable ? new TryAgainError() : new InternalError();
}

function buildHeaders(event: APIGatewayProxyEvent, allowedOrigins: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    // Also without a match: a cache must not hand one origin's answer to another.
    Vary: "Origin",
  };
  const origin = findHeader(event, "origin");
  if (allowedOrigins.includes("*")) headers["Access-Control-Allow-Origin"] = "*";
  else if (origin !== undefined && allowedOrigins.includes(origin)) headers["Access-Control-Allow-Origin"] = origin;
  return headers;
}

function findHeader(event: APIGatewayProxyEvent, name: string): string | undefined {
  // Unlike its type says, null when a request has none (the console's test button).
  const headers = event.headers as APIGatewayProxyEvent["headers"] | null;
  return Object.entries(headers ?? {}).find(([key]) => key.toLowerCase() === name)?.[1];
}

function parseBody({ body, isBase64Encoded }: APIGatewayProxyEvent): Readonly<Record<string, unknown>> {
  const text = isBase64Encoded ? Buffer.from(body ?? "", "base64").toString("utf8") : (body ?? "");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidRequestError("The body must be JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidRequestError("The body must be a JSON object");
  }
  return value as Readonly<Record<string, unknown>>;
}
