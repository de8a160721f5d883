// Operations about tables: DescribeTable, ListTables, DescribeTimeToLive, DescribeContinuousBackups, DeleteTable.
import { AwsError } from "../core/errors";
import { isJsonObject, type JsonObject, numberOf, requiredText, textOf } from "../core/json-api";
import type { CloudContext, GatewayCall } from "../core/service";
import { authorize, existing, resolveTable } from "./requests";
import type { Table, Tables } from "./tables";

/** The table that a request names, once IAM has agreed. */
function allowedTable(tables: Tables, call: GatewayCall, input: JsonObject, operation: string): Table {
  const reference = resolveTable(tables, requiredText(input, "TableName"), call);
  call.describe({ resource: reference.arn });
  authorize(call, reference, operation, {});
  return existing(reference);
}

/** DescribeTable. */
export async function describeTable(tables: Tables, call: GatewayCall, input: JsonObject): Promise<JsonObject> {
  const table = allowedTable(tables, call, input, "DescribeTable");
  const { Table: stored } = await table.engine.run("describeTable", { TableName: table.name });
  return { Table: { ...(isJsonObject(stored) ? stored : {}), ...settingsOf(table) } };
}

function settingsOf({ settings }: Table): JsonObject {
  const sse = settings.kmsKeyArn
    ? { SSEDescription: { Status: "ENABLED", SSEType: "KMS", KMSMasterKeyArn: settings.kmsKeyArn } }
    : {};
  return {
    DeletionProtectionEnabled: settings.deletionProtection,
    TableClassSummary: { TableClass: settings.tableClass },
    ...sse,
  };
}

/** ListTables, 100 at a time. */
export function listTables(tables: Tables, call: GatewayCall, input: JsonObject): JsonObject {
  const { accountId } = call.principal;
  call.authorize({ action: "dynamodb:ListTables", resource: "*", resourceAccountId: accountId });
  const limit = numberOf(input, "Limit") ?? 100;
  if (limit < 1 || limit > 100) {
    const bound = limit < 1 ? "greater than or equal to 1" : "less than or equal to 100";
    throw new AwsError(
      "ValidationException",
      `1 validation error detected: Value '${limit}' at 'limit' failed to satisfy constraint: Member must have value ${bound}`,
    );
  }
  const start = textOf(input, "ExclusiveStartTableName") ?? "";
  const names = tables.in(accountId, call.region).map(({ name }) => name);
  const later = names.filter((name) => name > start);
  const page = later.slice(0, limit);
  const last = page.at(-1);
  return { TableNames: page, ...(later.length > limit && last ? { LastEvaluatedTableName: last } : {}) };
}

/** DescribeTimeToLive. */
export function describeTimeToLive(tables: Tables, call: GatewayCall, input: JsonObject): JsonObject {
  const { settings } = allowedTable(tables, call, input, "DescribeTimeToLive");
  const description = settings.ttlAttribute
    ? { TimeToLiveStatus: "ENABLED", AttributeName: settings.ttlAttribute }
    : { TimeToLiveStatus: "DISABLED" };
  return { TimeToLiveDescription: description };
}

/** DescribeContinuousBackups. No backups are made; this shows what is declared. */
export function describeContinuousBackups(
  context: CloudContext,
  tables: Tables,
  call: GatewayCall,
  input: JsonObject,
): JsonObject {
  const { settings } = allowedTable(tables, call, input, "DescribeContinuousBackups");
  const now = context.clock.now() / 1000;
  const window = settings.pointInTimeRecovery
    ? {
        RecoveryPeriodInDays: settings.recoveryPeriodDays,
        EarliestRestorableDateTime: now,
        LatestRestorableDateTime: now,
      }
    : {};
  const status = settings.pointInTimeRecovery ? "ENABLED" : "DISABLED";
  const recovery = { PointInTimeRecoveryStatus: status, ...window };
  return {
    ContinuousBackupsDescription: { ContinuousBackupsStatus: "ENABLED", PointInTimeRecoveryDescription: recovery },
  };
}

/** DeleteTable. Refused while the table is protected. */
export async function deleteTable(tables: Tables, call: GatewayCall, input: JsonObject): Promise<JsonObject> {
  const table = allowedTable(tables, call, input, "DeleteTable");
  await tables.delete(table);
  return { TableDescription: { TableName: table.name, TableArn: table.arn, TableStatus: "DELETING" } };
}
