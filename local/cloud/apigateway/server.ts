// The data plane of an API: route, throttle, authorise, validate, integrate, answer.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { CloudContext } from "../core/service";
import { uuidFrom } from "../core/uuid";
import type { ApiRecord } from "./api";
import { authorize } from "./authorization";
import type { MethodDefinition, StageDefinition } from "./definition";
import { customisationOf, GatewayError } from "./gateway-responses";
import { integrate } from "./integrations";
import type { ApiResponse } from "./proxy-result";
import { contextValues, recordRequest } from "./records";
import { type ApiRequest, checkHeaderSize, readBody } from "./request";
import { findMethod, matchRoute } from "./routing";
import type { SignatureCheck } from "./signature";
import { renderTemplate, resolveMapping } from "./templates";
import { ACCOUNT_THROTTLE, Throttling, throttleOf } from "./throttling";
import { validateRequest } from "./validation";

/** Stands in where no method was found, so that the refusal can be customised, logged and traced. */
const NO_METHOD: MethodDefinition = {
  path: "",
  httpMethod: "",
  resourceId: "",
  authorization: { type: "NONE" },
  requiredParameters: [],
  integration: { kind: "mock", requestTemplates: {}, passthroughBehavior: "NEVER", responses: [] },
};

/** Answers requests to all APIs of one cloud. */
export class ApiServer {
  private readonly throttling: Throttling;

  constructor(
    private readonly context: CloudContext,
    private readonly verify: SignatureCheck,
  ) {
    this.throttling = new Throttling(context.clock);
  }

  /** Answers one request to an API's listener. Never throws. */
  async handle(api: ApiRecord, message: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = performance.now();
    const url = new URL(message.url ?? "/", "http://api.local");
    const [, stageName = ""] = url.pathname.split("/");
    const stage = api.stages.get(stageName);
    if (!stage) {
      message.resume();
      const error = new GatewayError("FORBIDDEN");
      const id = uuidFrom(this.context.uniqueId(32));
      send(response, id, errorResponse(error, undefined), error.errorType, message.method);
      return;
    }
    const path = rawPath(message).slice(stageName.length + 1) || "/";
    await this.answer(this.open(api, stage, message, path, url.searchParams), response, started);
  }

  private open(
    api: ApiRecord,
    stage: StageDefinition,
    message: IncomingMessage,
    path: string,
    query: URLSearchParams,
  ): ApiRequest {
    const verb = message.method ?? "GET";
    const { snapshot } = stage.deployment;
    const route = matchRoute(snapshot, path);
    const method = route && findMethod(snapshot, route.path, verb);
    return {
      api,
      stage,
      message,
      verb,
      path,
      query,
      method: method ?? NO_METHOD,
      pathParameters: route?.parameters ?? {},
      requestId: uuidFrom(this.context.uniqueId(32)),
      extendedRequestId: `${this.context.uniqueId(15)}=`,
      sourceIp: (message.socket.remoteAddress ?? "").replace(/^::ffff:/, ""),
      at: this.context.clock.now(),
      body: Buffer.alloc(0),
      facts: { decisions: [] },
    };
  }

  private async answer(opened: ApiRequest, response: ServerResponse, started: number): Promise<void> {
    let request = opened;
    let result: ApiResponse;
    let failure: GatewayError | undefined;
    try {
      checkHeaderSize(request.message);
      if (request.method === NO_METHOD) throw new GatewayError("MISSING_AUTHENTICATION_TOKEN");
      this.throttle(request);
      request = { ...request, body: await readBody(request.message) };
      await authorize(this.context, request, this.verify);
      validateRequest(request);
      result = await integrate(this.context, request, contextValues(request));
    } catch (error) {
      failure = error instanceof GatewayError ? error : unexpected(error);
      result = errorResponse(failure, request);
      request.message.resume();
    }
    const length = send(
      response,
      request.requestId,
      result,
      failure?.errorType,
      request.verb,
      request.extendedRequestId,
    );
    recordRequest(
      this.context,
      request,
      {
        statusCode: result.statusCode,
        responseBytes: length,
        latencyMs: performance.now() - started,
        ...(failure ? { errorType: failure.type } : {}),
      },
      { ...contextValues(request), ...errorValues(failure) },
    );
  }

  private throttle(request: ApiRequest): void {
    const { api, stage, method } = request;
    const settings = throttleOf(api.throttles.get(stage.name), method.path, method.httpMethod);
    const key = `${api.id}/${stage.name}/${method.httpMethod}${method.path}`;
    const admitted =
      this.throttling.admit(`${api.accountId}/${api.region}`, ACCOUNT_THROTTLE) &&
      (settings === undefined || this.throttling.admit(key, settings));
    if (!admitted) throw new GatewayError("THROTTLED");
  }
}

/** URL.pathname resolves dots; the path as sent does not. */
function rawPath(message: IncomingMessage): string {
  return (message.url ?? "/").split("?")[0] ?? "/";
}

/** A fault of this program: the client learns nothing, the operator's trace has the type. */
function unexpected(error: unknown): GatewayError {
  return Object.assign(new GatewayError("API_CONFIGURATION_ERROR"), { cause: error });
}

function errorValues(error: GatewayError | undefined): Readonly<Record<string, string>> {
  if (!error) return {};
  return {
    "error.message": error.text,
    "error.messageString": JSON.stringify(error.text),
    "error.responseType": error.type,
    "error.validationErrorString": error.type.startsWith("BAD_REQUEST") ? error.text : "",
  };
}

function errorResponse(error: GatewayError, request: ApiRequest | undefined): ApiResponse {
  const custom = request && customisationOf(request.stage.deployment.snapshot.gatewayResponses, error);
  const plain = JSON.stringify({ [error.key]: error.text });
  if (!custom) return json(error.statusCode, plain);
  const values = { ...contextValues(request), ...errorValues(error) };
  const { variables } = request.stage;
  const headers = Object.entries(custom.headers).flatMap(([name, expression]) => {
    const value = resolveMapping(expression, values, variables, request.message.headers);
    return value === undefined ? [] : [[name, value] as const];
  });
  const [entry] = Object.entries(custom.templates);
  const body = entry ? renderTemplate(entry[1], values, variables) : plain;
  const contentType = entry?.[0] ?? "application/json";
  return {
    statusCode: custom.statusCode ?? error.statusCode,
    headers: [["Content-Type", contentType], ...headers],
    body: Buffer.from(body),
  };
}

function json(statusCode: number, body: string): ApiResponse {
  return { statusCode, headers: [["Content-Type", "application/json"]], body: Buffer.from(body) };
}

/** Returns the number of bytes in the body. */
function send(
  response: ServerResponse,
  requestId: string,
  result: ApiResponse,
  errorType: string | undefined,
  verb: string | undefined,
  extendedRequestId = "",
): number {
  response.statusCode = result.statusCode;
  if (!result.headers.some(([name]) => name.toLowerCase() === "content-type")) {
    response.setHeader("Content-Type", "application/json");
  }
  for (const [name, value] of result.headers) response.appendHeader(name, value);
  response.setHeader("x-amzn-RequestId", requestId);
  if (extendedRequestId) response.setHeader("x-amz-apigw-id", extendedRequestId);
  if (errorType !== undefined) response.setHeader("x-amzn-ErrorType", errorType);
  const bodyless = result.statusCode === 204 || result.statusCode === 304 || result.statusCode < 200;
  if (!bodyless) response.setHeader("Content-Length", result.body.length);
  response.end(bodyless || verb === "HEAD" ? undefined : result.body);
  return bodyless ? 0 : result.body.length;
}
