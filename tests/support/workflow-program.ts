// A console over a cloud on the virtual clock with a real state machine, functions that tests simulate, and a WebSocket API.
import { once } from "node:events";
import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { WebSocket } from "ws";
import type { Cloud, SimulatedFunction } from "../../local/cloud";
import { VirtualClock } from "../../local/cloud/core/clock";
import type { Listener } from "../../local/cloud/core/service";
import type { WebSocketService } from "../../local/cloud/apigatewayv2/service";
import type { StatesService } from "../../local/cloud/states/service";
import { startConsole } from "../../local/console";
import { type RunningCloud, startTestCloud } from "./running-cloud";

const INVOKE = "arn:aws:states:::lambda:invoke";

/** A running console with its parts. */
export interface WorkflowProgram {
  readonly listener: Listener;
  readonly cloud: Cloud;
  readonly clock: VirtualClock;
  readonly states: StatesService;
  /** What the function "work" does with the payload of a task; tests replace it. */
  work: (payload: Readonly<Record<string, unknown>>) => unknown;
  /** Starts an execution and lets what needs no time happen; returns its ARN. */
  start(input: unknown, name: string): Promise<string>;
  /** Moves the clock second by second; what needs no time happens. */
  advance(seconds: number): Promise<void>;
  /** Opens a connection as an owner, with a ticket that nobody may see. */
  connect(owner: string): Promise<void>;
  stop(): Promise<void>;
}

/** The machine of the tests: a choice, two branches, items, catchers, reports. */
export const ORDER_DEFINITION = {
  QueryLanguage: "JSONata",
  StartAt: "Check order",
  States: {
    "Check order": task("check", {
      Next: "Check order (progress)",
      Retry: [{ ErrorEquals: ["TooBusy"], IntervalSeconds: 1, MaxAttempts: 2 }],
      Catch: [{ ErrorEquals: ["OutOfStock"], Next: "Refuse order" }],
    }),
    "Check order (progress)": task("report", {
      Output: "{% $states.input %}",
      Catch: [{ ErrorEquals: ["States.ALL"], Next: "Large order?" }],
      Next: "Large order?",
    }),
    "Large order?": {
      Type: "Choice",
      Choices: [{ Condition: "{% $states.input.amount > 100 %}", Next: "Wait for approval" }],
      Default: "Prepare",
    },
    "Wait for approval": { Type: "Wait", Seconds: 60, Next: "Check order" },
    Prepare: {
      Type: "Parallel",
      Branches: [
        { StartAt: "Reserve stock", States: { "Reserve stock": task("reserve", { End: true }) } },
        {
          StartAt: "Charge card",
          States: {
            "Charge card": task("charge", {
              Catch: [{ ErrorEquals: ["States.ALL"], Next: "Send invoice" }],
              Next: "Charged",
            }),
            "Send invoice": { Type: "Pass", Next: "Charged" },
            Charged: { Type: "Pass", End: true },
          },
        },
      ],
      Output: "{% $states.input %}",
      Next: "Pack items",
    },
    "Pack items": {
      Type: "Map",
      Items: "{% $states.input.items %}",
      MaxConcurrency: 2,
      ItemProcessor: {
        StartAt: "Fetch item",
        States: {
          "Fetch item": { Type: "Wait", Seconds: 10, Next: "Wrap item" },
          "Wrap item": task("wrap", { End: true }),
        },
      },
      Output: "{% $states.input %}",
      Next: "Pack items (progress)",
    },
    "Pack items (progress)": task("report", {
      Output: "{% $states.input %}",
      Catch: [{ ErrorEquals: ["States.ALL"], Next: "Pack items (end)" }],
      Next: "Pack items (end)",
    }),
    "Pack items (end)": { Type: "Pass", End: true },
    "Refuse order": { Type: "Fail", Error: "Refused", Cause: "nothing left" },
  },
};

function task(does: string, more: object): object {
  return {
    Type: "Task",
    Resource: INVOKE,
    Arguments: { FunctionName: "work", Payload: { does, order: "{% $states.input %}" } },
    Output: "{% $states.input %}",
    ...more,
  };
}

/** Starts it. */
export async function startWorkflowProgram(): Promise<WorkflowProgram> {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1, 12));
  const simulateFunction: SimulatedFunction = async ({ functionName, event }) =>
    functionName === "admit" ? admit(event) : program.work(event as Readonly<Record<string, unknown>>);
  const running = await startTestCloud({ clock, simulateFunction });
  const { cloud, declare } = running;
  await declareFunctions(running);
  const machine = await declare(
    "aws:sfn/stateMachine:StateMachine",
    { name: "orders", roleArn: roleArn(cloud, "states"), definition: JSON.stringify(ORDER_DEFINITION) },
    "orders",
  );
  const socketUrl = await declareSockets(running);
  const client = new SFNClient({
    endpoint: cloud.gatewayOrigin,
    region: cloud.region,
    credentials: { ...cloud.rootCredentials() },
    maxAttempts: 1,
  });
  const sockets = new Set<WebSocket>();
  const states = cloud.services.find((one): one is StatesService => one.name === "states");
  if (!states) throw new Error("the cloud has no state machines");
  const listener = await startConsole({
    cloud,
    evaluation: { resources: [], outputs: {} },
    project: "orders",
    stack: "dev",
  });
  const program: WorkflowProgram = {
    listener,
    cloud,
    clock,
    states,
    work: () => ({}),
    async start(input, name) {
      // Calls are signed with the time of the cloud's clock.
      client.config.systemClockOffset = clock.now() - Date.now();
      const command = new StartExecutionCommand({ stateMachineArn: machine.id, name, input: JSON.stringify(input) });
      const { executionArn = "" } = await client.send(command);
      await program.advance(0);
      return executionArn;
    },
    async advance(seconds) {
      await settle(states);
      for (let second = 0; second < seconds; second++) {
        await clock.advance(1000);
        await settle(states);
      }
    },
    async connect(owner) {
      const socket = new WebSocket(`${socketUrl}?ticket=very-secret-ticket&owner=${owner}`);
      sockets.add(socket);
      await once(socket, "open");
    },
    async stop() {
      for (const socket of sockets) socket.terminate();
      client.destroy();
      await listener.close();
      await cloud.stop();
    },
  };
  return program;
}

/** Waits until histories stand still. */
async function settle(states: StatesService): Promise<void> {
  const count = (): number =>
    states
      .machines()
      .flatMap((machine) => states.executions(machine))
      .reduce((sum, { history }) => sum + history.events.length, 0);
  let before = count();
  for (let quiet = 0; quiet < 12; quiet++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (count() !== before) quiet = 0;
    before = count();
  }
}

/** Open connections of the program. */
export function connectionsOf({ cloud }: WorkflowProgram): ReturnType<WebSocketService["connections"]> {
  const service = cloud.services.find((one): one is WebSocketService => one.name === "apigatewayv2");
  return service?.connections() ?? [];
}

function admit(event: unknown): unknown {
  const { methodArn, queryStringParameters } = event as {
    readonly methodArn: string;
    readonly queryStringParameters: Readonly<Record<string, string>>;
  };
  return {
    principalId: "someone",
    policyDocument: {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "execute-api:Invoke", Resource: methodArn }],
    },
    context: { owner: queryStringParameters.owner, ticketId: queryStringParameters.ticket },
  };
}

async function declareFunctions({ cloud, declare }: RunningCloud): Promise<void> {
  await declare("aws:iam/role:Role", { name: "fn", assumeRolePolicy: trust("lambda.amazonaws.com") }, "fn");
  await declare("aws:iam/role:Role", { name: "states", assumeRolePolicy: trust("states.amazonaws.com") }, "states");
  for (const name of ["work", "admit"]) {
    const code = { kind: "archive", assets: { "index.mjs": { kind: "asset", text: "" } } };
    await declare(
      "aws:lambda/function:Function",
      { name, role: roleArn(cloud, "fn"), runtime: "nodejs24.x", handler: "index.handler", code },
      name,
    );
  }
  const statement = { Effect: "Allow", Action: "lambda:InvokeFunction", Resource: functionArn(cloud, "work") };
  await declare(
    "aws:iam/rolePolicy:RolePolicy",
    { name: "tasks", role: "states", policy: JSON.stringify({ Version: "2012-10-17", Statement: [statement] }) },
    "tasks",
  );
}

/** Declares the API; returns the URL of its stage. */
async function declareSockets({ cloud, declare }: RunningCloud): Promise<string> {
  const uri = (name: string): string =>
    `arn:aws:apigateway:${cloud.region}:lambda:path/2015-03-31/functions/${functionArn(cloud, name)}/invocations`;
  const type = (name: string): string => `aws:apigatewayv2/${name}`;
  const api = await declare(
    type("api:Api"),
    { name: "viewers", protocolType: "WEBSOCKET", routeSelectionExpression: "$request.body.action" },
    "viewers",
  );
  const apiId = api.id;
  const authorizer = await declare(
    type("authorizer:Authorizer"),
    {
      apiId,
      name: "tickets",
      authorizerType: "REQUEST",
      authorizerUri: uri("admit"),
      identitySources: ["route.request.querystring.ticket"],
    },
    "tickets",
  );
  await declare(
    "aws:lambda/permission:Permission",
    {
      action: "lambda:InvokeFunction",
      function: "admit",
      principal: "apigateway.amazonaws.com",
      sourceArn: `arn:aws:execute-api:${cloud.region}:${cloud.accountId}:${apiId}/*`,
    },
    "permission",
  );
  const integration = await declare(
    type("integration:Integration"),
    { apiId, integrationType: "AWS_PROXY", integrationUri: uri("admit") },
    "integration",
  );
  await declare(
    type("route:Route"),
    {
      apiId,
      routeKey: "$connect",
      target: `integrations/${integration.id}`,
      authorizationType: "CUSTOM",
      authorizerId: authorizer.id,
    },
    "connect",
  );
  await declare(type("stage:Stage"), { apiId, name: "dev", autoDeploy: true }, "stage");
  return cloud.hosts.localise(`wss://${apiId}.execute-api.${cloud.region}.amazonaws.com/dev`);
}

function roleArn({ accountId }: Cloud, name: string): string {
  return `arn:aws:iam::${accountId}:role/${name}`;
}

function functionArn({ accountId, region }: Cloud, name: string): string {
  return `arn:aws:lambda:${region}:${accountId}:function:${name}`;
}

function trust(service: string): string {
  const statement = { Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" };
  return JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
}
