// Proves that transactions are all or nothing, exclude each other, are idempotent by token, and need the permissions of AWS.
import assert from "node:assert/strict";
import type { CancellationReason } from "@aws-sdk/client-dynamodb";
import * as lib from "@aws-sdk/lib-dynamodb";
import { simpleTable, startDynamoDb, type DynamoDbRun } from "../../../support/dynamodb-service";
import type { ServiceStub, TestContext } from "../../../support/json-service-stub";

const TableName = "accounts";
type Items = NonNullable<lib.TransactWriteCommandInput["TransactItems"]>;
interface Cancelled {
  readonly name: string;
  readonly message: string;
  readonly CancellationReasons?: CancellationReason[];
}

describe("DynamoDB transactions", () => {
  let run: DynamoDbRun;
  let context: TestContext;
  let stub: ServiceStub;
  let documents: lib.DynamoDBDocumentClient;

  beforeEach(async () => {
    run = await startDynamoDb(simpleTable(TableName));
    ({ context, stub, documents } = run);
    await documents.send(new lib.PutCommand({ TableName, Item: { pk: "a", balance: 5, label: "text" } }));
  });

  afterEach(() => run.stop());

  const transact = (TransactItems: Items, ClientRequestToken?: string): Promise<unknown> =>
    documents.send(
      new lib.TransactWriteCommand({ TransactItems, ...(ClientRequestToken ? { ClientRequestToken } : {}) }),
    );
  const get = async (pk: string): Promise<Record<string, unknown> | undefined> =>
    (await documents.send(new lib.GetCommand({ TableName, Key: { pk } }))).Item;
  const cancelledWith = async (items: Items): Promise<Cancelled> => {
    let cancelled: Cancelled | undefined;
    await assert.rejects(transact(items), (error: Cancelled) => {
      cancelled = error;
      return error.name === "TransactionCanceledException";
    });
    return cancelled!;
  };

  it("puts, updates, deletes and checks conditions in one step", async () => {
    await documents.send(new lib.PutCommand({ TableName, Item: { pk: "old" } }));

    await transact([
      { Put: { TableName, Item: { pk: "b" } } },
      {
        Update: {
          TableName,
          Key: { pk: "a" },
          UpdateExpression: "SET balance = balance - :one",
          ExpressionAttributeValues: { ":one": 1 },
        },
      },
      { Delete: { TableName, Key: { pk: "old" } } },
      { ConditionCheck: { TableName, Key: { pk: "none" }, ConditionExpression: "attribute_not_exists(pk)" } },
    ]);

    assert.deepEqual(await get("b"), { pk: "b" });
    assert.equal((await get("a"))?.balance, 4);
    assert.equal(await get("old"), undefined);
  });

  it("reads several items in one step", async () => {
    const TransactItems = ["a", "none"].map((pk) => ({ Get: { TableName, Key: { pk } } }));

    const { Responses } = await documents.send(new lib.TransactGetCommand({ TransactItems }));

    assert.deepEqual(Responses, [{ Item: { pk: "a", balance: 5, label: "text" } }, {}]);
  });

  it("rejects when one condition fails, with a reason per item, and writes nothing", async () => {
    const cancelled = await cancelledWith([
      { Put: { TableName, Item: { pk: "b" } } },
      {
        Put: {
          TableName,
          Item: { pk: "a" },
          ConditionExpression: "attribute_not_exists(pk)",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        },
      },
    ]);

    assert.deepEqual(
      cancelled.CancellationReasons?.map(({ Code }) => Code),
      ["None", "ConditionalCheckFailed"],
    );
    assert.match(cancelled.message, /specific reasons \[None, ConditionalCheckFailed\]$/);
    assert.deepEqual(cancelled.CancellationReasons[1]?.Item?.balance, { N: "5" });
    assert.equal(await get("b"), undefined);
  });

  it("rejects an update that fails only when it is applied, and leaves nothing of the others", async () => {
    const cancelled = await cancelledWith([
      { Put: { TableName, Item: { pk: "b" } } },
      {
        Update: {
          TableName,
          Key: { pk: "a" },
          UpdateExpression: "SET balance = label + :one",
          ExpressionAttributeValues: { ":one": 1 },
        },
      },
    ]);

    assert.deepEqual(cancelled.CancellationReasons?.[1], {
      Code: "ValidationError",
      Message: "An operand in the update expression has an incorrect data type",
    });
    assert.equal(await get("b"), undefined);
    assert.equal((await get("a"))?.balance, 5);
  });

  it("rejects a key that does not fit the table, with a reason", async () => {
    const cancelled = await cancelledWith([
      { Put: { TableName, Item: { pk: "b" } } },
      { Delete: { TableName, Key: { wrong: "a" } } },
    ]);

    assert.equal(cancelled.CancellationReasons?.[1]?.Code, "ValidationError");
    assert.equal(await get("b"), undefined);
  });

  it("lets exactly one of racing transactions win", async () => {
    const race = Array.from({ length: 20 }, () =>
      transact([{ Put: { TableName, Item: { pk: "lock" }, ConditionExpression: "attribute_not_exists(pk)" } }]),
    );

    const outcomes = await Promise.allSettled(race);

    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  });

  it("never loses an increment between single writes and transactions", async () => {
    const increment = {
      TableName,
      Key: { pk: "a" },
      UpdateExpression: "ADD balance :one",
      ExpressionAttributeValues: { ":one": 1 },
    };
    const all = Array.from({ length: 30 }, (_, index) =>
      index % 2 ? transact([{ Update: increment }]) : documents.send(new lib.UpdateCommand(increment)),
    );

    const done = (await Promise.allSettled(all)).filter(({ status }) => status === "fulfilled").length;

    assert.equal((await get("a"))?.balance, 5 + done);
  });

  it("repeats nothing for the same token within ten minutes, and runs again afterwards", async () => {
    const items: Items = [
      {
        Update: {
          TableName,
          Key: { pk: "a" },
          UpdateExpression: "ADD balance :one",
          ExpressionAttributeValues: { ":one": 1 },
        },
      },
    ];

    await transact(items, "token");
    await context.clock.advance(10 * 60_000 - 1);
    await transact(items, "token");
    const within = (await get("a"))?.balance;
    await context.clock.advance(1);
    await transact(items, "token");

    assert.equal(within, 6);
    assert.equal((await get("a"))?.balance, 7);
  });

  it("rejects a token that comes back with other parameters", async () => {
    await transact([{ Put: { TableName, Item: { pk: "b" } } }], "token");

    await assert.rejects(transact([{ Put: { TableName, Item: { pk: "c" } } }], "token"), {
      name: "IdempotentParameterMismatchException",
    });
  });

  it("rejects two operations on one item", async () => {
    const items: Items = [{ Put: { TableName, Item: { pk: "b" } } }, { Delete: { TableName, Key: { pk: "b" } } }];

    await assert.rejects(transact(items), {
      name: "ValidationException",
      message: "Transaction request cannot include multiple operations on one item",
    });
  });

  it("rejects more than 100 items, none, and more than 4 MB", async () => {
    const puts = (count: number, blob: string): Items =>
      Array.from({ length: count }, (_, index) => ({ Put: { TableName, Item: { pk: `p${index}`, blob } } }));

    await assert.rejects(transact(puts(101, "")), {
      name: "ValidationException",
      message: /less than or equal to 100/,
    });
    await assert.rejects(transact([]), { name: "ValidationException", message: /greater than or equal to 1/ });
    await assert.rejects(transact(puts(12, "x".repeat(390_000))), { name: "ValidationException", message: /4 MB/ });
    assert.equal(await get("p0"), undefined);
  });

  it("asks IAM for the permission of each entry, within its transaction", async () => {
    stub.questions.length = 0;
    await transact([
      { Put: { TableName, Item: { pk: "b" } } },
      { ConditionCheck: { TableName, Key: { pk: "c" }, ConditionExpression: "attribute_not_exists(pk)" } },
    ]);

    assert.deepEqual(
      stub.questions.map(({ action, context: keys }) => [
        action,
        keys?.["dynamodb:LeadingKeys"],
        keys?.["dynamodb:EnclosingOperation"],
      ]),
      [
        ["dynamodb:PutItem", ["b"], "TransactWriteItems"],
        ["dynamodb:ConditionCheckItem", ["c"], "TransactWriteItems"],
      ],
    );
  });

  it("rejects the whole transaction when one entry is not permitted", async () => {
    stub.allows = ({ action }) => action !== "dynamodb:DeleteItem";

    await assert.rejects(
      transact([{ Put: { TableName, Item: { pk: "b" } } }, { Delete: { TableName, Key: { pk: "a" } } }]),
      { name: "AccessDeniedException" },
    );

    assert.equal(await get("b"), undefined);
  });
});
