// Who may call a method: the resource policy together with IAM or a user pool's token.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
import type { Decision, NamedPolicy } from "../core/access";
import { anonymous, type Principal } from "../core/principal";
import type { CloudContext } from "../core/service";
import type { MethodAuthorization } from "./definition";
import { GatewayError } from "./gateway-responses";
import { type ApiRequest, methodArn } from "./request";
import type { SignatureCheck } from "./signature";

const ACTION = "execute-api:Invoke";

type CognitoAuthorization = Extract<MethodAuthorization, { type: "COGNITO_USER_POOLS" }>;

/** @throws GatewayError UNAUTHORIZED (401), ACCESS_DENIED, MISSING_AUTHENTICATION_TOKEN, INVALID_SIGNATURE or EXPIRED_TOKEN (403). */
export async function authorize(context: CloudContext, request: ApiRequest, verify: SignatureCheck): Promise<void> {
  const { authorization } = request.method;
  if (authorization.type === "AWS_IAM") {
    authorizeSigned(context, request, verify);
    return;
  }
  if (authorization.type === "COGNITO_USER_POOLS") {
    const claims = await authenticate(context, request, authorization);
    request.facts.authorizer = { claims };
    request.facts.caller = claims.sub ?? claims.client_id ?? "user";
  }
  // Without IAM, a policy is a second gate: it must allow by itself.
  if (request.stage.deployment.snapshot.policy) decide(context, request, anonymous);
}

function authorizeSigned(context: CloudContext, request: ApiRequest, verify: SignatureCheck): void {
  const { principal, accessKeyId } = verify(request);
  request.facts.caller = principal.arn;
  decide(context, request, principal);
  request.facts.identity = {
    accountId: principal.accountId,
    caller: principal.userId,
    accessKey: accessKeyId,
    userArn: principal.arn,
    user: principal.userId,
  };
}

function decide(context: CloudContext, request: ApiRequest, principal: Principal): void {
  const resource = methodArn(request);
  const { policy } = request.stage.deployment.snapshot;
  const resourcePolicy: NamedPolicy | undefined = policy && {
    name: `policy of API ${request.api.name}`,
    document: policy,
  };
  const decision = context.access.decide({
    principal,
    action: ACTION,
    resource,
    resourceAccountId: request.api.accountId,
    context: { "aws:SourceIp": request.sourceIp, ...userAgent(request) },
    ...(resourcePolicy ? { resourcePolicy } : {}),
  });
  request.facts.decisions.push(decision);
  if (!decision.allowed) throw refusal(decision, principal, resource);
}

function userAgent(request: ApiRequest): Readonly<Record<string, string>> {
  const agent = request.message.headers["user-agent"];
  return agent === undefined ? {} : { "aws:UserAgent": agent };
}

/** API Gateway hides all but the last four digits of the account. */
function refusal(decision: Decision, principal: Principal, resource: string): GatewayError {
  const caller = principal.kind === "anonymous" ? "anonymous" : principal.arn;
  const masked = resource.replace(/:\d{8}(\d{4}):/, ":********$1:");
  const explicit = decision.reason.startsWith("explicit deny") ? " with an explicit deny" : "";
  const text = `User: ${caller} is not authorized to perform: ${ACTION} on resource: ${masked}${explicit}`;
  return new GatewayError("ACCESS_DENIED", text, "Message");
}

async function authenticate(
  context: CloudContext,
  request: ApiRequest,
  authorization: CognitoAuthorization,
): Promise<Readonly<Record<string, string>>> {
  const header = request.message.headers[authorization.header];
  const token = (Array.isArray(header) ? header[0] : header)?.replace(/^Bearer\s+/i, "").trim();
  if (!token) throw new GatewayError("UNAUTHORIZED");
  let claims: Readonly<Record<string, unknown>>;
  try {
    claims = await context.tokens.verify(token, authorization.userPoolArns);
  } catch {
    throw new GatewayError("UNAUTHORIZED");
  }
  if (!fits(claims, authorization.scopes)) throw new GatewayError("UNAUTHORIZED");
  return Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, claimText(name, value)]));
}

/** With scopes an access token that has one of them; without, an ID token. */
function fits(claims: Readonly<Record<string, unknown>>, scopes: readonly string[]): boolean {
  if (scopes.length === 0) return claims.token_use === "id";
  const granted = typeof claims.scope === "string" ? claims.scope.split(" ") : [];
  return claims.token_use === "access" && scopes.some((scope) => granted.includes(scope));
}

/** API Gateway hands all claims on as text: lists joined by commas, `exp` and `iat` as Java prints dates. */
function claimText(name: string, value: unknown): string {
  if ((name === "exp" || name === "iat") && typeof value === "number") return javaDate(value * 1000);
  if (Array.isArray(value)) return value.map(String).join(",");
  return value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** "Tue Nov 24 05:40:34 UTC 2026" */
function javaDate(at: number): string {
  const [weekday = "", day = "", month = "", year = "", time = ""] = new Date(at)
    .toUTCString()
    .replace(",", "")
    .split(" ");
  return `${weekday} ${month} ${day} ${time} UTC ${year}`;
}
