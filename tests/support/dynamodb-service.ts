// DynamoDB alone, driven by the real SDK: for its own tests and for those of what stores in it.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { UPLOAD_TABLE } from "../../handlers/upload/contract";
import type { PropertyMap } from "../../local/cloud/core/resource-model";
import type { Service } from "../../local/cloud/core/service";
import { createDynamoDbService } from "../../local/cloud/dynamodb/service";
import { declare, serveStub, testContext, type ServiceStub, type TestContext } from "./json-service-stub";

/** Type of tables. */
export const TABLE = "aws:dynamodb/table:Table";

/** A running DynamoDB. */
export interface DynamoDbRun {
  readonly context: TestContext;
  readonly service: Service;
  readonly stub: ServiceStub;
  readonly client: DynamoDBClient;
  readonly documents: DynamoDBDocumentClient;
  stop(): Promise<void>;
}

/** Starts DynamoDB on a virtual clock, with the given tables. */
export async function startDynamoDb(...tables: readonly PropertyMap[]): Promise<DynamoDbRun> {
  const context = testContext();
  const service = createDynamoDbService(context);
  const stub = await serveStub(service);
  for (const table of tables) await declare(service, TABLE, table);
  const client = new DynamoDBClient(stub.client);
  return {
    context,
    service,
    stub,
    client,
    documents: DynamoDBDocumentClient.from(client),
    stop: async () => {
      client.destroy();
      await stub.close();
    },
  };
}

/** Inputs of a table with one key, "pk". */
export function simpleTable(name: string): PropertyMap {
  return { name, billingMode: "PAY_PER_REQUEST", hashKey: "pk", attributes: [{ name: "pk", type: "S" }] };
}

/** Inputs of the table that AcceleratedUploadBucket declares. */
export function uploadTable(name: string): PropertyMap {
  const { partitionKey, sortKey, timeToLive, dueIndex } = UPLOAD_TABLE;
  const keys = [partitionKey, sortKey, dueIndex.partitionKey, dueIndex.sortKey];
  return {
    name,
    billingMode: "PAY_PER_REQUEST",
    hashKey: partitionKey,
    rangeKey: sortKey,
    attributes: keys.map((key) => ({ name: key, type: "S" })),
    globalSecondaryIndexes: [
      { name: dueIndex.name, hashKey: dueIndex.partitionKey, rangeKey: dueIndex.sortKey, projectionType: "KEYS_ONLY" },
    ],
    ttl: { attributeName: timeToLive, enabled: true },
  };
}
