// Rows of the table: their keys, and records as DynamoDB attributes and back.
import type { Caller } from "../shared/identity";
import { UPLOAD_TABLE } from "./contract";
import type { UploadReference } from "./ports";
import type { Due, DueKind, UploadRecord } from "./upload";

/** A DynamoDB attribute value; rows here hold strings and numbers only. */
export type AttributeValue = { readonly S: string } | { readonly N: string };
/** A row as DynamoDB sends it. */
export type Row = Readonly<Record<string, AttributeValue>>;

const { partitionKey, sortKey, dueIndex } = UPLOAD_TABLE;
const UPLOAD_PREFIX = "UPLOAD#";
/** One value of the index key takes 1,000 writes/s; uploads are spread over this many. */
export const DUE_SHARDS = 4;

/** Key of an upload's row. */
export function uploadKey(caller: Caller, uploadId: string): Row {
  return rowKey(caller, `${UPLOAD_PREFIX}${uploadId}`);
}

/** Key of the row that counts a user's bytes (`bytes`) and unfinished uploads (`openUploads`). */
export function quotaKey(caller: Caller): Row {
  return rowKey(caller, "QUOTA");
}

/** Key of the row that remembers a request id. */
export function requestKey(caller: Caller, requestId: string): Row {
  return rowKey(caller, `REQUEST#${requestId}`);
}

/** Value of the partition key that a user's rows share. Segments of a Caller hold no "#". */
export function partitionOf({ tenant, user }: Caller): AttributeValue {
  return { S: `USER#${tenant}#${user}` };
}

/** What the sort keys of upload rows begin with. */
export const UPLOAD_SORT_PREFIX: AttributeValue = { S: UPLOAD_PREFIX };

/** Reads the keys of an upload's row, from the index say. */
export function parseUploadKey(row: Row): UploadReference {
  const [, tenant = "", user = ""] = readText(row, partitionKey).split("#");
  return { caller: { tenant, user }, uploadId: readText(row, sortKey).slice(UPLOAD_PREFIX.length) };
}

/** Attributes of a record, keys excluded. */
export function toAttributes(record: Partial<UploadRecord> & Pick<UploadRecord, "uploadId">): Row {
  const { due, tenant: _tenant, user: _user, ...values } = record;
  const attributes: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(values)) {
    attributes[name] = typeof value === "number" ? { N: String(value) } : { S: value };
  }
  return due ? { ...attributes, ...dueAttributes(record.uploadId, due) } : attributes;
}

/** The index attributes by which the sweeper finds a row. */
export function dueAttributes(uploadId: string, due: Due): Row {
  const shard = Number.parseInt(uploadId.slice(-1), 16) % DUE_SHARDS;
  return { [dueIndex.partitionKey]: dueShard(due.kind, shard), [dueIndex.sortKey]: { S: due.at } };
}

/** Value of the index's partition key. */
export function dueShard(kind: DueKind, shard: number): AttributeValue {
  return { S: `${kind}#${shard}` };
}

/** Reads an upload's row. */
export function toRecord(row: Row): UploadRecord {
  const {
    [partitionKey]: _pk,
    [sortKey]: _sk,
    [dueIndex.partitionKey]: shard,
    [dueIndex.sortKey]: at,
    ...attributes
  } = row;
  const values = Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, "N" in value ? Number(value.N) : value.S]),
  );
  const due = shard && at && "S" in shard && "S" in at ? { due: { kind: shard.S.split("#")[0], at: at.S } } : {};
  // The table is written by this file alone, through `toAttributes`.
  return { ...values, ...parseUploadKey(row).caller, ...due } as unknown as UploadRecord;
}

function rowKey(caller: Caller, sort: string): Row {
  return { [partitionKey]: partitionOf(caller), [sortKey]: { S: sort } };
}

function readText(row: Row, name: string): string {
  const value = row[name];
  return value && "S" in value ? value.S : "";
}
