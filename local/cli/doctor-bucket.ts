// How the bucket is set, as `npm run doctor` reads it with the account's credentials.
import {
  GetBucketAccelerateConfigurationCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  type LifecycleRule,
  type PublicAccessBlockConfiguration,
  type S3Client,
} from "@aws-sdk/client-s3";
import { ok, problem, type Verdict, warning } from "./doctor-verdict";

/** Reads of the bucket's settings. Each may throw the SDK's error; a setting that is not there is no error. */
export interface BucketSettings {
  acceleration(): Promise<string | undefined>;
  lifecycle(): Promise<readonly LifecycleRule[]>;
  publicAccess(): Promise<PublicAccessBlockConfiguration>;
  versioning(): Promise<string | undefined>;
}

/** The settings of a bucket on AWS or in the embedded cloud. */
export function createBucketSettings(client: S3Client, bucket: string): BucketSettings {
  const Bucket = bucket;
  return {
    acceleration: async () => (await client.send(new GetBucketAccelerateConfigurationCommand({ Bucket }))).Status,
    lifecycle: async () => {
      const answer = await client
        .send(new GetBucketLifecycleConfigurationCommand({ Bucket }))
        .catch(unless("NoSuchLifecycleConfiguration"));
      return answer?.Rules ?? [];
    },
    publicAccess: async () => {
      const answer = await client
        .send(new GetPublicAccessBlockCommand({ Bucket }))
        .catch(unless("NoSuchPublicAccessBlockConfiguration"));
      return answer?.PublicAccessBlockConfiguration ?? {};
    },
    versioning: async () => (await client.send(new GetBucketVersioningCommand({ Bucket }))).Status,
  };
}

/** Parts of uploads that nobody finishes cost as much as objects, for ever. */
export async function checkLifecycle(bucket: BucketSettings): Promise<Verdict> {
  const days = (await bucket.lifecycle())
    .filter(({ Status }) => Status === "Enabled")
    .map((rule) => rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation)
    .filter((count) => count !== undefined);
  if (days.length > 0) return ok(`unfinished uploads are aborted at age ${Math.min(...days)} d`);
  return problem(
    "no rule aborts unfinished uploads: their parts are kept and paid for ever",
    "deploy the stack, which declares the rule; in a bucket of your own add abortIncompleteMultipartUpload to its lifecycle",
  );
}

/** All four blocks, as the component sets them. */
export async function checkPublicAccess(bucket: BucketSettings): Promise<Verdict> {
  const set = await bucket.publicAccess();
  const missing = (
    ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"] as const
  ).filter((name) => set[name] !== true);
  if (missing.length === 0) return ok("is blocked");
  return problem(
    `is not blocked: ${missing.join(", ")} not set`,
    "deploy the stack, which sets all four; somebody has changed the bucket outside of it",
  );
}

/** Without versions a file that is overwritten or deleted is lost. */
export async function checkVersioning(bucket: BucketSettings): Promise<Verdict> {
  const status = await bucket.versioning();
  if (status === "Enabled") return ok("is on");
  return warning(
    `is ${status === undefined ? "off" : status.toLowerCase()}: overwritten and deleted files are lost`,
    "deploy the stack, which switches versioning on",
  );
}

function unless(code: string): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof Error && error.name === code) return undefined;
    throw error;
  };
}
