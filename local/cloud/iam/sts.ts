// STS: GetCallerIdentity and AssumeRole over the query protocol.
import { AwsError, NotSimulatedError } from "../core/errors";
import type { GatewayCall, Service } from "../core/service";
import type { RequestContext } from "../core/access";
import type { LocalAccessControl } from "./access-control";

const maxBodyBytes = 64 * 1024;
const xmlNamespace = "https://sts.amazonaws.com/doc/2011-06-15/";

/** Creates the STS service. */
export function createStsService(access: LocalAccessControl): Service {
  return { name: "sts", models: [], handle: (call) => handle(call, access) };
}

async function handle(call: GatewayCall, access: LocalAccessControl): Promise<void> {
  const body = call.method === "POST" ? (await call.readBody(maxBodyBytes)).toString("utf8") : "";
  const form = call.method === "POST" ? new URLSearchParams(body) : call.query;
  const action = form.get("Action");
  if (action === null) throw new AwsError("MissingAction", "Could not find operation in request", 400);
  call.describe({ operation: action });
  if (action === "GetCallerIdentity") {
    getCallerIdentity(call);
    return;
  }
  if (action === "AssumeRole") {
    assumeRole(call, form, access);
    return;
  }
  throw new NotSimulatedError(`sts:${action}`, "local/cloud/iam/sts.ts");
}

/** Needs no permission, and cannot be denied. */
function getCallerIdentity(call: GatewayCall): void {
  const { arn, userId, accountId } = call.principal;
  send(call, "GetCallerIdentity", tag("Arn", arn) + tag("UserId", userId) + tag("Account", accountId));
}

const handledParameters = ["Action", "Version", "RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId"];

function assumeRole(call: GatewayCall, form: URLSearchParams, access: LocalAccessControl): void {
  for (const name of form.keys()) {
    if (!handledParameters.includes(name) && !name.startsWith("X-Amz-")) {
      throw new NotSimulatedError(`sts:AssumeRole with ${name}`, "local/cloud/iam/sts.ts");
    }
  }
  const roleArn = matching(form, "RoleArn", /^arn:[^:]+:iam::\d{12}:role\/.+$/);
  const sessionName = matching(form, "RoleSessionName", /^[\w+=,.@-]{2,64}$/);
  call.describe({ resource: roleArn });
  const duration = form.get("DurationSeconds");
  if (duration !== null && !/^\d+$/.test(duration))
    throw constraint("durationSeconds", duration, "Member must be a number");
  const externalId = form.get("ExternalId");
  const context: RequestContext = {
    "aws:SourceIp": call.sourceIp,
    ...(externalId !== null && { "sts:ExternalId": externalId }),
  };
  const { credentials, principal } = access.assumeRoleAs({
    caller: call.principal,
    roleArn,
    sessionName,
    context,
    ...(duration !== null && { durationSeconds: Number(duration) }),
  });
  const issued =
    tag("AccessKeyId", credentials.accessKeyId) +
    tag("SecretAccessKey", credentials.secretAccessKey) +
    tag("SessionToken", credentials.sessionToken ?? "") +
    tag("Expiration", new Date(credentials.expiresAt ?? 0).toISOString());
  const user = tag("AssumedRoleId", principal.userId) + tag("Arn", principal.arn);
  send(call, "AssumeRole", `<Credentials>${issued}</Credentials><AssumedRoleUser>${user}</AssumedRoleUser>`);
}

function matching(form: URLSearchParams, name: string, pattern: RegExp): string {
  const value = form.get(name);
  const member = name.charAt(0).toLowerCase() + name.slice(1);
  if (value === null) {
    throw new AwsError(
      "ValidationError",
      `1 validation error detected: Value null at '${member}' failed to satisfy constraint: Member must not be null`,
    );
  }
  if (!pattern.test(value))
    throw constraint(member, value, `Member must satisfy regular expression pattern: ${pattern.source}`);
  return value;
}

function constraint(member: string, value: string, rule: string): AwsError {
  return new AwsError(
    "ValidationError",
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: ${rule}`,
  );
}

const escapeXml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
const tag = (name: string, text: string): string => `<${name}>${escapeXml(text)}</${name}>`;

function send(call: GatewayCall, action: string, result: string): void {
  const metadata = `<ResponseMetadata>${tag("RequestId", call.id)}</ResponseMetadata>`;
  const xml = `<${action}Response xmlns="${xmlNamespace}"><${action}Result>${result}</${action}Result>${metadata}</${action}Response>`;
  call.response.writeHead(200, { "content-type": "text/xml", "content-length": Buffer.byteLength(xml) });
  call.response.end(xml);
}
