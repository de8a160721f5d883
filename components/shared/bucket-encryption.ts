// Default encryption of buckets.
import type * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

/** With a key of S3, or with the given KMS key and a bucket key that saves calls to it. */
export function buildEncryptionRule(
  kmsKeyArn: pulumi.Input<string> | undefined,
): aws.types.input.s3.BucketServerSideEncryptionConfigurationRule {
  return kmsKeyArn === undefined
    ? { applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }
    : {
        applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: kmsKeyArn },
        bucketKeyEnabled: true,
      };
}
