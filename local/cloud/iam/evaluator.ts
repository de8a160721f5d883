// IAM's evaluation logic: explicit deny first, then who may allow. Pure; no AWS account and no library behind it.
import type { AuthorizationRequest, Decision, NamedPolicy, PolicyEvaluator } from "../core/access";
import { compilePolicy, type StatementQuestion } from "./compile";
import { ContextKeys } from "./patterns";
import { closer, type PrincipalMatch } from "./principals";

/** What one kind of policy says. */
interface Verdict {
  /** Statement that denies, "policy#sid". */
  readonly deniedBy?: string;
  readonly allowedBy: readonly string[];
  /** How closely the allowing statements name the caller. */
  readonly match: PrincipalMatch;
}

const silent: Verdict = { allowedBy: [], match: "none" };

/** Evaluates IAM policies as AWS documents it for accounts without organization policies. */
export function createPolicyEvaluator(): PolicyEvaluator {
  return { evaluate };
}

function evaluate(request: AuthorizationRequest): Decision {
  const hasIdentity = request.principal.kind === "user" || request.principal.kind === "assumed-role";
  const question: StatementQuestion = {
    principal: request.principal,
    action: request.action.toLowerCase(),
    resource: request.resource,
    keys: new ContextKeys(request.context),
    bounded: hasIdentity && request.permissionsBoundary !== undefined,
  };
  const identity = hasIdentity ? ask(request.identityPolicies, question) : silent;
  const boundary =
    hasIdentity && request.permissionsBoundary ? ask([request.permissionsBoundary], question) : undefined;
  const resource = request.resourcePolicy ? ask([request.resourcePolicy], question) : silent;

  const denied = explicitDeny({
    "identity-based policy": identity,
    "permissions boundary": boundary,
    "resource-based policy": resource,
  });
  if (denied) return answer(request, false, denied.reason, [denied.statement]);
  return decide(request, identity, boundary, resource);
}

function ask(policies: readonly NamedPolicy[], question: StatementQuestion): Verdict {
  const allowedBy: string[] = [];
  let match: PrincipalMatch = "none";
  for (const { name, document } of policies) {
    for (const statement of compilePolicy(document)) {
      const found = statement.match(question);
      if (found === "none") continue;
      const label = `${name}#${statement.label}`;
      if (statement.effect === "Deny") return { deniedBy: label, allowedBy: [], match: "none" };
      allowedBy.push(label);
      match = closer(match, found);
    }
  }
  return { allowedBy, match };
}

function explicitDeny(
  verdicts: Readonly<Record<string, Verdict | undefined>>,
): { reason: string; statement: string } | undefined {
  for (const [kind, verdict] of Object.entries(verdicts)) {
    if (verdict?.deniedBy) {
      const article = /^[aeiou]/.test(kind) ? "an" : "a";
      return { reason: `explicit deny in ${article} ${kind}: ${verdict.deniedBy}`, statement: verdict.deniedBy };
    }
  }
  return undefined;
}

function answer(
  request: AuthorizationRequest,
  allowed: boolean,
  reason: string,
  statements: readonly string[],
): Decision {
  return { allowed, action: request.action, resource: request.resource, reason, statements };
}

/** Keys and roles are closed to everybody, their own account included, unless their policy opens them. */
const needsResourcePolicy = (action: string): boolean => /^(kms:|sts:assumerole)/i.test(action);

function decide(
  request: AuthorizationRequest,
  identity: Verdict,
  boundary: Verdict | undefined,
  resource: Verdict,
): Decision {
  const { principal, action } = request;
  const allow = (...verdicts: readonly Verdict[]): Decision => {
    const statements = verdicts.flatMap(({ allowedBy }) => allowedBy);
    return answer(request, true, `allowed by ${statements.join(", ") || "the account's root user"}`, statements);
  };
  const refuse = (kind: string): Decision => answer(request, false, `no ${kind} allows the ${action} action`, []);
  const opened = resource.match !== "none";

  if (principal.kind === "service" || principal.kind === "anonymous") {
    return opened ? allow(resource) : refuse("resource-based policy");
  }
  const sameAccount = principal.accountId === request.resourceAccountId;
  if (principal.kind === "root") {
    const owns = sameAccount && !needsResourcePolicy(action);
    return owns || opened ? allow(resource) : refuse("resource-based policy");
  }

  const identityAllows = identity.match !== "none";
  const withinBoundary = boundary?.match !== "none";
  if (!sameAccount) {
    if (!identityAllows) return refuse("identity-based policy");
    if (!withinBoundary) return refuse("permissions boundary");
    return opened ? allow(identity, resource) : refuse("resource-based policy");
  }
  if (resource.match === "exact" || resource.match === "everyone") return allow(resource);
  const grantedDirectly = resource.match === "role";
  if (needsResourcePolicy(action) && !opened) return refuse("resource-based policy");
  if (!grantedDirectly && !identityAllows) return refuse("identity-based policy");
  if (!withinBoundary) return refuse("permissions boundary");
  return identityAllows ? allow(identity, resource) : allow(resource);
}
