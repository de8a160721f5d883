// What the logic needs from the outside: table, bucket, bus. Production code and fakes implement the same interfaces.
import type { Caller } from "../shared/identity";
import type { CompletedPart, FinishedPart, UploadRules, UploadState } from "./contract";
import type { DueKind, PendingEvent, StoredObject, Transition, UploadRecord } from "./upload";

/** The table of uploads, quotas and request ids. Throws TryAgainError when it does not answer in time. */
export interface UploadStore {
  /** The upload of this caller; undefined when it does not exist or belongs to somebody else. Strongly consistent. */
  find(caller: Caller, uploadId: string): Promise<UploadRecord | undefined>;
  /** Writes the row, takes its bytes from the quota and remembers the request id: all three or nothing. */
  reserve(record: UploadRecord, requestId: string, limits: QuotaLimits, now: number): Promise<Reservation>;
  /** Adds the id that S3 gave, unless one is there or the upload has left "open". Returns whether it was added. */
  attach(record: UploadRecord, s3UploadId: string): Promise<boolean>;
  /** Takes a step if the state still allows it. Returns the new record, or undefined when it does not. */
  transition(record: UploadRecord, transition: Transition): Promise<UploadRecord | undefined>;
  /** Notes that the pending event is on the bus; `finished` also takes the row off the sweeper's list. */
  settle(record: UploadRecord, finished: boolean): Promise<void>;
  /** The caller's uploads, newest first. */
  list(caller: Caller, query: ListQuery): Promise<UploadPage>;
  /** Uploads that the sweeper should look at by now, about `limit` of them. */
  listDue(kind: DueKind, now: number, limit: number): Promise<readonly UploadReference[]>;
}

/** Most that one user may hold. */
export type QuotaLimits = Pick<UploadRules, "maximumBytesPerUser" | "maximumOpenUploadsPerUser">;

/** What became of a reservation. "repeated": this request id has been used before, for `record`. */
export type Reservation =
  | { readonly kind: "reserved" }
  | { readonly kind: "repeated"; readonly record: UploadRecord }
  | { readonly kind: "quotaExceeded" };

/** Whose upload it is. */
export interface UploadReference {
  readonly caller: Caller;
  readonly uploadId: string;
}

/** Which uploads to list. */
export interface ListQuery {
  /** Any of these states. */
  readonly states: readonly UploadState[];
  readonly limit: number;
  /** Lists those older than this upload id. */
  readonly after?: string;
}

/** A page of uploads. */
export interface UploadPage {
  readonly records: readonly UploadRecord[];
  /** Where the next page begins; left out at the end. */
  readonly next?: string;
}

/** The bucket. Throws TryAgainError when S3 fails or throttles. */
export interface ObjectStore {
  /** Begins a multipart upload and returns its id. */
  create(record: UploadRecord): Promise<string>;
  /** The parts S3 holds, ascending; undefined when S3 no longer knows the upload. */
  listParts(record: UploadRecord): Promise<readonly FinishedPart[] | undefined>;
  complete(record: UploadRecord, parts: readonly CompletedPart[], checksum: string): Promise<Completion>;
  /** Removes the upload with its parts; "gone" when S3 no longer knows it. Can be repeated. */
  abort(record: UploadRecord): Promise<"aborted" | "gone">;
  /** The object that this very upload has become; undefined when there is none. */
  findObject(record: UploadRecord): Promise<StoredObject | undefined>;
}

/** How S3 answered a completion. */
export type Completion =
  | ({ readonly kind: "stored" } & StoredObject)
  | { readonly kind: "gone" | "partsMismatch" | "checksumMismatch" | "alreadyExists" | "conflict" };

/** The event bus. Rejects when the event was not taken. */
export interface EventSink {
  publish(record: UploadRecord, kind: PendingEvent): Promise<void>;
}
