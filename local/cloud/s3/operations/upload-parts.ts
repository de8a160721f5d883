// CreateMultipartUpload, UploadPart, UploadPartCopy, AbortMultipartUpload.
import { AwsError } from "../../core/errors";
import { authorizeKey, authorizeObject } from "../access";
import { sliceSegments, type ReceivedBody } from "../bodies";
import {
  checksumElement,
  checksumHeader,
  checksumTypeMismatch,
  digestNames,
  parseAlgorithm,
  readExpectedChecksum,
  resolveChecksumType,
  verifyChecksum,
} from "../checksums";
import { encryptionHeaders, resolveEncryption } from "../encryption";
import type { S3Environment } from "../environment";
import { entityTooLarge, incompleteBody, invalidArgument, noSuchUpload } from "../errors";
import { readObjectHeaders, readStorageClass, readTagHeader, refuseUnsupportedHeaders } from "../metadata";
import { dropUpload, etagOf } from "../objects";
import { declaredLength, isoTime, xmlResponse, type S3Request } from "../request";
import { algorithmOf, currentObject, type Bucket, type MultipartUpload, type UploadedPart } from "../state";
import { xmlDocument } from "../xml";
import { resolveCopySource } from "./copy-object";
import { invalidPartNumberArgument } from "./get-object";
import { MAXIMUM_PART_BYTES, MAXIMUM_PARTS, type BucketOperation } from "./shared";

export const createMultipartUpload: BucketOperation = (request, bucket, environment) => {
  const { key, call } = request;
  const tags = readTagHeader(request);
  const details = { existing: currentObject(bucket, key), requestTags: tags };
  authorizeObject(request, bucket, "s3:PutObject", key, details);
  if (tags.size > 0) authorizeObject(request, bucket, "s3:PutObjectTagging", key, details);
  refuseUnsupportedHeaders(request, bucket);
  const encryption = resolveEncryption(request, bucket);
  authorizeKey(request, bucket, "kms:GenerateDataKey", encryption, key);
  const wanted = request.headers["x-amz-checksum-algorithm"];
  const algorithm = wanted === undefined ? undefined : parseAlgorithm(wanted);
  const checksumType = resolveChecksumType(algorithm, request.headers["x-amz-checksum-type"]);
  const upload: MultipartUpload = {
    uploadId: environment.context.uniqueId(64),
    key,
    initiated: environment.context.clock.now(),
    initiator: call.principal.arn,
    headers: readObjectHeaders(request),
    tags,
    storageClass: readStorageClass(request),
    encryption,
    ...(algorithm ? { declaredAlgorithm: algorithm } : {}),
    checksumType,
    parts: new Map(),
  };
  bucket.uploads.set(upload.uploadId, upload);
  return xmlResponse(
    xmlDocument("InitiateMultipartUploadResult", { Bucket: bucket.name, Key: key, UploadId: upload.uploadId }),
    {
      ...encryptionHeaders(encryption),
      "x-amz-checksum-algorithm": algorithm,
      "x-amz-checksum-type": algorithm ? checksumType : undefined,
    },
  );
};

export const uploadPart: BucketOperation = async (request, bucket, environment) => {
  const { call } = request;
  authorizeObject(request, bucket, "s3:PutObject", request.key);
  const partNumber = readPartNumber(request);
  const upload = findUpload(request, bucket);
  authorizeKey(request, bucket, "kms:Decrypt", upload.encryption, request.key);
  const expected = readExpectedChecksum(request);
  if (expected.algorithm !== upload.declaredAlgorithm) {
    throw checksumTypeMismatch(upload.declaredAlgorithm, expected.algorithm);
  }
  const length = declaredLength(request);
  if (length > MAXIMUM_PART_BYTES) throw entityTooLarge(length, MAXIMUM_PART_BYTES);
  call.describe({ detail: { partNumber, bytes: length } });

  const algorithm = algorithmOf(upload);
  const received = await environment.bodies.receive(call.body, digestNames(algorithm), incompleteBody, length);
  try {
    if (received.size !== length) throw incompleteBody();
    verifyChecksum(expected, received.digests, call.trailers());
    // The upload may have been completed or aborted while the body came in.
    findUpload(request, bucket);
  } catch (error) {
    environment.bodies.release(received.segments);
    throw error;
  }
  const part = storePart(environment, upload, partNumber, received);
  return {
    status: 200,
    headers: {
      etag: part.etag,
      ...encryptionHeaders(upload.encryption),
      ...(expected.algorithm ? { [checksumHeader(expected.algorithm)]: part.checksum } : {}),
    },
  };
};

export const uploadPartCopy: BucketOperation = async (request, bucket, environment) => {
  authorizeObject(request, bucket, "s3:PutObject", request.key);
  const partNumber = readPartNumber(request);
  const upload = findUpload(request, bucket);
  const source = resolveCopySource(request, environment);
  authorizeKey(request, bucket, "kms:Decrypt", upload.encryption, request.key);
  const { start, end } = readCopyRange(request, source.object.size);
  const size = end - start + 1;
  if (size > MAXIMUM_PART_BYTES) throw entityTooLarge(size, MAXIMUM_PART_BYTES);
  const segments = sliceSegments(source.object.segments, start, end);
  environment.bodies.retain(segments);
  let digests;
  try {
    digests = await environment.bodies.digest(segments, digestNames(algorithmOf(upload)));
    findUpload(request, bucket);
  } catch (error) {
    environment.bodies.release(segments);
    throw error;
  }
  const part = storePart(environment, upload, partNumber, { segments, size, digests });
  return xmlResponse(
    xmlDocument("CopyPartResult", {
      ETag: part.etag,
      LastModified: isoTime(part.lastModified),
      ...(upload.declaredAlgorithm ? { [checksumElement(upload.declaredAlgorithm)]: part.checksum } : {}),
    }),
    {
      ...encryptionHeaders(upload.encryption),
      "x-amz-copy-source-version-id": source.bucket.versioning === "Off" ? undefined : source.object.versionId,
    },
  );
};

/** Aborting twice succeeds twice; an id that was never an upload, or is completed, is refused. */
export const abortMultipartUpload: BucketOperation = (request, bucket, environment) => {
  authorizeObject(request, bucket, "s3:AbortMultipartUpload", request.key);
  const uploadId = request.query.get("uploadId") ?? "";
  if (!bucket.aborted.has(uploadId)) {
    findUpload(request, bucket);
    dropUpload(environment, bucket, uploadId);
  }
  return { status: 204 };
};

/** The unfinished upload that the request names. @throws AwsError NoSuchUpload (404). */
export function findUpload(request: S3Request, bucket: Bucket): MultipartUpload {
  const uploadId = request.query.get("uploadId") ?? "";
  const upload = bucket.uploads.get(uploadId);
  if (upload?.key !== request.key) throw noSuchUpload(uploadId);
  return upload;
}

function storePart(
  environment: S3Environment,
  upload: MultipartUpload,
  partNumber: number,
  received: ReceivedBody,
): UploadedPart {
  const md5 = received.digests.get("MD5") ?? Buffer.alloc(0);
  const checksum = received.digests.get(algorithmOf(upload)) ?? Buffer.alloc(0);
  const part: UploadedPart = {
    partNumber,
    size: received.size,
    etag: etagOf(environment, md5, upload.encryption),
    md5,
    lastModified: environment.context.clock.now(),
    segments: received.segments,
    checksum: checksum.toString("base64"),
  };
  const replaced = upload.parts.get(partNumber);
  upload.parts.set(partNumber, part);
  if (replaced) environment.bodies.release(replaced.segments);
  return part;
}

function readPartNumber(request: S3Request): number {
  const text = request.query.get("partNumber") ?? "";
  const value = Number(text);
  if (/^\d{1,5}$/.test(text) && value >= 1 && value <= MAXIMUM_PARTS) return value;
  throw invalidPartNumberArgument(text);
}

function readCopyRange(request: S3Request, size: number): { readonly start: number; readonly end: number } {
  const header = request.headers["x-amz-copy-source-range"];
  if (header === undefined) return { start: 0, end: size - 1 };
  const match = /^bytes=(\d+)-(\d+)$/.exec(header);
  if (!match) {
    throw invalidArgument(
      "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based " +
        "offsets of the first and last bytes to copy",
      "x-amz-copy-source-range",
      header,
    );
  }
  const [start, end] = [Number(match[1]), Number(match[2])];
  if (start > end || end >= size) {
    throw new AwsError("InvalidArgument", `Range specified is not valid for source object of size: ${size}`, 400, {
      ArgumentName: "x-amz-copy-source-range",
      ArgumentValue: header,
    });
  }
  return { start, end };
}
