// What IAM is asked about a request: the action, the table or index, and DynamoDB's condition keys.
import { AwsError } from "../core/errors";
import { isJsonObject, type JsonObject, textOf } from "../core/json-api";
import type { GatewayCall } from "../core/service";
import type { CheckedRequest, Item, StoredTable } from "./engine";
import { type Table, tableArn, type Tables } from "./tables";

/** A table that a request names, whether it exists or not. */
export interface TableReference {
  readonly name: string;
  readonly arn: string;
  readonly accountId: string;
  readonly region: string;
  readonly table: Table | undefined;
}

const TABLE_ARN = /^arn:aws:dynamodb:([a-z0-9-]+):(\d{12}):table\/([^/]+)$/;

/** Resolves a table name (in the caller's account) or a table ARN. */
export function resolveTable(tables: Tables, nameOrArn: string, call: GatewayCall): TableReference {
  const [, arnRegion, arnAccount, arnName] = TABLE_ARN.exec(nameOrArn) ?? [];
  const region = arnRegion ?? call.region;
  const accountId = arnAccount ?? call.principal.accountId;
  const name = arnName ?? nameOrArn;
  const arn = tableArn(accountId, region, name);
  return { name, arn, accountId, region, table: tables.find(arn) };
}

/** The table, or ResourceNotFoundException. */
export function existing(reference: TableReference): Table {
  if (reference.table) return reference.table;
  throw new AwsError("ResourceNotFoundException", `Requested resource not found: Table: ${reference.name} not found`);
}

/** Asks for permission on a table, or on one of its indexes. */
export function authorize(
  call: GatewayCall,
  reference: TableReference,
  operation: string,
  context: Readonly<Record<string, string | readonly string[]>>,
  indexName?: string,
): void {
  const resource = indexName ? `${reference.arn}/index/${indexName}` : reference.arn;
  call.authorize({
    action: `dynamodb:${operation}`,
    resource,
    resourceAccountId: reference.accountId,
    context,
  });
}

/**
 * Condition keys of checked requests to one table: `dynamodb:LeadingKeys` (values of the partition key),
 * `dynamodb:Attributes` (top-level attributes touched), `dynamodb:Select`, `dynamodb:ReturnValues`,
 * `dynamodb:ReturnConsumedCapacity`, `dynamodb:EnclosingOperation`.
 */
export function conditionKeys(
  operation: string,
  requests: readonly CheckedRequest[],
  table: StoredTable | undefined,
  enclosing?: string,
): Readonly<Record<string, string | readonly string[]>> {
  const first = requests[0] ?? {};
  const keys: Record<string, string | readonly string[]> = {};
  const leading = requests.flatMap((request) => leadingKeys(request, table));
  const attributes = new Set(requests.flatMap(attributesOf));
  if (leading.length > 0) keys["dynamodb:LeadingKeys"] = [...new Set(leading)];
  if (attributes.size > 0) keys["dynamodb:Attributes"] = [...attributes];
  if (["GetItem", "BatchGetItem", "Query", "Scan"].includes(operation)) keys["dynamodb:Select"] = selectOf(first);
  if (["PutItem", "UpdateItem", "DeleteItem"].includes(operation)) {
    keys["dynamodb:ReturnValues"] = textOf(first, "ReturnValues") ?? "NONE";
  }
  const capacity = textOf(first, "ReturnConsumedCapacity");
  if (capacity) keys["dynamodb:ReturnConsumedCapacity"] = capacity;
  if (enclosing) keys["dynamodb:EnclosingOperation"] = enclosing;
  return keys;
}

/** The partition key's name: that of the index when the request names one. */
function hashAttribute(request: CheckedRequest, table: StoredTable | undefined): string | undefined {
  const indexes = [...(table?.GlobalSecondaryIndexes ?? []), ...(table?.LocalSecondaryIndexes ?? [])];
  const index = indexes.find(({ IndexName }) => IndexName === request.IndexName);
  return (index ?? table)?.KeySchema.find(({ KeyType }) => KeyType === "HASH")?.AttributeName;
}

function leadingKeys(request: CheckedRequest, table: StoredTable | undefined): readonly string[] {
  const name = hashAttribute(request, table);
  if (!name) return [];
  const item = (request.Item ?? request.Key) as Item | undefined;
  if (item) return valueText(item[name]);
  const condition = objectOf(objectOf(request.KeyConditions)[name]);
  const values = condition.AttributeValueList;
  return Array.isArray(values) ? values.flatMap(valueText) : [];
}

function valueText(value: unknown): readonly string[] {
  return isJsonObject(value) ? Object.values(value).filter((text) => typeof text === "string") : [];
}

function objectOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

function attributesOf(request: CheckedRequest): readonly string[] {
  const named = ["Item", "Key", "AttributeUpdates", "Expected", "KeyConditions", "QueryFilter", "ScanFilter"];
  const names = named.flatMap((member) => Object.keys(objectOf(request[member])));
  for (const member of ["_condition", "_filter"]) {
    names.push(...Object.keys(objectOf(objectOf(request[member]).pathHeads)));
  }
  for (const member of ["_updates", "_projection"]) names.push(...heads(objectOf(request[member]).paths));
  names.push(...heads(request.AttributesToGet));
  for (const section of listOf(objectOf(request._updates).sections)) names.push(...valuePaths(objectOf(section).val));
  return names;
}

/** Attributes that an update expression reads: `SET a = b + :x` touches b too. */
function valuePaths(value: unknown): readonly string[] {
  if (Array.isArray(value)) return typeof value[0] === "string" ? [value[0]] : [];
  return isJsonObject(value) ? listOf(value.args).flatMap(valuePaths) : [];
}

function heads(paths: unknown): readonly string[] {
  return listOf(paths).map((path) => String(Array.isArray(path) ? path[0] : path));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function selectOf(request: CheckedRequest): string {
  const select = textOf(request, "Select");
  if (select) return select;
  if (request._projection || request.AttributesToGet) return "SPECIFIC_ATTRIBUTES";
  return request.IndexName ? "ALL_PROJECTED_ATTRIBUTES" : "ALL_ATTRIBUTES";
}
