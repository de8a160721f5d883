// Proves that the engine ends in order: dynalite alone throws outside of its callbacks when its storage is closed under a request.
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { Engine } from "../../../../local/cloud/dynamodb/engine";

const TABLE = {
  TableName: "orders",
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
  KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
};

describe("DynamoDB's engine", () => {
  const open = async (): Promise<Engine> => {
    const engine = await Engine.open("123456789012", "eu-central-1");
    await engine.createTable(TABLE);
    await engine.run("putItem", { TableName: "orders", Item: { pk: { S: "first" } } });
    return engine;
  };

  it("ends after what is under way, however far it has come", async () => {
    for (let turns = 0; turns < 8; turns++) {
      const engine = await open();
      const scan = engine.items("orders");
      for (let turn = 0; turn < turns; turn++) await setImmediate();
      await engine.close();

      assert.deepEqual(await scan, [{ pk: { S: "first" } }]);
    }
  });

  it("rejects what comes after its end", async () => {
    const engine = await open();
    await engine.close();

    await assert.rejects(engine.items("orders"), /has been stopped/);
  });
});
