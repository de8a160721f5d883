// Reads what a function answers to a Lambda proxy integration, as strictly as API Gateway.
import { GatewayError } from "./gateway-responses";

/** An answer for the client. */
export interface ApiResponse {
  readonly statusCode: number;
  /** Several values under one name become several header lines. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

const MEMBERS = ["statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"];

/** Headers that API Gateway owns; a function's own go out under another name. */
const REMAPPED = new Set([
  "authorization",
  "connection",
  "content-length",
  "date",
  "expect",
  "host",
  "max-forwards",
  "proxy-authenticate",
  "server",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
  "via",
  "www-authenticate",
]);

/**
 * The answer that a function's result stands for.
 * @param binary whether base64 is decoded for this client.
 * @throws GatewayError BAD_GATEWAY (502) when the result is malformed.
 */
export function readProxyResult(payload: Buffer, binary: boolean): ApiResponse {
  const result = parse(payload);
  const unknown = Object.keys(result).filter((name) => !MEMBERS.includes(name));
  if (unknown.length > 0) throw malformed();
  const { body, isBase64Encoded } = result;
  if (body !== undefined && body !== null && typeof body !== "string") throw malformed();
  if (isBase64Encoded !== undefined && isBase64Encoded !== null && typeof isBase64Encoded !== "boolean")
    throw malformed();
  return {
    statusCode: readStatus(result.statusCode),
    headers: readHeaders(result.headers, result.multiValueHeaders),
    body: Buffer.from(body ?? "", isBase64Encoded === true && binary ? "base64" : "utf8"),
  };
}

function parse(payload: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(payload.toString());
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Answered below: what is not JSON is as malformed as what is no object.
  }
  throw malformed();
}

function readStatus(value: unknown): number {
  const status = typeof value === "string" ? Number(value) : value;
  if (typeof status !== "number" || !Number.isInteger(status) || status < 100 || status > 599) throw malformed();
  return status;
}

function readHeaders(single: unknown, multiple: unknown): readonly (readonly [string, string])[] {
  const lines = new Map<string, (readonly [string, string])[]>();
  for (const [name, value] of entries(single)) lines.set(name.toLowerCase(), [line(name, value)]);
  for (const [name, values] of entries(multiple)) {
    if (!Array.isArray(values)) throw malformed();
    lines.set(
      name.toLowerCase(),
      values.map((value) => line(name, value)),
    );
  }
  return [...lines.values()].flat();
}

function entries(value: unknown): readonly (readonly [string, unknown])[] {
  if (value === undefined || value === null) return [];
  if (typeof value !== "object" || Array.isArray(value)) throw malformed();
  return Object.entries(value);
}

function line(name: string, value: unknown): readonly [string, string] {
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") throw malformed();
  return [REMAPPED.has(name.toLowerCase()) ? `x-amzn-Remapped-${name}` : name, String(value)];
}

function malformed(): GatewayError {
  return new GatewayError("BAD_GATEWAY");
}
