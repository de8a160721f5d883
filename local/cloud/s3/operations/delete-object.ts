// DeleteObject and DeleteObjects.
import { AwsError } from "../../core/errors";
import { authorizeObject } from "../access";
import { readExpectedChecksum, verifyChecksum, digestNames } from "../checksums";
import { bare } from "../conditions";
import type { S3Environment } from "../environment";
import { invalidRequest, malformedXml, noSuchKey, preconditionFailed } from "../errors";
import { digestOf } from "../hashes";
import { deleteCurrent, removeVersion } from "../objects";
import { xmlResponse, type S3Request } from "../request";
import { currentObject, type Bucket } from "../state";
import { parseXml, xmlDocument, type XmlElement, type XmlReader } from "../xml";
import { findVersion, originOf, type BucketOperation } from "./shared";

const MAXIMUM_KEYS = 1000;
const MAXIMUM_DOCUMENT_BYTES = 2 * 1024 ** 2;

interface Outcome {
  /** Version of the object or marker that was removed or made. */
  readonly versionId?: string;
  readonly deleteMarker: boolean;
}

export const deleteObject: BucketOperation = (request, bucket, environment) => {
  const versionId = request.query.get("versionId") ?? undefined;
  const outcome = removeOne(request, bucket, environment, request.key, versionId, request.headers["if-match"]);
  return {
    status: 204,
    headers: {
      "x-amz-delete-marker": outcome.deleteMarker ? "true" : undefined,
      "x-amz-version-id": outcome.versionId,
    },
  };
};

export const deleteObjects: BucketOperation = async (request, bucket, environment) => {
  const document = parseXml(await readChecked(request), "Delete");
  const objects = document.children("Object");
  if (objects.length === 0 || objects.length > MAXIMUM_KEYS) throw malformedXml();
  const quiet = document.text("Quiet") === "true";
  const deleted: XmlElement[] = [];
  const errors: XmlElement[] = [];
  for (const item of objects) {
    const key = item.text("Key");
    if (key === undefined || key === "") throw malformedXml();
    try {
      deleted.push(removeListed(request, bucket, environment, key, item));
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      errors.push({ Key: key, VersionId: item.text("VersionId"), Code: error.code, Message: error.message });
    }
  }
  return xmlResponse(xmlDocument("DeleteResult", { Deleted: quiet ? [] : deleted, Error: errors }));
};

function removeListed(
  request: S3Request,
  bucket: Bucket,
  environment: S3Environment,
  key: string,
  item: XmlReader,
): XmlElement {
  const versionId = item.text("VersionId");
  const outcome = removeOne(request, bucket, environment, key, versionId, item.text("ETag"));
  return {
    Key: key,
    VersionId: versionId,
    DeleteMarker: outcome.deleteMarker ? true : undefined,
    DeleteMarkerVersionId: outcome.deleteMarker ? outcome.versionId : undefined,
  };
}

function removeOne(
  request: S3Request,
  bucket: Bucket,
  environment: S3Environment,
  key: string,
  versionId: string | undefined,
  ifMatch: string | undefined,
): Outcome {
  const existing = versionId === undefined ? currentObject(bucket, key) : findVersion(bucket, key, versionId);
  const action = versionId === undefined ? "s3:DeleteObject" : "s3:DeleteObjectVersion";
  authorizeObject(request, bucket, action, key, { existing });
  if (ifMatch !== undefined) {
    if (!existing) throw noSuchKey(key);
    if (ifMatch.trim() !== "*" && bare(ifMatch) !== bare(existing.etag)) throw preconditionFailed("If-Match");
  }
  const origin = originOf(request);
  if (versionId !== undefined) {
    const removed = removeVersion(environment, bucket, key, versionId);
    if (removed) environment.notifier.notify(bucket, "ObjectRemoved:Delete", removed, origin);
    return { versionId, deleteMarker: removed?.deleteMarker ?? false };
  }
  const { deleted, marker } = deleteCurrent(environment, bucket, key);
  if (deleted) environment.notifier.notify(bucket, "ObjectRemoved:Delete", deleted, origin);
  if (marker) environment.notifier.notify(bucket, "ObjectRemoved:DeleteMarkerCreated", marker, origin);
  return marker ? { versionId: marker.versionId, deleteMarker: true } : { deleteMarker: false };
}

/** The document, whose integrity the caller must vouch for. */
async function readChecked(request: S3Request): Promise<string> {
  const expected = readExpectedChecksum(request);
  if (expected.contentMd5 === undefined && !expected.algorithm) {
    throw invalidRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
  }
  const body = await request.call.readBody(MAXIMUM_DOCUMENT_BYTES);
  const names = digestNames(expected.algorithm ?? "CRC32");
  const digests = new Map(names.map((name) => [name, digestOf(name, body)]));
  verifyChecksum(expected, digests, request.call.trailers());
  return body.toString("utf8");
}
