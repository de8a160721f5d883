// Condition keys that the gateway knows from the request. Those of caller and time are added by the access layer.
import type { RequestContext } from "../core/access";
import type { GatewayCall } from "../core/service";

/** Headers that are no condition keys: credentials and the signature's own. */
const notKeys = new Set(["x-amz-date", "x-amz-security-token", "x-amz-decoded-content-length"]);

/** Global keys of a call, and for S3 the keys of its signature and its x-amz headers. */
export function requestKeys(call: GatewayCall, service: string): RequestContext {
  const keys: Record<string, string> = {};
  // AWS leaves out the address when a service calls on its own.
  if (call.principal.kind !== "service") keys["aws:SourceIp"] = call.sourceIp;
  if (call.region !== "") keys["aws:RequestedRegion"] = call.region;
  const userAgent = call.headers["user-agent"];
  if (userAgent !== undefined) keys["aws:UserAgent"] = userAgent;
  if (call.headers.referer !== undefined) keys["aws:Referer"] = call.headers.referer;
  return service === "s3" ? { ...keys, ...s3Keys(call) } : keys;
}

function s3Keys(call: GatewayCall): RequestContext {
  const keys: Record<string, string> = {};
  for (const [name, value] of Object.entries(call.headers)) {
    if (name.startsWith("x-amz-") && !notKeys.has(name)) keys[`s3:${name}`] = value;
  }
  // Goes with aws:SecureTransport, see access-control.ts.
  keys["s3:TlsVersion"] = "1.3";
  if (call.auth.type === "NONE") return keys;
  keys["s3:authType"] = call.auth.type;
  keys["s3:signatureversion"] = "AWS4-HMAC-SHA256";
  keys["s3:signatureAge"] = String(Math.max(0, call.auth.signatureAgeMs ?? 0));
  return keys;
}
