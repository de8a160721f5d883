// Proves what callers see while a transaction holds an item: conflicts, with AWS's codes, instead of waiting.
import assert from "node:assert/strict";
import { accountRoot } from "../../../../local/cloud/core/principal";
import type { GatewayCall } from "../../../../local/cloud/core/service";
import { lockKey, write } from "../../../../local/cloud/dynamodb/items";
import { type Table, Tables } from "../../../../local/cloud/dynamodb/tables";
import { Transactions } from "../../../../local/cloud/dynamodb/transactions";
import { accountId, region, testContext } from "../../../support/json-service-stub";

const call = {
  principal: accountRoot(accountId),
  region,
  authorize: () => undefined,
  describe: () => undefined,
} as unknown as GatewayCall;
const settings = {
  tableClass: "STANDARD",
  deletionProtection: false,
  pointInTimeRecovery: false,
  recoveryPeriodDays: 35,
};
const TableName = "accounts";
const Put = { TableName, Item: { pk: { S: "held" } } };
const Get = { TableName, Key: { pk: { S: "held" } } };

describe("DynamoDB conflicts", () => {
  let tables: Tables;
  let transactions: Transactions;
  let table: Table;
  let release: () => void;
  let holder: Promise<void>;

  beforeEach(async () => {
    tables = new Tables();
    transactions = new Transactions(testContext(), tables);
    const definition = {
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
    };
    table = await tables.create(accountId, region, definition, settings);
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    holder = tables.locks.transaction([lockKey(table, Get)], () => held);
  });

  afterEach(async () => {
    release();
    await holder;
    await tables.close();
  });

  const conflict = {
    code: "TransactionCanceledException",
    fields: {
      CancellationReasons: [
        { Code: "None" },
        { Code: "TransactionConflict", Message: "Transaction is ongoing for the item" },
      ],
    },
  };
  const free = { pk: { S: "free" } };

  it("rejects another transaction on the item, and lets it pass afterwards", async () => {
    const input = { TransactItems: [{ Put: { TableName, Item: free } }, { Put }] };

    await assert.rejects(transactions.write(call, input), conflict);
    release();
    await holder;
    await transactions.write(call, input);

    assert.ok(await table.engine.read(TableName, Get.Key));
  });

  it("rejects a transactional read of the item", async () => {
    const TransactItems = [{ Get: { TableName, Key: free } }, { Get }];

    await assert.rejects(transactions.read(call, { TransactItems }), conflict);
  });

  it("rejects a single write of the item", async () => {
    await assert.rejects(write(tables, call, "PutItem", Put), { code: "TransactionConflictException" });
  });

  it("rejects a token whose transaction is still under way", async () => {
    const input = { TransactItems: [{ Put: { TableName, Item: free } }], ClientRequestToken: "token" };

    const first = transactions.write(call, input);
    const second = transactions.write(call, input);

    await assert.rejects(second, { code: "TransactionInProgressException" });
    await first;
  });
});
