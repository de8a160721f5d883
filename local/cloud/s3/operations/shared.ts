// What the operations have in common: finding objects as S3 does, and describing them in headers.
import type { AwsError } from "../../core/errors";
import { mayList } from "../access";
import { checksumHeader } from "../checksums";
import { encryptionHeaders } from "../encryption";
import type { S3Environment } from "../environment";
import { accessDenied, invalidArgument, noSuchKey, noSuchVersion } from "../errors";
import type { EventOrigin } from "../notifications";
import type { S3Request, S3Response } from "../request";
import { currentObject, type Bucket, type ObjectVersion } from "../state";

/** An operation on one bucket; the service has found the bucket and checked its owner. */
export type BucketOperation = (
  request: S3Request,
  bucket: Bucket,
  environment: S3Environment,
) => Promise<S3Response> | S3Response;

/** 5 GiB: largest part, single upload and copy. */
export const MAXIMUM_PART_BYTES = 5 * 1024 ** 3;
/** 5 MiB: smallest part but the last. */
export const MINIMUM_PART_BYTES = 5 * 1024 ** 2;
export const MAXIMUM_PARTS = 10_000;

/** The version that the request names, or the current one; undefined when there is none. Delete markers only by version. */
export function lookUp(request: S3Request, bucket: Bucket): ObjectVersion | undefined {
  const versionId = request.query.get("versionId");
  if (versionId === null) return currentObject(bucket, request.key);
  if (versionId === "") throw invalidArgument("Version id cannot be the empty string", "versionId", versionId);
  return findVersion(bucket, request.key, versionId);
}

/** A version by id. @throws AwsError InvalidArgument for ids that are none. */
export function findVersion(bucket: Bucket, key: string, versionId: string): ObjectVersion | undefined {
  if (versionId !== "null" && !/^[a-z0-9]{32}$/.test(versionId)) {
    throw invalidArgument("Invalid version id specified", "versionId", versionId);
  }
  return bucket.objects.get(key)?.find((version) => version.versionId === versionId);
}

/** Why an object cannot be had: callers without s3:ListBucket do not learn that it is missing. */
export function missingObject(request: S3Request, bucket: Bucket): AwsError {
  if (!mayList(request, bucket, request.key)) return accessDenied();
  const versionId = request.query.get("versionId");
  return versionId === null ? noSuchKey(request.key) : noSuchVersion(request.key, versionId);
}

/** `x-amz-version-id`, on buckets that know versions. */
export function versionHeader(bucket: Bucket, object: ObjectVersion): Readonly<Record<string, string>> {
  return bucket.versioning === "Off" ? {} : { "x-amz-version-id": object.versionId };
}

/** Checksum headers of an object. */
export function checksumHeaders(object: Pick<ObjectVersion, "checksum">): Readonly<Record<string, string>> {
  const { checksum } = object;
  return checksum ? { [checksumHeader(checksum.algorithm)]: checksum.value, "x-amz-checksum-type": checksum.type } : {};
}

/** Headers of the answer to a write. */
export function writeHeaders(bucket: Bucket, object: ObjectVersion): Readonly<Record<string, string | undefined>> {
  return { etag: object.etag, ...versionHeader(bucket, object), ...encryptionHeaders(object.encryption) };
}

/** Who made the call, for notifications. */
export function originOf({ call }: S3Request): EventOrigin {
  return { requestId: call.id, requester: call.principal.accountId || call.principal.arn, sourceIp: call.sourceIp };
}
