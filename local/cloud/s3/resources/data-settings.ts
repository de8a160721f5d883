// Settings that say what happens to data: versioning, encryption, acceleration, lifecycle.
import { AwsError } from "../../core/errors";
import { keyArn } from "../encryption";
import type { ResourceModel } from "../../core/resource-model";
import type { S3Environment } from "../environment";
import { checkLifecycleRules, readLifecycleRule } from "./lifecycle-rules";
import { settingModel } from "./setting";

/** Models of the settings of data. */
export function dataModels(environment: S3Environment): readonly ResourceModel[] {
  return [
    versioningModel(environment),
    encryptionModel(environment),
    accelerateModel(environment),
    lifecycleModel(environment),
  ];
}

function versioningModel(environment: S3Environment): ResourceModel {
  return settingModel(environment, {
    type: "aws:s3/bucketVersioning:BucketVersioning",
    summary: "Versions and delete markers are kept; MFA delete is not simulated.",
    check: (inputs) => {
      inputs.allowOnly("bucket", "expectedBucketOwner", "region", "versioningConfiguration");
      const configuration = inputs.nested("versioningConfiguration");
      if (!configuration) inputs.refuse("versioningConfiguration", "is required");
      configuration?.requiredText("status");
      configuration?.choice("status", ["Enabled", "Suspended", "Disabled"]);
      if (configuration?.text("mfaDelete") === "Enabled") {
        configuration.refuse("mfaDelete", "is not simulated by the local run; leave it out, or run this part on AWS");
      }
      configuration?.allowOnly("status", "mfaDelete");
    },
    apply: (bucket, inputs) => {
      const status = inputs.nested("versioningConfiguration")?.text("status");
      if (status === "Disabled" && bucket.versioning !== "Off") {
        throw new AwsError("InvalidArgument", "Versioning cannot go back to Disabled; use Suspended");
      }
      bucket.versioning = status === "Enabled" || status === "Suspended" ? status : "Off";
    },
    clear: (bucket) => {
      if (bucket.versioning === "Enabled") bucket.versioning = "Suspended";
    },
  });
}

function encryptionModel(environment: S3Environment): ResourceModel {
  return settingModel(environment, {
    type: "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    summary:
      "The default shows in headers, and callers need the KMS key's permissions; bodies are not encrypted on disk.",
    check: (inputs) => {
      inputs.allowOnly("bucket", "expectedBucketOwner", "region", "rules");
      const rules = inputs.list("rules");
      if (rules.length !== 1) inputs.refuse("rules", `must hold exactly one rule, got ${rules.length}`);
      for (const rule of rules) {
        rule.allowOnly("applyServerSideEncryptionByDefault", "blockedEncryptionTypes", "bucketKeyEnabled");
        rule.flag("bucketKeyEnabled");
        for (const value of rule.texts("blockedEncryptionTypes")) {
          if (value !== "SSE-C" && value !== "NONE")
            rule.refuse("blockedEncryptionTypes", `must be SSE-C or NONE, got ${value}`);
        }
        const byDefault = rule.nested("applyServerSideEncryptionByDefault");
        const algorithm = byDefault?.requiredText("sseAlgorithm");
        if (algorithm === "aws:kms:dsse")
          byDefault?.refuse("sseAlgorithm", "aws:kms:dsse is not simulated by the local run");
        else byDefault?.choice("sseAlgorithm", ["AES256", "aws:kms"]);
        if (algorithm === "AES256" && byDefault?.text("kmsMasterKeyId")) {
          byDefault.refuse("kmsMasterKeyId", "goes with sseAlgorithm aws:kms only");
        }
      }
    },
    apply: (bucket, inputs) => {
      const rule = inputs.list("rules")[0];
      const byDefault = rule?.nested("applyServerSideEncryptionByDefault");
      const bucketKeyEnabled = rule?.flag("bucketKeyEnabled") ?? false;
      bucket.encryption =
        byDefault?.text("sseAlgorithm") === "aws:kms"
          ? { algorithm: "aws:kms", kmsKeyId: keyArn(byDefault.text("kmsMasterKeyId"), bucket), bucketKeyEnabled }
          : { algorithm: "AES256" };
    },
    clear: (bucket) => {
      bucket.encryption = { algorithm: "AES256" };
    },
  });
}

function accelerateModel(environment: S3Environment): ResourceModel {
  return settingModel(environment, {
    type: "aws:s3/bucketAccelerateConfiguration:BucketAccelerateConfiguration",
    summary: "The accelerated endpoint answers for the bucket at once, on its own port and no faster than the other.",
    check: (inputs) => {
      inputs.allowOnly("bucket", "expectedBucketOwner", "region", "status");
      inputs.requiredText("status");
      inputs.choice("status", ["Enabled", "Suspended"]);
      if (inputs.text("bucket")?.includes(".")) {
        inputs.refuse(
          "bucket",
          "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names",
        );
      }
    },
    apply: (bucket, inputs) => {
      bucket.acceleration = inputs.text("status") === "Enabled" ? "Enabled" : "Suspended";
    },
    clear: (bucket) => {
      bucket.acceleration = "Suspended";
    },
  });
}

function lifecycleModel(environment: S3Environment): ResourceModel {
  return settingModel(environment, {
    type: "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    summary: "Aborts and expirations run at midnight UTC of the run's clock; transitions are kept, not executed.",
    check: (inputs) => {
      inputs.allowOnly(
        "bucket",
        "expectedBucketOwner",
        "region",
        "rules",
        "timeouts",
        "transitionDefaultMinimumObjectSize",
      );
      checkLifecycleRules(inputs);
    },
    apply: (bucket, inputs) => {
      bucket.lifecycle = inputs.list("rules").map(readLifecycleRule);
    },
    clear: (bucket) => {
      bucket.lifecycle = undefined;
    },
    outputs: (_bucket, inputs) => ({
      transitionDefaultMinimumObjectSize:
        inputs.text("transitionDefaultMinimumObjectSize") ?? "all_storage_classes_128K",
    }),
  });
}
