// What other services and tests may ask of S3, besides calling it.
import type { FaultRule } from "./faults";
import type { MultipartUpload } from "./state";

/** The control side of S3. */
export interface S3Control {
  /** Makes calls fail as the rule says; returns the function that ends it. */
  injectFault(rule: FaultRule): () => void;
  /** Name of the bucket behind "name.s3.amazonaws.com", "name.s3.eu-west-1.amazonaws.com" and the like. */
  bucketOfDomain(domainName: string): string | undefined;
  /** Unfinished multipart uploads of a bucket. */
  multipartUploads(bucketName: string): readonly MultipartUpload[];
  /** Number of keys with a current object. */
  objectCount(bucketName: string): number;
  /** Number of files that hold bodies: 0 once nothing refers to any. */
  bodyFileCount(): number;
}
