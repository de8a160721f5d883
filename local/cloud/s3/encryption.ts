// Server-side encryption as callers see it: nothing is encrypted here, but headers, defaults and refusals are S3's.
import { type AwsError } from "../core/errors";
import { invalidArgument, notSimulated } from "./errors";
import type { S3Request } from "./request";
import type { Bucket, Encryption } from "./state";

const SSE = "x-amz-server-side-encryption";
const SSE_KEY = `${SSE}-aws-kms-key-id`;
const SSE_BUCKET_KEY = `${SSE}-bucket-key-enabled`;

/** Encryption of a new object: what the request says, else the bucket's default. */
export function resolveEncryption(request: S3Request, bucket: Bucket): Encryption {
  const wanted = request.headers[SSE];
  const keyId = request.headers[SSE_KEY];
  if (Object.keys(request.headers).some((name) => name.startsWith(`${SSE}-customer-`))) {
    throw notSimulated("encryption with customer-provided keys (SSE-C) of S3");
  }
  if (request.headers[`${SSE}-context`] !== undefined) throw notSimulated(`the header ${SSE}-context of S3`);
  if (wanted === "aws:kms:dsse") throw notSimulated("dual-layer encryption (DSSE-KMS) of S3");
  if (wanted === undefined) {
    if (keyId !== undefined) throw keyWithoutKms(keyId);
    return bucket.encryption;
  }
  if (wanted === "AES256") {
    if (keyId !== undefined) throw keyWithoutKms(keyId);
    return { algorithm: "AES256" };
  }
  if (wanted !== "aws:kms") {
    throw invalidArgument("The encryption method specified is not supported", SSE, wanted);
  }
  const bucketKey = request.headers[SSE_BUCKET_KEY];
  return {
    algorithm: "aws:kms",
    kmsKeyId: keyArn(keyId ?? bucket.encryption.kmsKeyId, bucket),
    bucketKeyEnabled: bucketKey === undefined ? (bucket.encryption.bucketKeyEnabled ?? false) : bucketKey === "true",
  };
}

/** ARN of a key given by id, ARN or not at all (then the account's AWS-managed key). */
export function keyArn(keyId: string | undefined, bucket: Pick<Bucket, "region" | "accountId">): string {
  const prefix = `arn:aws:kms:${bucket.region}:${bucket.accountId}:`;
  if (keyId === undefined || keyId === "") return `${prefix}alias/aws/s3`;
  if (keyId.startsWith("arn:")) return keyId;
  return keyId.startsWith("alias/") ? prefix + keyId : `${prefix}key/${keyId}`;
}

/** Response headers that tell how an object is encrypted. */
export function encryptionHeaders(encryption: Encryption): Readonly<Record<string, string | undefined>> {
  return {
    [SSE]: encryption.algorithm,
    [SSE_KEY]: encryption.kmsKeyId,
    [SSE_BUCKET_KEY]: encryption.bucketKeyEnabled ? "true" : undefined,
  };
}

function keyWithoutKms(keyId: string): AwsError {
  return invalidArgument(
    "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
    SSE_KEY,
    keyId,
  );
}
