// What an answer of Amazon S3 to a part means.

import { isTransientStatus, UploadError } from "./errors";
import type { PartAnswer } from "./transport";

/** What to do with a part after a try. */
export type Verdict =
  | { readonly action: "finish"; readonly eTag: string }
  /** Again: as it is, with a new signature, or with a new checksum and signature. */
  | { readonly action: "retry" | "resign" | "rehash"; readonly error: UploadError; readonly slowDown?: boolean };

const CHANGED_ON_THE_WAY = /BadDigest|InvalidDigest|ChecksumMismatch|IncompleteBody|RequestTimeout/;

/**
 * Judges an answer; none at all means a network failure. Throws what no further try can mend.
 * @throws UploadError `ETagHidden`, `UploadNotOpen` or `PartRefused`
 */
export function judgeAnswer(answer: PartAnswer | undefined): Verdict {
  if (!answer) return { action: "retry", error: new UploadError("Network", "Amazon S3 did not answer.") };
  const { status, eTag, body } = answer;
  if (status >= 200 && status < 300) {
    if (eTag) return { action: "finish", eTag };
    throw new UploadError(
      "ETagHidden",
      "The ETag of a part cannot be read: the bucket's CORS rule must list ETag in ExposeHeaders.",
      status,
    );
  }
  const code = /<Code>(\w+)</.exec(body)?.[1] ?? "";
  const error = new UploadError("TryAgain", `Amazon S3 refused a part: ${status} ${code}`, status);
  if (status === 403) return { action: "resign", error };
  if (isTransientStatus(status)) {
    return { action: "retry", error, slowDown: status === 429 || status === 503 };
  }
  if (status === 400 && CHANGED_ON_THE_WAY.test(code)) return { action: "rehash", error };
  if (status === 404) throw new UploadError("UploadNotOpen", "The upload was removed.", status);
  throw new UploadError("PartRefused", error.message, status);
}
