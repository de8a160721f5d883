// Proves the model of aws.dynamodb.Table: input checks, provider-shaped outputs, updates, deletion protection, time to live, and
// the operations that describe tables.
import assert from "node:assert/strict";
import * as aws from "@aws-sdk/client-dynamodb";
import type { PropertyMap } from "../../../../local/cloud/core/resource-model";
import type { Service } from "../../../../local/cloud/core/service";
import { startDynamoDb, TABLE, type DynamoDbRun } from "../../../support/dynamodb-service";
import { declare, modelOf, problemsOf, resourceContext, type TestContext } from "../../../support/json-service-stub";

const minimal: PropertyMap = {
  billingMode: "PAY_PER_REQUEST",
  hashKey: "pk",
  attributes: [{ name: "pk", type: "S" }],
};

describe("DynamoDB tables", () => {
  let context: TestContext;
  let service: Service;
  let run: DynamoDbRun;
  let client: aws.DynamoDBClient;

  beforeEach(async () => {
    run = await startDynamoDb();
    ({ context, service, client } = run);
  });

  afterEach(() => run.stop());

  it("returns what the provider returns", async () => {
    const { id, outputs } = await declare(service, TABLE, { ...minimal, tags: { team: "a" } }, "orders");

    assert.equal(id, "orders-1234567");
    assert.equal(outputs.name, "orders-1234567");
    assert.equal(outputs.arn, "arn:aws:dynamodb:eu-west-1:123456789012:table/orders-1234567");
    assert.deepEqual(outputs.tagsAll, { stack: "test", team: "a" });
    assert.equal(outputs.hashKey, "pk");
    assert.equal(outputs.streamArn, "");
  });

  it("describes and lists tables with their own ARNs and settings", async () => {
    await declare(service, TABLE, {
      ...minimal,
      name: "orders",
      ttl: { attributeName: "expires", enabled: true },
      pointInTimeRecovery: { enabled: true },
      deletionProtectionEnabled: true,
      tableClass: "STANDARD_INFREQUENT_ACCESS",
    });
    const TableName = "orders";

    const { Table } = await client.send(new aws.DescribeTableCommand({ TableName }));
    const { TimeToLiveDescription } = await client.send(new aws.DescribeTimeToLiveCommand({ TableName }));
    const backups = await client.send(new aws.DescribeContinuousBackupsCommand({ TableName }));
    const { TableNames } = await client.send(new aws.ListTablesCommand({}));

    assert.equal(Table?.TableArn, "arn:aws:dynamodb:eu-west-1:123456789012:table/orders");
    assert.equal(Table.TableStatus, "ACTIVE");
    assert.equal(Table.DeletionProtectionEnabled, true);
    assert.equal(Table.TableClassSummary?.TableClass, "STANDARD_INFREQUENT_ACCESS");
    assert.deepEqual(TimeToLiveDescription, { TimeToLiveStatus: "ENABLED", AttributeName: "expires" });
    const recovery = backups.ContinuousBackupsDescription?.PointInTimeRecoveryDescription;
    assert.equal(recovery?.PointInTimeRecoveryStatus, "ENABLED");
    assert.deepEqual(TableNames, ["orders"]);
  });

  it("keeps tables of accounts and Regions apart", async () => {
    const model = modelOf(service, TABLE);
    const inputs = { ...minimal, name: "orders" };
    await model.create(inputs, resourceContext(TABLE, "a", { accountId: "210987654321" }));
    await model.create({ ...inputs, region: "us-east-1" }, resourceContext(TABLE, "b"));

    const { TableNames } = await client.send(new aws.ListTablesCommand({}));
    const put = { TableName: "orders", Item: { pk: { S: "a" } } };

    assert.deepEqual(TableNames, []);
    await assert.rejects(client.send(new aws.PutItemCommand(put)), { name: "ResourceNotFoundException" });
  });

  it("rejects a name that is taken", async () => {
    await declare(service, TABLE, { ...minimal, name: "orders" });

    await assert.rejects(declare(service, TABLE, { ...minimal, name: "orders" }), { code: "ResourceInUseException" });
  });

  const refusals: readonly [string, PropertyMap, string][] = [
    ["a missing hash key", { billingMode: "PAY_PER_REQUEST", attributes: [] }, "hashKey: is required"],
    ["a key without a definition", { ...minimal, rangeKey: "sk" }, "attributes: must define the key attributes sk"],
    [
      "an attribute that no key uses",
      {
        ...minimal,
        attributes: [
          { name: "pk", type: "S" },
          { name: "extra", type: "N" },
        ],
      },
      "attributes: must all be keys of the table or of an index; unused: extra",
    ],
    [
      "an unknown attribute type",
      { ...minimal, attributes: [{ name: "pk", type: "BOOL" }] },
      "attributes[0].type: must be one of S, N, B, got BOOL",
    ],
    ["a short name", { ...minimal, name: "ab" }, "name: must be 3 to 255 letters, digits, '_', '-' or '.', got ab"],
    [
      "capacity beside on-demand billing",
      { ...minimal, readCapacity: 5 },
      "readCapacity: must be left out when billingMode is PAY_PER_REQUEST",
    ],
    [
      "provisioned billing without capacity",
      { ...minimal, billingMode: "PROVISIONED", readCapacity: 5 },
      "writeCapacity: is required when billingMode is PROVISIONED",
    ],
    [
      "an index projection without its attributes",
      { ...minimal, globalSecondaryIndexes: [{ name: "index", hashKey: "pk", projectionType: "INCLUDE" }] },
      "globalSecondaryIndexes[0].nonKeyAttributes: are required for INCLUDE",
    ],
    [
      "ttl without an attribute",
      { ...minimal, ttl: { enabled: true } },
      "ttl.attributeName: is required to enable ttl",
    ],
    [
      "a stream, which is not simulated",
      { ...minimal, streamEnabled: true, streamViewType: "NEW_IMAGE" },
      "streamEnabled: DynamoDB Streams are not simulated by the local run; add them in local/cloud/dynamodb",
    ],
    [
      "replicas, which are not simulated",
      { ...minimal, replicas: [{ regionName: "us-east-1" }] },
      "replicas: is not simulated by the local run; leave it out, or run this part on AWS",
    ],
    [
      "a recovery period over 35 days",
      { ...minimal, pointInTimeRecovery: { enabled: true, recoveryPeriodInDays: 36 } },
      "pointInTimeRecovery.recoveryPeriodInDays: must be a whole number between 1 and 35, got 36",
    ],
  ];
  for (const [what, inputs, problem] of refusals) {
    it(`rejects ${what}`, () => {
      assert.deepEqual(problemsOf(service, TABLE, inputs), [problem]);
    });
  }

  it("rejects deletion while the table is protected, by resource and by API", async () => {
    const { id, outputs } = await declare(service, TABLE, {
      ...minimal,
      name: "orders",
      deletionProtectionEnabled: true,
    });
    const model = modelOf(service, TABLE);
    const expected = { message: /currently protected against deletion/ };

    await assert.rejects(model.delete?.(id, outputs, resourceContext(TABLE)) ?? Promise.resolve(), expected);
    await assert.rejects(client.send(new aws.DeleteTableCommand({ TableName: "orders" })), expected);
  });

  it("deletes a table with its items", async () => {
    const { id, outputs } = await declare(service, TABLE, { ...minimal, name: "orders" });
    const put = new aws.PutItemCommand({ TableName: "orders", Item: { pk: { S: "a" } } });
    await client.send(put);
    await modelOf(service, TABLE).delete?.(id, outputs, resourceContext(TABLE));

    await declare(service, TABLE, { ...minimal, name: "orders" });
    const { Count } = await client.send(new aws.ScanCommand({ TableName: "orders" }));

    assert.equal(Count, 0);
  });

  it("adds an index in place and keeps the items", async () => {
    const { id, outputs } = await declare(service, TABLE, { ...minimal, name: "orders" });
    await client.send(new aws.PutItemCommand({ TableName: "orders", Item: { pk: { S: "a" }, g: { S: "G" } } }));
    const changed = {
      ...minimal,
      name: "orders",
      attributes: [
        { name: "pk", type: "S" },
        { name: "g", type: "S" },
      ],
      globalSecondaryIndexes: [{ name: "by-group", hashKey: "g", projectionType: "KEYS_ONLY" }],
    };

    await modelOf(service, TABLE).update?.(id, changed, outputs, resourceContext(TABLE));
    const { Items } = await client.send(
      new aws.QueryCommand({
        TableName: "orders",
        IndexName: "by-group",
        KeyConditionExpression: "g = :g",
        ExpressionAttributeValues: { ":g": { S: "G" } },
      }),
    );

    assert.deepEqual(Items, [{ pk: { S: "a" }, g: { S: "G" } }]);
  });

  it("removes expired items with the minute's sweep, never earlier, and leaves others", async () => {
    await declare(service, TABLE, { ...minimal, name: "orders", ttl: { attributeName: "expires", enabled: true } });
    const seconds = context.clock.now() / 1000;
    const expiries = { soon: `${seconds + 90}`, later: `${seconds + 600}`, ancient: `${seconds - 6 * 365 * 86_400}` };
    for (const [pk, N] of Object.entries(expiries)) {
      await client.send(new aws.PutItemCommand({ TableName: "orders", Item: { pk: { S: pk }, expires: { N } } }));
    }
    await client.send(
      new aws.PutItemCommand({ TableName: "orders", Item: { pk: { S: "text" }, expires: { S: "1" } } }),
    );
    const names = async (): Promise<unknown> =>
      (await client.send(new aws.ScanCommand({ TableName: "orders" }))).Items?.map(({ pk }) => pk?.S).sort();

    await context.clock.advance(89_000);
    const before = await names();
    const swept = context.traces.waitFor(({ operation }) => operation === "TimeToLive");
    await context.clock.advance(31_000);
    const trace = await swept;

    assert.deepEqual(before, ["ancient", "later", "soon", "text"]);
    assert.deepEqual(await names(), ["ancient", "later", "text"]);
    assert.equal(trace.detail?.items, 1);
  });
});
