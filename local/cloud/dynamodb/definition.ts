// From the inputs of a declared table to CreateTable's own input, with the checks of the provider and of DynamoDB.
import { InputReader } from "../core/input-reader";
import type { JsonObject } from "../core/json-api";
import type { PropertyMap } from "../core/resource-model";
import type { TableSettings } from "./tables";

const ATTRIBUTE_TYPES = ["S", "N", "B"];
const PROJECTION_TYPES = ["ALL", "KEYS_ONLY", "INCLUDE"];
const TABLE_CLASSES = ["STANDARD", "STANDARD_INFREQUENT_ACCESS"];
const BILLING_MODES = ["PROVISIONED", "PAY_PER_REQUEST"];
const MAX_GLOBAL_INDEXES = 20;
const MAX_LOCAL_INDEXES = 5;
const MAX_CAPACITY = 1_000_000_000_000;
/** Names of tables and indexes. */
const NAME = /^[a-zA-Z0-9_.-]{3,255}$/;
const NAME_RULE = "3 to 255 letters, digits, '_', '-' or '.'";

const SIMULATED = [
  "name",
  "region",
  "attributes",
  "hashKey",
  "rangeKey",
  "billingMode",
  "readCapacity",
  "writeCapacity",
  "globalSecondaryIndexes",
  "localSecondaryIndexes",
  "ttl",
  "pointInTimeRecovery",
  "serverSideEncryption",
  "deletionProtectionEnabled",
  "streamEnabled",
  "streamViewType",
  "tableClass",
  "tags",
] as const;

/** Checks the inputs of a table. All problems are in the reader afterwards. */
export function checkTable(inputs: PropertyMap): InputReader {
  const reader = new InputReader(inputs);
  reader.allowOnly(...SIMULATED);
  reader.matching("name", NAME, NAME_RULE);
  const hashKey = reader.requiredText("hashKey");
  const rangeKey = reader.text("rangeKey");
  if (hashKey && hashKey === rangeKey) reader.refuse("rangeKey", "must differ from hashKey");
  const used = [hashKey, rangeKey, ...checkGlobalIndexes(reader), ...checkLocalIndexes(reader)];
  checkAttributes(reader, new Set(used.filter((name) => name !== undefined)));
  checkBilling(reader);
  checkExtras(reader);
  return reader;
}

function checkAttributes(reader: InputReader, used: ReadonlySet<string>): void {
  const defined = new Set<string>();
  for (const attribute of reader.list("attributes")) {
    attribute.allowOnly("name", "type");
    const name = attribute.requiredText("name");
    attribute.requiredText("type");
    attribute.choice("type", ATTRIBUTE_TYPES);
    if (name && defined.has(name)) attribute.refuse("name", `is defined twice: ${name}`);
    if (name) defined.add(name);
  }
  const missing = [...used].filter((name) => !defined.has(name));
  if (missing.length > 0) reader.refuse("attributes", `must define the key attributes ${missing.join(", ")}`);
  const unused = [...defined].filter((name) => !used.has(name));
  if (unused.length > 0) {
    reader.refuse("attributes", `must all be keys of the table or of an index; unused: ${unused.join(", ")}`);
  }
}

function checkGlobalIndexes(reader: InputReader): readonly (string | undefined)[] {
  const indexes = reader.list("globalSecondaryIndexes");
  if (indexes.length > MAX_GLOBAL_INDEXES) {
    reader.refuse("globalSecondaryIndexes", `must be at most ${MAX_GLOBAL_INDEXES}, got ${indexes.length}`);
  }
  return indexes.flatMap((index) => {
    index.allowOnly(...INDEX_MEMBERS, "hashKey", "readCapacity", "writeCapacity");
    checkIndex(index);
    return [index.requiredText("hashKey"), index.text("rangeKey")];
  });
}

function checkLocalIndexes(reader: InputReader): readonly (string | undefined)[] {
  const indexes = reader.list("localSecondaryIndexes");
  if (indexes.length > MAX_LOCAL_INDEXES) {
    reader.refuse("localSecondaryIndexes", `must be at most ${MAX_LOCAL_INDEXES}, got ${indexes.length}`);
  }
  if (indexes.length > 0 && !reader.has("rangeKey")) {
    reader.refuse("localSecondaryIndexes", "need a table with a rangeKey");
  }
  return indexes.map((index) => {
    index.allowOnly(...INDEX_MEMBERS);
    checkIndex(index);
    return index.requiredText("rangeKey");
  });
}

const INDEX_MEMBERS = ["name", "rangeKey", "projectionType", "nonKeyAttributes"] as const;

function checkIndex(index: InputReader): void {
  index.requiredText("name");
  index.matching("name", NAME, NAME_RULE);
  index.requiredText("projectionType");
  const projection = index.choice("projectionType", PROJECTION_TYPES);
  const extra = index.texts("nonKeyAttributes");
  if (extra.length > 0 && projection !== "INCLUDE") {
    index.refuse("nonKeyAttributes", `need projectionType INCLUDE, got ${projection ?? "none"}`);
  }
  if (projection === "INCLUDE" && extra.length === 0) index.refuse("nonKeyAttributes", "are required for INCLUDE");
}

function checkBilling(reader: InputReader): void {
  const mode = reader.choice("billingMode", BILLING_MODES) ?? "PROVISIONED";
  checkCapacity(reader, mode);
  for (const index of reader.list("globalSecondaryIndexes")) checkCapacity(index, mode);
}

function checkCapacity(reader: InputReader, mode: string): void {
  for (const name of ["readCapacity", "writeCapacity"]) {
    const value = reader.number(name);
    if (mode === "PAY_PER_REQUEST") {
      if (value) reader.refuse(name, "must be left out when billingMode is PAY_PER_REQUEST");
    } else if (value === undefined) reader.refuse(name, "is required when billingMode is PROVISIONED");
    else reader.integer(name, 1, MAX_CAPACITY);
  }
}

function checkExtras(reader: InputReader): void {
  reader.choice("tableClass", TABLE_CLASSES);
  reader.flag("deletionProtectionEnabled");
  if (reader.flag("streamEnabled") || reader.text("streamViewType")) {
    reader.refuse(
      "streamEnabled",
      "DynamoDB Streams are not simulated by the local run; add them in local/cloud/dynamodb",
    );
  }
  const ttl = reader.nested("ttl");
  ttl?.allowOnly("attributeName", "enabled");
  if (ttl?.flag("enabled") && !ttl.text("attributeName")) ttl.refuse("attributeName", "is required to enable ttl");
  const recovery = reader.nested("pointInTimeRecovery");
  recovery?.allowOnly("enabled", "recoveryPeriodInDays");
  if (recovery && recovery.flag("enabled") === undefined) recovery.refuse("enabled", "is required");
  recovery?.integer("recoveryPeriodInDays", 1, 35);
  const encryption = reader.nested("serverSideEncryption");
  encryption?.allowOnly("enabled", "kmsKeyArn");
  if (encryption && encryption.flag("enabled") === undefined) encryption.refuse("enabled", "is required");
  if (encryption?.text("kmsKeyArn") && !encryption.flag("enabled")) {
    encryption.refuse("kmsKeyArn", "needs enabled: true");
  }
}

/** Input of CreateTable. The inputs have been checked. */
export function createTableInput(inputs: PropertyMap, name: string): JsonObject {
  const reader = new InputReader(inputs);
  const hashKey = reader.text("hashKey");
  const onDemand = reader.text("billingMode") === "PAY_PER_REQUEST";
  const global = reader.list("globalSecondaryIndexes").map((index) => ({
    ...indexInput(index, index.text("hashKey")),
    ...(onDemand ? {} : { ProvisionedThroughput: throughput(index) }),
  }));
  const local = reader.list("localSecondaryIndexes").map((index) => indexInput(index, hashKey));
  return {
    TableName: name,
    AttributeDefinitions: reader.list("attributes").map((attribute) => ({
      AttributeName: attribute.text("name"),
      AttributeType: attribute.text("type"),
    })),
    KeySchema: keySchema(hashKey, reader.text("rangeKey")),
    ...(onDemand ? { BillingMode: "PAY_PER_REQUEST" } : { ProvisionedThroughput: throughput(reader) }),
    ...(global.length > 0 ? { GlobalSecondaryIndexes: global } : {}),
    ...(local.length > 0 ? { LocalSecondaryIndexes: local } : {}),
  };
}

function indexInput(index: InputReader, hashKey: string | undefined): JsonObject {
  const NonKeyAttributes = index.texts("nonKeyAttributes");
  return {
    IndexName: index.text("name"),
    KeySchema: keySchema(hashKey, index.text("rangeKey")),
    Projection: {
      ProjectionType: index.text("projectionType"),
      ...(NonKeyAttributes.length > 0 ? { NonKeyAttributes } : {}),
    },
  };
}

function keySchema(hashKey: string | undefined, rangeKey: string | undefined): readonly JsonObject[] {
  const hash = { AttributeName: hashKey, KeyType: "HASH" };
  return rangeKey ? [hash, { AttributeName: rangeKey, KeyType: "RANGE" }] : [hash];
}

function throughput(reader: InputReader): JsonObject {
  return { ReadCapacityUnits: reader.number("readCapacity"), WriteCapacityUnits: reader.number("writeCapacity") };
}

/** Settings of a table. The inputs have been checked. */
export function tableSettings(inputs: PropertyMap): TableSettings {
  const reader = new InputReader(inputs);
  const ttl = reader.nested("ttl");
  const recovery = reader.nested("pointInTimeRecovery");
  return {
    tableClass: reader.text("tableClass") ?? "STANDARD",
    deletionProtection: reader.flag("deletionProtectionEnabled") ?? false,
    pointInTimeRecovery: recovery?.flag("enabled") ?? false,
    recoveryPeriodDays: recovery?.number("recoveryPeriodInDays") ?? 35,
    kmsKeyArn: reader.nested("serverSideEncryption")?.text("kmsKeyArn"),
    // As in the provider, `enabled` defaults to false.
    ttlAttribute: ttl?.flag("enabled") ? ttl.text("attributeName") : undefined,
  };
}
