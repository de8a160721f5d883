// CopyObject, and the source of UploadPartCopy. Copies share the source's files: no bytes move.
import { type AwsError } from "../../core/errors";
import { authorizeKey, authorizeObject, checkExpectedOwner, mayList } from "../access";
import { checksumElement, digestNames, parseAlgorithm, type ChecksumAlgorithm } from "../checksums";
import { checkCopySource, WriteCondition } from "../conditions";
import { encryptionHeaders, resolveEncryption } from "../encryption";
import { findBucket, type S3Environment } from "../environment";
import { accessDenied, invalidArgument, invalidRequest, noSuchKey, noSuchVersion } from "../errors";
import { readObjectHeaders, readStorageClass, readTagHeader, refuseUnsupportedHeaders } from "../metadata";
import { commitObject, etagOf } from "../objects";
import { isoTime, xmlResponse, type S3Request } from "../request";
import { currentObject, type Bucket, type ObjectVersion } from "../state";
import { xmlDocument } from "../xml";
import { findVersion, MAXIMUM_PART_BYTES, originOf, versionHeader, type BucketOperation } from "./shared";

/** The source of a copy, which the caller may read and whose conditions hold. */
export interface CopySource {
  readonly bucket: Bucket;
  readonly object: ObjectVersion;
}

/** Finds and authorises what `x-amz-copy-source` names. */
export function resolveCopySource(request: S3Request, environment: S3Environment): CopySource {
  const header = request.headers["x-amz-copy-source"] ?? "";
  const [path = "", query = ""] = header.split("?");
  const [bucketName = "", ...rest] = path.replace(/^\//, "").split("/");
  const key = decodeSource(rest.join("/"), header);
  if (bucketName === "" || key === "") throw badSource(header);
  const versionId = new URLSearchParams(query).get("versionId") ?? undefined;
  const bucket = findBucket(environment, bucketName);
  checkExpectedOwner(request, bucket, "x-amz-source-expected-bucket-owner");
  const object = versionId === undefined ? currentObject(bucket, key) : findVersion(bucket, key, versionId);
  const action = versionId === undefined ? "s3:GetObject" : "s3:GetObjectVersion";
  authorizeObject(request, bucket, action, key, { existing: object });
  if (!object) {
    if (!mayList(request, bucket, key)) throw accessDenied();
    throw versionId === undefined ? noSuchKey(key) : noSuchVersion(key, versionId);
  }
  if (object.deleteMarker) {
    throw invalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.");
  }
  authorizeKey(request, bucket, "kms:Decrypt", object.encryption, key);
  checkCopySource(request, object);
  return { bucket, object };
}

export const copyObject: BucketOperation = async (request, bucket, environment) => {
  const source = resolveCopySource(request, environment);
  const replacesHeaders = directive(request, "x-amz-metadata-directive") === "REPLACE";
  const replacesTags = directive(request, "x-amz-tagging-directive") === "REPLACE";
  const tags = replacesTags ? readTagHeader(request) : source.object.tags;
  authorizeCopy(request, bucket, source, tags, replacesTags);
  refuseUnsupportedHeaders(request, bucket);
  refuseIdentity(request, bucket, source, replacesHeaders);
  const encryption = resolveEncryption(request, bucket);
  authorizeKey(request, bucket, "kms:GenerateDataKey", encryption, request.key);
  if (source.object.size > MAXIMUM_PART_BYTES) {
    throw invalidRequest(
      `The specified copy source is larger than the maximum allowable size for a copy source: ${MAXIMUM_PART_BYTES}`,
    );
  }
  const condition = new WriteCondition(request, bucket, request.key);
  condition.check();
  const headers = replacesHeaders ? readObjectHeaders(request) : source.object.headers;
  const storageClass = readStorageClass(request);
  const algorithm = copyAlgorithm(request, source.object);

  const { segments, size } = source.object;
  environment.bodies.retain(segments);
  let digests;
  try {
    digests = await environment.bodies.digest(segments, digestNames(algorithm));
    condition.check();
  } catch (error) {
    environment.bodies.release(segments);
    throw error;
  }
  const value = (digests.get(algorithm) ?? Buffer.alloc(0)).toString("base64");
  const object = commitObject(environment, bucket, {
    key: request.key,
    size,
    etag: etagOf(environment, digests.get("MD5") ?? Buffer.alloc(0), encryption),
    segments,
    headers,
    storageClass,
    encryption,
    checksum: { algorithm, value, type: "FULL_OBJECT" },
    tags,
  });
  environment.notifier.notify(bucket, "ObjectCreated:Copy", object, originOf(request));
  return xmlResponse(
    xmlDocument("CopyObjectResult", {
      ETag: object.etag,
      LastModified: isoTime(object.lastModified),
      [checksumElement(algorithm)]: value,
      ChecksumType: "FULL_OBJECT",
    }),
    {
      ...versionHeader(bucket, object),
      ...encryptionHeaders(encryption),
      "x-amz-copy-source-version-id": source.bucket.versioning === "Off" ? undefined : source.object.versionId,
    },
  );
};

function authorizeCopy(
  request: S3Request,
  bucket: Bucket,
  source: CopySource,
  tags: ReadonlyMap<string, string>,
  replacesTags: boolean,
): void {
  const details = { existing: currentObject(bucket, request.key), requestTags: tags };
  authorizeObject(request, bucket, "s3:PutObject", request.key, details);
  if (tags.size === 0) return;
  if (!replacesTags) {
    authorizeObject(request, source.bucket, "s3:GetObjectTagging", source.object.key, { existing: source.object });
  }
  authorizeObject(request, bucket, "s3:PutObjectTagging", request.key, details);
}

/** A copy onto itself must change something. */
function refuseIdentity(request: S3Request, bucket: Bucket, source: CopySource, replacesHeaders: boolean): void {
  const same = source.bucket === bucket && source.object === currentObject(bucket, request.key);
  const changes =
    replacesHeaders ||
    request.headers["x-amz-storage-class"] !== undefined ||
    request.headers["x-amz-server-side-encryption"] !== undefined;
  if (!same || changes) return;
  throw invalidRequest(
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's " +
      "metadata, storage class, website redirect location or encryption attributes.",
  );
}

function directive(request: S3Request, header: string): "COPY" | "REPLACE" {
  const value = request.headers[header] ?? "COPY";
  if (value === "COPY" || value === "REPLACE") return value;
  throw invalidArgument("Unknown metadata directive.", header, value);
}

/** The algorithm that the request names, else the source's. */
function copyAlgorithm(request: S3Request, source: ObjectVersion): ChecksumAlgorithm {
  const wanted = request.headers["x-amz-checksum-algorithm"];
  return wanted === undefined ? (source.checksum?.algorithm ?? "CRC64NVME") : parseAlgorithm(wanted);
}

function decodeSource(text: string, header: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badSource(header);
  }
}

function badSource(header: string): AwsError {
  return invalidArgument(
    "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
    "x-amz-copy-source",
    header,
  );
}
