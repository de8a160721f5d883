// Proves the API of mappings with AWS's own client, through the real gateway: signatures, permissions, conditions, changes at once.
import assert from "node:assert/strict";
import {
  CreateEventSourceMappingCommand,
  DeleteEventSourceMappingCommand,
  GetEventSourceMappingCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from "@aws-sdk/client-lambda";
import type { Credentials, PolicyDocument } from "../../../../../local/cloud/core/access";
import { createGateway, type Gateway } from "../../../../../local/cloud/gateway";
import { ACCOUNT, REGION } from "../../../../support/function-cloud";
import { type MappingCloud, QUEUE_ARN, startMappingCloud, takes } from "../../../../support/mapping-cloud";

const FUNCTION_ARN = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:fn`;

describe("API of event source mappings", () => {
  let cloud: MappingCloud;
  let gateway: Gateway;
  let UUID: string;
  const clients: LambdaClient[] = [];

  beforeEach(async () => {
    cloud = await startMappingCloud(takes(100));
    cloud.queues.add(QUEUE_ARN, { visibilityTimeoutSeconds: 90 });
    UUID = (await cloud.map({ scalingConfig: { maximumConcurrency: 5 } })).id;
    const { traces, access } = cloud.context;
    const uniqueId = (length: number): string => cloud.context.uniqueId(length);
    // The client signs with the time of the machine.
    const clock = { now: () => Date.now(), setTimer: () => ({ cancel: () => undefined }) };
    gateway = createGateway({ clock, traces, access, uniqueId, services: [cloud.lambda] });
    await gateway.start(0, "127.0.0.1");
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await gateway.stop();
    await cloud.stop();
  });

  const client = (credentials: Credentials = cloud.access.rootCredentials(ACCOUNT)): LambdaClient => {
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    const made = new LambdaClient({
      endpoint: gateway.origin,
      region: REGION,
      maxAttempts: 1,
      credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) },
    });
    clients.push(made);
    return made;
  };
  const as = (statement: NonNullable<PolicyDocument["Statement"]>): LambdaClient => {
    const role = cloud.addRole("breaker", "lambda.amazonaws.com", statement);
    const { accessKeyId } = cloud.access.assumeRole(role, "breaker", "lambda.amazonaws.com");
    const { principal } = cloud.access.find(accessKeyId)!;
    // Long enough to be valid by the machine's time too.
    return client(cloud.access.issue(principal, 10 * 365 * 86_400));
  };

  it("describes a mapping, and lists those of a queue or a function", async () => {
    const mapping = await client().send(new GetEventSourceMappingCommand({ UUID }));
    assert.equal(mapping.State, "Enabled");
    assert.equal(mapping.EventSourceArn, QUEUE_ARN);
    assert.equal(mapping.FunctionArn, FUNCTION_ARN);
    assert.equal(mapping.BatchSize, 1);
    assert.deepEqual(mapping.ScalingConfig, { MaximumConcurrency: 5 });
    assert.equal(mapping.LastModified?.getTime(), Date.UTC(2026, 0, 1));
    const list = async (input: object): Promise<number | undefined> =>
      (await client().send(new ListEventSourceMappingsCommand(input))).EventSourceMappings?.length;
    assert.equal(await list({}), 1);
    assert.equal(await list({ FunctionName: "fn", EventSourceArn: QUEUE_ARN }), 1);
    assert.equal(await list({ FunctionName: "other" }), 0);
    assert.equal(await list({ EventSourceArn: `${QUEUE_ARN}-2` }), 0);
  });

  it("pauses and resumes", async () => {
    const paused = await client().send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }));
    assert.equal(paused.State, "Disabling");
    assert.equal((await client().send(new GetEventSourceMappingCommand({ UUID }))).State, "Disabled");
    cloud.send(1);
    await cloud.clock.advance(30_000);
    assert.equal(cloud.sum("Invocations"), 0);
    const resumed = await client().send(new UpdateEventSourceMappingCommand({ UUID, Enabled: true }));
    assert.equal(resumed.State, "Enabling");
    await cloud.clock.advance(1000);
    assert.equal(cloud.sum("Invocations"), 1);
  });

  it("changes the maximum concurrency, and removes it when the configuration is empty", async () => {
    const change = { UUID, ScalingConfig: { MaximumConcurrency: 2 }, BatchSize: 7 };
    const changed = await client().send(new UpdateEventSourceMappingCommand(change));
    assert.deepEqual([changed.State, changed.BatchSize, changed.ScalingConfig?.MaximumConcurrency], ["Updating", 7, 2]);
    assert.equal(cloud.lambda.mappings()[0]?.limit, 2);
    const removed = await client().send(new UpdateEventSourceMappingCommand({ UUID, ScalingConfig: {} }));
    assert.equal(removed.ScalingConfig, undefined);
  });

  it("deletes", async () => {
    assert.equal((await client().send(new DeleteEventSourceMappingCommand({ UUID }))).State, "Deleting");
    assert.deepEqual(cloud.lambda.mappings(), []);
    await assert.rejects(client().send(new GetEventSourceMappingCommand({ UUID })), {
      name: "ResourceNotFoundException",
      message: "The resource you requested does not exist.",
    });
  });

  it("rejects a change that Lambda would refuse", async () => {
    const update = (change: object): Promise<unknown> =>
      client().send(new UpdateEventSourceMappingCommand({ UUID, ...change }));
    const refusal = { name: "InvalidParameterValueException" };
    await assert.rejects(update({ ScalingConfig: { MaximumConcurrency: 1 } }), refusal);
    await assert.rejects(update({ BatchSize: 11 }), refusal);
    await assert.rejects(update({ ParallelizationFactor: 2 }), refusal);
    await assert.rejects(update({ FunctionName: "nobody" }), { name: "ResourceNotFoundException" });
    assert.equal(cloud.lambda.mappings()[0]?.limit, 5);
  });

  it("rejects a role without the permission, and one for another function's mappings", async () => {
    const Resource = `arn:aws:lambda:${REGION}:${ACCOUNT}:event-source-mapping:*`;
    const Condition = { StringEquals: { "lambda:FunctionArn": `${FUNCTION_ARN}-2` } };
    const denied = as([
      { Effect: "Allow", Action: "lambda:GetEventSourceMapping", Resource },
      { Effect: "Allow", Action: "lambda:UpdateEventSourceMapping", Resource, Condition },
    ]);
    assert.equal((await denied.send(new GetEventSourceMappingCommand({ UUID }))).State, "Enabled");
    const refusal = { name: "AccessDeniedException" };
    await assert.rejects(denied.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false })), refusal);
    await assert.rejects(denied.send(new DeleteEventSourceMappingCommand({ UUID })), refusal);
    await assert.rejects(denied.send(new ListEventSourceMappingsCommand({})), refusal);
  });

  it("accepts a role for mappings of this function", async () => {
    const Resource = `arn:aws:lambda:${REGION}:${ACCOUNT}:event-source-mapping:${UUID}`;
    const Condition = { StringEquals: { "lambda:FunctionArn": FUNCTION_ARN } };
    const allowed = as([{ Effect: "Allow", Action: "lambda:UpdateEventSourceMapping", Resource, Condition }]);
    const answer = await allowed.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }));
    assert.equal(answer.State, "Disabling");
  });

  it("rejects the creation of mappings by name: they are declared", async () => {
    const create = new CreateEventSourceMappingCommand({ FunctionName: "fn", EventSourceArn: QUEUE_ARN });
    await assert.rejects(client().send(create), { name: "NotSimulated" });
  });
});
