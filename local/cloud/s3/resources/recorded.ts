// Settings without a local effect: access logs and request metrics. They are kept and shown.
import type { ResourceModel } from "../../core/resource-model";
import { findBucket, type S3Environment } from "../environment";
import { settingModel } from "./setting";

/** Models of the settings that are only recorded. */
export function recordedModels(environment: S3Environment): readonly ResourceModel[] {
  return [loggingModel(environment), metricModel(environment)];
}

function loggingModel(environment: S3Environment): ResourceModel {
  return settingModel(environment, {
    type: "aws:s3/bucketLogging:BucketLogging",
    fidelity: "recorded",
    summary: "Kept and returned by GetBucketLogging; no access log is written, the traces show every call.",
    check: (inputs) => {
      inputs.allowOnly(
        "bucket",
        "expectedBucketOwner",
        "region",
        "targetBucket",
        "targetPrefix",
        "targetObjectKeyFormat",
      );
      inputs.requiredText("targetBucket");
      if (!inputs.has("targetPrefix")) inputs.refuse("targetPrefix", "is required");
      inputs.text("targetPrefix");
    },
    apply: (bucket, inputs) => {
      const targetBucket = inputs.text("targetBucket") ?? "";
      findBucket(environment, targetBucket);
      bucket.logging = { targetBucket, targetPrefix: inputs.text("targetPrefix") ?? "" };
    },
    clear: (bucket) => {
      bucket.logging = undefined;
    },
  });
}

function metricModel(environment: S3Environment): ResourceModel {
  const model = settingModel(environment, {
    type: "aws:s3/bucketMetric:BucketMetric",
    fidelity: "recorded",
    summary: "Kept; request metrics are not produced.",
    check: (inputs) => {
      inputs.allowOnly("bucket", "filter", "name", "region");
      inputs.matching("name", /^[a-zA-Z0-9._-]{1,64}$/, "1 to 64 letters, digits, periods, hyphens and underscores");
    },
    apply: () => undefined,
    clear: () => undefined,
  });
  return {
    ...model,
    create: async (inputs, context) => {
      const { id, outputs } = await model.create(inputs, context);
      const name = typeof inputs.name === "string" ? inputs.name : context.autoname(64);
      return { id: `${id}:${name}`, outputs: { ...outputs, name } };
    },
  };
}
