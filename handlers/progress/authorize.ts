// REQUEST authorizer of $connect. Nothing of the query reaches a log.
import type { APIGatewayRequestAuthorizerEvent, Context } from "aws-lambda";
import { Log } from "../shared/log";
import { authorizeConnection, toPolicy } from "./authorize-connection";
import { createStores } from "./composition";
import { readSettings } from "./settings";

const settings = readSettings(process.env);
const { tickets } = createStores(settings, process.env);
const { allowedOrigins } = settings;

/** Lambda entry point. */
export async function handler(event: APIGatewayRequestAuthorizerEvent, context: Context): Promise<object> {
  const log = new Log({ requestId: context.awsRequestId, route: "authorize" });
  const verdict = await authorizeConnection({ tickets, allowedOrigins }, event);
  if ("refused" in verdict) log.refusal("Forbidden", { reason: verdict.refused });
  else log.info("admitted", { scoped: verdict.viewer.scope !== undefined });
  return toPolicy(event.methodArn, verdict);
}
