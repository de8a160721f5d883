// Arguments of AcceleratedUploadBucket: plain data, as Pulumi's component analyzer needs it.
import type * as pulumi from "@pulumi/pulumi";

/** How callers of the upload API prove who they are. */
export const UploadAuthorizationMode = {
  /** An ID token of an Amazon Cognito user pool in the `Authorization` header. */
  Cognito: "cognito",
  /** AWS Signature Version 4 with credentials that may call `execute-api:Invoke`. */
  Iam: "iam",
} as const;
/** How callers of the upload API prove who they are. */
export type UploadAuthorizationMode = (typeof UploadAuthorizationMode)[keyof typeof UploadAuthorizationMode];

/** Namespace in which the bucket's name is unique. */
export const UploadBucketNamespace = {
  /** Unique among all accounts. */
  Global: "global",
  /** Reserved to this account and Region: nobody else can ever take the name. */
  AccountRegional: "account-regional",
} as const;
/** Namespace in which the bucket's name is unique. */
export type UploadBucketNamespace = (typeof UploadBucketNamespace)[keyof typeof UploadBucketNamespace];

/** Arguments of `AcceleratedUploadBucket`. */
export interface AcceleratedUploadBucketArgs {
  /**
   * Origins whose pages may upload, "https://app.example.com" say: scheme, host and optional port, nothing more.
   * They go into the CORS rules of the bucket and of the API. At least one.
   */
  readonly allowedOrigins: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Accepts the origin "*": any page in the world may then use a token that it holds.
   * @default `false`
   */
  readonly acknowledgeAnyOrigin?: boolean;
  /**
   * How callers prove who they are. Decides which settings are required.
   * @default `"cognito"`
   */
  readonly authorizationMode?: UploadAuthorizationMode;
  /**
   * ARN of the Cognito user pool whose ID tokens are accepted. Required with `"cognito"`, refused with `"iam"`.
   * @default - none
   */
  readonly userPoolArn?: pulumi.Input<string>;
  /**
   * Source address ranges (CIDR, IPv4 or IPv6) that may call the API. Narrows access further; never replaces the identity check.
   * @default - any address
   */
  readonly allowedSourceCidrs?: string[];
  /**
   * Claim of the ID token that names the caller's tenant; the first part of every object key. Callers without it belong to "default".
   * Users must not be able to write the attribute behind it: leave it out of the app client's write attributes.
   * @default `"custom:tenant"`
   */
  readonly tenantClaim?: string;
  /**
   * Turns S3 Transfer Acceleration on, and hands out accelerated URLs beside direct ones.
   * @default `true`
   */
  readonly acceleration?: boolean;
  /**
   * Uses dual-stack hosts in part URLs, so that clients reach S3 over IPv6 too.
   * @default `true`
   */
  readonly dualStack?: boolean;
  /**
   * Region of every regional resource. Plain, since acceleration does not exist everywhere.
   * @default - Region of the provider
   */
  readonly region?: string;
  /**
   * Physical name of the bucket, 3 to 63 lower-case letters, digits and hyphens; no periods, as acceleration needs it.
   * @default - made by Pulumi from the component's name
   */
  readonly bucketName?: string;
  /**
   * Namespace of the bucket's name. With `"account-regional"` the component appends `-<account>-<region>-an`, as AWS requires.
   * @default `"global"`
   */
  readonly bucketNamespace?: UploadBucketNamespace;
  /**
   * Key prefix below which all uploads are stored; ends with "/".
   * @default `"uploads/"`
   */
  readonly keyPrefix?: string;
  /**
   * Largest file in bytes, 1 to 53,687,091,200,000 (48.8 TiB).
   * @default `53687091200` (50 GiB)
   */
  readonly maximumFileBytes?: number;
  /**
   * Bytes that one user may upload in all, unfinished uploads included. Aborted and abandoned uploads give theirs back, and so
   * do finished objects that are deleted, by whomever.
   * @default `549755813888` (512 GiB)
   */
  readonly maximumBytesPerUser?: number;
  /**
   * Uploads that one user may have open at a time, 1 to 10,000.
   * @default `100`
   */
  readonly maximumOpenUploadsPerUser?: number;
  /**
   * Media types that may be uploaded, "video/mp4" or "image/*".
   * @default - common images, audio, video, PDF, text, ZIP and binary data; see the page of the component
   */
  readonly allowedContentTypes?: string[];
  /**
   * File name extensions that may be uploaded, lower case with the dot (".mp4").
   * @default - any
   */
  readonly allowedExtensions?: string[];
  /**
   * Compares the first bytes, as the client sends them, with the media type before the upload starts. It finds mistakes, not
   * malice: scanning is what `malwareProtection` is for.
   * @default `true`
   */
  readonly verifyFirstBytes?: boolean;
  /**
   * Smallest part in MiB, 5 to 5120. Clients may wish larger ones; the server raises it to keep within 10,000 parts.
   * @default `5`
   */
  readonly partSizeMebibytes?: number;
  /**
   * Seconds after which a part URL is refused, 120 to 43200; the bucket policy enforces it as well.
   * @default `300`
   */
  readonly urlExpirySeconds?: number;
  /**
   * Most parts that one call signs, 1 to 100.
   * @default `100`
   */
  readonly signWindow?: number;
  /**
   * Days after which an unfinished upload is aborted, 1 to 365.
   * @default `1`
   */
  readonly abandonAfterDays?: number;
  /**
   * Lets an upload replace an object of the same key.
   * @default `false`
   */
  readonly allowOverwrite?: boolean;
  /**
   * Days after which finished objects are deleted, 1 to 36500.
   * @default - never
   */
  readonly expireObjectsAfterDays?: number;
  /**
   * ARN of a customer managed KMS key that encrypts the objects (SSE-KMS with bucket key). Its policy must let roles of this
   * account use it.
   * @default - SSE-S3
   */
  readonly kmsKeyArn?: pulumi.Input<string>;
  /**
   * Malware scanning by Amazon GuardDuty.
   * @default - off
   */
  readonly malwareProtection?: UploadMalwareProtectionArgs;
  /**
   * ARN of a Regional AWS WAF web ACL for the API.
   * @default - none
   */
  readonly webAclArn?: pulumi.Input<string>;
  /**
   * Throttle of the API's stage, over all callers together.
   * @default - 100 requests per second, burst of 200
   */
  readonly throttling?: UploadThrottlingArgs;
  /**
   * Alarms and dashboard.
   * @default - both on, without a topic
   */
  readonly alarms?: UploadAlarmsArgs;
  /**
   * Name of the EventBridge bus that receives the component's events.
   * @default `"default"`
   */
  readonly eventBusName?: pulumi.Input<string>;
  /**
   * Days that logs are kept; one of the values that CloudWatch Logs accepts.
   * @default `30`
   */
  readonly logRetentionDays?: number;
  /**
   * Memory of each function in MB, 128 to 10240.
   * @default `512`
   */
  readonly memorySize?: number;
  /**
   * Protects bucket and table from deletion with their content.
   * @default `true`
   */
  readonly deletionProtection?: boolean;
  /**
   * Tags of every resource.
   * @default - none
   */
  readonly tags?: Record<string, pulumi.Input<string>>;
}

/** Malware scanning of finished uploads. */
export interface UploadMalwareProtectionArgs {
  /**
   * Scans each finished object; until its tag `GuardDutyMalwareScanStatus` says `NO_THREATS_FOUND`, nobody but the scanner reads it.
   * @default `true`
   */
  readonly enabled?: boolean;
}

/** Throttle of the API's stage. */
export interface UploadThrottlingArgs {
  /**
   * Steady requests per second, 1 to 10,000.
   * @default `100`
   */
  readonly rateLimit?: number;
  /**
   * Burst of requests, 1 to 5,000.
   * @default `200`
   */
  readonly burstLimit?: number;
}

/** Alarms and dashboard. */
export interface UploadAlarmsArgs {
  /**
   * Creates the alarms and the dashboard.
   * @default `true`
   */
  readonly enabled?: boolean;
  /**
   * ARN of an existing SNS topic that is told of alarms. No message is sent when an alarm ends.
   * @default - none
   */
  readonly topicArn?: pulumi.Input<string>;
  /**
   * Abandoned uploads within an hour that raise the alarm, 1 or more.
   * @default `10`
   */
  readonly staleUploadsThreshold?: number;
  /**
   * Bytes uploaded within an hour that raise the alarm.
   * @default `1099511627776` (1 TiB)
   */
  readonly bytesPerHourThreshold?: number;
  /**
   * Share of 4xx answers within five minutes that raises the alarm, 0 to 1.
   * @default `0.2`
   */
  readonly clientErrorRate?: number;
  /**
   * 5xx answers within five minutes that raise the alarm, 1 or more.
   * @default `1`
   */
  readonly serverErrorsThreshold?: number;
}

/** What a browser needs to know to upload. Holds no secret; `JSON.stringify` it into a page's configuration. */
export interface UploadClientSettings {
  /** Base URL of the API with its stage, without a trailing slash. */
  readonly apiUrl: string;
  /** Region of the bucket and the API. */
  readonly region: string;
  /** Physical name of the bucket. */
  readonly bucketName: string;
  /** How callers prove who they are. */
  readonly authorization: UploadAuthorizationMode;
  /** Whether accelerated URLs are handed out. */
  readonly acceleration: boolean;
  /** Largest file in bytes. */
  readonly maximumFileBytes: number;
  /** Media types that may be uploaded. */
  readonly allowedContentTypes: string[];
  /** Most parts that one call signs. */
  readonly signWindow: number;
}
