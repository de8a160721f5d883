// Permission of S3 calls: action, resource, condition keys and the bucket policy, put to the gateway's question.
import type { NamedPolicy } from "../core/access";
import { accessDenied } from "./errors";
import { isPublicPolicy } from "./policy";
import type { S3Request } from "./request";
import { bucketArn, type Bucket, type Encryption, type ObjectVersion } from "./state";

/** Request headers that are condition keys by the name "s3:<header>". */
const HEADER_KEYS = [
  "x-amz-acl",
  "x-amz-content-sha256",
  "x-amz-copy-source",
  "x-amz-metadata-directive",
  "x-amz-server-side-encryption",
  "x-amz-server-side-encryption-aws-kms-key-id",
  "x-amz-storage-class",
  "if-none-match",
  "if-match",
];

/** What a question adds to the keys that every S3 call has. */
export interface AccessDetails {
  /** The object as it is now: its tags become `s3:ExistingObjectTag/<key>`. */
  readonly existing?: ObjectVersion | undefined;
  /** Tags that the request sets. */
  readonly requestTags?: ReadonlyMap<string, string>;
  readonly keys?: Readonly<Record<string, string>>;
}

/** Asks whether the caller may act on a bucket. @throws AwsError AccessDenied. */
export function authorizeBucket(request: S3Request, bucket: Bucket, action: string, details: AccessDetails = {}): void {
  ask(request, bucket, action, bucketArn(bucket.name), details);
}

/** Asks whether the caller may act on an object. @throws AwsError AccessDenied. */
export function authorizeObject(
  request: S3Request,
  bucket: Bucket,
  action: string,
  key: string,
  details: AccessDetails = {},
): void {
  ask(request, bucket, action, `${bucketArn(bucket.name)}/${key}`, details);
}

/** Asks whether the caller may act on the account's S3 as a whole. @throws AwsError AccessDenied. */
export function authorizeAccount(request: S3Request, action: string, accountId: string): void {
  request.call.authorize({
    action,
    resource: "*",
    resourceAccountId: accountId,
    context: commonKeys(request, accountId),
  });
}

/** Whether the caller may list the bucket: only then is a missing key told apart from a forbidden one. */
export function mayList(request: S3Request, bucket: Bucket, key: string): boolean {
  try {
    authorizeBucket(request, bucket, "s3:ListBucket", { keys: { "s3:prefix": key } });
    return true;
  } catch {
    return false;
  }
}

/** Asks for the key that encrypts or decrypts; AWS's own keys ask nobody. @throws AwsError AccessDenied. */
export function authorizeKey(
  request: S3Request,
  bucket: Bucket,
  action: "kms:GenerateDataKey" | "kms:Decrypt",
  encryption: Encryption,
  key: string,
): void {
  const keyId = encryption.kmsKeyId;
  if (encryption.algorithm !== "aws:kms" || !keyId || keyId.includes(":alias/aws/s3")) return;
  const owner = keyId.split(":")[4] ?? bucket.accountId;
  const encrypted = encryption.bucketKeyEnabled ? bucketArn(bucket.name) : `${bucketArn(bucket.name)}/${key}`;
  request.call.authorize({
    action,
    resource: keyId,
    resourceAccountId: owner,
    resourcePolicy: defaultKeyPolicy(owner),
    context: {
      "kms:ViaService": `s3.${bucket.region}.amazonaws.com`,
      "kms:CallerAccount": request.call.principal.accountId,
      "kms:EncryptionContext:aws:s3:arn": encrypted,
    },
  });
}

/** Keys have no service of their own here: the policy that KMS gives to new keys leaves the decision to IAM. */
function defaultKeyPolicy(accountId: string): NamedPolicy {
  return {
    name: "default key policy",
    document: {
      Version: "2012-10-17",
      Statement: {
        Effect: "Allow",
        Principal: { AWS: `arn:aws:iam::${accountId}:root` },
        Action: "kms:*",
        Resource: "*",
      },
    },
  };
}

/** `x-amz-expected-bucket-owner`. @throws AwsError AccessDenied when the bucket is somebody else's. */
export function checkExpectedOwner(request: S3Request, bucket: Bucket, header = "x-amz-expected-bucket-owner"): void {
  const expected = request.headers[header];
  if (expected !== undefined && expected !== bucket.accountId) throw accessDenied();
}

function ask(request: S3Request, bucket: Bucket, action: string, resource: string, details: AccessDetails): void {
  const resourcePolicy = effectivePolicy(request, bucket);
  const version = request.query.get("versionId");
  request.call.authorize({
    action,
    resource,
    resourceAccountId: bucket.accountId,
    context: {
      ...commonKeys(request, bucket.accountId),
      ...(version ? { "s3:VersionId": version } : {}),
      ...tagKeys("s3:ExistingObjectTag/", details.existing?.tags),
      ...tagKeys("s3:RequestObjectTag/", details.requestTags),
      ...(details.requestTags?.size ? { "s3:RequestObjectTagKeys": [...details.requestTags.keys()] } : {}),
      ...details.keys,
    },
    ...(resourcePolicy ? { resourcePolicy } : {}),
  });
}

/** RestrictPublicBuckets: a public policy then counts for the owner's account and AWS services only. */
function effectivePolicy({ call }: S3Request, bucket: Bucket): NamedPolicy | undefined {
  if (!bucket.policy) return undefined;
  const outsider = call.principal.kind !== "service" && call.principal.accountId !== bucket.accountId;
  if (outsider && bucket.publicAccessBlock?.restrictPublicBuckets && isPublicPolicy(bucket.policy.document)) {
    return undefined;
  }
  return { name: `bucket policy of ${bucket.name}`, document: bucket.policy.document };
}

/** What the gateway cannot know: headers that a presigned URL carries in its query, and conditional headers. */
function commonKeys({ headers }: S3Request, accountId: string): Record<string, string> {
  const keys: Record<string, string> = { "s3:ResourceAccount": accountId, "aws:ResourceAccount": accountId };
  for (const name of HEADER_KEYS) {
    const value = headers[name];
    if (value !== undefined) keys[`s3:${name}`] = value;
  }
  return keys;
}

function tagKeys(prefix: string, tags: ReadonlyMap<string, string> | undefined): Record<string, string> {
  return Object.fromEntries([...(tags ?? [])].map(([key, value]) => [prefix + key, value]));
}
