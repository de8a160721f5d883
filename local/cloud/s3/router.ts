// Which operation a request is. Sub-resources decide first: a call that is not simulated is never taken for another one.
import { notSimulated } from "./errors";
import * as settings from "./operations/bucket-settings";
import { completeMultipartUpload } from "./operations/complete-upload";
import { copyObject } from "./operations/copy-object";
import { deleteObject, deleteObjects } from "./operations/delete-object";
import { getObject, headObject } from "./operations/get-object";
import { listObjectsV2, listObjectVersions } from "./operations/list-objects";
import { listMultipartUploads, listParts } from "./operations/list-uploads";
import { putObject } from "./operations/put-object";
import type { BucketOperation } from "./operations/shared";
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from "./operations/tagging";
import { abortMultipartUpload, createMultipartUpload, uploadPart, uploadPartCopy } from "./operations/upload-parts";
import type { S3Request } from "./request";

/** Query parameters that select another operation, and the noun in its name. */
const SUB_RESOURCES: Readonly<Record<string, string>> = {
  abac: "Abac",
  accelerate: "AccelerateConfiguration",
  acl: "Acl",
  analytics: "AnalyticsConfiguration",
  attributes: "Attributes",
  cors: "Cors",
  delete: "Delete",
  encryption: "Encryption",
  "intelligent-tiering": "IntelligentTieringConfiguration",
  inventory: "InventoryConfiguration",
  "legal-hold": "LegalHold",
  lifecycle: "LifecycleConfiguration",
  location: "Location",
  logging: "Logging",
  metadataConfiguration: "MetadataConfiguration",
  metadataTable: "MetadataTableConfiguration",
  metrics: "MetricsConfiguration",
  notification: "NotificationConfiguration",
  "object-lock": "ObjectLockConfiguration",
  ownershipControls: "OwnershipControls",
  policy: "Policy",
  policyStatus: "PolicyStatus",
  publicAccessBlock: "PublicAccessBlock",
  renameObject: "Rename",
  replication: "Replication",
  requestPayment: "RequestPayment",
  restore: "Restore",
  retention: "Retention",
  select: "SelectContent",
  session: "Session",
  tagging: "Tagging",
  torrent: "Torrent",
  uploadId: "MultipartUpload",
  uploads: "MultipartUploads",
  versioning: "Versioning",
  versions: "Versions",
  website: "Website",
};

/** A simulated operation. */
export interface Route {
  /** API name: "UploadPart". */
  readonly name: string;
  readonly run: BucketOperation;
}

const route = (name: string, run: BucketOperation): Route => ({ name, run });

/** Key: level, method and sub-resource. */
const ROUTES: Readonly<Record<string, Route>> = {
  "bucket HEAD": route("HeadBucket", settings.headBucket),
  "bucket GET list-type=2": route("ListObjectsV2", listObjectsV2),
  "bucket GET versions": route("ListObjectVersions", listObjectVersions),
  "bucket GET uploads": route("ListMultipartUploads", listMultipartUploads),
  "bucket POST delete": route("DeleteObjects", deleteObjects),
  "bucket GET accelerate": route("GetBucketAccelerateConfiguration", settings.getBucketAccelerateConfiguration),
  "bucket GET cors": route("GetBucketCors", settings.getBucketCors),
  "bucket GET encryption": route("GetBucketEncryption", settings.getBucketEncryption),
  "bucket GET lifecycle": route("GetBucketLifecycleConfiguration", settings.getBucketLifecycleConfiguration),
  "bucket GET location": route("GetBucketLocation", settings.getBucketLocation),
  "bucket GET logging": route("GetBucketLogging", settings.getBucketLogging),
  "bucket GET notification": route("GetBucketNotificationConfiguration", settings.getBucketNotificationConfiguration),
  "bucket GET ownershipControls": route("GetBucketOwnershipControls", settings.getBucketOwnershipControls),
  "bucket GET policy": route("GetBucketPolicy", settings.getBucketPolicy),
  "bucket GET policyStatus": route("GetBucketPolicyStatus", settings.getBucketPolicyStatus),
  "bucket GET publicAccessBlock": route("GetPublicAccessBlock", settings.getPublicAccessBlock),
  "bucket GET tagging": route("GetBucketTagging", settings.getBucketTagging),
  "bucket GET versioning": route("GetBucketVersioning", settings.getBucketVersioning),
  "object GET": route("GetObject", getObject),
  "object HEAD": route("HeadObject", headObject),
  "object PUT": route("PutObject", putObject),
  "object PUT copy": route("CopyObject", copyObject),
  "object DELETE": route("DeleteObject", deleteObject),
  "object GET tagging": route("GetObjectTagging", getObjectTagging),
  "object PUT tagging": route("PutObjectTagging", putObjectTagging),
  "object DELETE tagging": route("DeleteObjectTagging", deleteObjectTagging),
  "object POST uploads": route("CreateMultipartUpload", createMultipartUpload),
  "object PUT uploadId": route("UploadPart", uploadPart),
  "object PUT uploadId copy": route("UploadPartCopy", uploadPartCopy),
  "object POST uploadId": route("CompleteMultipartUpload", completeMultipartUpload),
  "object DELETE uploadId": route("AbortMultipartUpload", abortMultipartUpload),
  "object GET uploadId": route("ListParts", listParts),
};

/** Names of operations without a sub-resource that are left out. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  "bucket GET": "ListObjects (version 1; use ListObjectsV2)",
  "bucket PUT": "CreateBucket (declare an aws.s3.Bucket)",
  "bucket DELETE": "DeleteBucket (remove the aws.s3.Bucket from the program)",
  "bucket POST": "PostObject (form upload; use a presigned PUT)",
};

/** The operation of a call to a bucket or object. @throws NotSimulatedError that names it. */
export function findRoute(request: S3Request): Route {
  const level = request.key === "" ? "bucket" : "object";
  const { method } = request.call;
  const selectors = Object.keys(SUB_RESOURCES).filter((name) => request.query.has(name));
  const listType = level === "bucket" && selectors.length === 0 && request.query.get("list-type") === "2";
  const copy = method === "PUT" && request.headers["x-amz-copy-source"] !== undefined;
  const parts = [level, method, ...selectors, ...(listType ? ["list-type=2"] : []), ...(copy ? ["copy"] : [])];
  const found = ROUTES[parts.join(" ")];
  if (found) return found;
  throw notSimulated(`s3:${describe(level, method, selectors)}`);
}

function describe(level: "bucket" | "object", method: string, selectors: readonly string[]): string {
  if (selectors.length === 0) return LEFT_OUT[`${level} ${method}`] ?? `${method} on an ${level}`;
  const verb = method.charAt(0) + method.slice(1).toLowerCase();
  const noun = level === "bucket" ? "Bucket" : "Object";
  return verb + noun + selectors.map((name) => SUB_RESOURCES[name] ?? name).join("And");
}
