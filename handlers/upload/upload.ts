// An upload as the table keeps it, the states it passes through, and how it looks from outside.
import { createHash } from "node:crypto";
import type { Caller } from "../shared/identity";
import { toIso } from "../shared/clock";
import {
  UPLOAD_HANDLERS,
  type EVENT_DETAIL_TYPES,
  type UploadDescription,
  type UploadEventDetail,
  type UploadState,
} from "./contract";

/** The ownership row of an upload. Times are ISO 8601 unless the name says otherwise. */
export interface UploadRecord {
  readonly tenant: string;
  readonly user: string;
  readonly uploadId: string;
  readonly fileName: string;
  readonly size: number;
  readonly contentType: string;
  readonly partSize: number;
  readonly partCount: number;
  readonly key: string;
  readonly createdAt: string;
  readonly abandonAt: string;
  readonly state: UploadState;
  readonly fingerprint?: string;
  /** Id of the multipart upload at S3; missing between the reservation and the answer of S3. */
  readonly s3UploadId?: string;
  /** Whole-file CRC-64/NVME, from the completion on. */
  readonly checksum?: string;
  readonly versionId?: string;
  /** When a completion last took it on. */
  readonly claimedAt?: string;
  /** Which completion has taken it on: see `identifyAttempt`. */
  readonly attempt?: string;
  /** 1 once more than one call has taken the same completion on; S3 may be at work for another one then. */
  readonly joined?: number;
  /** Why it failed: an ErrorCode. */
  readonly reason?: string;
  /** Event that still has to be put on the bus; set together with the state that it tells of. */
  readonly pendingEvent?: PendingEvent;
  /** What the sweeper has to look at, and when. */
  readonly due?: Due;
  /** Epoch seconds after which the row vanishes. */
  readonly expiresAt?: number;
}

/** A kind of event: key of EVENT_DETAIL_TYPES. */
export type PendingEvent = keyof typeof EVENT_DETAIL_TYPES;

/** Reason for the sweeper to look at a row: still unfinished at `abandonAt`, or side effects of its last state outstanding. */
export interface Due {
  readonly kind: DueKind;
  readonly at: string;
}
/** See Due. */
export type DueKind = "unfinished" | "sideEffects";

/**
 * A step of an upload:
 * open -> completing -> completed | failed, completing -> open (parts did not match), open -> aborted, open | completing -> abandoned,
 * completing -> aborted once the completion's function cannot be running any more, completed -> deleted.
 * It is taken in one conditional write, so that of two simultaneous steps one wins.
 */
export interface Transition {
  readonly from: readonly UploadState[];
  readonly to: UploadState;
  readonly checksum?: string;
  readonly versionId?: string;
  readonly claimedAt?: string;
  readonly attempt?: string;
  readonly joined?: 0 | 1;
  /** What the claim on the upload has to be besides, for the step to be taken. null: absent. */
  readonly where?: ClaimCondition;
  readonly reason?: string;
  readonly pendingEvent?: PendingEvent;
  /** Left out: stays. null: nothing more to do. */
  readonly due?: Due | null;
  readonly expiresAt?: number;
  /** Takes back what `comeToNothing` wrote for its own end: time to live and reason. */
  readonly revives?: true;
  /** Taken off the user's quota in the same transaction; negative numbers are put on it again. */
  readonly release?: { readonly bytes: number; readonly openUploads: number };
}

/** Values of the attributes by which a completion claims an upload. */
export type ClaimCondition = Readonly<Partial<Record<"attempt" | "claimedAt", string | null>>>;

/** Rows of uploads that came to nothing are kept this long, so that repeated calls and users still learn what happened. */
export const RETENTION_MS = 7 * 24 * 3600 * 1000;
/**
 * After this the sweeper repeats the side effects of a state. A part in flight during an abort may be stored after it: AWS advises
 * to abort again. https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
 */
export const SIDE_EFFECT_GRACE_MS = 10 * 60 * 1000;

/** After this a completion that has not ended has crashed: its function is no longer running. */
const COMPLETION_LEASE_MS = (UPLOAD_HANDLERS.complete.timeoutSeconds + 5) * 1000;

/** Whether the completion that took the upload on has crashed. */
export function isCompletionCrashed({ state, claimedAt }: UploadRecord, now: number): boolean {
  return state === "completing" && claimedAt !== undefined && Date.parse(claimedAt) + COMPLETION_LEASE_MS <= now;
}

/** The step to a state in which the upload came to nothing. The bytes and the count are the user's again. */
export function comeToNothing(
  record: UploadRecord,
  to: "aborted" | "abandoned" | "failed",
  from: readonly UploadState[],
  now: number,
  reason?: string,
): Transition {
  return {
    from,
    to,
    due: { kind: "sideEffects", at: toIso(now + SIDE_EFFECT_GRACE_MS) },
    expiresAt: Math.floor((now + RETENTION_MS) / 1000),
    release: { bytes: record.size, openUploads: 1 },
    ...(to === "aborted" ? {} : { pendingEvent: to }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** The step to the finished upload. Its bytes stay on the user's quota. */
export function becomeCompleted(object: StoredObject, checksum: string | undefined, now: number): Transition {
  const stored = object.checksum ?? checksum;
  return {
    // "open" too: S3 may have got a part again between two calls of one completion, and the first one turned the state back.
    from: ["completing", "open"],
    to: "completed",
    pendingEvent: "uploaded",
    due: { kind: "sideEffects", at: toIso(now + SIDE_EFFECT_GRACE_MS) },
    release: { bytes: 0, openUploads: 1 },
    ...(stored === undefined ? {} : { checksum: stored }),
    ...(object.versionId === undefined ? {} : { versionId: object.versionId }),
  };
}

/**
 * The step to the finished upload from one that had come to nothing, should S3 carry out a completion after it has confirmed the
 * upload's removal. The object is there, so its bytes count again and its row stays.
 */
export function reviveCompleted(record: UploadRecord, object: StoredObject, now: number): Transition {
  return {
    ...becomeCompleted(object, record.checksum, now),
    from: ["failed", "aborted", "abandoned"],
    revives: true,
    release: { bytes: -record.size, openUploads: 0 },
  };
}

/** The step from the finished upload to the one whose object is gone. Its bytes are the user's again, once. */
export function becomeDeleted({ size }: UploadRecord, now: number): Transition {
  return {
    from: ["completed"],
    to: "deleted",
    expiresAt: Math.floor((now + RETENTION_MS) / 1000),
    release: { bytes: size, openUploads: 0 },
  };
}

/** A finished object as S3 tells of it. */
export interface StoredObject {
  readonly versionId?: string;
  /** Base64 CRC-64/NVME. */
  readonly checksum?: string;
}

/** The record after a step. */
export function applyTransition(record: UploadRecord, transition: Transition): UploadRecord {
  const { from: _from, to, release: _release, where: _where, revives, due, ...values } = transition;
  const { due: oldDue, expiresAt, reason, ...kept } = record;
  const ending = { ...(expiresAt === undefined ? {} : { expiresAt }), ...(reason === undefined ? {} : { reason }) };
  const rest = { ...kept, ...(revives ? {} : ending) };
  const newDue = due === undefined ? oldDue : (due ?? undefined);
  return { ...rest, ...values, state: to, ...(newDue ? { due: newDue } : {}) };
}

/** The upload as the API shows it. */
export function describe(record: UploadRecord): UploadDescription {
  const { uploadId, fileName, size, contentType, state, partSize, partCount, createdAt, abandonAt } = record;
  return {
    uploadId,
    fileName,
    size,
    contentType,
    state,
    partSize,
    partCount,
    createdAt,
    abandonAt,
    ...(record.fingerprint === undefined ? {} : { fingerprint: record.fingerprint }),
    ...(state === "completed" ? { key: record.key } : {}),
    ...(record.versionId === undefined ? {} : { versionId: record.versionId }),
  };
}

/** `detail` of an event. The id follows from upload and kind, so that a repeated event is recognised as one. */
export function toEventDetail(record: UploadRecord, kind: PendingEvent, bucket: string): UploadEventDetail {
  return {
    version: 1,
    eventId: toUuid(`${record.uploadId}/${kind}`),
    uploadId: record.uploadId,
    tenant: record.tenant,
    user: record.user,
    bucket,
    key: record.key,
    fileName: record.fileName,
    size: record.size,
    contentType: record.contentType,
    ...(kind === "uploaded" && record.checksum !== undefined ? { checksum: record.checksum } : {}),
    ...(record.versionId === undefined ? {} : { versionId: record.versionId }),
    ...(record.reason === undefined ? {} : { reason: record.reason }),
  };
}

/** Time-ordered id (UUID version 7, RFC 9562): rows of one user sort by age. */
export function createUploadId(now: number, randomBytes: (count: number) => Buffer): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(now, 0, 6);
  randomBytes(10).copy(bytes, 6);
  bytes[6] = 0x70 | (bytes.readUInt8(6) & 0x0f);
  bytes[8] = 0x80 | (bytes.readUInt8(8) & 0x3f);
  return formatUuid(bytes);
}

/** Whether a text can be an upload id at all. */
export function isUploadId(text: string | undefined): text is string {
  return text !== undefined && /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(text);
}

/** Whether the caller owns the upload. */
export function isOwnedBy(record: UploadRecord, caller: Caller): boolean {
  return record.tenant === caller.tenant && record.user === caller.user;
}

function toUuid(text: string): string {
  const bytes = createHash("sha256").update(text).digest().subarray(0, 16);
  bytes[6] = 0x80 | (bytes.readUInt8(6) & 0x0f);
  bytes[8] = 0x80 | (bytes.readUInt8(8) & 0x3f);
  return formatUuid(bytes);
}

function formatUuid(bytes: Buffer): string {
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
