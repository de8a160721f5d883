// Refusals of S3 in its own words, made in one place so that status, code and wording stay together.
import { AwsError, NotSimulatedError } from "../core/errors";

const HERE = "local/cloud/s3/operations";

/** Something of S3 that this run leaves out. */
export function notSimulated(what: string): NotSimulatedError {
  return new NotSimulatedError(what, HERE);
}

export const accessDenied = (): AwsError => new AwsError("AccessDenied", "Access Denied", 403);

export const noSuchBucket = (bucket: string): AwsError =>
  new AwsError("NoSuchBucket", "The specified bucket does not exist", 404, { BucketName: bucket });

export const noSuchKey = (key: string): AwsError =>
  new AwsError("NoSuchKey", "The specified key does not exist.", 404, { Key: key });

export const noSuchVersion = (key: string, versionId: string): AwsError =>
  new AwsError("NoSuchVersion", "The specified version does not exist.", 404, { Key: key, VersionId: versionId });

export const noSuchUpload = (uploadId: string): AwsError =>
  new AwsError(
    "NoSuchUpload",
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    404,
    { UploadId: uploadId },
  );

export const invalidRequest = (message: string): AwsError => new AwsError("InvalidRequest", message);

export const invalidArgument = (message: string, name: string, value: string): AwsError =>
  new AwsError("InvalidArgument", message, 400, { ArgumentName: name, ArgumentValue: value });

export const malformedXml = (): AwsError =>
  new AwsError(
    "MalformedXML",
    "The XML you provided was not well-formed or did not validate against our published schema",
  );

export const preconditionFailed = (condition: string): AwsError =>
  new AwsError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412, {
    Condition: condition,
  });

export const conditionalConflict = (condition: string, key: string): AwsError =>
  new AwsError(
    "ConditionalRequestConflict",
    "The conditional request cannot succeed due to a conflicting operation against this resource.",
    409,
    { Condition: condition, Key: key },
  );

export const badDigest = (what: string): AwsError =>
  new AwsError("BadDigest", `The ${what} you specified did not match the calculated checksum.`);

export const incompleteBody = (): AwsError =>
  new AwsError("IncompleteBody", "The request body terminated unexpectedly");

export const entityTooLarge = (size: number, limit: number): AwsError =>
  new AwsError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", 400, {
    ProposedSize: size,
    MaxSizeAllowed: limit,
  });

export const entityTooSmall = (size: number, limit: number, partNumber: number, etag: string): AwsError =>
  new AwsError("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", 400, {
    ProposedSize: size,
    MinSizeAllowed: limit,
    PartNumber: partNumber,
    ETag: etag,
  });

export const methodNotAllowed = (method: string): AwsError =>
  new AwsError("MethodNotAllowed", "The specified method is not allowed against this resource.", 405, {
    Method: method,
    ResourceType: "DeleteMarker",
  });
