// DynamoDB: tables as resources, and the data plane in front of dynalite.
import { serveJson, type JsonApi } from "../core/json-api";
import type { CloudContext, Service } from "../core/service";
import { deleteTable, describeContinuousBackups, describeTable, describeTimeToLive, listTables } from "./describe";
import { batchGet, batchWrite, read, write } from "./items";
import { tableModel } from "./resources";
import { Tables } from "./tables";
import { TimeToLive } from "./time-to-live";
import { Transactions } from "./transactions";

/** DynamoDB itself limits requests to 16 MB. */
const MAX_REQUEST_BYTES = 16 * 1024 * 1024;

/** The DynamoDB service of the embedded cloud. Nothing is on disk; the engine starts with the first table. */
export function createDynamoDbService(context: CloudContext): Service {
  const tables = new Tables();
  const expiry = new TimeToLive(context, tables);
  const api = createApi(context, tables);
  return {
    name: "dynamodb",
    models: [tableModel(tables, expiry)],
    handle: (call) => serveJson(api, call),
    stop: async () => {
      expiry.stop();
      await tables.close();
    },
  };
}

function createApi(context: CloudContext, tables: Tables): JsonApi {
  const transactions = new Transactions(context, tables);
  return {
    target: "DynamoDB_20120810",
    version: "1.0",
    errorPrefix: "com.amazonaws.dynamodb.v20120810#",
    limitBytes: MAX_REQUEST_BYTES,
    service: "dynamodb",
    file: "local/cloud/dynamodb/service.ts",
    operations: {
      PutItem: (input, call) => write(tables, call, "PutItem", input),
      UpdateItem: (input, call) => write(tables, call, "UpdateItem", input),
      DeleteItem: (input, call) => write(tables, call, "DeleteItem", input),
      GetItem: (input, call) => read(tables, call, "GetItem", input),
      Query: (input, call) => read(tables, call, "Query", input),
      Scan: (input, call) => read(tables, call, "Scan", input),
      BatchGetItem: (input, call) => batchGet(tables, call, input),
      BatchWriteItem: (input, call) => batchWrite(tables, call, input),
      TransactWriteItems: (input, call) => transactions.write(call, input),
      TransactGetItems: (input, call) => transactions.read(call, input),
      DescribeTable: (input, call) => describeTable(tables, call, input),
      ListTables: (input, call) => listTables(tables, call, input),
      DescribeTimeToLive: (input, call) => describeTimeToLive(tables, call, input),
      DescribeContinuousBackups: (input, call) => describeContinuousBackups(context, tables, call, input),
      DeleteTable: (input, call) => deleteTable(tables, call, input),
    },
  };
}
