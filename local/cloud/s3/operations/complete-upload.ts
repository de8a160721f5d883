// CompleteMultipartUpload: the strict one. Parts stay where they are; the object reads through them.
import { createHash } from "node:crypto";
import { AwsError } from "../../core/errors";
import { authorizeKey, authorizeObject } from "../access";
import { CHECKSUM_ALGORITHMS, checkShape, checksumElement, checksumHeader, checksumTypeMismatch } from "../checksums";
import { WriteCondition } from "../conditions";
import { combineCrcs } from "../crc";
import { encryptionHeaders } from "../encryption";
import type { S3Environment } from "../environment";
import { badDigest, entityTooSmall, invalidRequest, malformedXml } from "../errors";
import { digestOf } from "../hashes";
import { commitObject } from "../objects";
import { xmlResponse, type S3Request } from "../request";
import {
  algorithmOf,
  currentObject,
  type Bucket,
  type MultipartUpload,
  type StoredChecksum,
  type UploadedPart,
} from "../state";
import { parseXml, xmlDocument, type XmlReader } from "../xml";
import { MAXIMUM_PARTS, MINIMUM_PART_BYTES, originOf, versionHeader, type BucketOperation } from "./shared";
import { findUpload } from "./upload-parts";

const MAXIMUM_DOCUMENT_BYTES = 4 * 1024 ** 2;
const INVALID_PART =
  "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity " +
  "tag may not match the part's entity tag.";

export const completeMultipartUpload: BucketOperation = async (request, bucket, environment) => {
  const { key } = request;
  authorizeObject(request, bucket, "s3:PutObject", key, { existing: currentObject(bucket, key) });
  const condition = new WriteCondition(request, bucket, key);
  authorizeKey(request, bucket, "kms:Decrypt", findUpload(request, bucket).encryption, key);
  const body = await request.call.readBody(MAXIMUM_DOCUMENT_BYTES);
  const listed = parseXml(body.toString("utf8"), "CompleteMultipartUpload").children("Part");

  const upload = findUpload(request, bucket);
  const parts = selectParts(upload, listed);
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  checkObjectSize(request, size);
  const checksum = wholeChecksum(upload, parts);
  checkWholeChecksum(request, upload, checksum);
  // Nothing below waits: the conditions still hold when the object appears.
  findUpload(request, bucket);
  condition.check();
  const object = commitObject(environment, bucket, {
    key,
    size,
    etag: multipartEtag(environment, upload, parts),
    segments: parts.flatMap((part) => part.segments),
    parts: parts.map((part) => ({ size: part.size, checksum: part.checksum })),
    headers: upload.headers,
    storageClass: upload.storageClass,
    encryption: upload.encryption,
    checksum,
    tags: upload.tags,
  });
  forgetUpload(environment, bucket, upload, parts);
  request.call.describe({ detail: { bytes: size, parts: parts.length } });
  environment.notifier.notify(bucket, "ObjectCreated:CompleteMultipartUpload", object, originOf(request));
  return xmlResponse(
    xmlDocument("CompleteMultipartUploadResult", {
      Location: `https://${bucket.name}.s3.${bucket.region}.amazonaws.com/${encodeURIComponent(key)}`,
      Bucket: bucket.name,
      Key: key,
      ETag: object.etag,
      [checksumElement(checksum.algorithm)]: checksum.value,
      ChecksumType: checksum.type,
    }),
    { ...versionHeader(bucket, object), ...encryptionHeaders(object.encryption) },
  );
};

/** Finds the listed parts. @throws AwsError InvalidPartOrder, InvalidPart, EntityTooSmall, InvalidRequest. */
function selectParts(upload: MultipartUpload, listed: readonly XmlReader[]): readonly UploadedPart[] {
  if (listed.length === 0 || listed.length > MAXIMUM_PARTS) throw malformedXml();
  let previous = 0;
  const parts = listed.map((item) => {
    const partNumber = Number(item.text("PartNumber") ?? Number.NaN);
    const etag = item.text("ETag");
    if (!Number.isInteger(partNumber) || etag === undefined) throw malformedXml();
    if (partNumber <= previous) {
      throw new AwsError(
        "InvalidPartOrder",
        "The list of parts was not in ascending order. Parts must be ordered by part number.",
        400,
        { UploadId: upload.uploadId },
      );
    }
    previous = partNumber;
    return selectPart(upload, partNumber, etag, item);
  });
  for (const part of parts.slice(0, -1)) {
    if (part.size < MINIMUM_PART_BYTES) {
      throw entityTooSmall(part.size, MINIMUM_PART_BYTES, part.partNumber, part.etag.replaceAll('"', ""));
    }
  }
  return parts;
}

function selectPart(upload: MultipartUpload, partNumber: number, etag: string, item: XmlReader): UploadedPart {
  const part = upload.parts.get(partNumber);
  if (part?.etag.replaceAll('"', "") !== etag.replaceAll('"', "")) throw invalidPart(upload, partNumber, etag);
  const algorithm = algorithmOf(upload);
  for (const other of CHECKSUM_ALGORITHMS) {
    const value = item.text(checksumElement(other));
    if (value === undefined) continue;
    if (other !== algorithm) throw checksumTypeMismatch(upload.declaredAlgorithm, other);
    if (value !== part.checksum) throw invalidPart(upload, partNumber, etag);
  }
  if (upload.checksumType === "COMPOSITE" && item.text(checksumElement(algorithm)) === undefined) {
    throw invalidRequest(
      `The upload was created using a ${algorithm.toLowerCase()} checksum. The complete request must include the checksum ` +
        `for each part. It was missing for part ${partNumber} in the request.`,
    );
  }
  return part;
}

function invalidPart(upload: MultipartUpload, partNumber: number, etag: string): AwsError {
  return new AwsError("InvalidPart", INVALID_PART, 400, {
    UploadId: upload.uploadId,
    PartNumber: partNumber,
    ETag: etag.replaceAll('"', ""),
  });
}

function checkObjectSize(request: S3Request, size: number): void {
  const announced = request.headers["x-amz-mp-object-size"];
  if (announced === undefined) return;
  if (!/^\d+$/.test(announced)) throw invalidRequest("Value for x-amz-mp-object-size header is invalid");
  if (Number(announced) === size) return;
  throw invalidRequest(
    `The provided 'x-amz-mp-object-size' header value ${announced} does not match what was computed: ${size}`,
  );
}

function wholeChecksum(upload: MultipartUpload, parts: readonly UploadedPart[]): StoredChecksum {
  const algorithm = algorithmOf(upload);
  const digests = parts.map((part) => ({ digest: Buffer.from(part.checksum, "base64"), size: part.size }));
  if (upload.checksumType === "COMPOSITE") {
    const sum = digestOf(algorithm, Buffer.concat(digests.map(({ digest }) => digest)));
    return { algorithm, type: "COMPOSITE", value: `${sum.toString("base64")}-${parts.length}` };
  }
  if (algorithm === "SHA1" || algorithm === "SHA256")
    throw new Error("SHA sums of whole objects are refused at creation");
  return { algorithm, type: "FULL_OBJECT", value: combineCrcs(algorithm, digests).toString("base64") };
}

/** Compares the caller's checksum of the whole object, if it sent one. */
function checkWholeChecksum(request: S3Request, upload: MultipartUpload, checksum: StoredChecksum): void {
  const type = request.headers["x-amz-checksum-type"];
  if (type !== undefined && type !== checksum.type) {
    throw invalidRequest(
      `The upload was created using the ${upload.declaredAlgorithm ? checksum.type : "null"} checksum mode. The complete ` +
        "request must use the same checksum mode.",
    );
  }
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = request.headers[checksumHeader(algorithm)];
    if (value === undefined) continue;
    if (algorithm !== checksum.algorithm) throw checksumTypeMismatch(upload.declaredAlgorithm, algorithm);
    checkShape(algorithm, value, checksum.type === "COMPOSITE");
    const expected = /-\d+$/.test(value) ? checksum.value : checksum.value.replace(/-\d+$/, "");
    if (value !== expected) throw badDigest(algorithm.toLowerCase());
  }
}

/** MD5 of the parts' MD5s, "-" and their number; no MD5 under SSE-KMS. */
function multipartEtag(environment: S3Environment, upload: MultipartUpload, parts: readonly UploadedPart[]): string {
  const hash = createHash("md5");
  for (const part of parts) hash.update(part.md5);
  if (upload.encryption.algorithm === "aws:kms") hash.update(environment.context.uniqueId(16));
  return `"${hash.digest("hex")}-${parts.length}"`;
}

/** The object took over the bodies of its parts; those that were not listed go. */
function forgetUpload(
  environment: S3Environment,
  bucket: Bucket,
  upload: MultipartUpload,
  used: readonly UploadedPart[],
): void {
  bucket.uploads.delete(upload.uploadId);
  const kept = new Set(used);
  for (const part of upload.parts.values()) {
    if (!kept.has(part)) environment.bodies.release(part.segments);
  }
}
