// What the errors of Amazon S3 mean for an upload. Works on names, so that it needs no SDK.

/** Meaning of a failed S3 call. "busy": repeat it. "missing": no such object, or none that we may see. "other": a defect. */
export type S3Failure =
  "gone" | "partsMismatch" | "checksumMismatch" | "alreadyExists" | "conflict" | "missing" | "busy" | "other";

/** Errors by their S3 code. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const MEANING: Readonly<Record<string, S3Failure>> = {
  NoSuchUpload: "gone",
  InvalidPart: "partsMismatch",
  InvalidPartOrder: "partsMismatch",
  EntityTooSmall: "partsMismatch",
  BadDigest: "checksumMismatch",
  XAmzContentChecksumMismatch: "checksumMismatch",
  PreconditionFailed: "alreadyExists",
  ConditionalRequestConflict: "conflict",
  NoSuchKey: "missing",
  NotFound: "missing",
  // A colliding operation that ends soon; the upload itself is unharmed.
  OperationAborted: "busy",
  SlowDown: "busy",
  Throttling: "busy",
  ThrottlingException: "busy",
  RequestTimeout: "busy",
  RequestTimeTooSkewed: "other",
  InternalError: "busy",
  ServiceUnavailable: "busy",
  TimeoutError: "busy",
};

/** Reads an error that the SDK threw. */
export function classifyS3Failure(error: unknown): S3Failure {
  if (!(error instanceof Error)) return "other";
  const meaning = MEANING[error.name];
  if (meaning) return meaning;
  const status = statusOf(error);
  // A HEAD has no body, so only its status tells. Without s3:ListBucket, S3 answers 403 for a key that does not exist.
  if (isHead(error) && (status === 404 || status === 403)) return "missing";
  if (status === 409) return "conflict";
  if (status === 412) return "alreadyExists";
  if (isSizeMismatch(error)) return "checksumMismatch";
  if (status === undefined ? isNetworkError(error) : status >= 500 || status === 429) return "busy";
  return "other";
}

/** MpuObjectSize that differs comes as InvalidRequest (400) with this in its text. */
function isSizeMismatch(error: Error): boolean {
  return error.name === "InvalidRequest" && /mp-object-size|object size/i.test(error.message);
}

function isHead(error: Error): boolean {
  return ["403", "404", "Forbidden", "Unknown", "UnknownError"].includes(error.name);
}

function isNetworkError(error: Error): boolean {
  const code: unknown = "code" in error ? error.code : undefined;
  return typeof code === "string" && /^(E[A-Z]+|UND_ERR_.*)$/.test(code);
}

function statusOf(error: Error): number | undefined {
  const metadata: unknown = "$metadata" in error ? error.$metadata : undefined;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return undefined;
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : undefined;
}
