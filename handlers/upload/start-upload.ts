// Starts an upload. The order is: check, reserve, create at S3, store S3's id; each step can be the last before a crash.
//
// - after the reservation: the row has no S3 id. The same request id goes on from here; else the sweeper abandons the row and gives
//   the quota back.
// - after S3 has created the upload: its id is lost. The same request id creates another one; the lost one, which nobody can write
//   to, is removed by the bucket's lifecycle rule.
// - after the id is stored: only the answer is lost; the same request id gets it again.
import { InvalidRequestError } from "../shared/errors";
import { toIso, type Now } from "../shared/clock";
import type { Caller } from "../shared/identity";
import type { StartUploadResponse } from "./contract";
import { ContentMismatchError, ContentTypeNotAllowedError, FileTooLargeError, QuotaExceededError } from "./errors";
import { isAllowedType, matchesFirstBytes, parseMediaType } from "./media-type";
import { buildObjectKey, extensionOf } from "./object-key";
import { planParts } from "./planner";
import type { ObjectStore, UploadStore } from "./ports";
import type { StartInput } from "./requests";
import type { UploadSettings } from "./settings";
import { describe, type UploadRecord } from "./upload";

/** What starting needs. */
export interface StartDependencies {
  readonly settings: Pick<UploadSettings, "rules" | "keyPrefix">;
  readonly store: UploadStore;
  readonly objects: ObjectStore;
  readonly now: Now;
  /** Makes a time-ordered upload id. */
  readonly newUploadId: () => string;
}

/** The answer, and whether this very call began the upload. */
export interface StartResult {
  readonly created: boolean;
  readonly response: StartUploadResponse;
}

/** Starts an upload, or returns the one that the same request id started before. */
export async function startUpload(
  dependencies: StartDependencies,
  caller: Caller,
  input: StartInput,
): Promise<StartResult> {
  const { settings, store, now } = dependencies;
  const { rules } = settings;
  const candidate = planUpload(dependencies, caller, input, checkContent(dependencies, input));
  const reservation = await store.reserve(candidate, input.requestId, rules, now());
  if (reservation.kind === "quotaExceeded") {
    throw new QuotaExceededError(rules.maximumBytesPerUser, rules.maximumOpenUploadsPerUser);
  }
  const record = reservation.kind === "repeated" ? reservation.record : candidate;
  if (
    record.fileName !== candidate.fileName ||
    record.size !== candidate.size ||
    record.contentType !== candidate.contentType
  ) {
    throw new InvalidRequestError("requestId was used for another file; make a fresh one for each upload");
  }
  const current = await createAtS3(dependencies, caller, record);
  return {
    created: reservation.kind === "reserved",
    response: { upload: describe(current), signWindow: rules.signWindow },
  };
}

/** Gives a reserved row its multipart upload. Of two simultaneous calls the slower one removes what it created. */
async function createAtS3(
  { store, objects }: StartDependencies,
  caller: Caller,
  record: UploadRecord,
): Promise<UploadRecord> {
  if (record.state !== "open" || record.s3UploadId !== undefined) return record;
  const s3UploadId = await objects.create(record);
  const withId = { ...record, s3UploadId };
  if (await store.attach(record, s3UploadId)) return withId;
  const current = await store.find(caller, record.uploadId);
  // A repeated write after a lost answer finds its own id in place: that is success.
  if (current?.s3UploadId === s3UploadId) return current;
  await objects.abort(withId);
  return current ?? record;
}

/** Returns the approved media type, or throws. */
function checkContent({ settings }: StartDependencies, input: StartInput): string {
  const { allowedContentTypes, allowedExtensions, maximumFileBytes, verifyFirstBytes } = settings.rules;
  const contentType = parseMediaType(input.contentType);
  if (contentType === undefined) throw new InvalidRequestError('contentType must look like "image/png"');
  if (!isAllowedType(contentType, allowedContentTypes))
    throw new ContentTypeNotAllowedError(contentType, allowedContentTypes);
  const extension = extensionOf(input.fileName);
  if (allowedExtensions.length > 0 && !allowedExtensions.includes(extension)) {
    throw new ContentTypeNotAllowedError(
      extension === "" ? "A name without extension" : "This extension",
      allowedExtensions,
    );
  }
  if (input.size > maximumFileBytes) throw new FileTooLargeError(input.size, maximumFileBytes);
  if (verifyFirstBytes && input.size > 0) checkFirstBytes(input, contentType);
  return contentType;
}

function checkFirstBytes({ firstBytes, size }: StartInput, contentType: string): void {
  if (!firstBytes || firstBytes.length === 0)
    throw new InvalidRequestError("firstBytes must hold the first bytes of the file");
  if (firstBytes.length > size) throw new InvalidRequestError("firstBytes must not be longer than the file");
  if (!matchesFirstBytes(contentType, firstBytes)) throw new ContentMismatchError(contentType);
}

function planUpload(
  dependencies: StartDependencies,
  caller: Caller,
  input: StartInput,
  contentType: string,
): UploadRecord {
  const { rules, keyPrefix } = dependencies.settings;
  const uploadId = dependencies.newUploadId();
  const now = dependencies.now();
  const abandonAt = toIso(now + rules.abandonAfterSeconds * 1000);
  return {
    ...caller,
    uploadId,
    fileName: input.fileName.toWellFormed(),
    size: input.size,
    contentType,
    ...planParts(input.size, input.partSize ?? rules.minimumPartBytes, rules.minimumPartBytes),
    key: buildObjectKey(keyPrefix, caller, uploadId, input.fileName),
    state: "open",
    createdAt: toIso(now),
    abandonAt,
    due: { kind: "unfinished", at: abandonAt },
    ...(input.fingerprint === undefined ? {} : { fingerprint: input.fingerprint.toWellFormed() }),
  };
}
