// Which drawn resources a call concerns.
import type { TopologyNode, TraceEvent } from "./state.js";

/** Whether a call was made by, or went to, a drawn resource. */
export function concerns({ roleArn, arn, id, kind }: TopologyNode, { caller, resource = "" }: TraceEvent): boolean {
  if (roleArn !== "" && caller.includes(`:assumed-role/${roleArn.slice(roleArn.lastIndexOf("/") + 1)}/`)) return true;
  if (arn !== "" && (resource === arn || resource.startsWith(`${arn}/`) || resource.startsWith(`${arn}:`))) return true;
  if (kind === "State machine") return resource.startsWith(`${arn.replace(":stateMachine:", ":execution:")}:`);
  return (kind === "REST API" || kind === "WebSocket API") && id !== "" && resource.includes(`:${id}/`);
}
