// Which completion has an upload. A claim belongs to the body of the request, not to the call: calls with one body ask S3 for the very same
// thing, so any of them may take over at once from one that died. A call with another body has to wait until the claim's time is up.
import { createHash } from "node:crypto";
import { toIso } from "../shared/clock";
import type { CompleteUploadRequest } from "./contract";
import { UploadNotOpenError } from "./errors";
import { isCompletionCrashed, type Transition, type UploadRecord } from "./upload";

/** Names what a completion asks for: parts and checksum. The quotes of an ETag may be there or not. */
export function identifyAttempt({ parts, checksum }: CompleteUploadRequest): string {
  const lines = parts.map((part) => `${part.partNumber} ${part.eTag.replaceAll('"', "")} ${part.checksum}`);
  return createHash("sha256")
    .update([checksum, ...lines].join("\n"))
    .digest("base64url");
}

/**
 * The step by which a completion takes an open or completing upload on.
 * @throws UploadNotOpenError while one with another body has it.
 */
export function planClaim(record: UploadRecord, attempt: string, checksum: string, now: number): Transition {
  const claim = { to: "completing", attempt, checksum, claimedAt: toIso(now) } as const;
  if (record.state === "open") return { ...claim, from: ["open"], joined: 0 };
  if (record.attempt === attempt) return { ...claim, from: ["completing"], joined: 1, where: { attempt } };
  if (record.claimedAt !== undefined && !isCompletionCrashed(record, now)) {
    throw new UploadNotOpenError(
      "is being completed with other parts or another checksum; wait until it is open or completed",
    );
  }
  return { ...claim, from: ["completing"], joined: 1, where: { claimedAt: record.claimedAt ?? null } };
}
