// ListObjectsV2, ListObjectVersions and ListBuckets.
import { authorizeAccount, authorizeBucket } from "../access";
import type { S3Environment } from "../environment";
import { invalidArgument } from "../errors";
import { sortedKeys } from "../objects";
import { integerParameter, isoTime, xmlResponse, type S3Request, type S3Response } from "../request";
import { bucketArn, currentObject, type Bucket, type ObjectVersion } from "../state";
import { xmlDocument, type XmlElement } from "../xml";
import { isAfter, nameEncoder, takePage } from "./listing";
import type { BucketOperation } from "./shared";

const PAGE_LIMIT = 1000;

export const listObjectsV2: BucketOperation = (request, bucket) => {
  const { prefix, delimiter, maximum } = authorizeList(request, bucket, "s3:ListBucket");
  const encode = nameEncoder(request);
  const token = request.query.get("continuation-token");
  const startAfter = request.query.get("start-after") ?? "";
  const marker = token === null ? startAfter : decodeToken(token);
  const page = takePage(currentAfter(bucket, marker, delimiter), { prefix, delimiter, maximum });
  const withOwner = request.query.get("fetch-owner") === "true";
  return xmlResponse(
    xmlDocument("ListBucketResult", {
      Name: bucket.name,
      Prefix: encode(prefix),
      Delimiter: delimiter === "" ? undefined : encode(delimiter),
      MaxKeys: maximum,
      EncodingType: request.query.get("encoding-type") ?? undefined,
      KeyCount: page.items.length + page.prefixes.length,
      IsTruncated: page.truncated,
      ContinuationToken: token ?? undefined,
      NextContinuationToken: page.truncated ? encodeToken(page.lastName) : undefined,
      StartAfter: startAfter === "" ? undefined : encode(startAfter),
      Contents: page.items.map((object) => describeObject(object, encode, withOwner ? bucket : undefined)),
      CommonPrefixes: page.prefixes.map((name) => ({ Prefix: encode(name) })),
    }),
  );
};

export const listObjectVersions: BucketOperation = (request, bucket) => {
  const { prefix, delimiter, maximum } = authorizeList(request, bucket, "s3:ListBucketVersions");
  const encode = nameEncoder(request);
  const keyMarker = request.query.get("key-marker") ?? "";
  const versionMarker = request.query.get("version-id-marker") ?? "";
  if (versionMarker !== "" && keyMarker === "") {
    throw invalidArgument(
      "A version-id marker cannot be specified without a key marker.",
      "version-id-marker",
      versionMarker,
    );
  }
  const entries = versionsAfter(bucket, keyMarker, versionMarker, delimiter);
  const page = takePage(entries, { prefix, delimiter, maximum });
  const describe = (version: ObjectVersion): XmlElement => describeVersion(bucket, version, encode);
  return xmlResponse(
    xmlDocument("ListVersionsResult", {
      Name: bucket.name,
      Prefix: encode(prefix),
      KeyMarker: encode(keyMarker),
      VersionIdMarker: versionMarker,
      NextKeyMarker: page.truncated ? encode(page.lastName) : undefined,
      NextVersionIdMarker: page.truncated ? page.last?.versionId : undefined,
      MaxKeys: maximum,
      Delimiter: delimiter === "" ? undefined : encode(delimiter),
      IsTruncated: page.truncated,
      EncodingType: request.query.get("encoding-type") ?? undefined,
      Version: page.items.filter((version) => !version.deleteMarker).map(describe),
      DeleteMarker: page.items.filter((version) => version.deleteMarker).map(describe),
      CommonPrefixes: page.prefixes.map((name) => ({ Prefix: encode(name) })),
    }),
  );
};

/** ListBuckets: the caller's own account's. */
export function listBuckets(request: S3Request, environment: S3Environment): S3Response {
  const { accountId } = request.call.principal;
  authorizeAccount(request, "s3:ListAllMyBuckets", accountId);
  const buckets = [...environment.buckets.values()]
    .filter((bucket) => bucket.accountId === accountId)
    .sort((left, right) => (left.name < right.name ? -1 : 1));
  return xmlResponse(
    xmlDocument("ListAllMyBucketsResult", {
      Buckets: {
        Bucket: buckets.map((bucket) => ({
          Name: bucket.name,
          CreationDate: isoTime(bucket.createdAt),
          BucketRegion: bucket.region,
          BucketArn: bucketArn(bucket.name),
        })),
      },
      Owner: { ID: accountId },
    }),
  );
}

function authorizeList(request: S3Request, bucket: Bucket, action: string) {
  const prefix = request.query.get("prefix") ?? "";
  const delimiter = request.query.get("delimiter") ?? "";
  const keys: Record<string, string> = {};
  for (const name of ["prefix", "delimiter", "max-keys"]) {
    const value = request.query.get(name);
    if (value !== null) keys[`s3:${name}`] = value;
  }
  authorizeBucket(request, bucket, action, { keys });
  return { prefix, delimiter, maximum: Math.min(integerParameter(request, "max-keys", PAGE_LIMIT), PAGE_LIMIT) };
}

function* currentAfter(bucket: Bucket, marker: string, delimiter: string): Generator<readonly [string, ObjectVersion]> {
  for (const key of sortedKeys(bucket)) {
    const object = isAfter(key, marker, delimiter) ? currentObject(bucket, key) : undefined;
    if (object) yield [key, object];
  }
}

function* versionsAfter(
  bucket: Bucket,
  keyMarker: string,
  versionMarker: string,
  delimiter: string,
): Generator<readonly [string, ObjectVersion]> {
  for (const key of sortedKeys(bucket)) {
    const versions = bucket.objects.get(key) ?? [];
    const resumed = key === keyMarker && versionMarker !== "";
    if (!resumed && !isAfter(key, keyMarker, delimiter)) continue;
    const start = resumed ? versions.findIndex((version) => version.versionId === versionMarker) + 1 : 0;
    for (const version of versions.slice(start)) yield [key, version];
  }
}

function describeObject(
  object: ObjectVersion,
  encode: (name: string) => string,
  owner: Bucket | undefined,
): XmlElement {
  return {
    Key: encode(object.key),
    LastModified: isoTime(object.lastModified),
    ETag: object.etag,
    ChecksumAlgorithm: object.checksum?.algorithm,
    ChecksumType: object.checksum?.type,
    Size: object.size,
    StorageClass: object.storageClass,
    Owner: owner ? { ID: owner.accountId } : undefined,
  };
}

function describeVersion(bucket: Bucket, version: ObjectVersion, encode: (name: string) => string): XmlElement {
  const shared = {
    Key: encode(version.key),
    VersionId: version.versionId,
    IsLatest: bucket.objects.get(version.key)?.[0] === version,
    LastModified: isoTime(version.lastModified),
    Owner: { ID: bucket.accountId },
  };
  if (version.deleteMarker) return shared;
  const { ETag, Size, StorageClass, ChecksumAlgorithm, ChecksumType } = describeObject(version, encode, undefined);
  return { ...shared, ETag, ChecksumAlgorithm, ChecksumType, Size, StorageClass };
}

function encodeToken(name: string): string {
  return Buffer.from(name).toString("base64url");
}

function decodeToken(token: string): string {
  const name = Buffer.from(token, "base64url").toString("utf8");
  if (token === "" || encodeToken(name) !== token) {
    throw invalidArgument("The continuation token provided is incorrect", "continuation-token", token);
  }
  return name;
}
