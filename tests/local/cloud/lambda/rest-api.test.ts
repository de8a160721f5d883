// Proves Lambda's API with AWS's own client, through the real gateway: signatures, permissions, invocation types, errors.
import assert from "node:assert/strict";
import {
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  GetPolicyCommand,
  InvokeCommand,
  type InvokeCommandInput,
  type InvokeCommandOutput,
  LambdaClient,
  ListFunctionsCommand,
} from "@aws-sdk/client-lambda";
import type { Credentials } from "../../../../local/cloud/core/access";
import { createGateway, type Gateway } from "../../../../local/cloud/gateway";
import { createLambdaService, type LambdaService } from "../../../../local/cloud/lambda/service";
import { ACCOUNT, ALLOW_LOGS, type FunctionCloud, REGION, startFunctionCloud } from "../../../support/function-cloud";
import { createFunction } from "../../../support/rest-api";

const CODE = `export const handler = async (event, context) => {
  console.log("hello", event.x);
  if (event.fail) throw new RangeError("no");
  return { x: event.x, arn: context.invokedFunctionArn };
};`;

describe("Lambda API", () => {
  let cloud: FunctionCloud;
  let lambda: LambdaService;
  let gateway: Gateway;

  beforeEach(async () => {
    cloud = startFunctionCloud();
    lambda = createLambdaService(cloud.context);
    cloud.use(lambda);
    const { clock, traces, access } = cloud.context;
    const uniqueId = (length: number): string => cloud.context.uniqueId(length);
    gateway = createGateway({ clock, traces, access, uniqueId, services: [lambda] });
    await gateway.start(0, "127.0.0.1");
    cloud.addRole("fn", "lambda.amazonaws.com", [ALLOW_LOGS]);
    await createFunction(cloud, CODE);
  });
  afterEach(async () => {
    await gateway.stop();
    await cloud.stop();
  });

  const client = (credentials: Credentials = cloud.access.rootCredentials(ACCOUNT)): LambdaClient =>
    new LambdaClient({ endpoint: gateway.origin, region: REGION, credentials, maxAttempts: 1 });
  const invoke = (input: Partial<InvokeCommandInput> = {}): Promise<InvokeCommandOutput> =>
    client().send(new InvokeCommand({ FunctionName: "fn", Payload: Buffer.from('{"x":1}'), ...input }));

  it("invokes, returns the tail of the log on request, and leaves one trace", async () => {
    const result = await client().send(
      new InvokeCommand({ FunctionName: "fn", Payload: Buffer.from('{"x":1}'), LogType: "Tail" }),
    );
    assert.deepEqual(JSON.parse(Buffer.from(result.Payload ?? []).toString()), {
      x: 1,
      arn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:fn`,
    });
    assert.equal(result.StatusCode, 200);
    assert.equal(result.ExecutedVersion, "$LATEST");
    assert.equal(result.FunctionError, undefined);
    const tail = Buffer.from(result.LogResult ?? "", "base64").toString();
    assert.match(tail, /\nSTART RequestId: .*\n.*\tINFO\thello 1\nEND RequestId: .*\nREPORT .*\n$/);
    const traces = cloud.context.traces.recent().filter(({ operation }) => operation === "Invoke");
    assert.equal(traces.length, 1);
    assert.equal(traces[0]?.id, result.$metadata.requestId);
    assert.ok(tail.includes(`END RequestId: ${result.$metadata.requestId ?? ""}`));
  });

  it("names a handler's error", async () => {
    const result = await client().send(
      new InvokeCommand({ FunctionName: "fn", Payload: Buffer.from('{"fail":true}') }),
    );
    assert.equal(result.FunctionError, "Unhandled");
    assert.match(Buffer.from(result.Payload ?? []).toString(), /"errorType":"RangeError"/);
  });

  it("answers an event with 202 and runs it", async () => {
    const result = await client().send(
      new InvokeCommand({ FunctionName: "fn", InvocationType: "Event", Payload: Buffer.from('{"x":1}') }),
    );
    assert.equal(result.StatusCode, 202);
    const trace = await cloud.context.traces.waitFor(({ detail }) => detail?.invocationType === "Event");
    assert.equal(trace.id, result.$metadata.requestId);
  });

  it("answers a dry run with 204 and starts no process", async () => {
    const result = await client().send(new InvokeCommand({ FunctionName: "fn", InvocationType: "DryRun" }));
    assert.equal(result.StatusCode, 204);
    assert.equal(lambda.environments().length, 0);
  });

  it("describes the function and its policy", async () => {
    await cloud.create("aws:lambda/permission:Permission", {
      statementId: "api",
      action: "lambda:InvokeFunction",
      function: "fn",
      principal: "apigateway.amazonaws.com",
      sourceArn: `arn:aws:execute-api:${REGION}:${ACCOUNT}:a/*`,
    });
    const configuration = await client().send(new GetFunctionConfigurationCommand({ FunctionName: "fn" }));
    assert.equal(configuration.Runtime, "nodejs24.x");
    assert.equal(configuration.State, "Active");
    const { Configuration } = await client().send(new GetFunctionCommand({ FunctionName: "fn" }));
    assert.equal(Configuration?.FunctionName, "fn");
    const { Policy } = await client().send(new GetPolicyCommand({ FunctionName: "fn" }));
    const { Statement } = JSON.parse(Policy ?? "") as { Statement: { Sid: string }[] };
    assert.deepEqual(
      Statement.map(({ Sid }) => Sid),
      ["api"],
    );
  });

  it("rejects a role without lambda:InvokeFunction", async () => {
    const role = cloud.addRole("caller", "ec2.amazonaws.com");
    const sender = client(cloud.access.assumeRole(role, "s", "ec2.amazonaws.com"));
    await assert.rejects(sender.send(new InvokeCommand({ FunctionName: "fn" })), {
      name: "AccessDeniedException",
      message: /is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:.*:function:fn/,
    });
  });

  it("accepts a role with lambda:InvokeFunction on this function", async () => {
    const role = cloud.addRole("caller", "ec2.amazonaws.com", [
      { Effect: "Allow", Action: "lambda:InvokeFunction", Resource: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:fn` },
    ]);
    const sender = client(cloud.access.assumeRole(role, "s", "ec2.amazonaws.com"));
    assert.equal(
      (await sender.send(new InvokeCommand({ FunctionName: "fn", Payload: Buffer.from("{}") }))).StatusCode,
      200,
    );
  });

  it("rejects a function that does not exist", async () => {
    await assert.rejects(invoke({ FunctionName: "missing" }), {
      name: "ResourceNotFoundException",
      message: /Function not found: arn:/,
    });
  });

  it("rejects an event that is not JSON", async () => {
    await assert.rejects(invoke({ Payload: Buffer.from("{") }), { name: "InvalidRequestContentException" });
  });

  it("rejects a synchronous event over 6 MiB and an asynchronous one over 1 MiB", async () => {
    const tooLarge = { name: "RequestTooLargeException" };
    await assert.rejects(invoke({ Payload: Buffer.from(JSON.stringify("x".repeat(6 * 1024 ** 2))) }), tooLarge);
    const payload = Buffer.from(JSON.stringify("x".repeat(1024 ** 2)));
    await assert.rejects(invoke({ InvocationType: "Event", Payload: payload }), tooLarge);
  });

  it("rejects operations that are not simulated by name", async () => {
    await assert.rejects(client().send(new ListFunctionsCommand({})), { name: "NotSimulated" });
  });
});
