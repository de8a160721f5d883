// Proves the API of Step Functions and its integrations with the real SDK, on a whole embedded cloud: roles decide, tasks really call.
import {
  DescribeExecutionCommand,
  DescribeStateMachineForExecutionCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  RedriveExecutionCommand,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  StartSyncExecutionCommand,
  StopExecutionCommand,
  ValidateStateMachineDefinitionCommand,
} from "@aws-sdk/client-sfn";
import assert from "node:assert/strict";
import type { SimulatedFunction } from "../../../../local/cloud/cloud";
import type { PropertyMap } from "../../../../local/cloud/core/resource-model";
import type { StatesService } from "../../../../local/cloud/states/service";
import { type RunningCloud, startTestCloud } from "../../../support/running-cloud";

const ACCOUNT = "000000000000";
const REGION = "eu-west-1";
const FUNCTION_ARN = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:work`;

describe("Step Functions", () => {
  let running: RunningCloud;
  let sfn: SFNClient;
  let work: SimulatedFunction;
  let machines = 0;

  before(async () => {
    running = await startTestCloud({ simulateFunction: (invocation) => work(invocation) });
    const { declare, cloud } = running;
    await declare("aws:iam/role:Role", { name: "fn", assumeRolePolicy: trust("lambda.amazonaws.com") }, "fn");
    await declare(
      "aws:lambda/function:Function",
      {
        name: "work",
        role: `arn:aws:iam::${ACCOUNT}:role/fn`,
        runtime: "nodejs24.x",
        handler: "index.handler",
        code: { kind: "archive", assets: { "index.js": { kind: "asset", text: "exports.handler = async () => 1" } } },
      },
      "work",
    );
    await declare("aws:iam/role:Role", { name: "states", assumeRolePolicy: trust("states.amazonaws.com") }, "states");
    await declare("aws:dynamodb/table:Table", {
      name: "orders",
      hashKey: "id",
      billingMode: "PAY_PER_REQUEST",
      attributes: [{ name: "id", type: "S" }],
    });
    await declare("aws:sqs/queue:Queue", { name: "shipments" });
    await declare("aws:iam/rolePolicy:RolePolicy", {
      name: "tasks",
      role: "states",
      policy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          allow("lambda:InvokeFunction", FUNCTION_ARN),
          allow(["dynamodb:PutItem", "dynamodb:Query"], `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/orders`),
          allow("sqs:SendMessage", `arn:aws:sqs:${REGION}:${ACCOUNT}:shipments`),
          allow("events:PutEvents", `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/default`),
        ],
      }),
    });
    sfn = new SFNClient({
      endpoint: cloud.gatewayOrigin,
      region: REGION,
      credentials: { ...cloud.rootCredentials() },
      maxAttempts: 1,
    });
  });
  after(() => running.cloud.stop());
  beforeEach(() => {
    work = async ({ event }) => ({ echo: event });
  });

  const service = (): StatesService =>
    running.cloud.services.find(({ name }) => name === "states") as unknown as StatesService;
  const create = async (States: object, StartAt: string, inputs: PropertyMap = {}): Promise<string> => {
    const definition = JSON.stringify({ QueryLanguage: "JSONata", StartAt, States });
    const name = `machine-${++machines}`;
    const role = `arn:aws:iam::${ACCOUNT}:role/states`;
    return (
      await running.declare("aws:sfn/stateMachine:StateMachine", { name, roleArn: role, definition, ...inputs }, name)
    ).id;
  };
  const one = (Resource: string, Arguments: object, more: object = {}): Promise<string> =>
    create({ A: { Type: "Task", Resource, Arguments, End: true, ...more } }, "A");
  const start = async (stateMachineArn: string, input: unknown = {}, name?: string): Promise<string> => {
    const started = await sfn.send(
      new StartExecutionCommand({
        stateMachineArn,
        input: JSON.stringify(input),
        ...(name === undefined ? {} : { name }),
      }),
    );
    return started.executionArn ?? "";
  };
  const ended = async (
    arn: string,
  ): Promise<{ status: string; output: unknown; error: string | undefined; cause: string }> => {
    for (;;) {
      const {
        status = "",
        output,
        error,
        cause = "",
      } = await sfn.send(new DescribeExecutionCommand({ executionArn: arn }));
      if (status !== "RUNNING")
        return { status, output: output === undefined ? undefined : JSON.parse(output), error, cause };
      await nextEvent(arn);
    }
  };
  const nextEvent = (arn: string): Promise<void> =>
    new Promise((resolve) => {
      const stop = service().subscribe((execution) => {
        if (execution.settings.arn !== arn) return;
        stop();
        resolve();
      });
      // The last event may have come before the subscription.
      const found = service()
        .machines()
        .flatMap((machine) => service().executions(machine))
        .find(({ settings }) => settings.arn === arn);
      if (found?.status === "RUNNING") return;
      stop();
      resolve();
    });

  it("invokes a function as the machine's role, by integration and by ARN", async () => {
    const byIntegration = await one(
      "arn:aws:states:::lambda:invoke",
      { FunctionName: FUNCTION_ARN, Payload: { n: 1 } },
      { Output: "{% $states.result.Payload %}" },
    );
    assert.deepEqual((await ended(await start(byIntegration))).output, { echo: { n: 1 } });
    const byArn = await one(FUNCTION_ARN, { n: 2 });
    assert.deepEqual((await ended(await start(byArn))).output, { echo: { n: 2 } });
  });

  it("names a function's error by its type, with all that it told as cause", async () => {
    work = async () => {
      throw Object.assign(new Error("no stock"), { name: "OutOfStock" });
    };
    const { status, error, cause } = await ended(
      await start(await one("arn:aws:states:::lambda:invoke", { FunctionName: "work" })),
    );
    assert.equal(status, "FAILED");
    assert.equal(error, "OutOfStock");
    assert.match(cause, /no stock/);
  });

  it("rejects a task that the role may not do", async () => {
    const machine = await one("arn:aws:states:::dynamodb:deleteItem", { TableName: "orders", Key: { id: { S: "1" } } });
    const { error, cause } = await ended(await start(machine));
    assert.equal(error, "DynamoDB.AmazonDynamoDBException");
    assert.match(cause, /not authorized to perform: dynamodb:DeleteItem/);
  });

  it("puts and queries items, and names a failed condition", async () => {
    const machine = await create(
      {
        Put: {
          Type: "Task",
          Resource: "arn:aws:states:::dynamodb:putItem",
          Arguments: {
            TableName: "orders",
            Item: { id: { S: "{% $states.input.id %}" } },
            ConditionExpression: "attribute_not_exists(id)",
          },
          Next: "Query",
        },
        Query: {
          Type: "Task",
          Resource: "arn:aws:states:::aws-sdk:dynamodb:query",
          Arguments: {
            TableName: "orders",
            KeyConditionExpression: "id = :id",
            ExpressionAttributeValues: { ":id": { S: "{% $states.context.Execution.Input.id %}" } },
          },
          Output: "{% $states.result.Count %}",
          End: true,
        },
      },
      "Put",
    );
    assert.equal((await ended(await start(machine, { id: "o-1" }))).output, 1);
    assert.equal((await ended(await start(machine, { id: "o-1" }))).error, "DynamoDB.ConditionalCheckFailedException");
  });

  it("sends a message, with an object as its body", async () => {
    const url = `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/shipments`;
    const { status } = await ended(
      await start(await one("arn:aws:states:::sqs:sendMessage", { QueueUrl: url, MessageBody: { order: 7 } })),
    );
    assert.equal(status, "SUCCEEDED");
    const [message] = await running.cloud.context.queues.receive(
      `arn:aws:sqs:${REGION}:${ACCOUNT}:shipments`,
      { maximumMessages: 1, waitTimeMs: 0 },
      { kind: "root", arn: `arn:aws:iam::${ACCOUNT}:root`, accountId: ACCOUNT, userId: ACCOUNT },
    );
    assert.equal(message?.body, '{"order":7}');
  });

  it("puts events with the execution among their resources", async () => {
    const machine = await one(
      "arn:aws:states:::events:putEvents",
      { Entries: [{ Source: "shop", DetailType: "Shipped", Detail: { order: 7 } }] },
      { Output: "{% $states.result.FailedEntryCount %}" },
    );
    assert.equal((await ended(await start(machine))).output, 0);
  });

  it("starts one execution for one name and input, and rejects another input while it runs", async () => {
    const machine = await create({ W: { Type: "Wait", Seconds: 1000, End: true } }, "W");
    const first = await start(machine, { n: 1 }, "order-1");
    assert.equal(await start(machine, { n: 1 }, "order-1"), first);
    await assert.rejects(start(machine, { n: 2 }, "order-1"), { name: "ExecutionAlreadyExists" });
    await sfn.send(new StopExecutionCommand({ executionArn: first, error: "Cancelled", cause: "by the test" }));
    const { status, error } = await ended(first);
    assert.deepEqual([status, error], ["ABORTED", "Cancelled"]);
    await assert.rejects(start(machine, { n: 1 }, "order-1"), { name: "ExecutionAlreadyExists" });
    const { executions = [] } = await sfn.send(
      new ListExecutionsCommand({ stateMachineArn: machine, statusFilter: "ABORTED" }),
    );
    assert.deepEqual(
      executions.map(({ name }) => name),
      ["order-1"],
    );
  });

  it("redrives a failed execution from its failed state, and rejects to redrive one that succeeded", async () => {
    let broken = true;
    work = async () => {
      if (broken) throw new Error("down");
      return "up";
    };
    const machine = await one(
      "arn:aws:states:::lambda:invoke",
      { FunctionName: "work" },
      { Output: "{% $states.result.Payload %}" },
    );
    const arn = await start(machine);
    assert.equal((await ended(arn)).status, "FAILED");
    broken = false;
    await sfn.send(new RedriveExecutionCommand({ executionArn: arn }));
    assert.equal((await ended(arn)).output, "up");
    await assert.rejects(sfn.send(new RedriveExecutionCommand({ executionArn: arn })), {
      name: "ExecutionNotRedrivable",
    });
  });

  it("returns the history in pages, forwards and backwards", async () => {
    const arn = await start(await create({ P: { Type: "Pass", End: true } }, "P"));
    await ended(arn);
    const first = await sfn.send(new GetExecutionHistoryCommand({ executionArn: arn, maxResults: 2 }));
    assert.deepEqual(
      first.events?.map(({ type }) => type),
      ["ExecutionStarted", "PassStateEntered"],
    );
    const second = await sfn.send(new GetExecutionHistoryCommand({ executionArn: arn, nextToken: first.nextToken }));
    assert.deepEqual(
      second.events?.map(({ type }) => type),
      ["PassStateExited", "ExecutionSucceeded"],
    );
    const back = await sfn.send(
      new GetExecutionHistoryCommand({ executionArn: arn, reverseOrder: true, maxResults: 1 }),
    );
    assert.equal(back.events?.[0]?.executionSucceededEventDetails?.output, "{}");
  });

  it("publishes status changes to the default bus and counts executions", async () => {
    const arn = await start(await create({ F: { Type: "Fail", Error: "Nope", Cause: "because" } }, "F"));
    await ended(arn);
    const monitoring = running.cloud.services.find(({ name }) => name === "monitoring") as unknown as {
      metrics(): readonly { readonly namespace: string; readonly name: string }[];
    };
    const names = monitoring
      .metrics()
      .filter(({ namespace }) => namespace === "AWS/States")
      .map(({ name }) => name);
    for (const name of ["ExecutionsStarted", "ExecutionsFailed", "ExecutionTime"])
      assert.ok(names.includes(name), name);
  });

  it("publishes versions and routes an alias to them", async () => {
    const definition = (Result: number): PropertyMap => ({
      definition: JSON.stringify({ StartAt: "P", States: { P: { Type: "Pass", Result, End: true } } }),
    });
    const machine = await create({}, "", { ...definition(1), publish: true });
    const alias = await running.declare("aws:sfn/alias:Alias", {
      name: "live",
      routingConfigurations: [{ stateMachineVersionArn: `${machine}:1`, weight: 100 }],
    });
    const byAlias = await start(alias.id);
    assert.equal((await ended(byAlias)).output, 1);
    const described = await sfn.send(new DescribeExecutionCommand({ executionArn: byAlias }));
    assert.equal(described.stateMachineAliasArn, alias.id);
    assert.equal(described.stateMachineVersionArn, `${machine}:1`);
    const direct = await start(machine);
    await ended(direct);
    for (const [stateMachineArn, expected] of [
      [alias.id, [byAlias]],
      [`${machine}:1`, [byAlias]],
      [machine, [direct, byAlias]],
    ] as const) {
      const { executions = [] } = await sfn.send(new ListExecutionsCommand({ stateMachineArn }));
      assert.deepEqual(
        executions.map(({ executionArn }) => executionArn),
        expected,
      );
    }
    await assert.rejects(start(`${machine}:9`), { name: "StateMachineDoesNotExist" });
  });

  it("queues a function's invocation with InvocationType Event, and rejects parameters that it does not know", async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    work = async ({ event }) => resolve(event);
    const queued = { FunctionName: "work", Payload: { n: 3 }, InvocationType: "Event" };
    const { output } = await ended(await start(await one("arn:aws:states:::lambda:invoke", queued)));
    assert.equal((output as { StatusCode: number }).StatusCode, 202);
    assert.deepEqual(await promise, { n: 3 });
    const unknown = await one("arn:aws:states:::lambda:invoke", { FunctionName: "work", ClientContext: "x" });
    assert.match((await ended(await start(unknown))).cause, /ClientContext/);
  });

  it("takes tokens from who may act on their machine alone, once, and rejects others", async () => {
    let token = "";
    work = async ({ event }) => {
      token = (event as { token: string }).token;
      return null;
    };
    const Payload = { token: "{% $states.context.Task.Token %}" };
    const machine = await one("arn:aws:states:::lambda:invoke.waitForTaskToken", { FunctionName: "work", Payload });
    const caller = await clientWith("one-machine", machine);
    const stranger = await clientWith("other-machine", `${machine}-other`);
    const arn = await start(machine);
    while (!token) await nextEvent(arn);

    const success = { taskToken: token, output: '{"ok":true}' };
    await assert.rejects(stranger.send(new SendTaskSuccessCommand(success)), { name: "AccessDeniedException" });
    await assert.rejects(caller.send(new SendTaskSuccessCommand({ ...success, output: "{" })), {
      name: "InvalidOutput",
    });
    await caller.send(new SendTaskHeartbeatCommand({ taskToken: token }));
    await caller.send(new SendTaskSuccessCommand(success));
    assert.deepEqual((await ended(arn)).output, { ok: true });
    await assert.rejects(caller.send(new SendTaskFailureCommand({ taskToken: token })), { name: "TaskTimedOut" });
    await assert.rejects(caller.send(new SendTaskHeartbeatCommand({ taskToken: "made up" })), { name: "InvalidToken" });
  });

  it("rejects a synchronous start, pages above 1000 and unknown filters", async () => {
    const machine = await create({ P: { Type: "Pass", End: true } }, "P");
    const direct = new SFNClient({
      endpoint: running.cloud.gatewayOrigin,
      region: REGION,
      credentials: { ...running.cloud.rootCredentials() },
      // The SDK would call "sync-127.0.0.1".
      disableHostPrefix: true,
    });
    await assert.rejects(direct.send(new StartSyncExecutionCommand({ stateMachineArn: machine })), {
      name: "StateMachineTypeNotSupported",
    });
    await assert.rejects(sfn.send(new ListExecutionsCommand({ stateMachineArn: machine, maxResults: 1001 })), {
      name: "ValidationException",
    });
    await assert.rejects(
      sfn.send(new ListExecutionsCommand({ stateMachineArn: machine, statusFilter: "DONE" as never })),
      {
        name: "ValidationException",
      },
    );
  });

  it("returns a hundred events per page, each text of data marked as whole", async () => {
    const States = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [
        `S${index}`,
        { Type: "Pass", ...(index === 59 ? { End: true } : { Next: `S${index + 1}` }) },
      ]),
    );
    const arn = await start(await create(States, "S0"));
    await ended(arn);
    const { events = [], nextToken } = await sfn.send(new GetExecutionHistoryCommand({ executionArn: arn }));
    assert.equal(events.length, 100);
    assert.ok(nextToken);
    assert.deepEqual(events[1]?.stateEnteredEventDetails?.inputDetails, { truncated: false });
  });

  it("describes the machine of an execution as it was when it started", async () => {
    const machine = await create({ Old: { Type: "Pass", End: true } }, "Old");
    const arn = await start(machine);
    await ended(arn);
    const { definition = "", stateMachineArn } = await sfn.send(
      new DescribeStateMachineForExecutionCommand({ executionArn: arn }),
    );
    assert.equal(stateMachineArn, machine);
    assert.match(definition, /"StartAt":"Old"/);
  });

  async function clientWith(name: string, Resource: string): Promise<SFNClient> {
    await running.declare("aws:iam/role:Role", { name, assumeRolePolicy: trust("lambda.amazonaws.com") }, name);
    const policy = JSON.stringify({ Version: "2012-10-17", Statement: [allow("states:SendTask*", Resource)] });
    await running.declare("aws:iam/rolePolicy:RolePolicy", { name, role: name, policy }, name);
    const { access, gatewayOrigin } = {
      access: running.cloud.context.access,
      gatewayOrigin: running.cloud.gatewayOrigin,
    };
    const credentials = access.assumeRole(`arn:aws:iam::${ACCOUNT}:role/${name}`, "test", "lambda.amazonaws.com");
    return new SFNClient({ endpoint: gatewayOrigin, region: REGION, credentials: { ...credentials }, maxAttempts: 1 });
  }

  it("validates definitions by API, and refuses them when declared", async () => {
    const definition = JSON.stringify({ StartAt: "A", States: { A: { Type: "Pass", Next: "B" } } });
    const { result, diagnostics } = await sfn.send(new ValidateStateMachineDefinitionCommand({ definition }));
    assert.equal(result, "FAIL");
    assert.equal(diagnostics?.[0]?.code, "MISSING_TRANSITION_TARGET");
    await assert.rejects(create({}, "", { definition }), /MISSING_TRANSITION_TARGET/);
    await assert.rejects(one("arn:aws:states:::batch:submitJob", {}), /not simulated/);
    await assert.rejects(one("arn:aws:states:::dynamodb:putItem.waitForTaskToken", {}), /does not support the pattern/);
  });

  it("rejects a role that Step Functions may not assume, and a name that is taken by nobody", async () => {
    const definition = JSON.stringify({ StartAt: "P", States: { P: { Type: "Pass", End: true } } });
    const inputs = { name: "untrusted", roleArn: `arn:aws:iam::${ACCOUNT}:role/fn`, definition };
    await assert.rejects(
      running.declare("aws:sfn/stateMachine:StateMachine", inputs),
      /authorized to assume the provided role/,
    );
    await assert.rejects(start(`arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:nobody`), {
      name: "StateMachineDoesNotExist",
    });
  });
});

function trust(service: string): string {
  const statement = { Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" };
  return JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
}

function allow(Action: string | readonly string[], Resource: string): object {
  return { Effect: "Allow", Action, Resource };
}
