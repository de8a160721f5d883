// Single items and batches: PutItem, UpdateItem, DeleteItem, GetItem, Query, Scan, BatchGetItem, BatchWriteItem.
import { AwsError } from "../core/errors";
import { isJsonObject, type JsonObject, objectsOf, requiredText, textOf } from "../core/json-api";
import type { GatewayCall } from "../core/service";
import type { CheckedRequest, Engine, EngineAction } from "./engine";
import { authorize, conditionKeys, existing, resolveTable, type TableReference } from "./requests";
import type { Table, Tables } from "./tables";

const READS = { GetItem: "getItem", Query: "query", Scan: "scan" } as const;
const WRITES = { PutItem: "putItem", UpdateItem: "updateItem", DeleteItem: "deleteItem" } as const;

/** A request that has passed the static checks and IAM, on a table that exists. */
export interface PreparedRequest {
  readonly table: Table;
  readonly data: CheckedRequest;
}

/** Checks a single-table request, asks IAM, finds the table. */
export async function prepare(
  tables: Tables,
  call: GatewayCall,
  input: JsonObject,
  request: { action: EngineAction; operation: string; enclosing?: string },
): Promise<PreparedRequest> {
  const reference = resolveTable(tables, requiredText(input, "TableName"), call);
  const engine = await tables.engine(reference.accountId, reference.region);
  const data = engine.check(request.action, { ...input, TableName: reference.name });
  const context = conditionKeys(request.operation, [data], reference.table?.stored, request.enclosing);
  if (!request.enclosing) call.describe({ resource: reference.arn });
  authorize(call, reference, request.operation, context, textOf(data, "IndexName"));
  return { table: existing(reference), data };
}

/** GetItem, Query, Scan. */
export async function read(
  tables: Tables,
  call: GatewayCall,
  operation: keyof typeof READS,
  input: JsonObject,
): Promise<JsonObject> {
  const action = READS[operation];
  const { table, data } = await prepare(tables, call, input, { action, operation });
  return table.engine.run(action, data);
}

/** PutItem, UpdateItem, DeleteItem. */
export async function write(
  tables: Tables,
  call: GatewayCall,
  operation: keyof typeof WRITES,
  input: JsonObject,
): Promise<JsonObject> {
  const action = WRITES[operation];
  const { table, data } = await prepare(tables, call, input, { action, operation });
  return tables.locks.write(lockKey(table, data), async () => {
    const before = wantsOldItem(input) ? await currentItem(table, data) : undefined;
    try {
      return await table.engine.run(action, data);
    } catch (error) {
      if (!before || !(error instanceof AwsError) || error.code !== "ConditionalCheckFailedException") throw error;
      throw new AwsError(error.code, error.message, error.statusCode, { ...error.fields, Item: before });
    }
  });
}

/** Identity of an item among all tables. */
export function lockKey(table: Table, data: CheckedRequest): string {
  return `${table.arn}|${table.engine.keyOf(table.stored, data)}`;
}

/** Whether a failed condition is to answer with the item as it is. */
export function wantsOldItem(input: JsonObject): boolean {
  const wish = textOf(input, "ReturnValuesOnConditionCheckFailure") ?? "NONE";
  if (wish !== "NONE" && wish !== "ALL_OLD") {
    throw new AwsError(
      "ValidationException",
      `1 validation error detected: Value '${wish}' at 'returnValuesOnConditionCheckFailure' failed to satisfy ` +
        "constraint: Member must satisfy enum value set: [ALL_OLD, NONE]",
    );
  }
  return wish === "ALL_OLD";
}

/** The item that a checked request names, as it is now. */
export function currentItem(table: Table, data: CheckedRequest): ReturnType<Engine["read"]> {
  const source = (data.Item ?? data.Key) as Parameters<Engine["read"]>[1];
  const names = table.stored.KeySchema.map(({ AttributeName }) => AttributeName);
  const key = Object.fromEntries(names.map((name) => [name, source[name] ?? {}]));
  return table.engine.read(table.name, key);
}

interface BatchEntry {
  /** As the request names the table: a name or an ARN. The answer uses the same. */
  readonly requested: string;
  readonly reference: TableReference;
}

/** Tables of a batch, all of the same account and Region. */
function batchTables(tables: Tables, call: GatewayCall, items: JsonObject): readonly BatchEntry[] {
  const entries = Object.keys(items).map((name) => ({ requested: name, reference: resolveTable(tables, name, call) }));
  const places = new Set(entries.map(({ reference }) => `${reference.accountId}/${reference.region}`));
  if (places.size > 1) {
    throw new AwsError("ValidationException", "All tables of a batch must be in one account and Region");
  }
  return entries;
}

async function prepareBatch(
  tables: Tables,
  call: GatewayCall,
  action: "batchGetItem" | "batchWriteItem",
  input: JsonObject,
): Promise<{ entries: readonly BatchEntry[]; engine: Engine; data: CheckedRequest }> {
  const items = isJsonObject(input.RequestItems) ? input.RequestItems : {};
  const entries = batchTables(tables, call, items);
  const place = entries[0]?.reference ?? { accountId: call.principal.accountId, region: call.region };
  const engine = await tables.engine(place.accountId, place.region);
  const byName = entries.map(({ requested, reference }) => [reference.name, items[requested]] as const);
  const data = engine.check(action, { ...input, RequestItems: Object.fromEntries(byName) });
  const operation = action === "batchGetItem" ? "BatchGetItem" : "BatchWriteItem";
  for (const { reference } of entries) {
    const requests = batchRequests(data, reference.name);
    authorize(call, reference, operation, conditionKeys(operation, requests, reference.table?.stored));
  }
  call.describe({ resource: entries.map(({ reference }) => reference.arn).join(", ") });
  for (const { reference } of entries) existing(reference);
  return { entries, engine, data };
}

/** The requests of a checked batch to one table, in the shape of single requests. */
function batchRequests(data: CheckedRequest, table: string): readonly CheckedRequest[] {
  const items = (data.RequestItems as JsonObject)[table];
  if (Array.isArray(items))
    return items.map((entry: JsonObject) => (entry.PutRequest ?? entry.DeleteRequest) as CheckedRequest);
  return isJsonObject(items) ? objectsOf(items, "Keys").map((Key) => ({ ...items, Key })) : [];
}

/** BatchGetItem. */
export async function batchGet(tables: Tables, call: GatewayCall, input: JsonObject): Promise<JsonObject> {
  const { entries, engine, data } = await prepareBatch(tables, call, "batchGetItem", input);
  return renameTables(await engine.run("batchGetItem", data), entries);
}

/** BatchWriteItem. Nothing stays unprocessed: writes wait for transactions on their items. */
export async function batchWrite(tables: Tables, call: GatewayCall, input: JsonObject): Promise<JsonObject> {
  const { entries, engine, data } = await prepareBatch(tables, call, "batchWriteItem", input);
  const keys = entries.flatMap(({ reference }) =>
    batchRequests(data, reference.name).map((request) => lockKey(existing(reference), request)),
  );
  const result = await tables.locks.afterTransactions(keys, () => engine.run("batchWriteItem", data));
  return renameTables(result, entries);
}

/** Answers name a table as the request did. */
function renameTables(result: JsonObject, entries: readonly BatchEntry[]): JsonObject {
  const names = new Map(entries.map(({ requested, reference }) => [reference.name, requested]));
  const rename = (value: unknown): unknown =>
    isJsonObject(value)
      ? Object.fromEntries(Object.entries(value).map(([name, item]) => [names.get(name) ?? name, item]))
      : value;
  const members = ["Responses", "UnprocessedKeys", "UnprocessedItems"];
  return Object.fromEntries(
    Object.entries(result).map(([member, value]) => [member, members.includes(member) ? rename(value) : value]),
  );
}
