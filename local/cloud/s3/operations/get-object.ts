// GetObject and HeadObject: ranges, parts, conditions, response overrides.
import { AwsError } from "../../core/errors";
import { authorizeKey, authorizeObject } from "../access";
import { checkRead } from "../conditions";
import { encryptionHeaders } from "../encryption";
import type { S3Environment } from "../environment";
import { invalidArgument, invalidRequest, methodNotAllowed } from "../errors";
import { sliceSegments } from "../bodies";
import { integerParameter, type S3Request, type S3Response } from "../request";
import type { Bucket, ObjectVersion } from "../state";
import { checksumHeaders, lookUp, MAXIMUM_PARTS, missingObject, versionHeader, type BucketOperation } from "./shared";

const OVERRIDES = [
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-type",
  "expires",
];

interface ByteRange {
  readonly start: number;
  /** Included. */
  readonly end: number;
}

export const getObject: BucketOperation = (request, bucket, environment) => answer(request, bucket, environment, true);
export const headObject: BucketOperation = (request, bucket, environment) =>
  answer(request, bucket, environment, false);

function answer(request: S3Request, bucket: Bucket, environment: S3Environment, withBody: boolean): S3Response {
  const object = findReadable(request, bucket);
  authorizeKey(request, bucket, "kms:Decrypt", object.encryption, request.key);
  const overrides = readOverrides(request);
  if (checkRead(request, object) === "not-modified") {
    return {
      status: 304,
      headers: { etag: object.etag, "last-modified": httpTime(object), ...versionHeader(bucket, object) },
    };
  }
  const range = chooseRange(request, object);
  const size = range ? range.end - range.start + 1 : object.size;
  const wholeChecksum = request.headers["x-amz-checksum-mode"]?.toUpperCase() === "ENABLED" && !range;
  const headers: S3Response["headers"] = {
    ...object.headers,
    ...overrides,
    ...(wholeChecksum ? checksumHeaders(object) : {}),
    ...encryptionHeaders(object.encryption),
    ...versionHeader(bucket, object),
    "accept-ranges": "bytes",
    "content-length": String(size),
    "content-range": range ? `bytes ${range.start}-${range.end}/${object.size}` : undefined,
    etag: object.etag,
    "last-modified": httpTime(object),
    "x-amz-mp-parts-count": request.query.has("partNumber") && object.parts ? String(object.parts.length) : undefined,
    "x-amz-storage-class": object.storageClass === "STANDARD" ? undefined : object.storageClass,
    "x-amz-tagging-count": object.tags.size > 0 ? String(object.tags.size) : undefined,
  };
  const status = range || request.query.has("partNumber") ? 206 : 200;
  if (!withBody) return { status, headers };
  request.call.describe({ detail: { bytes: size } });
  const segments = range ? sliceSegments(object.segments, range.start, range.end) : object.segments;
  return { status, headers, body: environment.bodies.read(segments) };
}

function findReadable(request: S3Request, bucket: Bucket): ObjectVersion {
  const versioned = request.query.has("versionId");
  const object = lookUp(request, bucket);
  authorizeObject(request, bucket, versioned ? "s3:GetObjectVersion" : "s3:GetObject", request.key, {
    existing: object,
  });
  if (!object) {
    const error = missingObject(request, bucket);
    const newest = bucket.objects.get(request.key)?.[0];
    if (!newest?.deleteMarker || versioned || error.code !== "NoSuchKey") throw error;
    throw withHeaders(error, { "x-amz-delete-marker": "true", "x-amz-version-id": newest.versionId });
  }
  if (object.deleteMarker) {
    throw withHeaders(methodNotAllowed(request.call.method), {
      "x-amz-delete-marker": "true",
      "x-amz-version-id": object.versionId,
      allow: "DELETE",
      "last-modified": httpTime(object),
    });
  }
  return object;
}

/** A refusal that carries headers: `S3Refusal.headers` are sent with it. */
export class S3Refusal extends AwsError {
  constructor(
    error: AwsError,
    readonly headers: Readonly<Record<string, string>>,
  ) {
    super(error.code, error.message, error.statusCode, error.fields);
  }
}

function withHeaders(error: AwsError, headers: Readonly<Record<string, string>>): S3Refusal {
  return new S3Refusal(error, headers);
}

function readOverrides(request: S3Request): Readonly<Record<string, string>> {
  const overrides: Record<string, string> = {};
  for (const name of OVERRIDES) {
    const value = request.query.get(`response-${name}`);
    if (value !== null) overrides[name] = value;
  }
  if (Object.keys(overrides).length > 0 && request.call.auth.type === "NONE") {
    throw invalidRequest("Request specific response headers cannot be used for anonymous GET requests.");
  }
  return overrides;
}

function chooseRange(request: S3Request, object: ObjectVersion): ByteRange | undefined {
  const header = request.headers.range;
  if (!request.query.has("partNumber")) return header === undefined ? undefined : parseRange(header, object.size);
  const partNumber = integerParameter(request, "partNumber", 1);
  if (partNumber < 1 || partNumber > MAXIMUM_PARTS) throw invalidPartNumberArgument(String(partNumber));
  if (header !== undefined) {
    throw invalidRequest("Cannot specify both Range header and partNumber query parameter");
  }
  const sizes = object.parts?.map((part) => part.size) ?? [object.size];
  const size = sizes[partNumber - 1];
  if (size === undefined) {
    throw new AwsError("InvalidPartNumber", "The requested partnumber is not satisfiable", 416, {
      ActualPartCount: sizes.length,
      PartNumberRequested: partNumber,
    });
  }
  if (size === 0) return undefined;
  const start = sizes.slice(0, partNumber - 1).reduce((sum, part) => sum + part, 0);
  return { start, end: start + size - 1 };
}

/** One range, as S3 reads it; several ranges and unreadable ones are ignored. @throws AwsError InvalidRange (416). */
function parseRange(header: string, size: number): ByteRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  const [first, last] = [match[1] ?? "", match[2] ?? ""];
  if (first !== "" && last !== "" && Number(first) > Number(last)) return undefined;
  const start = first === "" ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (start >= size || start > end) {
    throw new AwsError("InvalidRange", "The requested range is not satisfiable", 416, {
      RangeRequested: header,
      ActualObjectSize: size,
    });
  }
  return { start, end };
}

/** Refusal of part numbers outside 1 to 10,000. */
export function invalidPartNumberArgument(value: string): AwsError {
  return invalidArgument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", value);
}

function httpTime(object: ObjectVersion): string {
  return new Date(object.lastModified).toUTCString();
}
