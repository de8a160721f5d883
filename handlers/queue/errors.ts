// Errors by which a consumer says what shall become of a message. Recognised by a brand, for a bundle may hold two copies of the kit.
const BRAND = Symbol.for("serverless-patterns.queue.error");

/** No attempt will ever succeed: the message goes straight to the dead-letter queue with the reason. */
export class NonRetryableError extends Error {
  readonly [BRAND] = "non-retryable";

  /** @param reason stored beside the message, for whoever looks into the dead-letter queue; no secrets. */
  constructor(
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(reason, options);
    this.name = "NonRetryableError";
  }
}

/** This attempt failed; the next shall wait. */
export class RetryLaterError extends Error {
  readonly [BRAND] = "retry-later";

  /** @param delaySeconds 0 to 43,200; capped there. What is no such number leaves the wait to the back-off. */
  constructor(
    readonly delaySeconds: number,
    message = `to be tried again in ${delaySeconds} s`,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "RetryLaterError";
  }
}

/** Whether an error says that no attempt will succeed. */
export function isNonRetryable(error: unknown): error is NonRetryableError {
  return brandOf(error) === "non-retryable";
}

/** Whether an error asks for a later attempt. */
export function isRetryLater(error: unknown): error is RetryLaterError {
  return brandOf(error) === "retry-later";
}

function brandOf(error: unknown): unknown {
  return error instanceof Error && BRAND in error ? error[BRAND] : undefined;
}
