// Every way an upload can fail, as one error class with a code.

import type { ErrorCode } from "../../handlers/upload/contract";

/** Code of a failure: the API's own codes and those that only a client can meet. */
export type UploadErrorCode =
  | ErrorCode
  /** `cancel()` was called, or the caller's signal aborted. */
  | "Cancelled"
  /** No usable answer after all tries. */
  | "Network"
  /** The file is not the one the upload was started with. */
  | "FileChanged"
  /** The browser can no longer read the file. */
  | "FileUnreadable"
  /** The bucket's CORS rule hides the ETag header. */
  | "ETagHidden"
  /** Amazon S3 refused a part for good. */
  | "PartRefused";

/** A failed upload or API call. The message is for a person and never holds signed URLs or tokens. */
export class UploadError extends Error {
  override readonly name = "UploadError";

  constructor(
    readonly code: UploadErrorCode,
    message: string,
    /** HTTP status, where there was an answer. */
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Whether the same call may succeed a little later. */
  get transient(): boolean {
    return this.code === "Network" || this.code === "TryAgain" || (this.status ?? 0) >= 500;
  }
}

/** Whether an answer with this HTTP status may turn out better a little later. */
export function isTransientStatus(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}
