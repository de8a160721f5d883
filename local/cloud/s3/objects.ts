// Versions of objects: how a write, a delete and a removal change a bucket. Every step is one turn of the event loop: atomic.
import { createHash } from "node:crypto";
import type { S3Environment } from "./environment";
import type { Bucket, Encryption, ObjectVersion } from "./state";

/** A new version without the members that committing fills in. */
export type NewObject = Omit<ObjectVersion, "versionId" | "deleteMarker" | "lastModified" | "noncurrentSince">;

const sortedKeyCache = new WeakMap<Bucket, readonly string[]>();

/** Makes `object` the current version of its key. The caller's reference to the segments passes to the object. */
export function commitObject(environment: S3Environment, bucket: Bucket, object: NewObject): ObjectVersion {
  const version: ObjectVersion = {
    ...object,
    versionId: bucket.versioning === "Enabled" ? environment.context.uniqueId(32) : "null",
    deleteMarker: false,
    lastModified: wholeSeconds(environment.context.clock.now()),
  };
  pushVersion(environment, bucket, version);
  return version;
}

/** What a delete did. */
export interface Deletion {
  readonly deleted?: ObjectVersion;
  /** The marker that was made, or the marker that was removed. */
  readonly marker?: ObjectVersion;
}

/** Deletes as S3 does: a marker under versioning, else the object itself. */
export function deleteCurrent(environment: S3Environment, bucket: Bucket, key: string): Deletion {
  bucket.deletions.set(key, (bucket.deletions.get(key) ?? 0) + 1);
  if (bucket.versioning === "Off") {
    const deleted = removeVersion(environment, bucket, key, "null");
    return deleted ? { deleted } : {};
  }
  const marker: ObjectVersion = {
    key,
    versionId: bucket.versioning === "Enabled" ? environment.context.uniqueId(32) : "null",
    deleteMarker: true,
    size: 0,
    etag: "",
    lastModified: wholeSeconds(environment.context.clock.now()),
    segments: [],
    headers: {},
    storageClass: "STANDARD",
    encryption: bucket.encryption,
    tags: new Map(),
  };
  pushVersion(environment, bucket, marker);
  return { marker };
}

/** Removes one version for good; undefined when there is none of that id. */
export function removeVersion(
  environment: S3Environment,
  bucket: Bucket,
  key: string,
  versionId: string,
): ObjectVersion | undefined {
  const versions = bucket.objects.get(key) ?? [];
  const found = versions.find((version) => version.versionId === versionId);
  if (!found) return undefined;
  setVersions(
    bucket,
    key,
    versions.filter((version) => version !== found),
  );
  const newest = bucket.objects.get(key)?.[0];
  if (newest) delete newest.noncurrentSince;
  environment.bodies.release(found.segments);
  return found;
}

function pushVersion(environment: S3Environment, bucket: Bucket, version: ObjectVersion): void {
  const before = bucket.objects.get(version.key) ?? [];
  const replaced = before.filter((old) => old.versionId === version.versionId);
  const kept = before.filter((old) => old.versionId !== version.versionId);
  if (kept[0]) kept[0].noncurrentSince ??= version.lastModified;
  setVersions(bucket, version.key, [version, ...kept]);
  for (const old of replaced) environment.bodies.release(old.segments);
}

function setVersions(bucket: Bucket, key: string, versions: readonly ObjectVersion[]): void {
  if (bucket.objects.has(key) !== versions.length > 0) sortedKeyCache.delete(bucket);
  if (versions.length > 0) bucket.objects.set(key, versions);
  else bucket.objects.delete(key);
}

/** Removes everything in a bucket, unfinished uploads included. */
export function emptyBucket(environment: S3Environment, bucket: Bucket): void {
  for (const versions of bucket.objects.values()) {
    for (const version of versions) environment.bodies.release(version.segments);
  }
  bucket.objects.clear();
  sortedKeyCache.delete(bucket);
  for (const uploadId of [...bucket.uploads.keys()]) dropUpload(environment, bucket, uploadId);
}

/** Forgets an unfinished upload and its parts. */
export function dropUpload(environment: S3Environment, bucket: Bucket, uploadId: string): void {
  const upload = bucket.uploads.get(uploadId);
  if (!upload) return;
  bucket.uploads.delete(uploadId);
  bucket.aborted.add(uploadId);
  for (const part of upload.parts.values()) environment.bodies.release(part.segments);
}

/** Keys of a bucket, delete markers' included, in the order in which S3 lists them: by UTF-8 bytes. */
export function sortedKeys(bucket: Bucket): readonly string[] {
  let keys = sortedKeyCache.get(bucket);
  if (!keys) {
    keys = [...bucket.objects.keys()].sort(compareKeys);
    sortedKeyCache.set(bucket, keys);
  }
  return keys;
}

/** Order of UTF-8 bytes. It differs from JavaScript's only where surrogates meet the characters after them. */
export function compareKeys(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const [a, b] = [left.charCodeAt(index), right.charCodeAt(index)];
    if (a === b) continue;
    const [surrogateA, surrogateB] = [isSurrogate(a), isSurrogate(b)];
    return surrogateA === surrogateB ? a - b : surrogateA ? 1 : -1;
  }
  return left.length - right.length;
}

function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdfff;
}

/** ETag of a single body: its MD5, except under SSE-KMS, where S3's ETag is no MD5 and code that relies on it fails. */
export function etagOf(environment: S3Environment, md5: Buffer, encryption: Encryption): string {
  if (encryption.algorithm === "AES256") return `"${md5.toString("hex")}"`;
  const salted = createHash("md5").update(md5).update(environment.context.uniqueId(16));
  return `"${salted.digest("hex")}"`;
}

function wholeSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000) * 1000;
}
