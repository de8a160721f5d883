// The errors of the embedded cloud: what AWS would answer, and what is not simulated.

/** An error as an AWS service answers it. Services render it in their own protocol (REST XML, JSON, …). */
export class AwsError extends Error {
  /**
   * @param code AWS's error code, "AccessDenied" say.
   * @param message AWS's own wording where it is documented.
   * @param statusCode HTTP status, 400 when left out.
   * @param fields further members of the error document, such as `Resource` or `Item`.
   */
  constructor(
    readonly code: string,
    message: string,
    readonly statusCode = 400,
    readonly fields: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = code;
  }
}

/** Something that AWS does and the embedded cloud does not (yet). Never answered silently. */
export class NotSimulatedError extends AwsError {
  /**
   * @param what the resource type or API operation, "s3:SelectObjectContent" say.
   * @param where the file in which it would be added, "local/cloud/s3/resources.ts" say.
   */
  constructor(what: string, where: string) {
    super(
      "NotSimulated",
      `${what} is not simulated by the local run; add it in ${where}, or run this part on AWS`,
      501,
    );
  }
}

/** One thing that is wrong with the inputs of a declared resource. */
export interface InputProblem {
  /** Property path, "corsRules[0].allowedOrigins" say. */
  readonly property: string;
  /** The rule that is broken, and what to do. */
  readonly reason: string;
}

/** The inputs of a declared resource that the AWS API would refuse. All problems at once. */
export class InvalidInputsError extends Error {
  constructor(
    readonly urn: string,
    readonly problems: readonly InputProblem[],
  ) {
    super(`${urn}: ${problems.map(({ property, reason }) => `${property}: ${reason}`).join("; ")}`);
    this.name = "InvalidInputsError";
  }
}
