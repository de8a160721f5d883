// The upload store on Amazon DynamoDB. Every change is one conditional write or one transaction.
import type { Caller } from "../shared/identity";
import { TryAgainError } from "../shared/errors";
import { namesOf } from "../shared/expression-names";
import { UPLOAD_TABLE } from "./contract";
import type { DynamoTable, RowPage, RowUpdate } from "./dynamo-table";
import type { ListQuery, QuotaLimits, Reservation, UploadPage, UploadReference, UploadStore } from "./ports";
import * as rows from "./rows";
import { applyTransition, type DueKind, type Transition, type UploadRecord } from "./upload";

/** A request id is remembered this long; shorter than RETENTION_MS, so that its upload is there as long as it is. */
const REQUEST_MEMORY_SECONDS = 24 * 3600;
/** Rows read per page and pages read per call of `list`: with a rare state, a page may come back short and with a cursor. */
const LIST_PAGE_ROWS = 100;
const LIST_PAGES = 10;

const { partitionKey, sortKey, timeToLive, dueIndex } = UPLOAD_TABLE;
const ABSENT = `attribute_not_exists(#${partitionKey})`;

/** See UploadStore. */
export class DynamoUploadStore implements UploadStore {
  constructor(private readonly table: DynamoTable) {}

  async find(caller: Caller, uploadId: string): Promise<UploadRecord | undefined> {
    const row = await this.table.get(rows.uploadKey(caller, uploadId));
    return row && rows.toRecord(row);
  }

  async reserve(record: UploadRecord, requestId: string, limits: QuotaLimits, now: number): Promise<Reservation> {
    const request = rows.requestKey(record, requestId);
    const nowSeconds = Math.floor(now / 1000);
    const expiry = { [timeToLive]: { N: String(nowSeconds + REQUEST_MEMORY_SECONDS) } };
    const failed = await this.table.transact([
      {
        put: {
          item: { ...request, uploadId: { S: record.uploadId }, ...expiry },
          // DynamoDB removes expired rows late: one that is past its time counts as gone.
          condition: `${ABSENT} OR #${timeToLive} <= :now`,
          values: { ":now": { N: String(nowSeconds) } },
        },
      },
      {
        put: { item: { ...rows.uploadKey(record, record.uploadId), ...rows.toAttributes(record) }, condition: ABSENT },
      },
      { update: takeFromQuota(record, limits) },
    ]);
    if (failed.length === 0) return { kind: "reserved" };
    return failed.includes(0) ? this.findRepeated(record, request) : { kind: "quotaExceeded" };
  }

  async attach(record: UploadRecord, s3UploadId: string): Promise<boolean> {
    return this.table.update({
      key: rows.uploadKey(record, record.uploadId),
      set: { s3UploadId: { S: s3UploadId } },
      condition: "#state = :open AND attribute_not_exists(#s3UploadId)",
      values: { ":open": { S: "open" } },
    });
  }

  async transition(record: UploadRecord, transition: Transition): Promise<UploadRecord | undefined> {
    const update = renderTransition(record, transition);
    const { release } = transition;
    if (!release) return (await this.table.update(update)) ? applyTransition(record, transition) : undefined;
    const quota = {
      key: rows.quotaKey(record),
      add: { bytes: -release.bytes, openUploads: -release.openUploads },
    };
    const failed = await this.table.transact([{ update }, { update: quota }]);
    return failed.length === 0 ? applyTransition(record, transition) : undefined;
  }

  async settle(record: UploadRecord, finished: boolean): Promise<void> {
    await this.table.update({
      key: rows.uploadKey(record, record.uploadId),
      remove: ["pendingEvent", ...(finished ? [dueIndex.partitionKey, dueIndex.sortKey] : [])],
      condition: "#state = :state",
      values: { ":state": { S: record.state } },
    });
  }

  async list(caller: Caller, { states, limit, after }: ListQuery): Promise<UploadPage> {
    const records: UploadRecord[] = [];
    let startKey = after === undefined ? undefined : rows.uploadKey(caller, after);
    for (let page = 0; page < LIST_PAGES; page++) {
      const { rows: found, lastKey }: RowPage = await this.table.query(renderListQuery(caller, states, startKey));
      records.push(...found.map(rows.toRecord));
      const last = records[limit - 1];
      if (last && (records.length > limit || lastKey)) return { records: records.slice(0, limit), next: last.uploadId };
      if (!lastKey) return { records };
      startKey = lastKey;
    }
    return startKey ? { records, next: rows.parseUploadKey(startKey).uploadId } : { records };
  }

  async listDue(kind: DueKind, now: number, limit: number): Promise<readonly UploadReference[]> {
    const condition = `#${dueIndex.partitionKey} = :shard AND #${dueIndex.sortKey} <= :now`;
    const shards = Array.from({ length: rows.DUE_SHARDS }, (_, shard) =>
      this.table.query({
        IndexName: dueIndex.name,
        KeyConditionExpression: condition,
        ...namesOf(condition),
        ExpressionAttributeValues: { ":shard": rows.dueShard(kind, shard), ":now": { S: new Date(now).toISOString() } },
        Limit: Math.ceil(limit / rows.DUE_SHARDS),
      }),
    );
    const pages = await Promise.all(shards);
    return pages.flatMap((page) => page.rows.map(rows.parseUploadKey));
  }

  private async findRepeated(caller: Caller, request: rows.Row): Promise<Reservation> {
    const uploadId = (await this.table.get(request))?.uploadId;
    const record = uploadId && "S" in uploadId ? await this.find(caller, uploadId.S) : undefined;
    // Expired between the two reads: the next attempt starts afresh.
    if (!record) throw new TryAgainError();
    return { kind: "repeated", record };
  }
}

function takeFromQuota(record: UploadRecord, limits: QuotaLimits): RowUpdate {
  // Conditions know no arithmetic: what may be there before is computed here.
  const bytesBefore = limits.maximumBytesPerUser - record.size;
  const openBefore = limits.maximumOpenUploadsPerUser - 1;
  return {
    key: rows.quotaKey(record),
    add: { bytes: record.size, openUploads: 1 },
    condition: `${isAtMost("bytes", bytesBefore)} AND ${isAtMost("openUploads", openBefore)}`,
    values: { ":bytes": { N: String(bytesBefore) }, ":openUploads": { N: String(openBefore) } },
  };
}

/** A missing counter is 0; against a negative bound no counter passes. */
function isAtMost(name: string, bound: number): string {
  return bound < 0 ? `#${name} <= :${name}` : `(attribute_not_exists(#${name}) OR #${name} <= :${name})`;
}

function renderTransition(record: UploadRecord, transition: Transition): RowUpdate {
  const { from, to, release: _release, where = {}, revives, due, ...values } = transition;
  const states = from.map((state, index) => [`:from${index}`, { S: state }] as const);
  const claims = Object.entries(where);
  return {
    key: rows.uploadKey(record, record.uploadId),
    set: {
      state: { S: to },
      ...rows.toAttributes({ ...values, uploadId: record.uploadId }),
      ...(due ? rows.dueAttributes(record.uploadId, due) : {}),
    },
    remove: [
      ...(due === null ? [dueIndex.partitionKey, dueIndex.sortKey] : []),
      ...(revives ? ["expiresAt", "reason"] : []),
    ],
    condition: [
      `#state IN (${states.map(([name]) => name).join(", ")})`,
      ...claims.map(([name, value]) =>
        value === null ? `attribute_not_exists(#${name})` : `#${name} = :where_${name}`,
      ),
    ].join(" AND "),
    values: Object.fromEntries([
      ...states,
      ...claims.flatMap(([name, value]) => (value === null ? [] : [[`:where_${name}`, { S: value }] as const])),
    ]),
  };
}

function renderListQuery(
  caller: Caller,
  states: readonly string[],
  startKey: rows.Row | undefined,
): Record<string, unknown> {
  const names = states.map((_, index) => `:state${index}`);
  const key = `#${partitionKey} = :partition AND begins_with(#${sortKey}, :prefix)`;
  // Without an id of S3 the start is still running or has crashed: nothing that a client could go on with.
  const filter = `#state IN (${names.join(", ")}) AND attribute_exists(#s3UploadId)`;
  return {
    KeyConditionExpression: key,
    FilterExpression: filter,
    ...namesOf(`${key} ${filter}`),
    ExpressionAttributeValues: {
      ":partition": rows.partitionOf(caller),
      ":prefix": rows.UPLOAD_SORT_PREFIX,
      ...Object.fromEntries(states.map((state, index) => [`:state${index}`, { S: state }])),
    },
    ...(startKey ? { ExclusiveStartKey: startKey } : {}),
    ScanIndexForward: false,
    Limit: LIST_PAGE_ROWS,
  };
}
