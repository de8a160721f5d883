// Who may invoke a function: its resource policy for services, the caller's own policies for others.
import type { Decision, NamedPolicy } from "../core/access";
import { AwsError } from "../core/errors";
import type { Principal } from "../core/principal";
import type { CloudContext } from "../core/service";
import type { ResolvedFunction } from "./definition";

/** The policy of the function, version or alias that the caller named. A qualifier has a policy of its own. */
export function resourcePolicy(resolved: ResolvedFunction): NamedPolicy | undefined {
  const qualifier = resolved.qualifier === "$LATEST" ? undefined : resolved.qualifier;
  const statements = [...resolved.record.permissions.values()]
    .filter((permission) => permission.qualifier === qualifier)
    .map(({ statement }) => statement);
  if (statements.length === 0) return undefined;
  const name = `policy of function ${resolved.definition.name}`;
  return { name, document: { Version: "2012-10-17", Id: "default", Statement: statements } };
}

/** @throws AwsError AccessDeniedException (403) with AWS's wording. */
export function authoriseInvocation(context: CloudContext, resolved: ResolvedFunction, principal: Principal): void {
  const decision = decideInvocation(context, resolved, principal);
  if (decision.allowed) return;
  const { action, resource, reason } = decision;
  const message = `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${resource}`;
  const fields = { decision, ...(principal.sourceArn === undefined ? {} : { sourceArn: principal.sourceArn }) };
  throw new AwsError("AccessDeniedException", `${message} because ${reason}`, 403, fields);
}

/** Whether the principal may invoke the function, version or alias; leaves no trace. */
export function decideInvocation(context: CloudContext, resolved: ResolvedFunction, principal: Principal): Decision {
  const policy = resourcePolicy(resolved);
  return context.access.decide({
    principal,
    action: "lambda:InvokeFunction",
    resource: resolved.qualifiedArn,
    resourceAccountId: resolved.definition.accountId,
    ...(policy ? { resourcePolicy: policy } : {}),
  });
}
