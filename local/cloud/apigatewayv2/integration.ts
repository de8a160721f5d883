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
  /** Header Sec-WebSocket-Protocol that the function returned: its choice for the handshake. */
  readonly subprotocol?: string;
  readonly functionRequestId?: string;
  readonly latencyMs: number;
}

/** Invokes the function of a route. Never throws for what AWS answers itself. @param signal ends the wait like a timeout */
export async function invokeIntegration(
  context: CloudContext,
  integration: WebSocketIntegration,
  { api, stage }: ConnectionFacts,
  routeKey: string,
  event: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
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
  const invoked = context.functions.invoke(functionArn, payload, caller);
  const settled = within(context, integration.timeoutMs, signal, invoked);
  try {
    const result = await settled;
    if (result === undefined) return { status: 504, errorCode: "IntegrationTimeout", latencyMs: latency() };
    return { ...readResult(result), functionRequestId: result.requestId, latencyMs: latency() };
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    return { status: 500, errorCode: error.code, latencyMs: latency() };
  }
}

function readResult(
  result: InvocationResult,
): Pick<IntegrationOutcome, "status" | "errorCode" | "body" | "subprotocol"> {
  if (result.functionError !== undefined) return { status: 502, errorCode: "IntegrationFailure" };
  const answer = parse(result.payload);
  if (answer === null || answer === undefined) return { status: 200 };
  if (typeof answer !== "object") return { status: 502, errorCode: "MalformedProxyResponse" };
  const { statusCode, body, headers } = answer as Readonly<Record<string, unknown>>;
  const status = statusCode === undefined ? 200 : Number(statusCode);
  if (!Number.isInteger(status) || status < 100 || status > 599) {
    return { status: 502, errorCode: "MalformedProxyResponse" };
  }
  const subprotocol = Object.entries((headers ?? {}) as Readonly<Record<string, unknown>>).find(
    ([name]) => name.toLowerCase() === "sec-websocket-protocol",
  )?.[1];
  return {
    status,
    ...(typeof body === "string" ? { body } : {}),
    ...(typeof subprotocol === "string" ? { subprotocol } : {}),
  };
}

function parse(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch {
    return undefined;
  }
}

/** Undefined when time is up or nobody waits any more. The function goes on running after the gateway has given up, as on AWS. */
export function within<T>(
  { clock }: Pick<CloudContext, "clock">,
  timeoutMs: number,
  signal: AbortSignal,
  work: Promise<T>,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      timer.cancel();
      resolve(undefined);
    };
    const timer = clock.setTimer(timeoutMs, giveUp);
    signal.addEventListener("abort", giveUp, { once: true });
    void work.then(resolve, reject).finally(() => {
      timer.cancel();
      signal.removeEventListener("abort", giveUp);
    });
    if (signal.aborted) giveUp();
  });
}
