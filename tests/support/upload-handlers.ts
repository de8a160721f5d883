// For tests of the upload handlers: events as API Gateway sends them, rules, and a table, bucket and bus in memory. The table in
// memory passes the same contract tests as the one on DynamoDB (tests/handlers/upload/upload-store.test.ts).
import type { APIGatewayProxyEvent } from "aws-lambda";
import { TryAgainError } from "../../handlers/shared/errors";
import type { Caller } from "../../handlers/shared/identity";
import { Log } from "../../handlers/shared/log";
import type { CompletedPart, FinishedPart, UploadRules } from "../../handlers/upload/contract";
import type {
  Completion,
  EventSink,
  ListQuery,
  ObjectStore,
  QuotaLimits,
  Reservation,
  UploadPage,
  UploadReference,
  UploadStore,
} from "../../handlers/upload/ports";
import {
  applyTransition,
  createUploadId,
  type DueKind,
  type PendingEvent,
  type StoredObject,
  type Transition,
  type UploadRecord,
} from "../../handlers/upload/upload";

export const MEBIBYTE = 1024 ** 2;
export const START_TIME = Date.UTC(2026, 0, 1);
/** CRC-64/NVME of nothing; good wherever a well-formed checksum is needed. */
export const CHECKSUM = "AAAAAAAAAAA=";

export const alice: Caller = { tenant: "acme", user: "alice" };
export const mallory: Caller = { tenant: "acme", user: "mallory" };

/** Rules that let ordinary uploads pass. */
export function createRules(changes: Partial<UploadRules> = {}): UploadRules {
  return {
    maximumFileBytes: 1024 * MEBIBYTE,
    maximumBytesPerUser: 4096 * MEBIBYTE,
    maximumOpenUploadsPerUser: 10,
    allowedContentTypes: ["video/*", "image/png", "text/plain"],
    allowedExtensions: [],
    verifyFirstBytes: false,
    urlExpirySeconds: 300,
    signWindow: 100,
    minimumPartBytes: 5 * MEBIBYTE,
    abandonAfterSeconds: 24 * 3600,
    allowOverwrite: false,
    acceleration: false,
    dualStack: false,
    tenantClaim: "custom:tenant",
    serverSideEncryption: "AES256",
    ...changes,
  };
}

/** A row of an open upload of 12 MiB in three parts. */
export function createRecord(changes: Partial<UploadRecord> = {}): UploadRecord {
  const abandonAt = new Date(START_TIME + 24 * 3600 * 1000).toISOString();
  return {
    ...alice,
    uploadId: createUploadId(START_TIME, (count) => Buffer.alloc(count, 7)),
    fileName: "holiday.mp4",
    size: 12 * MEBIBYTE,
    contentType: "video/mp4",
    partSize: 5 * MEBIBYTE,
    partCount: 3,
    key: "uploads/acme/alice/1/holiday.mp4",
    createdAt: new Date(START_TIME).toISOString(),
    abandonAt,
    state: "open",
    s3UploadId: "s3-upload",
    due: { kind: "unfinished", at: abandonAt },
    ...changes,
  };
}

/** An event of API Gateway's Lambda proxy integration, from a signed-in user. */
export function createEvent(changes: Partial<APIGatewayProxyEvent> = {}): APIGatewayProxyEvent {
  return {
    resource: "/uploads",
    path: "/uploads",
    httpMethod: "POST",
    headers: { origin: "https://app.example.com" },
    multiValueHeaders: {},
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    pathParameters: null,
    stageVariables: null,
    requestContext: createRequestContext({ claims: { sub: "alice", "custom:tenant": "acme" } }),
    body: null,
    isBase64Encoded: false,
    ...changes,
  };
}

/** The context of a request; without an argument, of one that nobody vouches for. */
export function createRequestContext(
  authorizer?: APIGatewayProxyEvent["requestContext"]["authorizer"],
  identity: Partial<APIGatewayProxyEvent["requestContext"]["identity"]> = {},
): APIGatewayProxyEvent["requestContext"] {
  return {
    accountId: "123456789012",
    apiId: "api",
    authorizer,
    protocol: "HTTP/1.1",
    httpMethod: "POST",
    identity: {
      accessKey: null,
      accountId: null,
      apiKey: null,
      apiKeyId: null,
      caller: null,
      clientCert: null,
      cognitoAuthenticationProvider: null,
      cognitoAuthenticationType: null,
      cognitoIdentityId: null,
      cognitoIdentityPoolId: null,
      principalOrgId: null,
      sourceIp: "10.0.0.1",
      user: null,
      userAgent: null,
      userArn: null,
      ...identity,
    },
    path: "/dev/uploads",
    stage: "dev",
    requestId: "request-1",
    requestTimeEpoch: START_TIME,
    resourceId: "resource",
    resourcePath: "/uploads",
  };
}

/** A log whose lines a test can read. */
export function createTestLog(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  return { lines, log: new Log({ requestId: "request-1" }, (line) => lines.push(line)) };
}

/** The table in memory. */
export class MemoryUploadStore implements UploadStore {
  readonly records = new Map<string, UploadRecord>();
  readonly quotas = new Map<string, { bytes: number; openUploads: number }>();
  private readonly requests = new Map<string, { uploadId: string; expiresAt: number }>();
  /** Called with the name of every operation before it does anything; throws to let it fail. */
  before: (operation: keyof UploadStore) => void = () => undefined;

  /** Adds a row as it stands, and what it takes from the quota while it is unfinished. */
  add(record: UploadRecord): UploadRecord {
    this.records.set(rowName(record, record.uploadId), record);
    this.changeQuota(record, record.size, 1);
    return record;
  }

  /** Puts a row in the place of the one with its key; the quota stays. */
  replace(record: UploadRecord): void {
    this.records.set(rowName(record, record.uploadId), record);
  }

  /** The row as it stands. */
  get(record: Pick<UploadRecord, "tenant" | "user" | "uploadId">): UploadRecord | undefined {
    return this.records.get(rowName(record, record.uploadId));
  }

  async find(caller: Caller, uploadId: string): Promise<UploadRecord | undefined> {
    this.before("find");
    return this.records.get(rowName(caller, uploadId));
  }

  async reserve(record: UploadRecord, requestId: string, limits: QuotaLimits, now: number): Promise<Reservation> {
    this.before("reserve");
    const request = this.requests.get(rowName(record, requestId));
    if (request && request.expiresAt > now / 1000) {
      const repeated = this.records.get(rowName(record, request.uploadId));
      if (!repeated) throw new TryAgainError();
      return { kind: "repeated", record: repeated };
    }
    const quota = this.quotas.get(ownerName(record)) ?? { bytes: 0, openUploads: 0 };
    if (quota.bytes + record.size > limits.maximumBytesPerUser) return { kind: "quotaExceeded" };
    if (quota.openUploads >= limits.maximumOpenUploadsPerUser) return { kind: "quotaExceeded" };
    this.requests.set(rowName(record, requestId), { uploadId: record.uploadId, expiresAt: now / 1000 + 24 * 3600 });
    this.add(record);
    return { kind: "reserved" };
  }

  async attach(record: UploadRecord, s3UploadId: string): Promise<boolean> {
    this.before("attach");
    const current = this.get(record);
    if (current?.state !== "open" || current.s3UploadId !== undefined) return false;
    this.records.set(rowName(record, record.uploadId), { ...current, s3UploadId });
    return true;
  }

  async transition(record: UploadRecord, transition: Transition): Promise<UploadRecord | undefined> {
    this.before("transition");
    const current = this.get(record);
    if (!current || !transition.from.includes(current.state)) return undefined;
    for (const [name, value] of Object.entries(transition.where ?? {})) {
      if ((current[name as "attempt" | "claimedAt"] ?? null) !== value) return undefined;
    }
    this.records.set(rowName(record, record.uploadId), applyTransition(current, transition));
    if (transition.release) this.changeQuota(record, -transition.release.bytes, -transition.release.openUploads);
    return applyTransition(record, transition);
  }

  async settle(record: UploadRecord, finished: boolean): Promise<void> {
    this.before("settle");
    const current = this.get(record);
    if (current?.state !== record.state) return;
    const { pendingEvent: _event, due, ...rest } = current;
    this.records.set(rowName(record, record.uploadId), { ...rest, ...(due && !finished ? { due } : {}) });
  }

  async list(caller: Caller, { states, limit, after }: ListQuery): Promise<UploadPage> {
    this.before("list");
    const matching = [...this.records.values()]
      .filter((record) => ownerName(record) === ownerName(caller) && states.includes(record.state))
      .filter((record) => record.s3UploadId !== undefined && (after === undefined || record.uploadId < after))
      .sort((first, second) => (first.uploadId < second.uploadId ? 1 : -1));
    const records = matching.slice(0, limit);
    const last = records.at(-1);
    return matching.length > limit && last ? { records, next: last.uploadId } : { records };
  }

  async listDue(kind: DueKind, now: number, limit: number): Promise<readonly UploadReference[]> {
    this.before("listDue");
    return [...this.records.values()]
      .filter(({ due }) => due?.kind === kind && due.at <= new Date(now).toISOString())
      .slice(0, limit)
      .map(({ tenant, user, uploadId }) => ({ caller: { tenant, user }, uploadId }));
  }

  private changeQuota(caller: Caller, bytes: number, openUploads: number): void {
    const quota = this.quotas.get(ownerName(caller)) ?? { bytes: 0, openUploads: 0 };
    this.quotas.set(ownerName(caller), {
      bytes: quota.bytes + bytes,
      openUploads: quota.openUploads + openUploads,
    });
  }
}

/** Key of a user in `MemoryUploadStore.quotas`. */
export function ownerName({ tenant, user }: Caller): string {
  return `${tenant}/${user}`;
}

function rowName(caller: Caller, id: string): string {
  return `${ownerName(caller)}/${id}`;
}

/** The bucket in memory: knows which uploads are open and which have become objects. */
export class MemoryObjectStore implements ObjectStore {
  readonly open = new Set<string>();
  readonly objects = new Map<string, StoredObject>();
  /** Every call, as "operation s3UploadId". */
  readonly calls: string[] = [];
  parts: readonly FinishedPart[] = [];
  /** Answer of the next completions; left out: stored. */
  completion: Completion | undefined;
  /** Called with the name of every operation before it does anything; throws to let it fail. */
  before: (operation: keyof ObjectStore) => void = () => undefined;
  /** Called after an operation has taken effect; throws to lose the answer. */
  after: (operation: keyof ObjectStore) => void = () => undefined;
  private created = 0;

  async create(record: UploadRecord): Promise<string> {
    this.enter("create", record);
    const id = `s3-upload-${++this.created}`;
    this.open.add(id);
    this.after("create");
    return id;
  }

  async listParts(record: UploadRecord): Promise<readonly FinishedPart[] | undefined> {
    this.enter("listParts", record);
    return this.open.has(idOf(record)) ? this.parts : undefined;
  }

  async complete(record: UploadRecord, _parts: readonly CompletedPart[], checksum: string): Promise<Completion> {
    this.enter("complete", record);
    if (this.completion) return this.completion;
    if (!this.open.delete(idOf(record))) return { kind: "gone" };
    const object = { versionId: "version-1", checksum };
    this.objects.set(record.uploadId, object);
    this.after("complete");
    return { kind: "stored", ...object };
  }

  async abort(record: UploadRecord): Promise<"aborted" | "gone"> {
    this.enter("abort", record);
    return this.open.delete(idOf(record)) ? "aborted" : "gone";
  }

  async findObject(record: UploadRecord): Promise<StoredObject | undefined> {
    this.enter("findObject", record);
    return this.objects.get(record.uploadId);
  }

  private enter(operation: keyof ObjectStore, record: UploadRecord): void {
    this.before(operation);
    this.calls.push(`${operation} ${idOf(record)}`.trim());
  }
}

function idOf({ s3UploadId = "" }: UploadRecord): string {
  return s3UploadId;
}

/** The bus in memory. */
export class MemoryEventSink implements EventSink {
  readonly published: { readonly uploadId: string; readonly kind: PendingEvent; readonly record: UploadRecord }[] = [];
  /** Thrown by `publish` while it is set. */
  failure: Error | undefined;

  async publish(record: UploadRecord, kind: PendingEvent): Promise<void> {
    if (this.failure) throw this.failure;
    this.published.push({ uploadId: record.uploadId, kind, record });
  }
}

/** Throws a given number of times, then no more: for `before` and `after`. */
export function failing(operation: string, times = 1, error: Error = new Error("crashed")): (name: string) => void {
  let left = times;
  return (name) => {
    if (name === operation && left-- > 0) throw error;
  };
}
