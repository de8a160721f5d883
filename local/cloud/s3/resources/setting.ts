// One setting of a bucket as a resource of its own: the shape that most resource types of S3 share.
import { AwsError } from "../../core/errors";
import { InputReader, regionOf } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import { findBucket, type S3Environment } from "../environment";
import type { Bucket } from "../state";

/** What differs between the settings. */
export interface SettingFacts {
  /** "aws:s3/bucketVersioning:BucketVersioning" */
  readonly type: string;
  readonly summary: string;
  readonly fidelity?: "recorded";
  /** Adds problems; `bucket`, `region` and `expectedBucketOwner` are checked for all. Names the properties it knows. */
  check(inputs: InputReader): void;
  /** Applies checked inputs. @throws AwsError as AWS refuses them. */
  apply(bucket: Bucket, inputs: InputReader, context: ResourceContext): void;
  /** Back to what a bucket has without the resource. */
  clear(bucket: Bucket): void;
  /** Outputs beyond the inputs. */
  outputs?(bucket: Bucket, inputs: InputReader): PropertyMap;
}

/** Makes the model of a setting. */
export function settingModel(environment: S3Environment, facts: SettingFacts): ResourceModel {
  const apply = (inputs: PropertyMap, context: ResourceContext): Promise<RealisedResource> => {
    const reader = new InputReader(inputs);
    const bucket = findBucket(environment, reader.text("bucket") ?? "");
    const owner = reader.text("expectedBucketOwner");
    if (owner !== undefined && owner !== bucket.accountId) throw new AwsError("AccessDenied", "Access Denied", 403);
    facts.apply(bucket, reader, context);
    const outputs = { ...inputs, region: regionOf(inputs, context), ...facts.outputs?.(bucket, reader) };
    return Promise.resolve({ id: owner === undefined ? bucket.name : `${bucket.name},${owner}`, outputs });
  };
  return {
    type: facts.type,
    fidelity: facts.fidelity ?? "realised",
    summary: facts.summary,
    check: (inputs) => {
      const reader = new InputReader(inputs);
      reader.requiredText("bucket");
      reader.text("region");
      reader.matching("expectedBucketOwner", /^\d{12}$/, "an account id of twelve digits");
      facts.check(reader);
      return reader.problems;
    },
    create: (inputs, context) => defer(() => apply(inputs, context)),
    update: (_id, inputs, _old, context) => defer(() => apply(inputs, context)),
    delete: (_id, outputs) => {
      const name = outputs.bucket;
      const bucket = typeof name === "string" ? environment.buckets.get(name) : undefined;
      if (bucket) facts.clear(bucket);
      return Promise.resolve();
    },
  };
}

/** Turns what `work` throws into a rejection. */
export async function defer<T>(work: () => Promise<T> | T): Promise<T> {
  return work();
}
