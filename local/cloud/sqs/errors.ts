// The errors of SQS: one name in the JSON protocol, another in the older query protocol, which clients still go by.
import { AwsError } from "../core/errors";

/** Codes of the query protocol that differ from the names of the JSON protocol. */
const QUERY_CODES: Readonly<Record<string, string>> = {
  AccessDenied: "AccessDenied",
  AccessDeniedException: "AccessDenied",
  InvalidParameterValueException: "InvalidParameterValue",
  MissingRequiredParameterException: "MissingParameter",
  KmsAccessDenied: "KMS.AccessDeniedException",
  QueueDoesNotExist: "AWS.SimpleQueueService.NonExistentQueue",
  QueueNameExists: "QueueAlreadyExists",
};
const PREFIXED = new Set([
  "BatchEntryIdsNotDistinct",
  "BatchRequestTooLong",
  "EmptyBatchRequest",
  "InvalidBatchEntryId",
  "MessageNotInflight",
  "PurgeQueueInProgress",
  "TooManyEntriesInBatchRequest",
  "UnsupportedOperation",
]);
/** Errors that are not in the model of SQS: all services have them. */
const COMMON = new Set([
  "AccessDeniedException",
  "InvalidParameterValueException",
  "MissingRequiredParameterException",
]);

/** Code that the query protocol has for an error, also that of a failed entry in a batch. */
export function queryCode(code: string): string {
  return QUERY_CODES[code] ?? (PREFIXED.has(code) ? `AWS.SimpleQueueService.${code}` : code);
}

/** The error as the JSON protocol names it. */
export function asJsonError(error: AwsError): AwsError {
  const code = error.code === "AccessDenied" ? "AccessDeniedException" : error.code;
  const name = COMMON.has(code) ? `com.amazon.coral.service#${code}` : code;
  // The JSON protocol answers every error of the caller with 400.
  return new AwsError(name, error.message, error.statusCode < 500 ? 400 : error.statusCode, error.fields);
}

/** A parameter that is out of range or does not fit the queue. */
export function invalidParameter(message: string): AwsError {
  return new AwsError("InvalidParameterValueException", message);
}

/** As `invalidParameter`, in the wording that SQS has for values. */
export function invalidValue(value: unknown, parameter: string, reason: string): AwsError {
  return invalidParameter(`Value ${String(value)} for parameter ${parameter} is invalid. Reason: ${reason}`);
}

/** A parameter that must be there. */
export function missingParameter(parameter: string): AwsError {
  return new AwsError("MissingRequiredParameterException", `The request must contain the parameter ${parameter}.`);
}

/** A queue that is not there. */
export function queueDoesNotExist(): AwsError {
  return new AwsError("QueueDoesNotExist", "The specified queue does not exist.");
}
