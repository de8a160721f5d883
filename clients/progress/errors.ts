// Every way a call can fail, as one error class with a code.
import type { ProgressErrorCode } from "../../handlers/progress/contract";

/** Code of a failure: those of the server and those that only a client can meet. */
export type ProgressClientErrorCode =
  | ProgressErrorCode
  /** The token was refused, or there is none: sign in, then call again. */
  | "SignInNeeded"
  /** The connection was lost after the message was sent, and sending it again could do it twice. */
  | "ConnectionLost"
  /** `close()` was called. */
  | "Closed";

/** A failed call. The message is for a person and never holds tickets or tokens. */
export class ProgressError extends Error {
  override readonly name = "ProgressError";

  constructor(
    readonly code: ProgressClientErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
