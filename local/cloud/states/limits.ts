// Sizes and forms that the API of Step Functions checks before anything else.
import { AwsError } from "../core/errors";
import type { Json } from "./language/types";

const MAXIMUM_DATA_BYTES = 262_144;
const MAXIMUM_ERROR = 256;
const MAXIMUM_CAUSE = 32_768;
const NAME = /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f]{1,80}$/;

/** @throws AwsError InvalidName */
export function checkExecutionName(name: string): void {
  if (!NAME.test(name)) throw new AwsError("InvalidName", `Invalid Name: '${name}'`);
}

/** Input of an execution. @throws AwsError InvalidExecutionInput, ValidationException */
export function parseInput(text: string): Json {
  return parse(
    text,
    "input",
    (reason) => new AwsError("InvalidExecutionInput", `Invalid State Machine Execution Input: '${reason}'`),
  );
}

/** Output that comes back with a task token. @throws AwsError InvalidOutput, ValidationException */
export function parseOutput(text: string): Json {
  return parse(text, "output", (reason) => new AwsError("InvalidOutput", `Invalid Output: '${reason}'`));
}

/** Error and cause that a caller gives. @throws AwsError ValidationException */
export function checkErrorTexts(error: string | undefined, cause: string | undefined): void {
  if ((error ?? "").length > MAXIMUM_ERROR) throw tooLong("error", MAXIMUM_ERROR);
  if ((cause ?? "").length > MAXIMUM_CAUSE) throw tooLong("cause", MAXIMUM_CAUSE);
}

function parse(text: string, member: string, invalid: (reason: string) => AwsError): Json {
  if (Buffer.byteLength(text) > MAXIMUM_DATA_BYTES) throw tooLong(member, MAXIMUM_DATA_BYTES);
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw invalid((error as Error).message);
  }
}

function tooLong(member: string, limit: number): AwsError {
  return new AwsError(
    "ValidationException",
    `1 validation error detected: Value at '${member}' failed to satisfy constraint: Member must have length less than or equal to ${limit}`,
  );
}
