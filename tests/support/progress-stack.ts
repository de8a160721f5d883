// One workflow three times, each with another transport, through the engine on the real embedded cloud: functions in processes of their own,
// real tickets, real WebSockets, the real client. And what the tests and the bench of it ask.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { type AttributeValue, DynamoDBClient, QueryCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { createProgressClient, type ProgressClient, type ProgressEnvironment } from "../../clients/progress";
import { ProgressTrackedWorkflow, ProgressTransport, SignInUserPool, trackProgress } from "../../components";
import type { ProgressEvent, ProgressHandlerName, TicketResponse } from "../../handlers/progress/contract";
import { requestTokens } from "../../local/cli/token-command";
import { startCloud, type Cloud } from "../../local/cloud";
import type { WebSocketService } from "../../local/cloud/apigatewayv2/service";
import type { TraceEvent } from "../../local/cloud/core/trace";
import type { RoleRegistry } from "../../local/cloud/iam/registry";
import type { LogsService } from "../../local/cloud/logs/service";
import type { QueueControl } from "../../local/cloud/sqs/control";
import type { Execution } from "../../local/cloud/states/execution/execution";
import type { StatesService } from "../../local/cloud/states/service";
import type { Evaluation } from "../../local/engine";
import { createCloudProvider } from "../../local/run/provider";
import { evaluateProgram } from "./engine-run";
import { MovableClock } from "./movable-clock";

export const TRANSPORTS = Object.values(ProgressTransport);
/** The page's origin. */
export const ORIGIN = "https://shop.example.com";
/** Seconds after which a run is stopped. */
export const RUN_SECONDS = 110;
const LONGEST_WAIT_MS = 20_000;

/** What a run is asked to do. Gates and what is mended are files in the stack's folder. */
export interface TestOrder {
  readonly items: readonly string[];
  /** Each step waits for its gate of this name. */
  readonly gates?: string;
  /** This step fails until `mend` was called with the same name of gates. */
  readonly failAt?: string;
  /** How long the run waits before it begins. */
  readonly waitSeconds?: number;
}

/** Gates of a run without items, in order. Each but "Check" leads to one report. */
export const GATES = ["Reserve", "Check", "Label", "Invoice", "Ship"];
/** What an undisturbed run without items leaves in its log. */
export const PLAIN_LOG = ["started", "Reserve", "Pack", "Label", "Invoice", "Ship", "succeeded"];

/** The workflow of one transport. */
export interface TestWorkflow {
  readonly transport: ProgressTransport;
  readonly ticketUrl: string;
  readonly socketUrl: string;
  readonly table: string;
  readonly machineArn: string;
  readonly machineRoleArn: string;
  /** ARN of a handler's function. */
  functionArn(handler: ProgressHandlerName): string;
  roleArn(handler: ProgressHandlerName): string;
}

/** A client of the real library, and what it received. */
export interface Viewer {
  readonly client: ProgressClient;
  /** Texts of the messages, as they came. */
  readonly texts: readonly string[];
  /** When they came, in milliseconds since the epoch. */
  readonly times: readonly number[];
  /** Events that were pushed, as they came. */
  pushes(executionId: string): readonly string[];
}

/** What is broken on purpose. */
export interface StackFaults {
  /** No copy of these functions may run. */
  readonly throttled?: readonly `${ProgressTransport}-${ProgressHandlerName}`[];
  /** The bus may not invoke these. */
  readonly forbidden?: readonly `${ProgressTransport}-${ProgressHandlerName}`[];
}

/** A running system. */
export interface ProgressStack {
  readonly cloud: Cloud;
  readonly clock: MovableClock;
  readonly states: StatesService;
  readonly sockets: WebSocketService;
  readonly logs: LogsService;
  readonly traces: readonly TraceEvent[];
  workflow(transport: ProgressTransport): TestWorkflow;
  /** ID token of a user; made when missing. */
  token(user: string): Promise<string>;
  /** Buys a ticket. */
  ticket(workflow: TestWorkflow, user: string, executionId?: string): Promise<TicketResponse>;
  /** A client of a user. @param executionId for tickets of one run */
  viewer(workflow: TestWorkflow, user: string, options?: ViewerOptions): Viewer;
  execution(workflow: TestWorkflow, executionId: string): Execution;
  /** Rows of a partition, in order. */
  rows(workflow: TestWorkflow, partition: string): Promise<readonly Record<string, AttributeValue>[]>;
  /** Sets members of a row, with the administrator's rights. */
  patch(
    workflow: TestWorkflow,
    partition: string,
    sort: string,
    values: Readonly<Record<string, AttributeValue>>,
  ): Promise<void>;
  /** A name for the gates of a run. */
  gates(): string;
  /** Lets a step of a run go on. */
  open(gates: string, step: string): void;
  /** What failed fails no more. */
  mend(gates: string): void;
  /** Takes statements of a role away; returns what gives them back. */
  withoutStatements(roleArn: string, sids: readonly RegExp[]): () => void;
  /** Evaluates the program anew, with faults or without. */
  update(faults?: StackFaults): Promise<void>;
  /** Closes all clients. */
  leave(): void;
  /** Messages in the dead-letter queue of a workflow. */
  deadLetters(workflow: TestWorkflow): number;
  /** Resolves as soon as something is true; asked again after each call and each event of a history. */
  until(holds: () => boolean, what: string): Promise<void>;
  stop(): Promise<void>;
}

/** Options of a viewer. */
export interface ViewerOptions {
  readonly executionId?: string;
  readonly origin?: string;
  readonly environment?: Partial<ProgressEnvironment>;
}

/** How the program is to be. */
export interface ProgressStackOptions {
  readonly transports?: readonly ProgressTransport[];
  /** @default 4 */
  readonly startsPerMinute?: number;
  /** Messages per second and burst of the WebSocket API. */
  readonly rateLimit?: number;
}

/** The work of each step: waits for a gate, fails where it is told to. Its file is `<folder>/<gates>.<step>`. */
const WORKER = `
import { existsSync } from "node:fs";
export const handler = async ({ folder, step, order }) => {
  const has = (name) => existsSync(folder + "/" + order.gates + "." + name);
  while (order.gates && !has(step)) await new Promise((resolve) => setTimeout(resolve, 10));
  if (order.failAt === step && !has("mended")) {
    throw Object.assign(new Error("no " + step + " today"), { name: "StepFailed" });
  }
  return { did: step };
};
`;

type State = Record<string, unknown>;

/** Marked states in a row, in a Map whose items are told of, and in a Parallel. */
function buildDefinition(workerArn: pulumi.Input<string>, folder: string): Record<string, unknown> {
  const work = (step: string, order: string, more: State): State => ({
    Type: "Task",
    Resource: "arn:aws:states:::lambda:invoke",
    Arguments: { FunctionName: workerArn, Payload: { folder, step, order } },
    Output: "{% $states.input %}",
    ...more,
  });
  const order = "{% $states.input %}";
  const branch = (step: string, label: string): State => ({
    StartAt: step,
    States: { [step]: trackProgress(work(step, order, { End: true }), { label, weight: 1 }) },
  });
  return {
    QueryLanguage: "JSONata",
    StartAt: "Queue",
    States: {
      Queue: {
        Type: "Wait",
        Seconds: "{% $exists($states.input.waitSeconds) ? $states.input.waitSeconds : 0 %}",
        Next: "Reserve",
      },
      Reserve: trackProgress(work("Reserve", order, { Next: "Check" }), { label: "Reserved", weight: 2 }),
      Check: work("Check", order, { Next: "Pack" }),
      Pack: trackProgress(
        {
          Type: "Map",
          Items: "{% $states.input.items %}",
          ItemSelector: { order, step: '{% "Pack#" & $string($states.context.Map.Item.Index) %}' },
          MaxConcurrency: 1,
          ItemProcessor: {
            StartAt: "Pack item",
            States: { "Pack item": work("{% $states.input.step %}", "{% $states.input.order %}", { End: true }) },
          },
          Output: "{% $states.input %}",
          Next: "Papers",
        },
        { label: "Packed", weight: 4, maximumItemReports: 2 },
      ),
      Papers: {
        Type: "Parallel",
        Branches: [branch("Label", "Label printed"), branch("Invoice", "Invoice written")],
        Output: "{% $states.input %}",
        Next: "Ship",
      },
      Ship: trackProgress(
        work("Ship", order, { Output: '{% {"shipped": $count($states.input.items)} %}', End: true }),
        { label: "Shipped", weight: 2, detail: '{% {"parcels": $states.input.shipped, "note": "grüße"} %}' },
      ),
    },
  };
}

function declareWorker(): aws.lambda.Function {
  const assumeRolePolicy = aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" });
  const role = new aws.iam.Role("worker-role", { assumeRolePolicy });
  return new aws.lambda.Function("worker", {
    runtime: "nodejs24.x",
    handler: "index.handler",
    role: role.arn,
    timeout: 60,
    code: new pulumi.asset.AssetArchive({ "index.mjs": new pulumi.asset.StringAsset(WORKER) }),
  });
}

/** Breaks children of the components. */
function breakChildren({ throttled = [], forbidden = [] }: StackFaults): pulumi.ResourceTransform {
  const has = (names: readonly string[], name: string, kind: string): boolean =>
    names.some((one) => name === `${one}-${kind}`);
  return ({ type, name, props, opts }) => {
    if (type === "aws:lambda/function:Function" && has(throttled, name, "function")) {
      return { props: { ...props, reservedConcurrentExecutions: 0 }, opts };
    }
    if (type === "aws:lambda/permission:Permission" && has(forbidden, name, "permission")) {
      return { props: { ...props, sourceArn: "arn:aws:events:eu-west-1:111111111111:rule/another" }, opts };
    }
    return undefined;
  };
}

/** Starts the cloud and deploys the workflows. */
export async function startProgressStack(options: ProgressStackOptions = {}): Promise<ProgressStack> {
  const { transports = TRANSPORTS, startsPerMinute = 4, rateLimit = 1000 } = options;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "progress-stack-"));
  const clock = new MovableClock();
  const cloud = await startCloud({ clock });
  const provider = createCloudProvider(() => Promise.resolve(cloud));
  const program = (faults: StackFaults) => (): object => {
    const users = new SignInUserPool("users", {
      domainPrefix: "shop",
      callbackUrls: [`${ORIGIN}/`],
      deletionProtection: false,
    });
    const worker = declareWorker();
    return Object.fromEntries(
      transports.map((transport) => {
        const workflow = new ProgressTrackedWorkflow(
          transport,
          {
            definition: buildDefinition(worker.arn, folder),
            policyStatements: [{ sid: "Work", actions: ["lambda:InvokeFunction"], resources: [worker.arn] }],
            allowedOrigins: [ORIGIN],
            userPoolArn: users.userPoolArn,
            transport,
            startsPerMinute,
            throttling: { rateLimit, burstLimit: Math.min(5000, 2 * rateLimit) },
            timeoutSeconds: RUN_SECONDS,
            deletionProtection: false,
          },
          { transforms: [breakChildren(faults)] },
        );
        const arns = (things: Record<string, { readonly arn: pulumi.Output<string> }>): object =>
          Object.fromEntries(Object.entries(things).map(([name, { arn }]) => [name, arn]));
        return [
          transport,
          {
            ...{ table: workflow.table.name, machineArn: workflow.stateMachine.arn },
            ...{ machineRoleArn: workflow.stateMachineRole.arn, client: workflow.clientSettings },
            ...{ functionArns: arns(workflow.functions), roleArns: arns(workflow.roles) },
            deadLetterQueueArn: workflow.deadLetterQueue.arn,
          },
        ];
      }),
    );
  };
  const evaluate = async (faults: StackFaults, previous?: Evaluation): Promise<Evaluation> => {
    const done = await evaluateProgram(program(faults), { provider, ...(previous && { previous: previous.snapshot }) });
    assert.deepEqual(
      done.errors.map(({ message }) => message),
      [],
    );
    return done;
  };
  let evaluation = await evaluate({}).catch(async (error: unknown) => {
    await cloud.stop();
    throw error;
  });
  return createStack({
    ...{ cloud, clock, folder },
    outputs: () => cloud.localise(evaluation.outputs),
    update: async (faults) => {
      evaluation = await evaluate(faults, evaluation);
    },
  });
}

interface WorkflowOutputs {
  readonly table: string;
  readonly machineArn: string;
  readonly machineRoleArn: string;
  readonly client: { readonly ticketUrl: string; readonly socketUrl: string };
  readonly functionArns: Readonly<Record<string, string>>;
  readonly roleArns: Readonly<Record<string, string>>;
  readonly deadLetterQueueArn: string;
}

interface StackParts {
  readonly cloud: Cloud;
  readonly clock: MovableClock;
  readonly folder: string;
  readonly outputs: () => Evaluation["outputs"];
  readonly update: (faults: StackFaults) => Promise<void>;
}

function createStack({ cloud, clock, folder, outputs, update }: StackParts): ProgressStack {
  const service = (name: string): unknown => cloud.services.find((one) => one.name === name);
  const states = service("states") as StatesService;
  const queues = service("sqs") as QueueControl;
  const { roles } = cloud.context.access as unknown as { readonly roles: RoleRegistry };
  const account = { endpoint: cloud.gatewayOrigin, region: cloud.region, credentials: cloud.rootCredentials() };
  const database = new DynamoDBClient(account);
  const traces: TraceEvent[] = [];
  cloud.traces.subscribe((trace) => traces.push(trace));
  const clients = new Set<ProgressClient>();
  const tokens = new Map<string, Promise<string>>();
  let gates = 0;
  const outputsOf = ({ transport }: Pick<TestWorkflow, "transport">): WorkflowOutputs =>
    outputs()[transport]?.value as unknown as WorkflowOutputs;
  const token = (user: string): Promise<string> => {
    const known = tokens.get(user) ?? requestTokens(account, { Username: user }).then(({ IdToken = "" }) => IdToken);
    tokens.set(user, known);
    return known;
  };
  const sign = <T extends { config: { systemClockOffset: number } }>(client: T): T => {
    // Calls are signed with the time of the cloud's clock.
    client.config.systemClockOffset = clock.now() - Date.now();
    return client;
  };
  return {
    ...{ cloud, clock, states, traces, token },
    sockets: service("apigatewayv2") as WebSocketService,
    logs: service("logs") as LogsService,
    workflow: (transport) => {
      const { table, machineArn, machineRoleArn, client, functionArns, roleArns } = outputsOf({ transport });
      return {
        ...{ transport, table, machineArn, machineRoleArn },
        ticketUrl: client.ticketUrl,
        socketUrl: client.socketUrl,
        functionArn: (handler) => functionArns[handler] ?? assert.fail(handler),
        roleArn: (handler) => roleArns[handler] ?? assert.fail(handler),
      };
    },
    ticket: async ({ ticketUrl }, user, executionId) => {
      const response = await fetch(ticketUrl, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${await token(user)}` },
        body: JSON.stringify(executionId === undefined ? {} : { executionId }),
      });
      assert.equal(response.status, 201, await response.clone().text());
      return (await response.json()) as TicketResponse;
    },
    viewer: ({ ticketUrl }, user, { executionId, origin = ORIGIN, environment } = {}) => {
      const texts: string[] = [];
      const times: number[] = [];
      const client = createProgressClient({
        ticketUrl,
        token: () => token(user),
        ...(executionId === undefined ? {} : { executionId }),
        environment: {
          random: () => 0,
          openSocket(url, handlers) {
            const socket = new WebSocket(url, { headers: { origin } });
            socket.onopen = () => handlers.open();
            socket.onmessage = ({ data }) => {
              texts.push(String(data));
              times.push(performance.timeOrigin + performance.now());
              handlers.message(data);
            };
            socket.onclose = () => handlers.close();
            return socket;
          },
          ...environment,
        },
      });
      clients.add(client);
      return {
        client,
        texts,
        times,
        pushes: (id) =>
          texts.filter((text) => {
            const message = JSON.parse(text) as Partial<ProgressEvent>;
            return message.type === "progress" && message.executionId === id;
          }),
      };
    },
    execution: ({ machineArn }, executionId) => {
      const machine = states.machines().find(({ arn }) => arn === machineArn) ?? assert.fail(machineArn);
      return states.executions(machine).find(({ settings }) => settings.name === executionId) ?? assert.fail("no run");
    },
    rows: async ({ table }, partition) => {
      const { Items = [] } = await sign(database).send(
        new QueryCommand({
          TableName: table,
          ConsistentRead: true,
          KeyConditionExpression: "pk = :pk",
          ExpressionAttributeValues: { ":pk": { S: partition } },
        }),
      );
      return Items;
    },
    patch: async ({ table }, partition, sort, values) => {
      const names = Object.keys(values);
      await sign(database).send(
        new UpdateItemCommand({
          TableName: table,
          Key: { pk: { S: partition }, sk: { S: sort } },
          UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(", ")}`,
          ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
          ExpressionAttributeValues: Object.fromEntries(
            names.map((name) => [`:${name}`, values[name] ?? { NULL: true }]),
          ),
        }),
      );
    },
    gates: () => `run-${++gates}`,
    open: (name, step) => fs.writeFileSync(path.join(folder, `${name}.${step}`), ""),
    mend: (name) => fs.writeFileSync(path.join(folder, `${name}.mended`), ""),
    withoutStatements: (roleArn, sids) => {
      const inline = roles.get(roleArn)?.inline ?? assert.fail(`no role ${roleArn}`);
      const before = [...inline];
      let taken = 0;
      for (const [name, { policy, size }] of before) {
        const statements = [policy.document.Statement].flat();
        const Statement = statements.filter(({ Sid = "" }) => !sids.some((sid) => sid.test(Sid)));
        taken += statements.length - Statement.length;
        inline.set(name, { policy: { ...policy, document: { ...policy.document, Statement } }, size });
      }
      assert.ok(taken > 0, `${roleArn} has none of these statements`);
      return () => {
        for (const [name, policy] of before) inline.set(name, policy);
      };
    },
    update: (faults = {}) => update(faults),
    leave: () => {
      for (const client of clients) client.close();
      clients.clear();
    },
    deadLetters: (workflow) => {
      const { deadLetterQueueArn } = outputsOf(workflow);
      return queues.queues().find(({ arn }) => arn === deadLetterQueueArn)?.visible ?? assert.fail("no queue");
    },
    until: (holds, what) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (!holds()) return;
          end();
          resolve();
        };
        const ends = [cloud.traces.subscribe(check), states.subscribe(() => setImmediate(check))];
        const timer = setTimeout(() => {
          end();
          const last = traces
            .slice(-16)
            .map(({ operation, status, errorCode }) => [operation, status, errorCode ?? ""]);
          reject(new Error(`waited in vain until ${what}; the last calls: ${JSON.stringify(last)}`));
        }, LONGEST_WAIT_MS);
        const end = (): void => {
          clearTimeout(timer);
          for (const stop of ends) stop();
        };
        check();
      }),
    stop: async () => {
      for (const client of clients) client.close();
      database.destroy();
      await cloud.stop();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What an event of a log is called in tests: its step, its item, or its kind. */
export function nameOf({ kind, step = "" }: ProgressEvent): string {
  return kind === "step" || kind === "item" ? step : kind;
}

/** A run as somebody follows it. */
export interface Followed {
  readonly events: readonly ProgressEvent[];
  /** Resolves with the event of this number. */
  reached(sequence: number): Promise<ProgressEvent>;
  /** Resolves when the run has ended; rejects with what ended the watch. */
  readonly ended: Promise<void>;
}

/** Follows a run and keeps its log. @param follow beyond its end */
export function followRun({ client }: Pick<Viewer, "client">, executionId: string, follow = false): Followed {
  const events: ProgressEvent[] = [];
  const waiting = new Map<number, (event: ProgressEvent) => void>();
  const take = async (): Promise<void> => {
    for await (const event of client.watch(executionId, { follow })) {
      events.push(event);
      waiting.get(event.sequence)?.(event);
    }
  };
  const ended = take();
  ended.catch(() => undefined);
  return {
    events,
    ended,
    reached: (sequence) =>
      new Promise((resolve, reject) => {
        const known = events.find((event) => event.sequence === sequence);
        if (known) resolve(known);
        waiting.set(sequence, resolve);
        ended.then(() => reject(new Error(`the run ended before number ${sequence}`)), reject);
      }),
  };
}

/** Viewers that connect at a time: each takes a process of every function on the way. */
const CONNECTING = 4;

/** Follows a run with many connections; resolves when all are subscribed. */
export async function followMany(
  createViewer: () => Viewer,
  executionId: string,
  count: number,
): Promise<readonly Followed[]> {
  const followed: Followed[] = [];
  const connect = async (): Promise<void> => {
    while (followed.length < count) {
      const one = followRun(createViewer(), executionId);
      followed.push(one);
      await one.reached(1);
    }
  };
  await Promise.all(Array.from({ length: CONNECTING }, connect));
  return followed;
}
