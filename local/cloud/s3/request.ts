// A call to S3 as its operations see it, and what they answer.
import type { Readable } from "node:stream";
import { AwsError } from "../core/errors";
import type { GatewayCall } from "../core/service";
import { invalidArgument } from "./errors";

/** A call, taken apart. */
export interface S3Request {
  readonly call: GatewayCall;
  /** Empty for calls to the service itself. */
  readonly bucketName: string;
  /** Decoded; empty for calls to a bucket. */
  readonly key: string;
  readonly query: URLSearchParams;
  /** Headers, and the `x-amz-…` parameters that a presigned URL carries instead of headers. */
  readonly headers: Readonly<Record<string, string>>;
}

/** An answer; sent in one place, so that faults can be injected there. */
export interface S3Response {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | Readable;
}

const MAXIMUM_KEY_BYTES = 1024;
/** Parameters of the signature itself: not headers. */
const SIGNATURE_PARAMETERS =
  /^x-amz-(algorithm|credential|date|expires|signedheaders|signature|security-token|content-sha256)$/;

/** Takes a call apart. @throws AwsError InvalidURI, KeyTooLongError. */
export function readRequest(call: GatewayCall): S3Request {
  const [, bucketName = "", ...rest] = call.rawPath.split("/");
  const key = decode(rest.join("/"));
  if (Buffer.byteLength(key) > MAXIMUM_KEY_BYTES) {
    throw new AwsError("KeyTooLongError", "Your key is too long", 400, {
      Size: Buffer.byteLength(key),
      MaxSizeAllowed: MAXIMUM_KEY_BYTES,
    });
  }
  return { call, bucketName: decode(bucketName), key, query: call.query, headers: mergeHoisted(call) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AwsError("InvalidURI", "Couldn't parse the specified URI.", 400, { URI: text });
  }
}

/** Presigners move `x-amz-…` headers into the query; S3 then treats them as headers. */
function mergeHoisted(call: GatewayCall): Readonly<Record<string, string>> {
  const hoisted: Record<string, string> = {};
  for (const [name, value] of call.query) {
    const lower = name.toLowerCase();
    if (lower.startsWith("x-amz-") && !SIGNATURE_PARAMETERS.test(lower)) hoisted[lower] = value;
  }
  return { ...hoisted, ...call.headers };
}

/** A whole number from the query. @throws AwsError InvalidArgument outside the bounds, both included. */
export function integerParameter(
  request: S3Request,
  name: string,
  defaultValue: number,
  minimum = 0,
  maximum = 2147483647,
): number {
  const text = request.query.get(name);
  if (text === null || text === "") return defaultValue;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= minimum && value <= maximum) return value;
  if (/^-?\d+$/.test(text)) {
    throw invalidArgument(`Argument ${name} must be an integer between ${minimum} and ${maximum}`, name, text);
  }
  throw invalidArgument("Provided " + name + " not an integer or within integer range", name, text);
}

/** A required header of a request with a body: its length. @throws AwsError MissingContentLength (411). */
export function declaredLength(request: S3Request): number {
  const text = request.headers["x-amz-decoded-content-length"] ?? request.headers["content-length"];
  if (text === undefined || !/^\d+$/.test(text)) {
    throw new AwsError("MissingContentLength", "You must provide the Content-Length HTTP header.", 411);
  }
  return Number(text);
}

/** An ISO 8601 time as S3 writes it into XML. */
export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** A 200 answer with an XML document. */
export function xmlResponse(body: string, headers: S3Response["headers"] = {}): S3Response {
  return { status: 200, headers: { "content-type": "application/xml", ...headers }, body };
}
