// Reads of a bucket's settings. They are written by declared resources only: PutBucket… calls are not simulated.
import { AwsError } from "../../core/errors";
import { authorizeBucket } from "../access";
import { isPublicPolicy } from "../policy";
import { xmlResponse, type S3Response } from "../request";
import { bucketArn, type Bucket, type LifecycleRule } from "../state";
import { xmlDocument, type XmlContent } from "../xml";
import type { BucketOperation } from "./shared";

export const headBucket: BucketOperation = (request, bucket) => {
  authorizeBucket(request, bucket, "s3:ListBucket");
  return { status: 200, headers: { "x-amz-bucket-region": bucket.region, "x-amz-bucket-arn": bucketArn(bucket.name) } };
};

/** A read of one setting: asks for `action`, then answers what `read` makes of the bucket. */
function reader(action: string, read: (bucket: Bucket) => S3Response): BucketOperation {
  return (request, bucket) => {
    authorizeBucket(request, bucket, action);
    return read(bucket);
  };
}

function document(root: string, content: XmlContent): S3Response {
  return xmlResponse(xmlDocument(root, content));
}

function missing(code: string, message: string, bucket: Bucket): AwsError {
  return new AwsError(code, message, 404, { BucketName: bucket.name });
}

export const getBucketLocation = reader("s3:GetBucketLocation", (bucket) =>
  document("LocationConstraint", bucket.region === "us-east-1" ? "" : bucket.region),
);

export const getBucketVersioning = reader("s3:GetBucketVersioning", ({ versioning }) =>
  document("VersioningConfiguration", { Status: versioning === "Off" ? undefined : versioning }),
);

export const getBucketAccelerateConfiguration = reader("s3:GetAccelerateConfiguration", ({ acceleration }) =>
  document("AccelerateConfiguration", { Status: acceleration }),
);

export const getBucketCors = reader("s3:GetBucketCORS", (bucket) => {
  if (!bucket.cors) throw missing("NoSuchCORSConfiguration", "The CORS configuration does not exist", bucket);
  return document("CORSConfiguration", {
    CORSRule: bucket.cors.map((rule) => ({
      ID: rule.id,
      AllowedHeader: rule.allowedHeaders,
      AllowedMethod: rule.allowedMethods,
      AllowedOrigin: rule.allowedOrigins,
      ExposeHeader: rule.exposeHeaders,
      MaxAgeSeconds: rule.maxAgeSeconds,
    })),
  });
});

export const getBucketLifecycleConfiguration = reader("s3:GetLifecycleConfiguration", (bucket) => {
  if (!bucket.lifecycle) {
    throw missing("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", bucket);
  }
  return document("LifecycleConfiguration", { Rule: bucket.lifecycle.map(describeRule) });
});

function describeRule(rule: LifecycleRule): XmlContent {
  const { filter } = rule;
  const conditions = {
    Prefix: filter.prefix,
    Tag: Object.entries(filter.tags).map(([Key, Value]) => ({ Key, Value })),
    ObjectSizeGreaterThan: filter.sizeGreaterThan,
    ObjectSizeLessThan: filter.sizeLessThan,
  };
  const plain =
    conditions.Tag.length === 0 && filter.sizeGreaterThan === undefined && filter.sizeLessThan === undefined;
  const hasExpiration =
    rule.expireAfterDays !== undefined || rule.expireAt !== undefined || rule.removeExpiredDeleteMarkers !== undefined;
  return {
    ID: rule.id,
    Status: rule.enabled ? "Enabled" : "Disabled",
    Filter: plain ? { Prefix: filter.prefix } : { And: conditions },
    AbortIncompleteMultipartUpload:
      rule.abortAfterDays === undefined ? undefined : { DaysAfterInitiation: rule.abortAfterDays },
    Expiration: hasExpiration
      ? {
          Days: rule.expireAfterDays,
          Date: rule.expireAt === undefined ? undefined : new Date(rule.expireAt).toISOString(),
          ExpiredObjectDeleteMarker: rule.removeExpiredDeleteMarkers,
        }
      : undefined,
    NoncurrentVersionExpiration:
      rule.noncurrentAfterDays === undefined
        ? undefined
        : { NoncurrentDays: rule.noncurrentAfterDays, NewerNoncurrentVersions: rule.newerNoncurrentVersions },
  };
}

export const getBucketEncryption = reader("s3:GetEncryptionConfiguration", ({ encryption }) =>
  document("ServerSideEncryptionConfiguration", {
    Rule: {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: encryption.algorithm, KMSMasterKeyID: encryption.kmsKeyId },
      BucketKeyEnabled: encryption.bucketKeyEnabled ?? false,
    },
  }),
);

export const getBucketOwnershipControls = reader("s3:GetBucketOwnershipControls", ({ ownership }) =>
  document("OwnershipControls", { Rule: { ObjectOwnership: ownership } }),
);

export const getPublicAccessBlock = reader("s3:GetBucketPublicAccessBlock", (bucket) => {
  const block = bucket.publicAccessBlock;
  if (!block) {
    throw missing(
      "NoSuchPublicAccessBlockConfiguration",
      "The public access block configuration was not found",
      bucket,
    );
  }
  return document("PublicAccessBlockConfiguration", {
    BlockPublicAcls: block.blockPublicAcls,
    IgnorePublicAcls: block.ignorePublicAcls,
    BlockPublicPolicy: block.blockPublicPolicy,
    RestrictPublicBuckets: block.restrictPublicBuckets,
  });
});

export const getBucketPolicy = reader("s3:GetBucketPolicy", (bucket) => {
  if (!bucket.policy) throw missing("NoSuchBucketPolicy", "The bucket policy does not exist", bucket);
  return { status: 200, headers: { "content-type": "application/json" }, body: bucket.policy.text };
});

export const getBucketPolicyStatus = reader("s3:GetBucketPolicyStatus", (bucket) => {
  if (!bucket.policy) throw missing("NoSuchBucketPolicy", "The bucket policy does not exist", bucket);
  return document("PolicyStatus", { IsPublic: isPublicPolicy(bucket.policy.document) });
});

export const getBucketNotificationConfiguration = reader("s3:GetBucketNotification", (bucket) =>
  document("NotificationConfiguration", {
    EventBridgeConfiguration: bucket.eventBridge ? {} : undefined,
    CloudFunctionConfiguration: bucket.functionNotifications.map((target) => ({
      Id: target.id,
      CloudFunction: target.functionArn,
      Event: target.events,
      Filter: {
        S3Key: {
          FilterRule: [
            { Name: "prefix", Value: target.prefix },
            { Name: "suffix", Value: target.suffix },
          ],
        },
      },
    })),
  }),
);

export const getBucketLogging = reader("s3:GetBucketLogging", ({ logging }) =>
  document("BucketLoggingStatus", {
    LoggingEnabled: logging ? { TargetBucket: logging.targetBucket, TargetPrefix: logging.targetPrefix } : undefined,
  }),
);

export const getBucketTagging = reader("s3:GetBucketTagging", (bucket) => {
  const tags = Object.entries(bucket.tags);
  if (tags.length === 0) throw missing("NoSuchTagSet", "The TagSet does not exist", bucket);
  return document("Tagging", { TagSet: { Tag: tags.map(([Key, Value]) => ({ Key, Value })) } });
});
