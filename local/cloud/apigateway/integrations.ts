// The backends of a method: a function, or a mock.
import { AwsError } from "../core/errors";
import { servicePrincipal } from "../core/principal";
import type { CloudContext, InvocationResult } from "../core/service";
import { executionArn } from "./api";
import type { MockIntegration, ProxyIntegration } from "./definition";
import { buildProxyEvent } from "./event";
import { GatewayError } from "./gateway-responses";
import { type ApiResponse, readProxyResult } from "./proxy-result";
import { type ApiRequest, isBinary, mediaType } from "./request";
import { type ContextValues, renderTemplate, resolveMapping } from "./templates";

/** Asks the backend. @throws GatewayError */
export async function integrate(
  context: CloudContext,
  request: ApiRequest,
  values: ContextValues,
): Promise<ApiResponse> {
  const { integration } = request.method;
  if (integration.kind === "mock") return answerMock(request, integration, values);
  const started = performance.now();
  try {
    return await invokeFunction(context, request, integration);
  } finally {
    request.facts.integrationLatencyMs = performance.now() - started;
  }
}

async function invokeFunction(
  context: CloudContext,
  request: ApiRequest,
  integration: ProxyIntegration,
): Promise<ApiResponse> {
  const { api, stage, verb, path, message, facts } = request;
  const functionArn = integration.functionArn.replaceAll(
    /\$\{stageVariables\.(\w+)\}/g,
    (_, name: string) => stage.variables[name] ?? "",
  );
  const caller = servicePrincipal(
    "apigateway.amazonaws.com",
    `${executionArn(api)}/${stage.name}/${verb}${path}`,
    api.accountId,
  );
  const payload = Buffer.from(JSON.stringify(buildProxyEvent(request)));
  const result = await within(
    context,
    integration.timeoutMs,
    context.functions.invoke(functionArn, payload, caller).catch((error: unknown) => {
      throw translate(error);
    }),
  );
  facts.functionRequestId = result.requestId;
  facts.integrationStatus = 200;
  if (result.functionError !== undefined) throw new GatewayError("BAD_GATEWAY");
  const accepts = mediaType(message.headers.accept?.split(",")[0]);
  return readProxyResult(result.payload, isBinary(stage.deployment.snapshot.binaryMediaTypes, accepts));
}

/** A refused or throttled invocation is a fault of the API's configuration: the client learns nothing. */
function translate(error: unknown): unknown {
  if (!(error instanceof AwsError)) return error;
  return new GatewayError(error.code === "RequestTooLargeException" ? "REQUEST_TOO_LARGE" : "API_CONFIGURATION_ERROR");
}

/** The function goes on running after the gateway has given up, as on AWS. */
function within(context: CloudContext, timeoutMs: number, work: Promise<InvocationResult>): Promise<InvocationResult> {
  return new Promise((resolve, reject) => {
    const timer = context.clock.setTimer(timeoutMs, () => reject(new GatewayError("INTEGRATION_TIMEOUT")));
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}

function answerMock(request: ApiRequest, integration: MockIntegration, values: ContextValues): ApiResponse {
  const { variables } = request.stage;
  const template = mockTemplate(request, integration);
  const status = /["']?statusCode["']?\s*:\s*"?(\d{3})"?/.exec(renderTemplate(template, values, variables))?.[1];
  const response =
    integration.responses.find(({ selectionPattern }) => {
      return selectionPattern !== undefined && new RegExp(`^(?:${selectionPattern})$`).test(status ?? "");
    }) ?? integration.responses.find(({ selectionPattern }) => selectionPattern === undefined);
  if (status === undefined || !response) throw new GatewayError("API_CONFIGURATION_ERROR");
  const headers = Object.entries(response.headers).flatMap(([name, expression]) => {
    const value = resolveMapping(expression, values, variables, request.message.headers);
    return value === undefined ? [] : [[name, value] as const];
  });
  const [[contentType, text] = ["application/json", ""]] = Object.entries(response.templates);
  const named = headers.some(([name]) => name.toLowerCase() === "content-type");
  return {
    statusCode: response.statusCode,
    headers: named ? headers : [["Content-Type", contentType], ...headers],
    body: Buffer.from(renderTemplate(text, values, variables)),
  };
}

function mockTemplate(request: ApiRequest, integration: MockIntegration): string {
  const type = mediaType(request.message.headers["content-type"]) ?? "application/json";
  const template = integration.requestTemplates[type];
  if (template !== undefined) return template;
  const never = integration.passthroughBehavior === "NEVER";
  const noTemplates = integration.passthroughBehavior === "WHEN_NO_TEMPLATES";
  if (never || (noTemplates && Object.keys(integration.requestTemplates).length > 0)) {
    throw new GatewayError("UNSUPPORTED_MEDIA_TYPE");
  }
  return request.body.toString();
}
