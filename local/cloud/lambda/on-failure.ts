// The destination of asynchronous events that Lambda gives up: a queue gets the event with its last answer, sent as the function's role.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
import { recordAct } from "../core/acts";
import { AwsError } from "../core/errors";
import { anonymous } from "../core/principal";
import type { CloudContext } from "../core/service";
import type { ResolvedFunction } from "./definition";
import type { Invocation } from "./invoker";
import { assumeRole } from "./role";

/** An event that is given up. */
export interface AbandonedEvent {
  readonly payload: Buffer;
  readonly requestId: string;
  readonly failures: number;
  /** "RetriesExhausted" or "EventAgeExceeded". */
  readonly condition: string;
  readonly last?: Invocation;
}

/** Sends the record. A refusal is counted, and the event is lost. */
export function sendToDestination(
  context: CloudContext,
  resolved: ResolvedFunction,
  queueArn: string,
  event: AbandonedEvent,
): void {
  const { definition, qualifiedArn } = resolved;
  const at = context.clock.now();
  let failure: AwsError | undefined;
  try {
    const { accessKeyId } = assumeRole(context, definition);
    const principal = context.access.find(accessKeyId)?.principal ?? anonymous;
    context.queues.send(queueArn, { body: JSON.stringify(describe(event, qualifiedArn, at)) }, principal);
  } catch (error) {
    failure = error instanceof AwsError ? error : new AwsError("ServiceException", "Internal failure", 500);
    const dimensions = { FunctionName: definition.name };
    const name = "DestinationDeliveryFailures";
    context.metrics.put({ namespace: "AWS/Lambda", name, dimensions, value: 1, unit: "Count", at });
  }
  recordAct(context, {
    id: event.requestId,
    service: "lambda",
    caller: definition.roleArn,
    operation: "SendToDestination",
    resource: queueArn,
    error: failure,
  });
}

function describe(
  { payload, requestId, failures, condition, last }: AbandonedEvent,
  functionArn: string,
  at: number,
): object {
  return {
    version: "1.0",
    timestamp: new Date(at).toISOString(),
    requestContext: { requestId, functionArn: withVersion(functionArn), condition, approximateInvokeCount: failures },
    requestPayload: parse(payload),
    ...(last
      ? {
          responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
          responsePayload: parse(last.payload),
        }
      : {}),
  };
}

/** Lambda names the version even where the caller named none. */
function withVersion(arn: string): string {
  return arn.split(":").length === 7 ? `${arn}:$LATEST` : arn;
}

function parse(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString("utf8"));
  } catch {
    return payload.toString("utf8");
  }
}
