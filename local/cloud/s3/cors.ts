// Cross-origin rules of a bucket: preflights, and the headers of actual answers.
import { AwsError } from "../core/errors";
import type { S3Response } from "./request";
import type { Bucket, CorsRule } from "./state";

const NOT_ENABLED = "CORSResponse: CORS is not enabled for this bucket.";
const NOT_ALLOWED =
  "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / " +
  "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.";
const VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

/** Lower-case request headers. */
type Headers = Readonly<Record<string, string | undefined>>;

/** Answers a preflight. @throws AwsError BadRequest (400), AccessForbidden (403) with S3's wording. */
export function answerPreflight(bucket: Bucket | undefined, headers: Headers): S3Response {
  const origin = headers.origin;
  if (!origin) throw new AwsError("BadRequest", "Insufficient information. Origin request header needed.");
  const method = headers["access-control-request-method"];
  if (!method) {
    throw new AwsError("BadRequest", "Invalid Access-Control-Request-Method: null");
  }
  if (!bucket?.cors) throw forbidden(NOT_ENABLED, method);
  const wanted = (headers["access-control-request-headers"] ?? "").split(",").map((name) => name.trim().toLowerCase());
  const requested = wanted.filter((name) => name !== "");
  const rule = findRule(bucket.cors, origin, method, requested);
  if (!rule) throw forbidden(NOT_ALLOWED, method);
  return {
    status: 200,
    headers: {
      ...ruleHeaders(rule, origin),
      ...(requested.length > 0 ? { "access-control-allow-headers": requested.join(", ") } : {}),
    },
  };
}

/** Headers for an actual answer, refusals included; none when no rule fits. */
export function corsHeaders(
  bucket: Bucket | undefined,
  method: string,
  headers: Headers,
): Readonly<Record<string, string>> {
  const origin = headers.origin;
  if (!bucket?.cors || !origin) return {};
  const rule = findRule(bucket.cors, origin, method, []);
  return rule ? ruleHeaders(rule, origin) : {};
}

function findRule(
  rules: readonly CorsRule[],
  origin: string,
  method: string,
  requested: readonly string[],
): CorsRule | undefined {
  return rules.find(
    (rule) =>
      rule.allowedOrigins.some((pattern) => fits(pattern, origin)) &&
      rule.allowedMethods.includes(method) &&
      requested.every((name) => rule.allowedHeaders.some((pattern) => fits(pattern.toLowerCase(), name))),
  );
}

/** At most one "*" stands for any characters. */
function fits(pattern: string, text: string): boolean {
  const star = pattern.indexOf("*");
  if (star < 0) return pattern === text;
  const [start, end] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return text.length >= start.length + end.length && text.startsWith(start) && text.endsWith(end);
}

function ruleHeaders(rule: CorsRule, origin: string): Readonly<Record<string, string>> {
  const anyOrigin = rule.allowedOrigins.includes("*");
  return {
    "access-control-allow-origin": anyOrigin ? "*" : origin,
    "access-control-allow-methods": rule.allowedMethods.join(", "),
    ...(rule.exposeHeaders.length > 0 ? { "access-control-expose-headers": rule.exposeHeaders.join(", ") } : {}),
    ...(rule.maxAgeSeconds !== undefined ? { "access-control-max-age": String(rule.maxAgeSeconds) } : {}),
    ...(anyOrigin ? {} : { "access-control-allow-credentials": "true" }),
    vary: VARY,
  };
}

function forbidden(message: string, method: string): AwsError {
  return new AwsError("AccessForbidden", message, 403, { Method: method, ResourceType: "OBJECT" });
}
