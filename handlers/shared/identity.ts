// Who calls: a Cognito user or an IAM principal, as API Gateway has verified it. Nothing else counts, a source address least of all.
import { createHash } from "node:crypto";
import type { APIGatewayEventRequestContext } from "aws-lambda";
import { UnauthenticatedError } from "./errors";

/** The verified caller. Both members are safe in object keys, table keys and metadata: [A-Za-z0-9._@~-], 1 to 128 characters. */
export interface Caller {
  readonly tenant: string;
  readonly user: string;
}

/** Tenant of callers that no claim assigns to one. */
export const DEFAULT_TENANT = "default";
/** Longer names are replaced by their hash, so that object keys stay within S3's 1,024 bytes. */
const MAXIMUM_SEGMENT_LENGTH = 128;

/** The caller of an API request. Throws UnauthenticatedError when API Gateway vouches for nobody. */
export function identifyCaller(context: APIGatewayEventRequestContext | undefined, tenantClaim: string): Caller {
  const claims: unknown = context?.authorizer?.claims;
  if (isRecord(claims)) return identifyUser(claims, tenantClaim);
  // The unique id of a principal ("AIDA…", "AROA…:session") outlives renames and is never given to somebody else.
  const { userArn, caller } = context?.identity ?? {};
  if (!isText(userArn) || !isText(caller)) throw new UnauthenticatedError();
  return { tenant: DEFAULT_TENANT, user: toSegment(caller) };
}

function identifyUser(claims: Readonly<Record<string, unknown>>, tenantClaim: string): Caller {
  const subject = claims.sub;
  if (!isText(subject)) throw new UnauthenticatedError();
  const tenant = claims[tenantClaim];
  return { tenant: isText(tenant) ? toSegment(tenant) : DEFAULT_TENANT, user: toSegment(subject) };
}

/**
 * Writes a name with safe characters only. Injective: other bytes become "~XX", and the tilde itself too, so that two users never
 * share a segment. Dots alone ("..") are escaped, since some clients resolve them as path.
 */
export function toSegment(name: string): string {
  const escaped = Array.from(Buffer.from(name, "utf8"), (byte) => {
    const char = String.fromCharCode(byte);
    return /[A-Za-z0-9_@-]/.test(char) || (char === "." && !/^\.+$/.test(name))
      ? char
      : `~${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
  if (escaped.length <= MAXIMUM_SEGMENT_LENGTH) return escaped;
  return `~sha256-${createHash("sha256").update(name).digest("hex")}`;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== "";
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
