// Refusals that any API of ours can give. Everything that is not a PublicError is logged and answered without detail.

/** A refusal whose code, status and message are meant for the caller. Subclasses: one per case. */
export class PublicError extends Error {
  /**
   * @param code machine-readable code, part of the wire contract.
   * @param status HTTP status.
   * @param message for a person: what is wrong and what to do. Never holds secrets.
   */
  constructor(
    readonly code: string,
    readonly status: number,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** 400: the request is not what the contract says. */
export class InvalidRequestError extends PublicError {
  constructor(message: string) {
    super("InvalidRequest", 400, message);
  }
}

/** 401: nobody vouches for the caller. */
export class UnauthenticatedError extends PublicError {
  constructor() {
    super(
      "Unauthenticated",
      401,
      "No identity came with the request; send a valid ID token or sign the request with SigV4",
    );
  }
}

/** 503: a service behind us failed or throttled; the same call may be repeated. */
export class TryAgainError extends PublicError {
  constructor(options?: ErrorOptions) {
    super("TryAgain", 503, "A service behind this one is busy; repeat the same call after a short pause", options);
  }
}

/** 500: our fault, details are in the log under the request id. */
export class InternalError extends PublicError {
  constructor(options?: ErrorOptions) {
    super("Internal", 500, "The service failed; report the request id if it happens again", options);
  }
}

/** What an AWS service answered to a call of ours, or that it did not answer. Not public. */
export class AwsCallError extends Error {
  /**
   * @param code AWS's code, "ConditionalCheckFailedException" say; "NetworkError" when there was no answer.
   * @param status HTTP status; 0 when there was no answer.
   * @param body the parsed error document.
   */
  constructor(
    readonly code: string,
    readonly status: number,
    message: string,
    readonly body: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(`${code}: ${message}`, options);
    this.name = "AwsCallError";
  }

  /** Whether the same call can succeed later: throttled, failed inside, or never answered. */
  get retryable(): boolean {
    return this.status === 0 || this.status >= 500 || RETRYABLE_CODES.has(this.code);
  }
}

const RETRYABLE_CODES: ReadonlySet<string> = new Set([
  "ProvisionedThroughputExceededException",
  "ThrottlingException",
  "Throttling",
  "RequestLimitExceeded",
  "TransactionInProgressException",
]);
