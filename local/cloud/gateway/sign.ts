// Signs requests as an AWS client does, for parts of the embedded cloud that call another (CloudFront's origin access control).
import type { Credentials } from "../core/access";
import { algorithm, computeSignature, type CredentialScope, formatAmzDate, scopeText, sha256Hex } from "./canonical";

/** A request to sign. */
export interface RequestToSign {
  readonly method: string;
  /** Absolute URL; its host is signed. */
  readonly url: string;
  /** Headers to send and sign, besides those that the signature adds. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Given instead of a body: its SHA-256 in hex, or "UNSIGNED-PAYLOAD". */
  readonly payloadHash?: string;
  readonly credentials: Credentials;
  /** Signing name, "s3" or "lambda" say. */
  readonly service: string;
  readonly region: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Signs in the Authorization header. Returns all headers to send, in lower case, `host` included. */
export function signRequest(request: RequestToSign): Record<string, string> {
  const { method, credentials, service, region, at } = request;
  const url = new URL(request.url);
  const amzDate = formatAmzDate(at);
  const payloadHash = request.payloadHash ?? sha256Hex(request.body ?? "");
  const given = Object.entries(request.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
  const headers: Record<string, string> = {
    ...Object.fromEntries(given),
    host: url.host,
    "x-amz-date": amzDate,
    "x-amz-content-sha256": payloadHash,
    ...(credentials.sessionToken !== undefined && { "x-amz-security-token": credentials.sessionToken }),
  };
  const scope: CredentialScope = { day: amzDate.slice(0, 8), region, service };
  const signedHeaders = Object.keys(headers).sort();
  const signature = computeSignature(credentials.secretAccessKey, amzDate, scope, {
    method,
    rawPath: url.pathname,
    rawQuery: url.search.slice(1),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    signedHeaders,
    payloadHash,
    service,
  });
  const credential = `Credential=${credentials.accessKeyId}/${scopeText(scope)}`;
  headers.authorization = `${algorithm} ${credential}, SignedHeaders=${signedHeaders.join(";")}, Signature=${signature}`;
  return headers;
}
