// Signature Version 4, written from its specification: the canonical request, the string to sign and the signature. Pure.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
import { createHash, createHmac } from "node:crypto";

/** Name of the only algorithm. */
export const algorithm = "AWS4-HMAC-SHA256";
/** Last part of every credential scope. */
export const scopeTerminator = "aws4_request";
/** Payload hash of a body that the signature does not cover. */
export const unsignedPayload = "UNSIGNED-PAYLOAD";
/** SHA-256 of nothing, in hex. */
export const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** A path whose percent-encoding cannot be read. */
export class MalformedUriError extends Error {}

/** Day, Region and service for which a signing key holds. */
export interface CredentialScope {
  /** YYYYMMDD */
  readonly day: string;
  readonly region: string;
  readonly service: string;
}

/** What a signature covers. */
export interface SignedParts {
  readonly method: string;
  /** Path as sent. */
  readonly rawPath: string;
  /** Query as sent, without "?". */
  readonly rawQuery: string;
  /** Values by lower-case name; values of repeated headers in order. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** Lower case, sorted. */
  readonly signedHeaders: readonly string[];
  readonly payloadHash: string;
  /** "s3" signs paths as they are, the others encode them once more. */
  readonly service: string;
}

/** Percent-encodes as RFC 3986 asks: everything but letters, digits and -._~ */
export function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new MalformedUriError(`cannot decode ${text}`);
  }
}

/** Canonical path. S3: each segment decoded and encoded once. Others: dot segments resolved, then encoded a second time. */
export function canonicalPath(rawPath: string, service: string): string {
  if (service === "s3")
    return (
      rawPath
        .split("/")
        .map((segment) => encodeRfc3986(decode(segment)))
        .join("/") || "/"
    );
  const segments: string[] = [];
  for (const segment of rawPath.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(segment);
  }
  const slash = segments.length > 0 && rawPath.endsWith("/") ? "/" : "";
  return `/${segments.map(encodeRfc3986).join("/")}${slash}`;
}

/** Canonical query: encoded anew, sorted by name and value, without the signature itself. */
export function canonicalQuery(rawQuery: string): string {
  return parseQuery(rawQuery)
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => [encodeRfc3986(name), encodeRfc3986(value)] as const)
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map((pair) => pair.join("="))
    .join("&");
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Names and values of a query, decoded. */
export function parseQuery(rawQuery: string): [string, string][] {
  return rawQuery
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const at = pair.indexOf("=");
      const [name, value] = at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
      return [decode(name.replaceAll("+", " ")), decode(value.replaceAll("+", " "))];
    });
}

const canonicalHeader = (values: readonly string[] | undefined): string =>
  (values ?? []).map((value) => value.trim().replace(/\s+/g, " ")).join(",");

/** The canonical request. */
export function canonicalRequest(parts: SignedParts): string {
  const { method, rawPath, rawQuery, headers, signedHeaders, payloadHash, service } = parts;
  return [
    method,
    canonicalPath(rawPath, service),
    canonicalQuery(rawQuery),
    ...signedHeaders.map((name) => `${name}:${canonicalHeader(headers[name])}`),
    "",
    signedHeaders.join(";"),
    payloadHash,
  ].join("\n");
}

/** Hex SHA-256. */
export const sha256Hex = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");

const hmac = (key: string | Buffer, data: string): Buffer => createHmac("sha256", key).update(data).digest();

/** "20260101/eu-west-1/s3/aws4_request" */
export const scopeText = ({ day, region, service }: CredentialScope): string =>
  `${day}/${region}/${service}/${scopeTerminator}`;

/** The text whose HMAC is the signature. @param amzDate "20260101T120000Z" */
export function stringToSign(amzDate: string, scope: CredentialScope, request: string): string {
  return [algorithm, amzDate, scopeText(scope), sha256Hex(request)].join("\n");
}

/** Key for all signatures of one scope. */
export function signingKey(secretAccessKey: string, { day, region, service }: CredentialScope): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, day), region), service), scopeTerminator);
}

/** Hex signature of a text. */
export const signText = (key: Buffer, text: string): string => hmac(key, text).toString("hex");

/** Signature of a request. */
export function computeSignature(
  secretAccessKey: string,
  amzDate: string,
  scope: CredentialScope,
  parts: SignedParts,
): string {
  return signText(signingKey(secretAccessKey, scope), stringToSign(amzDate, scope, canonicalRequest(parts)));
}

/** "20260101T120000Z" */
export const formatAmzDate = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().replace(/[-:]|\.\d{3}/g, "");

/** Milliseconds of "20260101T120000Z"; undefined when it is not such a date. */
export function parseAmzDate(text: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (!match) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const milliseconds = Date.UTC(year, month - 1, day, hour, minute, second);
  return formatAmzDate(milliseconds) === text ? milliseconds : undefined;
}
