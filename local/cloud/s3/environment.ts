// What the operations, models and timers of S3 share.
import type { CloudContext } from "../core/service";
import type { BodyStore } from "./bodies";
import { noSuchBucket } from "./errors";
import type { Notifier } from "./notifications";
import type { Bucket } from "./state";

/** The running half of S3. */
export interface S3Environment {
  readonly context: CloudContext;
  readonly bodies: BodyStore;
  /** Buckets of all accounts: their names are one namespace. */
  readonly buckets: Map<string, Bucket>;
  readonly notifier: Notifier;
}

/** The bucket of that name. @throws AwsError NoSuchBucket (404). */
export function findBucket(environment: S3Environment, name: string): Bucket {
  const bucket = environment.buckets.get(name);
  if (!bucket) throw noSuchBucket(name);
  return bucket;
}
