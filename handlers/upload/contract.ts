// What the upload component, its handlers and its clients agree on: routes, bodies, limits, errors, environment, events. Imports nothing.

/** Multipart limits of Amazon S3. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const S3_LIMITS = {
  /** 5 MiB: smallest part, the last one excepted. */
  minimumPartBytes: 5 * 1024 ** 2,
  /** 5 GiB: largest part. */
  maximumPartBytes: 5 * 1024 ** 3,
  maximumParts: 10_000,
  /** 48.8 TiB: 10,000 parts of 5 GiB. */
  maximumObjectBytes: 10_000 * 5 * 1024 ** 3,
} as const;

/** Most parts that one call of `POST /uploads/{id}/parts` signs when the component does not say otherwise. */
export const DEFAULT_SIGN_WINDOW = 100;

/** Checksum algorithm of parts and whole object: CRC-64/NVME, base64 of eight big-endian bytes. FULL_OBJECT type. */
export const CHECKSUM_ALGORITHM = "CRC64NVME";
/** Header that carries a part's checksum; the signature of a part URL covers it. */
export const CHECKSUM_HEADER = "x-amz-checksum-crc64nvme";

/** State of an upload. */
export type UploadState =
  | "open"
  | "completing"
  | "completed"
  | "aborted"
  | "abandoned"
  | "failed"
  /** Was completed; its object has been deleted since. */
  | "deleted";

/** Body of `POST /uploads`. */
export interface StartUploadRequest {
  /** Name as the user knows it, 1 to 255 characters. The key is made by the server. */
  readonly fileName: string;
  /** Size of the file in bytes, 0 to the component's maximum. */
  readonly size: number;
  /** Media type, "video/mp4" say; must be on the component's list. */
  readonly contentType: string;
  /** Idempotency key made by the client, 16 to 64 characters of [A-Za-z0-9-]. The same key of the same user yields the same upload. */
  readonly requestId: string;
  /** Wished part size in bytes; the server raises it to what S3 requires. */
  readonly partSize?: number;
  /** First bytes of the file (at most 64), base64: compared with the media type where the component checks content. */
  readonly firstBytes?: string;
  /** Content fingerprint chosen by the client ("name:size:modified" hash say), so that another device can find the upload. At most 128 characters. */
  readonly fingerprint?: string;
}

/** An upload as the API shows it. */
export interface UploadDescription {
  readonly uploadId: string;
  readonly fileName: string;
  readonly size: number;
  readonly contentType: string;
  readonly state: UploadState;
  /** Bytes of every part but the last. */
  readonly partSize: number;
  /** At least 1; an empty file is one empty part. */
  readonly partCount: number;
  readonly fingerprint?: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** ISO 8601: unfinished uploads are aborted after this. */
  readonly abandonAt: string;
  /** Object key; present once the upload is completed. */
  readonly key?: string;
  /** Version id of the finished object, where the bucket keeps versions. */
  readonly versionId?: string;
}

/** Answer of `POST /uploads` (201, or 200 for a repeated request id). */
export interface StartUploadResponse {
  readonly upload: UploadDescription;
  /** Most parts per call of the sign route. */
  readonly signWindow: number;
}

/** Body of `POST /uploads/{uploadId}/parts`. */
export interface SignPartsRequest {
  /** 1 to `signWindow` entries, each part number once. */
  readonly parts: readonly PartToSign[];
}

/** One part that the client is about to send. */
export interface PartToSign {
  /** 1 to partCount. */
  readonly partNumber: number;
  /** CRC-64/NVME of the part's bytes, base64. */
  readonly checksum: string;
}

/** Answer of the sign route. */
export interface SignPartsResponse {
  readonly parts: readonly SignedPart[];
  /** ISO 8601: URLs are refused after this. */
  readonly expiresAt: string;
}

/** Where and how to PUT one part. Length and checksum are covered by the signature. */
export interface SignedPart {
  readonly partNumber: number;
  /** Exact number of bytes to send. */
  readonly size: number;
  /** URL at the Regional endpoint. */
  readonly url: string;
  /** URL at the Transfer Acceleration endpoint; left out when the bucket has none. */
  readonly acceleratedUrl?: string;
  /** Headers to send exactly as given (`x-amz-checksum-crc64nvme`). */
  readonly headers: Readonly<Record<string, string>>;
}

/** Answer of `GET /uploads/{uploadId}`: the upload and the parts that S3 holds. */
export interface DescribeUploadResponse {
  readonly upload: UploadDescription;
  /** Finished parts in ascending order; empty unless the upload is open. */
  readonly parts: readonly FinishedPart[];
}

/** A part that S3 holds. */
export interface FinishedPart {
  readonly partNumber: number;
  readonly size: number;
  /** With its quotes, as S3 sends it. */
  readonly eTag: string;
  /** Base64. */
  readonly checksum: string;
}

/** Body of `POST /uploads/{uploadId}/complete`. */
export interface CompleteUploadRequest {
  /** Every part, in ascending order. */
  readonly parts: readonly CompletedPart[];
  /** CRC-64/NVME of the whole file, base64: S3 refuses the completion when it differs. */
  readonly checksum: string;
}

/** One part of a completion. */
export interface CompletedPart {
  readonly partNumber: number;
  readonly eTag: string;
  readonly checksum: string;
}

/** Answer of the complete route. */
export interface CompleteUploadResponse {
  readonly upload: UploadDescription;
}

/** Answer of `GET /uploads?state=open|completed&limit=1..100&cursor=…`: the caller's own uploads, newest first. */
export interface ListUploadsResponse {
  readonly uploads: readonly UploadDescription[];
  /** Pass it as `cursor` to go on; left out at the end. */
  readonly cursor?: string;
}

/** Body of every refusal. */
export interface ErrorResponse {
  readonly error: {
    readonly code: ErrorCode;
    /** What is wrong and what to do, for a person. Never holds secrets. */
    readonly message: string;
    readonly requestId: string;
  };
}

/** Every refusal of the API, with its HTTP status. */
export const ERROR_STATUS = {
  InvalidRequest: 400,
  ContentTypeNotAllowed: 415,
  ContentMismatch: 415,
  FileTooLarge: 413,
  QuotaExceeded: 429,
  Unauthenticated: 401,
  /** The upload belongs to somebody else, or does not exist: the two are not told apart. */
  UploadNotYours: 403,
  UploadNotOpen: 409,
  /** Parts are missing or differ from what S3 holds. */
  PartsMismatch: 409,
  /** The whole-file checksum or size differs from what S3 computed. */
  ChecksumMismatch: 422,
  /** The key exists already (412 of S3). */
  AlreadyExists: 409,
  /** S3 reported a conflicting operation: start a fresh upload and send all parts again. */
  UploadConflict: 409,
  /** Amazon S3 or DynamoDB failed or throttled: the same call may be repeated. */
  TryAgain: 503,
  Internal: 500,
} as const;
/** Code of a refusal. */
export type ErrorCode = keyof typeof ERROR_STATUS;

/** The client configuration that the component yields (output `clientConfiguration`), served to browsers as JSON. No secrets. */
export interface UploadClientConfiguration {
  /** Base URL of the API with its stage, without a trailing slash. */
  readonly apiUrl: string;
  readonly region: string;
  readonly bucketName: string;
  /** "cognito": bearer ID token; "iam": SigV4 for execute-api. */
  readonly authorization: "cognito" | "iam";
  readonly acceleration: boolean;
  readonly maximumFileBytes: number;
  readonly allowedContentTypes: readonly string[];
  readonly signWindow: number;
}

/** Environment of the handlers, set by the component. */
export const UPLOAD_ENVIRONMENT = {
  bucketName: "BUCKET_NAME",
  /** Account that must own the bucket (`x-amz-expected-bucket-owner`). */
  bucketOwner: "BUCKET_OWNER",
  tableName: "TABLE_NAME",
  keyPrefix: "KEY_PREFIX",
  eventBusName: "EVENT_BUS_NAME",
  /** JSON of `UploadRules`. */
  rules: "UPLOAD_RULES",
  /** JSON list of the origins that browsers may call from; empty list: none. */
  allowedOrigins: "ALLOWED_ORIGINS",
} as const;

/** The rules that the handlers apply, set by the component as JSON. */
export interface UploadRules {
  readonly maximumFileBytes: number;
  /** Bytes of all of a user's uploads, finished ones included; released when an upload comes to nothing or its object is deleted. */
  readonly maximumBytesPerUser: number;
  readonly maximumOpenUploadsPerUser: number;
  /** "image/png", "video/*" */
  readonly allowedContentTypes: readonly string[];
  /** Lower case with the dot, ".png"; empty: any. */
  readonly allowedExtensions: readonly string[];
  readonly verifyFirstBytes: boolean;
  readonly urlExpirySeconds: number;
  readonly signWindow: number;
  readonly minimumPartBytes: number;
  readonly abandonAfterSeconds: number;
  readonly allowOverwrite: boolean;
  readonly acceleration: boolean;
  /** Dual-stack host names, so that clients reach S3 over IPv6 too. */
  readonly dualStack: boolean;
  /** Claim that names the caller's tenant; callers without it belong to "default". */
  readonly tenantClaim: string;
  readonly serverSideEncryption: "AES256" | "aws:kms";
  readonly kmsKeyArn?: string;
}

/** Optional base URL of the Transfer Acceleration endpoint, beside the SDK's own AWS_ENDPOINT_URL_S3. Not set on AWS. */
export const ACCELERATE_ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL_S3_ACCELERATE";

/** `source` of the component's EventBridge events. */
export const EVENT_SOURCE = "serverless-patterns.uploads";
/** `detail-type` of the component's EventBridge events. */
export const EVENT_DETAIL_TYPES = {
  uploaded: "Upload Completed",
  failed: "Upload Failed",
  abandoned: "Upload Abandoned",
} as const;

/** `detail` of every event of the component. `eventId` is stable: consumers can drop repetitions. */
export interface UploadEventDetail {
  readonly version: 1;
  readonly eventId: string;
  readonly uploadId: string;
  readonly tenant: string;
  readonly user: string;
  readonly bucket: string;
  readonly key: string;
  readonly fileName: string;
  readonly size: number;
  readonly contentType: string;
  /** Whole-file CRC-64/NVME, base64; on completed uploads. */
  readonly checksum?: string;
  readonly versionId?: string;
  /** On failed uploads: an ErrorCode. */
  readonly reason?: string;
}

/**
 * The table of the component: keys, index and the attribute by which rows expire. Every key and index attribute is a string
 * (`S`). Rows of one user share a partition: uploads (newest last, their ids are time-ordered), quota, request ids.
 */
export const UPLOAD_TABLE = {
  partitionKey: "pk",
  sortKey: "sk",
  /** Epoch seconds; set only on rows that may vanish: request ids and uploads that came to nothing. */
  timeToLive: "expiresAt",
  /** Sparse index (projection KEYS_ONLY) of uploads that the sweeper still has to look at. */
  dueIndex: { name: "dueUploads", partitionKey: "dueShard", sortKey: "dueAt" },
} as const;

/** Metrics that the handlers publish in embedded metric format. */
export const UPLOAD_METRICS = {
  namespace: "ServerlessPatterns/Uploads",
  /** The one dimension; its value is the name of the bucket. */
  dimension: "BucketName",
  uploadsStarted: "UploadsStarted",
  uploadsCompleted: "UploadsCompleted",
  /** Completions that S3 refused for good: checksum, existing key, conflict. */
  uploadsFailed: "UploadsFailed",
  uploadsAborted: "UploadsAborted",
  bytesCompleted: "BytesCompleted",
  /** Bytes of finished objects that were deleted: their users may upload as much again. */
  bytesReleased: "BytesReleased",
  partsSigned: "PartsSigned",
  /** Uploads past their `abandonAt` that a run of the sweeper could not settle: above 0 only when sweeping fails. */
  staleUploads: "StaleUploads",
  abandonedUploads: "AbandonedUploads",
} as const;

/** What one handler answers to and may do. The component renders roles and routes from it; tests hold the handlers to it. */
export interface UploadHandler {
  /** Method and resource path at the API; left out for those that EventBridge runs. */
  readonly route?: { readonly method: "GET" | "POST" | "DELETE"; readonly path: string };
  /** On `<bucket ARN>/<key prefix>*`. */
  readonly s3Actions: readonly string[];
  /** On the KMS key, where the bucket uses one. */
  readonly kmsActions: readonly string[];
  /** On the table itself. TransactWriteItems needs only those of its members. */
  readonly tableActions: readonly string[];
  /** On `<table ARN>/index/<dueIndex.name>`. */
  readonly indexActions: readonly string[];
  /** Whether it needs `events:PutEvents` on the bus. */
  readonly events: boolean;
  /** Timeout of the function; below API Gateway's 29 behind the API. */
  readonly timeoutSeconds: number;
}

/** The handlers `handlers/upload/<name>.ts`; each file exports `handler`. None may delete or list objects. */
export const UPLOAD_HANDLERS = {
  start: {
    route: { method: "POST", path: "/uploads" },
    // Abort: of two simultaneous starts with one request id, the loser removes the multipart upload it created.
    s3Actions: ["s3:PutObject", "s3:AbortMultipartUpload"],
    kmsActions: ["kms:GenerateDataKey", "kms:Decrypt"],
    tableActions: ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
    indexActions: [],
    events: false,
    timeoutSeconds: 15,
  },
  sign: {
    route: { method: "POST", path: "/uploads/{uploadId}/parts" },
    // Not called, but passed on: the browser's PUT acts with the rights of the role that signed it.
    s3Actions: ["s3:PutObject"],
    kmsActions: ["kms:GenerateDataKey", "kms:Decrypt"],
    tableActions: ["dynamodb:GetItem"],
    indexActions: [],
    events: false,
    timeoutSeconds: 10,
  },
  describe: {
    route: { method: "GET", path: "/uploads/{uploadId}" },
    s3Actions: ["s3:ListMultipartUploadParts"],
    // S3 decrypts what it tells about the parts of an SSE-KMS upload.
    kmsActions: ["kms:Decrypt"],
    tableActions: ["dynamodb:GetItem"],
    indexActions: [],
    events: false,
    timeoutSeconds: 28,
  },
  complete: {
    route: { method: "POST", path: "/uploads/{uploadId}/complete" },
    // GetObject: HeadObject tells a repeated completion from a lost one. Abort: after a refusal for good.
    s3Actions: ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"],
    kmsActions: ["kms:GenerateDataKey", "kms:Decrypt"],
    tableActions: ["dynamodb:GetItem", "dynamodb:UpdateItem"],
    indexActions: [],
    events: true,
    timeoutSeconds: 28,
  },
  abort: {
    route: { method: "DELETE", path: "/uploads/{uploadId}" },
    s3Actions: ["s3:AbortMultipartUpload"],
    kmsActions: [],
    tableActions: ["dynamodb:GetItem", "dynamodb:UpdateItem"],
    indexActions: [],
    events: false,
    timeoutSeconds: 15,
  },
  list: {
    route: { method: "GET", path: "/uploads" },
    s3Actions: [],
    kmsActions: [],
    tableActions: ["dynamodb:Query"],
    indexActions: [],
    events: false,
    timeoutSeconds: 15,
  },
  sweep: {
    // GetObject: an upload left in the middle of its completion may have become an object.
    s3Actions: ["s3:AbortMultipartUpload", "s3:GetObject"],
    kmsActions: ["kms:Decrypt"],
    tableActions: ["dynamodb:GetItem", "dynamodb:UpdateItem"],
    indexActions: ["dynamodb:Query"],
    events: true,
    timeoutSeconds: 300,
  },
  release: {
    // The event says which object is gone: nothing is asked of S3.
    s3Actions: [],
    kmsActions: [],
    tableActions: ["dynamodb:GetItem", "dynamodb:UpdateItem"],
    indexActions: [],
    events: false,
    timeoutSeconds: 30,
  },
} as const satisfies Readonly<Record<string, UploadHandler>>;
/** Name of a handler of the upload component. */
export type UploadHandlerName = keyof typeof UPLOAD_HANDLERS;
