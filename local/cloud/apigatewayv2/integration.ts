// A route's function: invoked as API Gateway, within its timeout.
import { AwsError } from "../core/errors";
import { servicePrincipal } from "../core/principal";
import type { CloudContext, InvocationResult } from "../core/service";
import { executionArnOf, type WebSocketIntegration } from "./api";
import type { ConnectionFacts } from "./connection";

/** What a function answered, or how asking it failed. */
export interface IntegrationOutcome {
  /** Status that the function chose; 200 when it chose none. 500, 502 or 504 when it failed. */
  readonly status: number;
  readonly errorCode?: string;
  /** Body that the function returned, if any. */
  readonly body?: string;
  readonly functionRequestId?: string;
  readonly latencyMs: number;
}

/** Invokes the function of a route. Never throws for what AWS answers itself. */
export async function invokeIntegration(
  context: CloudContext,
  integration: WebSocketIntegration,
  { api, stage }: ConnectionFacts,
  routeKey: string,
  event: Readonly<Record<string, unknown>>,
): Promise<IntegrationOutcome> {
  const caller = servicePrincipal(
    "apigateway.amazonaws.com",
    `${executionArnOf(api)}/${stage.name}/${routeKey}`,
    api.accountId,
  );
  const functionArn = integration.functionArn.replaceAll(
    /\$\{stageVariables\.(\w+)\}/g,
    (_, name: string) => stage.variables[name] ?? "",
  );
  const started = context.clock.now();
  const latency = (): number => context.clock.now() - started;
  const payload = Buffer.from(JSON.stringify(event));
  const settled = within(context, integration.timeoutMs, context.functions.invoke(functionArn, payload, caller));
  try {
    const result = await settled;
    if (result === undefined) return { status: 504, errorCode: "IntegrationTimeout", latencyMs: latency() };
    return { ...readResult(result), functionRequestId: result.requestId, latencyMs: latency() };
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    return { status: 500, errorCode: error.code, latencyMs: latency() };
  }
}

function readResult(result: InvocationResult): Pick<IntegrationOutcome, "status" | "errorCode" | "body"> {
  if (result.functionError !== undefined) return { status: 502, errorCode: "IntegrationFailure" };
  const answer = parse(result.payload);
  if (answer === null || answer === undefined) return { status: 200 };
  if (typeof answer !== "object") return { status: 502, errorCode: "MalformedProxyResponse" };
  const { statusCode, body } = answer as { readonly statusCode?: unknown; readonly body?: unknown };
  const status = statusCode === undefined ? 200 : Number(statusCode);
  if (!Number.isInteger(status) || status < 100 || status > 599) {
    return { status: 502, errorCode: "MalformedProxyResponse" };
  }
  return { status, ...(typeof body === "string" ? { body } : {}) };
}

function parse(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch {
    return undefined;
  }
}

/** Undefined when time is up. The function goes on running after the gateway has given up, as on AWS. */
function within<T>(context: CloudContext, timeoutMs: number, work: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = context.clock.setTimer(timeoutMs, () => resolve(undefined));
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}
