// Decides whether a signature proves what it claims. Pure: keys, time and the request come in.
import { timingSafeEqual } from "node:crypto";
import type { Credentials } from "../core/access";
import { AwsError } from "../core/errors";
import type { Principal } from "../core/principal";
import { type ArrivedRequest, headerOf } from "./arrival";
import {
  canonicalRequest,
  computeSignature,
  emptyHash,
  MalformedUriError,
  stringToSign,
  unsignedPayload,
} from "./canonical";
import type { SignatureClaim } from "./claims";

/** Largest difference between the clocks of client and S3, in milliseconds. */
export const maxSkewS3Ms = 15 * 60 * 1000;
/** Largest difference between the clocks of client and any other service, in milliseconds. */
export const maxSkewMs = 5 * 60 * 1000;

/** What verification needs. */
export interface VerificationOptions {
  readonly find: (accessKeyId: string) => { principal: Principal; credentials: Credentials } | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A believed signature. */
export interface VerifiedSignature {
  readonly principal: Principal;
  readonly credentials: Credentials;
}

/** The identity behind a claim, once key, token and time are in order. The signature itself is `checkSignature`'s business. */
export function checkIdentity(
  request: ArrivedRequest,
  claim: SignatureClaim,
  { find, now }: VerificationOptions,
): VerifiedSignature {
  const isS3 = claim.scope.service === "s3";
  const known = find(claim.accessKeyId);
  // Temporary keys do not exist without their token, for S3 as for the others.
  const needsToken = known?.credentials.sessionToken !== undefined;
  if (!known || (needsToken && claim.sessionToken === undefined)) throw unknownKey(claim.accessKeyId, isS3);
  if (claim.sessionToken !== known.credentials.sessionToken) throw wrongToken(isS3);
  if (known.credentials.expiresAt !== undefined && known.credentials.expiresAt <= now) throw expiredToken(isS3);
  checkTime(claim, now, isS3);
  checkSignedHeaders(request, claim, isS3);
  return known;
}

function unknownKey(accessKeyId: string, isS3: boolean): AwsError {
  return isS3
    ? new AwsError("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403, {
        AWSAccessKeyId: accessKeyId,
      })
    : new AwsError("InvalidClientTokenId", "The security token included in the request is invalid.", 403);
}

function wrongToken(isS3: boolean): AwsError {
  return isS3
    ? new AwsError("InvalidToken", "The provided token is malformed or otherwise invalid.", 400)
    : new AwsError("InvalidClientTokenId", "The security token included in the request is invalid.", 403);
}

function expiredToken(isS3: boolean): AwsError {
  return isS3
    ? new AwsError("ExpiredToken", "The provided token has expired.", 400)
    : new AwsError("ExpiredToken", "The security token included in the request is expired", 403);
}

const isoSeconds = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/\.\d{3}Z$/, "Z");

function checkTime(claim: SignatureClaim, now: number, isS3: boolean): void {
  if (claim.expiresSeconds !== undefined) {
    checkExpiry(claim.signedAt, claim.expiresSeconds, now);
    return;
  }
  const limit = isS3 ? maxSkewS3Ms : maxSkewMs;
  if (Math.abs(now - claim.signedAt) <= limit) return;
  if (isS3) {
    throw new AwsError(
      "RequestTimeTooSkewed",
      "The difference between the request time and the current time is too large.",
      403,
      {
        RequestTime: claim.amzDate,
        ServerTime: isoSeconds(now),
        MaxAllowedSkewMilliseconds: limit,
      },
    );
  }
  const early = claim.signedAt > now;
  throw new AwsError(
    "SignatureDoesNotMatch",
    `Signature ${early ? "not yet current" : "expired"}: ${claim.amzDate} is ${early ? "still later" : "now earlier"} than ${isoSeconds(early ? now + limit : now - limit)} (${isoSeconds(now)} ${early ? "+" : "-"} 5 min.)`,
    403,
  );
}

function checkExpiry(signedAt: number, expiresSeconds: number, now: number): void {
  const expiresAt = signedAt + expiresSeconds * 1000;
  if (now > expiresAt) {
    throw new AwsError("AccessDenied", "Request has expired", 403, {
      "X-Amz-Expires": expiresSeconds,
      Expires: isoSeconds(expiresAt),
      ServerTime: isoSeconds(now),
    });
  }
  if (signedAt > now + maxSkewS3Ms) throw new AwsError("AccessDenied", "Request is not yet valid", 403);
}

function checkSignedHeaders(request: ArrivedRequest, claim: SignatureClaim, isS3: boolean): void {
  const signed = new Set(claim.signedHeaders);
  const missing = Object.keys(request.headers).filter(
    (name) => (name === "host" || name.startsWith("x-amz-")) && !signed.has(name),
  );
  if (missing.length === 0) return;
  if (isS3) {
    throw new AwsError("AccessDenied", "There were headers present in the request which were not signed", 403, {
      HeadersNotSigned: missing.join(", "),
    });
  }
  throw new AwsError(
    "SignatureDoesNotMatch",
    `'${missing[0]}' must be a 'SignedHeader' in the AWS Authorization.`,
    403,
  );
}

/** The payload hash that an S3 signature covers. Throws InvalidRequest when a signed request does not say. */
export function s3PayloadHash(request: ArrivedRequest, claim: SignatureClaim): string {
  const header = headerOf(request, "x-amz-content-sha256");
  if (claim.type === "REST-QUERY-STRING") return header ?? claim.payloadHash ?? unsignedPayload;
  if (header === undefined)
    throw new AwsError("InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
  return header;
}

/**
 * Compares signatures in constant time. Throws SignatureDoesNotMatch (403), as S3 with what the server has signed, so that a
 * person can compare; InvalidURI (400) for a path that cannot be decoded.
 */
export function checkSignature(
  request: ArrivedRequest,
  claim: SignatureClaim,
  secretAccessKey: string,
  payloadHash = emptyHash,
): void {
  const { scope, amzDate } = claim;
  const parts = { ...request, signedHeaders: claim.signedHeaders, payloadHash, service: scope.service };
  let expected: string;
  try {
    expected = computeSignature(secretAccessKey, amzDate, scope, parts);
  } catch (error) {
    if (error instanceof MalformedUriError) throw new AwsError("InvalidURI", "Couldn't parse the specified URI.");
    throw error;
  }
  const given = Buffer.from(claim.signature);
  const wanted = Buffer.from(expected);
  if (given.length === wanted.length && timingSafeEqual(given, wanted)) return;
  if (scope.service !== "s3") {
    throw new AwsError(
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
      403,
    );
  }
  throw new AwsError(
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    403,
    { AWSAccessKeyId: claim.accessKeyId, StringToSign: stringToSign(amzDate, scope, canonicalRequest(parts)) },
  );
}
