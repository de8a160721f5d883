// Headers that are stored with an object, its tags and its storage class.
import { AwsError } from "../core/errors";
import { invalidArgument, notSimulated } from "./errors";
import type { S3Request } from "./request";
import type { Bucket, ObjectHeaders } from "./state";
import type { XmlReader } from "./xml";

const SYSTEM_HEADERS = [
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-type",
  "expires",
];
const META_PREFIX = "x-amz-meta-";
const MAXIMUM_METADATA_BYTES = 2048;
const STORAGE_CLASSES = ["STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "REDUCED_REDUNDANCY"];
const ARCHIVE_CLASSES = ["GLACIER", "DEEP_ARCHIVE", "GLACIER_IR", "OUTPOSTS", "SNOW", "EXPRESS_ONEZONE"];
/** Headers that change what S3 does and that this run leaves out. */
const LEFT_OUT = /^x-amz-(object-lock-.*|website-redirect-location|write-offset-bytes|grant-.*|mfa|if-match-.*)$/;

/** Refuses headers that are not simulated, and ACLs that the bucket's ownership does not allow. */
export function refuseUnsupportedHeaders(request: S3Request, bucket: Bucket): void {
  const acl = request.headers["x-amz-acl"];
  const grants = Object.keys(request.headers).some((name) => name.startsWith("x-amz-grant-"));
  if ((acl !== undefined && acl !== "bucket-owner-full-control") || grants) {
    if (bucket.ownership === "BucketOwnerEnforced") {
      throw new AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs");
    }
    throw notSimulated("access control lists of S3");
  }
  const leftOut = Object.keys(request.headers).find((name) => LEFT_OUT.test(name));
  if (leftOut) throw notSimulated(`the header ${leftOut} of S3`);
}

/** Headers to store with an object. @throws AwsError MetadataTooLarge. */
export function readObjectHeaders(request: S3Request): ObjectHeaders {
  const stored: Record<string, string> = { "content-type": "binary/octet-stream" };
  let bytes = 0;
  for (const [name, value] of Object.entries(request.headers)) {
    if (name.startsWith(META_PREFIX)) {
      bytes += Buffer.byteLength(name.slice(META_PREFIX.length)) + Buffer.byteLength(value);
      stored[name] = value;
    } else if (name === "content-encoding") {
      const encodings = value.split(",").map((item) => item.trim());
      const kept = encodings.filter((item) => item !== "aws-chunked" && item !== "");
      if (kept.length > 0) stored[name] = kept.join(",");
    } else if (SYSTEM_HEADERS.includes(name) && value !== "") {
      stored[name] = value;
    }
  }
  if (bytes > MAXIMUM_METADATA_BYTES) {
    throw new AwsError("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size", 400, {
      Size: bytes,
      MaxSizeAllowed: MAXIMUM_METADATA_BYTES,
    });
  }
  return stored;
}

/** Storage class of a new object: kept and shown; archives, which need a restore, are left out. */
export function readStorageClass(request: S3Request): string {
  const value = request.headers["x-amz-storage-class"] ?? "STANDARD";
  if (STORAGE_CLASSES.includes(value)) return value;
  if (ARCHIVE_CLASSES.includes(value)) throw notSimulated(`the storage class ${value} of S3`);
  throw new AwsError("InvalidStorageClass", "The storage class you specified is not valid");
}

/** Tags of the `x-amz-tagging` header, which is encoded like a query. */
export function readTagHeader(request: S3Request): ReadonlyMap<string, string> {
  const header = request.headers["x-amz-tagging"];
  if (!header) return new Map();
  try {
    return checkTags([...new URLSearchParams(header)]);
  } catch (error) {
    if (error instanceof AwsError && error.code === "InvalidTag") {
      throw invalidArgument(
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
        "x-amz-tagging",
        header,
      );
    }
    throw error;
  }
}

/** Tags of a Tagging document. */
export function readTagDocument(document: XmlReader): ReadonlyMap<string, string> {
  const tags = document.children("TagSet").flatMap((set) => set.children("Tag"));
  return checkTags(tags.map((tag) => [tag.text("Key") ?? "", tag.text("Value") ?? ""] as const));
}

function checkTags(pairs: readonly (readonly [string, string])[]): ReadonlyMap<string, string> {
  if (pairs.length > 10) throw new AwsError("BadRequest", "Object tags cannot be greater than 10");
  const tags = new Map<string, string>();
  for (const [key, value] of pairs) {
    if (key.startsWith("aws:")) throw invalidTag("System tags cannot be added/updated by requester");
    if (key === "" || key.length > 128 || !isTagText(key)) throw invalidTag("The TagKey you have provided is invalid");
    if (value.length > 256 || !isTagText(value)) throw invalidTag("The TagValue you have provided is invalid");
    if (tags.has(key)) throw invalidTag("Cannot provide multiple Tags with the same key");
    tags.set(key, value);
  }
  return tags;
}

function isTagText(text: string): boolean {
  return /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(text);
}

function invalidTag(message: string): AwsError {
  return new AwsError("InvalidTag", message);
}
