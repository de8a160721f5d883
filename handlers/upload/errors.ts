// Refusals of the upload API: one class per case of the contract, beside those of handlers/shared/errors.ts.
import { PublicError } from "../shared/errors";
import { ERROR_STATUS, type ErrorCode } from "./contract";

/** A refusal with a code of the contract. */
class UploadError extends PublicError {
  constructor(code: ErrorCode, message: string) {
    super(code, ERROR_STATUS[code], message);
  }
}

/** 415: media type or extension is not on the component's list. */
export class ContentTypeNotAllowedError extends UploadError {
  constructor(what: string, allowed: readonly string[]) {
    super("ContentTypeNotAllowed", `${what} is not accepted here; accepted are ${allowed.join(", ")}`);
  }
}

/** 415: the first bytes do not look like the media type. */
export class ContentMismatchError extends UploadError {
  constructor(contentType: string) {
    super("ContentMismatch", `The file does not begin like ${contentType}; name its true type`);
  }
}

/** 413: larger than the component allows. */
export class FileTooLargeError extends UploadError {
  constructor(size: number, maximum: number) {
    super("FileTooLarge", `The file has ${size} bytes; at most ${maximum} are accepted`);
  }
}

/** 429: the user holds too many bytes or too many unfinished uploads. */
export class QuotaExceededError extends UploadError {
  constructor(maximumBytes: number, maximumOpenUploads: number) {
    super(
      "QuotaExceeded",
      `A user may hold ${maximumBytes} bytes and ${maximumOpenUploads} unfinished uploads; finish or cancel others first`,
    );
  }
}

/** 403: somebody else's upload, or none at all. */
export class UploadNotYoursError extends UploadError {
  constructor() {
    super("UploadNotYours", "There is no such upload of yours");
  }
}

/** 409: the state of the upload does not allow the call. */
export class UploadNotOpenError extends UploadError {
  constructor(what: string) {
    super("UploadNotOpen", `The upload ${what}`);
  }
}

/** 409: the parts named differ from the plan or from what S3 holds. */
export class PartsMismatchError extends UploadError {
  constructor(what: string) {
    super("PartsMismatch", `${what}; ask for the finished parts, send the missing ones and complete again`);
  }
}

/** 422: the whole file is not what the client says. */
export class ChecksumMismatchError extends UploadError {
  constructor() {
    super("ChecksumMismatch", "Size or checksum of the whole file differ from what S3 received; start a fresh upload");
  }
}

/** 409: an object with this key exists. */
export class AlreadyExistsError extends UploadError {
  constructor() {
    super("AlreadyExists", "An object with this key exists already; start a fresh upload");
  }
}

/** 409: S3 reported a conflicting write. */
export class UploadConflictError extends UploadError {
  constructor() {
    super("UploadConflict", "S3 reported a conflicting operation; start a fresh upload and send all parts again");
  }
}
