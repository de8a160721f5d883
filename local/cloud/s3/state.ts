// What S3 remembers: buckets, versions of objects, unfinished uploads. Bodies are files; this is everything else.
import type { PolicyDocument } from "../core/access";
import type { ChecksumAlgorithm, ChecksumType } from "./checksums";
import type { Segment } from "./bodies";

/** Server-side encryption of an object or the default of a bucket. */
export interface Encryption {
  readonly algorithm: "AES256" | "aws:kms";
  readonly kmsKeyId?: string;
  readonly bucketKeyEnabled?: boolean;
}

/** A checksum that S3 stores with an object. */
export interface StoredChecksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Base64; composite ones end in "-<parts>". */
  readonly value: string;
  readonly type: ChecksumType;
}

/** Headers that come back with the object, user metadata ("x-amz-meta-…") included. */
export type ObjectHeaders = Readonly<Record<string, string>>;

/** One version of an object, or a delete marker. */
export interface ObjectVersion {
  readonly key: string;
  /** "null" for versions made while versioning was off or suspended. */
  readonly versionId: string;
  readonly deleteMarker: boolean;
  readonly size: number;
  /** With quotes. */
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly lastModified: number;
  readonly segments: readonly Segment[];
  /** For objects made by multipart upload. */
  readonly parts?: readonly { readonly size: number; readonly checksum?: string }[];
  readonly headers: ObjectHeaders;
  readonly storageClass: string;
  readonly encryption: Encryption;
  readonly checksum?: StoredChecksum;
  tags: ReadonlyMap<string, string>;
  /** When a newer version took its place, in milliseconds since the epoch. */
  noncurrentSince?: number;
}

/** A part that has been uploaded. */
export interface UploadedPart {
  readonly partNumber: number;
  readonly size: number;
  readonly etag: string;
  readonly md5: Buffer;
  readonly lastModified: number;
  readonly segments: readonly Segment[];
  /** Base64, of the algorithm of the upload. */
  readonly checksum: string;
}

/** An unfinished multipart upload. */
export interface MultipartUpload {
  readonly uploadId: string;
  readonly key: string;
  readonly initiated: number;
  readonly initiator: string;
  readonly headers: ObjectHeaders;
  readonly tags: ReadonlyMap<string, string>;
  readonly storageClass: string;
  readonly encryption: Encryption;
  /** Declared by the caller; undefined when S3 alone keeps its CRC64NVME. */
  readonly declaredAlgorithm?: ChecksumAlgorithm;
  readonly checksumType: ChecksumType;
  readonly parts: Map<number, UploadedPart>;
}

/** Algorithm by which the parts of an upload are summed. */
export function algorithmOf(upload: MultipartUpload): ChecksumAlgorithm {
  return upload.declaredAlgorithm ?? "CRC64NVME";
}

/** One CORS rule. */
export interface CorsRule {
  readonly id?: string;
  readonly allowedOrigins: readonly string[];
  readonly allowedMethods: readonly string[];
  readonly allowedHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds?: number;
}

/** Which objects a lifecycle rule is about. */
export interface LifecycleFilter {
  readonly prefix: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly sizeGreaterThan?: number;
  readonly sizeLessThan?: number;
}

/** One lifecycle rule, as far as it is executed. */
export interface LifecycleRule {
  readonly id: string;
  readonly enabled: boolean;
  readonly filter: LifecycleFilter;
  readonly abortAfterDays?: number;
  readonly expireAfterDays?: number;
  /** Milliseconds since the epoch. */
  readonly expireAt?: number;
  readonly removeExpiredDeleteMarkers?: boolean;
  readonly noncurrentAfterDays?: number;
  readonly newerNoncurrentVersions?: number;
}

/** One Lambda function to notify. */
export interface FunctionNotification {
  readonly id: string;
  readonly functionArn: string;
  /** "s3:ObjectCreated:*" */
  readonly events: readonly string[];
  readonly prefix: string;
  readonly suffix: string;
}

/** The four switches of a bucket's public access block. */
export interface PublicAccessBlock {
  readonly blockPublicAcls: boolean;
  readonly blockPublicPolicy: boolean;
  readonly ignorePublicAcls: boolean;
  readonly restrictPublicBuckets: boolean;
}

/** A bucket with its settings. A new one has what AWS gives to new buckets. */
export interface Bucket {
  readonly name: string;
  readonly accountId: string;
  readonly region: string;
  readonly createdAt: number;
  forceDestroy: boolean;
  tags: Readonly<Record<string, string>>;
  versioning: "Off" | "Enabled" | "Suspended";
  /** Undefined until somebody configures it. */
  acceleration: "Enabled" | "Suspended" | undefined;
  cors: readonly CorsRule[] | undefined;
  lifecycle: readonly LifecycleRule[] | undefined;
  encryption: Encryption;
  ownership: "BucketOwnerEnforced" | "BucketOwnerPreferred" | "ObjectWriter";
  publicAccessBlock: PublicAccessBlock | undefined;
  policy: { readonly text: string; readonly document: PolicyDocument } | undefined;
  eventBridge: boolean;
  functionNotifications: readonly FunctionNotification[];
  logging: { readonly targetBucket: string; readonly targetPrefix: string } | undefined;
  /** Versions of each key, newest first. Never an empty list. */
  readonly objects: Map<string, readonly ObjectVersion[]>;
  readonly uploads: Map<string, MultipartUpload>;
  /** Ids of aborted uploads: a second abort succeeds. */
  readonly aborted: Set<string>;
  /** How often each key was deleted: tells a conditional write that something came between. */
  readonly deletions: Map<string, number>;
}

/** What AWS gives to a new bucket. */
export function newBucket(facts: Pick<Bucket, "name" | "accountId" | "region" | "createdAt">): Bucket {
  return {
    ...facts,
    forceDestroy: false,
    tags: {},
    versioning: "Off",
    acceleration: undefined,
    cors: undefined,
    lifecycle: undefined,
    encryption: { algorithm: "AES256" },
    ownership: "BucketOwnerEnforced",
    publicAccessBlock: {
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    policy: undefined,
    eventBridge: false,
    functionNotifications: [],
    logging: undefined,
    objects: new Map(),
    uploads: new Map(),
    aborted: new Set(),
    deletions: new Map(),
  };
}

/** ARN of a bucket. */
export function bucketArn(name: string): string {
  return `arn:aws:s3:::${name}`;
}

/** The current version of a key; undefined when there is none or a delete marker hides it. */
export function currentObject(bucket: Bucket, key: string): ObjectVersion | undefined {
  const newest = bucket.objects.get(key)?.[0];
  return newest?.deleteMarker ? undefined : newest;
}
