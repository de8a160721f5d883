// Proves with the real gateway and the real IAM evaluation that a function's role reaches exactly the keys, events, metrics and
// log streams that its policy names.
import assert from "node:assert/strict";
import { CloudWatchClient, PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogsClient, CreateLogGroupCommand } from "@aws-sdk/client-cloudwatch-logs";
import { DynamoDBClient, PutItemCommand, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import type { Cloud } from "../../../../local/cloud/cloud";
import { textIn } from "../../../../local/cloud/core/input-reader";
import type { PropertyMap } from "../../../../local/cloud/core/resource-model";
import { startCloud } from "../../../../local/cloud/index";
import { resourceContext } from "../../../support/json-service-stub";

const trust = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
};
const policy = {
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Action: "dynamodb:PutItem",
      Resource: "arn:aws:dynamodb:eu-west-1:123456789012:table/orders",
      Condition: { "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["mine"] } },
    },
    {
      Effect: "Allow",
      Action: "events:PutEvents",
      Resource: "arn:aws:events:eu-west-1:123456789012:event-bus/default",
      Condition: { StringEquals: { "events:source": "shop" } },
    },
    {
      Effect: "Allow",
      Action: "cloudwatch:PutMetricData",
      Resource: "*",
      Condition: { StringEquals: { "cloudwatch:namespace": "Shop" } },
    },
    {
      Effect: "Allow",
      Action: "logs:CreateLogGroup",
      Resource: "arn:aws:logs:eu-west-1:123456789012:log-group:/app/*:*",
    },
  ],
};

describe("JSON services behind the gateway", () => {
  let cloud: Cloud;
  let settings: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } };

  before(async () => {
    cloud = await startCloud({ accountId: "123456789012" });
    const declare = async (type: string, inputs: PropertyMap): Promise<PropertyMap> => {
      const model = cloud.model(type);
      assert.ok(model, type);
      return (await model.create(inputs, resourceContext(type))).outputs;
    };
    await declare("aws:dynamodb/table:Table", {
      name: "orders",
      billingMode: "PAY_PER_REQUEST",
      hashKey: "pk",
      attributes: [{ name: "pk", type: "S" }],
    });
    const role = await declare("aws:iam/role:Role", { name: "worker", assumeRolePolicy: JSON.stringify(trust) });
    await declare("aws:iam/rolePolicy:RolePolicy", { name: "p", role: "worker", policy: JSON.stringify(policy) });
    const credentials = cloud.context.access.assumeRole(textIn(role, "arn"), "worker", "lambda.amazonaws.com");
    settings = { endpoint: cloud.gatewayOrigin, region: "eu-west-1", credentials };
  });

  after(() => cloud.stop());

  const denied = { name: "AccessDeniedException" };

  it("lets the role write its own items only, alone and in transactions", async () => {
    const client = new DynamoDBClient(settings);
    const put = (pk: string): PutItemCommand => new PutItemCommand({ TableName: "orders", Item: { pk: { S: pk } } });
    const Put = { TableName: "orders", Item: { pk: { S: "other" } } };

    await client.send(put("mine"));
    await assert.rejects(client.send(put("other")), denied);
    await assert.rejects(client.send(new TransactWriteItemsCommand({ TransactItems: [{ Put }] })), denied);
  });

  it("lets the role send events of its own source only", async () => {
    const client = new EventBridgeClient(settings);
    const put = (Source: string): PutEventsCommand =>
      new PutEventsCommand({ Entries: [{ Source, DetailType: "Order", Detail: "{}" }] });

    await client.send(put("shop"));
    await assert.rejects(client.send(put("other")), denied);
  });

  it("lets the role measure in its own namespace only", async () => {
    const client = new CloudWatchClient(settings);
    const put = (Namespace: string): PutMetricDataCommand =>
      new PutMetricDataCommand({ Namespace, MetricData: [{ MetricName: "Orders", Value: 1 }] });

    await client.send(put("Shop"));
    await assert.rejects(client.send(put("Other")), denied);
  });

  it("lets the role create log groups under its own prefix only", async () => {
    const client = new CloudWatchLogsClient(settings);

    await client.send(new CreateLogGroupCommand({ logGroupName: "/app/one" }));
    await assert.rejects(client.send(new CreateLogGroupCommand({ logGroupName: "/other" })), denied);
  });
});
