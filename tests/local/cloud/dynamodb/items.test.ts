// Proves that DynamoDB's item operations answer the real SDK as AWS does: keys, indexes, expressions, conditions, batches, errors.
// It does not prove signatures and policies, which the gateway owns.
import assert from "node:assert/strict";
import { type DynamoDBClient, ExecuteStatementCommand } from "@aws-sdk/client-dynamodb";
import * as lib from "@aws-sdk/lib-dynamodb";
import { startDynamoDb, type DynamoDbRun } from "../../../support/dynamodb-service";
import type { ServiceStub } from "../../../support/json-service-stub";

const TableName = "orders";
const inputs = {
  name: TableName,
  billingMode: "PAY_PER_REQUEST",
  hashKey: "pk",
  rangeKey: "sk",
  attributes: [
    { name: "pk", type: "S" },
    { name: "sk", type: "S" },
    { name: "g", type: "S" },
  ],
  globalSecondaryIndexes: [{ name: "by-group", hashKey: "g", projectionType: "ALL" }],
};

describe("DynamoDB items", () => {
  let run: DynamoDbRun;
  let stub: ServiceStub;
  let client: DynamoDBClient;
  let documents: lib.DynamoDBDocumentClient;

  beforeEach(async () => {
    run = await startDynamoDb(inputs);
    ({ stub, client, documents } = run);
    for (const sk of ["1", "2", "3"]) {
      await documents.send(new lib.PutCommand({ TableName, Item: { pk: "a", sk, g: "G", m: { l: [1] }, n: 1 } }));
    }
  });

  afterEach(() => run.stop());

  it("reads back what was put", async () => {
    const { Item } = await documents.send(new lib.GetCommand({ TableName, Key: { pk: "a", sk: "1" } }));

    assert.deepEqual(Item, { pk: "a", sk: "1", g: "G", m: { l: [1] }, n: 1 });
  });

  it("accepts the table's ARN instead of its name", async () => {
    const arn = `arn:aws:dynamodb:eu-west-1:123456789012:table/${TableName}`;

    const { Item } = await documents.send(new lib.GetCommand({ TableName: arn, Key: { pk: "a", sk: "2" } }));

    assert.equal(Item?.sk, "2");
  });

  it("queries a key range, and an index page by page", async () => {
    const range = await documents.send(
      new lib.QueryCommand({
        TableName,
        KeyConditionExpression: "pk = :p AND sk > :s",
        ExpressionAttributeValues: { ":p": "a", ":s": "1" },
      }),
    );
    const query = {
      TableName,
      IndexName: "by-group",
      KeyConditionExpression: "g = :g",
      ExpressionAttributeValues: { ":g": "G" },
      Limit: 2,
    };
    const first = await documents.send(new lib.QueryCommand(query));
    const second = await documents.send(
      new lib.QueryCommand({ ...query, ExclusiveStartKey: first.LastEvaluatedKey as Record<string, unknown> }),
    );

    assert.deepEqual(
      range.Items?.map((item) => item.sk as string),
      ["2", "3"],
    );
    assert.equal(first.Count, 2);
    assert.equal(second.Count, 1);
  });

  it("applies update expressions and returns the new values", async () => {
    const { Attributes } = await documents.send(
      new lib.UpdateCommand({
        TableName,
        Key: { pk: "a", sk: "1" },
        UpdateExpression: "SET #c = if_not_exists(#c, :zero) + :one, m.l = list_append(m.l, :more) ADD n :one REMOVE g",
        ExpressionAttributeNames: { "#c": "count" },
        ExpressionAttributeValues: { ":zero": 0, ":one": 1, ":more": [3] },
        ReturnValues: "ALL_NEW",
      }),
    );

    assert.deepEqual(Attributes, { pk: "a", sk: "1", count: 1, n: 2, m: { l: [1, 3] } });
  });

  it("scans in segments with a filter and reports the capacity used", async () => {
    const scan = { TableName, FilterExpression: "n = :n", ExpressionAttributeValues: { ":n": 1 }, TotalSegments: 2 };
    const pages = await Promise.all([0, 1].map((Segment) => documents.send(new lib.ScanCommand({ ...scan, Segment }))));
    const get = await documents.send(
      new lib.GetCommand({ TableName, Key: { pk: "a", sk: "1" }, ReturnConsumedCapacity: "TOTAL" }),
    );

    assert.equal((pages[0]?.Count ?? 0) + (pages[1]?.Count ?? 0), 3);
    assert.equal(get.ConsumedCapacity?.CapacityUnits, 0.5);
  });

  it("writes and reads in batches", async () => {
    const write = await documents.send(
      new lib.BatchWriteCommand({
        RequestItems: {
          [TableName]: [
            { PutRequest: { Item: { pk: "b", sk: "1" } } },
            { DeleteRequest: { Key: { pk: "a", sk: "3" } } },
          ],
        },
      }),
    );
    const Keys = [
      { pk: "b", sk: "1" },
      { pk: "a", sk: "3" },
    ];
    const read = await documents.send(new lib.BatchGetCommand({ RequestItems: { [TableName]: { Keys } } }));

    assert.deepEqual(write.UnprocessedItems, {});
    assert.deepEqual(read.Responses?.[TableName], [{ pk: "b", sk: "1" }]);
  });

  it("rejects a failed condition, and returns the item when asked to", async () => {
    const put = { TableName, Item: { pk: "a", sk: "1" }, ConditionExpression: "attribute_not_exists(pk)" };

    await assert.rejects(documents.send(new lib.PutCommand(put)), { name: "ConditionalCheckFailedException" });
    await assert.rejects(
      documents.send(new lib.PutCommand({ ...put, ReturnValuesOnConditionCheckFailure: "ALL_OLD" })),
      (error: { Item?: Record<string, unknown> }) => error.Item?.g !== undefined,
    );
  });

  it("rejects reserved words, wrong keys, unknown tables and items over 400 KB", async () => {
    const key = { pk: "a", sk: "1" };
    await assert.rejects(
      documents.send(
        new lib.PutCommand({
          TableName,
          Item: key,
          ConditionExpression: "status = :s",
          ExpressionAttributeValues: { ":s": 1 },
        }),
      ),
      { name: "ValidationException", message: /reserved keyword: status/ },
    );
    await assert.rejects(documents.send(new lib.GetCommand({ TableName, Key: { pk: "a" } })), {
      name: "ValidationException",
      message: "The provided key element does not match the schema",
    });
    await assert.rejects(documents.send(new lib.GetCommand({ TableName: "missing", Key: key })), {
      name: "ResourceNotFoundException",
      message: "Requested resource not found: Table: missing not found",
    });
    await assert.rejects(
      documents.send(new lib.PutCommand({ TableName, Item: { ...key, blob: "x".repeat(410_000) } })),
      { name: "ValidationException", message: "Item size has exceeded the maximum allowed size" },
    );
  });

  it("rejects a batch with an item that does not fit, and writes none of it", async () => {
    const requests = [{ PutRequest: { Item: { pk: "c", sk: "1" } } }, { PutRequest: { Item: { pk: "c" } } }];

    await assert.rejects(documents.send(new lib.BatchWriteCommand({ RequestItems: { [TableName]: requests } })), {
      name: "ValidationException",
    });
    const { Item } = await documents.send(new lib.GetCommand({ TableName, Key: { pk: "c", sk: "1" } }));

    assert.equal(Item, undefined);
  });

  it("rejects operations that are not simulated, by name and place", async () => {
    const Statement = `SELECT * FROM ${TableName}`;

    await assert.rejects(client.send(new ExecuteStatementCommand({ Statement })), {
      name: "NotSimulated",
      message: /dynamodb:ExecuteStatement is not simulated .* local\/cloud\/dynamodb\/service.ts/,
    });
  });

  it("asks IAM about the table or index, with DynamoDB's condition keys", async () => {
    stub.questions.length = 0;
    await documents.send(
      new lib.QueryCommand({
        TableName,
        IndexName: "by-group",
        KeyConditionExpression: "g = :g",
        FilterExpression: "n > :n",
        ProjectionExpression: "pk, m.l",
        ExpressionAttributeValues: { ":g": "G", ":n": 0 },
      }),
    );
    await documents.send(new lib.DeleteCommand({ TableName, Key: { pk: "a", sk: "1" } }));

    const arn = `arn:aws:dynamodb:eu-west-1:123456789012:table/${TableName}`;
    assert.deepEqual(
      stub.questions.map(({ action, resource, context }) => ({ action, resource, context })),
      [
        {
          action: "dynamodb:Query",
          resource: `${arn}/index/by-group`,
          context: {
            "dynamodb:LeadingKeys": ["G"],
            "dynamodb:Attributes": ["g", "n", "pk", "m"],
            "dynamodb:Select": "SPECIFIC_ATTRIBUTES",
          },
        },
        {
          action: "dynamodb:DeleteItem",
          resource: arn,
          context: {
            "dynamodb:LeadingKeys": ["a"],
            "dynamodb:Attributes": ["pk", "sk"],
            "dynamodb:ReturnValues": "NONE",
          },
        },
      ],
    );
  });

  it("rejects a caller without permission, as the JSON protocol does, and changes nothing", async () => {
    stub.allows = ({ action }) => action !== "dynamodb:DeleteItem";
    const Key = { pk: "a", sk: "1" };

    await assert.rejects(
      documents.send(new lib.DeleteCommand({ TableName, Key })),
      (error: { name: string; $metadata: { httpStatusCode?: number } }) =>
        error.name === "AccessDeniedException" && error.$metadata.httpStatusCode === 400,
    );

    assert.ok((await documents.send(new lib.GetCommand({ TableName, Key }))).Item);
  });

  it("asks about every key of a batch", async () => {
    stub.questions.length = 0;
    const Keys = [
      { pk: "a", sk: "1" },
      { pk: "b", sk: "1" },
    ];
    await documents.send(new lib.BatchGetCommand({ RequestItems: { [TableName]: { Keys } } }));

    assert.equal(stub.questions[0]?.action, "dynamodb:BatchGetItem");
    assert.deepEqual(stub.questions[0].context?.["dynamodb:LeadingKeys"], ["a", "b"]);
  });
});
