// Lifecycle rules, executed once a day at midnight UTC, as S3 does. Transitions are kept and shown, not executed.
import type { Timer } from "../core/clock";
import type { S3Environment } from "./environment";
import { deleteCurrent, dropUpload, removeVersion, sortedKeys } from "./objects";
import type { Bucket, LifecycleFilter, LifecycleRule, ObjectVersion } from "./state";

const DAY = 86_400_000;

/** Runs the rules of every bucket at each midnight of the injected clock. */
export class LifecycleSchedule {
  private timer: Timer | undefined;

  constructor(private readonly environment: S3Environment) {}

  start(): void {
    const { clock } = this.environment.context;
    const untilMidnight = DAY - (clock.now() % DAY);
    this.timer = clock.setTimer(untilMidnight, () => {
      this.start();
      this.scan();
    });
  }

  stop(): void {
    this.timer?.cancel();
  }

  private scan(): void {
    for (const bucket of this.environment.buckets.values()) {
      for (const rule of bucket.lifecycle ?? []) {
        if (rule.enabled) applyRule(this.environment, bucket, rule);
      }
    }
  }
}

/** Applies one rule to a bucket, at the time of the clock. */
function applyRule(environment: S3Environment, bucket: Bucket, rule: LifecycleRule): void {
  const now = environment.context.clock.now();
  if (rule.abortAfterDays !== undefined) abortUploads(environment, bucket, rule, now);
  for (const key of sortedKeys(bucket)) {
    expireCurrent(environment, bucket, key, rule, now);
    expireNoncurrent(environment, bucket, key, rule, now);
    if (rule.removeExpiredDeleteMarkers) removeLonelyMarker(environment, bucket, key, rule);
  }
}

function abortUploads(environment: S3Environment, bucket: Bucket, rule: LifecycleRule, now: number): void {
  for (const upload of [...bucket.uploads.values()]) {
    if (!upload.key.startsWith(rule.filter.prefix)) continue;
    if (isDue(upload.initiated, rule.abortAfterDays, now)) dropUpload(environment, bucket, upload.uploadId);
  }
}

function expireCurrent(
  environment: S3Environment,
  bucket: Bucket,
  key: string,
  rule: LifecycleRule,
  now: number,
): void {
  const object = bucket.objects.get(key)?.[0];
  if (!object || object.deleteMarker || !covers(rule.filter, object)) return;
  const byDate = rule.expireAt !== undefined && now >= rule.expireAt;
  if (!byDate && !isDue(object.lastModified, rule.expireAfterDays, now)) return;
  const { marker } = deleteCurrent(environment, bucket, key);
  notify(
    environment,
    bucket,
    marker ?? object,
    marker ? "LifecycleExpiration:DeleteMarkerCreated" : "LifecycleExpiration:Delete",
  );
}

function expireNoncurrent(
  environment: S3Environment,
  bucket: Bucket,
  key: string,
  rule: LifecycleRule,
  now: number,
): void {
  if (rule.noncurrentAfterDays === undefined) return;
  const old = (bucket.objects.get(key) ?? []).slice(1).slice(rule.newerNoncurrentVersions ?? 0);
  for (const version of old) {
    if (!covers(rule.filter, version)) continue;
    if (!isDue(version.noncurrentSince ?? version.lastModified, rule.noncurrentAfterDays, now)) continue;
    removeVersion(environment, bucket, key, version.versionId);
    notify(environment, bucket, version, "LifecycleExpiration:Delete");
  }
}

/** A marker without versions behind it hides nothing. */
function removeLonelyMarker(environment: S3Environment, bucket: Bucket, key: string, rule: LifecycleRule): void {
  const versions = bucket.objects.get(key) ?? [];
  const [marker] = versions;
  if (versions.length !== 1 || !marker?.deleteMarker || !key.startsWith(rule.filter.prefix)) return;
  removeVersion(environment, bucket, key, marker.versionId);
  notify(environment, bucket, marker, "LifecycleExpiration:Delete");
}

/** S3 adds the days and rounds up to the next midnight. */
function isDue(since: number, days: number | undefined, now: number): boolean {
  return days !== undefined && now >= Math.ceil((since + days * DAY) / DAY) * DAY;
}

function covers(filter: LifecycleFilter, object: ObjectVersion): boolean {
  return (
    object.key.startsWith(filter.prefix) &&
    Object.entries(filter.tags).every(([key, value]) => object.tags.get(key) === value) &&
    (filter.sizeGreaterThan === undefined || object.size > filter.sizeGreaterThan) &&
    (filter.sizeLessThan === undefined || object.size < filter.sizeLessThan)
  );
}

function notify(
  environment: S3Environment,
  bucket: Bucket,
  object: ObjectVersion,
  name: "LifecycleExpiration:Delete" | "LifecycleExpiration:DeleteMarkerCreated",
): void {
  const requestId = environment.context.uniqueId(16).toUpperCase();
  environment.notifier.notify(bucket, name, object, { requestId, requester: "s3.amazonaws.com" });
}
