// For tests of the progress handlers: the component's table in the embedded DynamoDB, over HTTP; a workflow and sockets in memory.
import { AwsJsonClient, DYNAMODB } from "../../handlers/shared/aws-json";
import { Log, Metrics } from "../../handlers/shared/log";
import type { MessageDependencies } from "../../handlers/progress/answer-message";
import { DynamoConnectionStore, DynamoTicketStore } from "../../handlers/progress/connection-store";
import {
  PROGRESS_ENVIRONMENT,
  PROGRESS_METRICS,
  PROGRESS_TABLE,
  type ProgressEvent,
  type ProgressReport,
} from "../../handlers/progress/contract";
import { DynamoDurationStore } from "../../handlers/progress/duration-store";
import type { ExecutionFacts, Workflow } from "../../handlers/progress/ports";
import { newRun } from "../../handlers/progress/record";
import type { RunRecord } from "../../handlers/progress/run";
import { DynamoRunStore } from "../../handlers/progress/run-store";
import { readSettings, type ProgressSettings } from "../../handlers/progress/settings";
import { ProgressTable } from "../../handlers/progress/table";
import { createDynamoDbService } from "../../local/cloud/dynamodb/service";
import { declare, serveStub, testContext, type ServiceStub } from "./json-service-stub";

export const START_TIME = Date.UTC(2026, 0, 1);
export const AT = new Date(START_TIME).toISOString();
export const RUN_ID = "run-1";
export const ORIGIN = "https://app.example.com";
export const MACHINE_ARN = "arn:aws:states:eu-west-1:123456789012:stateMachine:orders";
const TABLE_NAME = "progress";

/** The environment that the component sets. */
export function createProgressEnvironment(changes: Readonly<Record<string, string>> = {}): Record<string, string> {
  const names = PROGRESS_ENVIRONMENT;
  return {
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "ASIAEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_SESSION_TOKEN: "session-token",
    [names.table]: TABLE_NAME,
    [names.stateMachineArn]: MACHINE_ARN,
    [names.startArn]: `${MACHINE_ARN}:live`,
    [names.steps]: JSON.stringify([
      { step: "Reserve", label: "Inventory reserved", weight: 1 },
      { step: "Charge", label: "Payment charged", weight: 3 },
    ]),
    [names.connectionsUrl]: "https://sockets.execute-api.eu-west-1.amazonaws.com/dev",
    [names.socketUrl]: "wss://sockets.execute-api.eu-west-1.amazonaws.com/dev",
    [names.allowedOrigins]: JSON.stringify([ORIGIN]),
    [names.retentionSeconds]: "604800",
    [names.startsPerMinute]: "3",
    [names.workflowName]: "orders",
    ...changes,
  };
}

/** The component's table in an embedded DynamoDB. */
export async function startProgressTable(): Promise<ServiceStub> {
  const service = createDynamoDbService(testContext());
  const stub = await serveStub(service);
  const { partitionKey, sortKey, runningIndex } = PROGRESS_TABLE;
  const attributes = [partitionKey, sortKey, runningIndex.partitionKey, runningIndex.sortKey];
  await declare(service, "aws:dynamodb/table:Table", {
    name: TABLE_NAME,
    billingMode: "PAY_PER_REQUEST",
    hashKey: partitionKey,
    rangeKey: sortKey,
    attributes: attributes.map((name) => ({ name, type: "S" })),
    globalSecondaryIndexes: [
      {
        name: runningIndex.name,
        hashKey: runningIndex.partitionKey,
        rangeKey: runningIndex.sortKey,
        projectionType: "KEYS_ONLY",
      },
    ],
  });
  return stub;
}

/** A workflow in memory: executions by ARN. */
export class FakeWorkflow implements Workflow {
  readonly executions = new Map<string, ExecutionFacts>();
  /** Every call, as "operation argument". */
  readonly calls: string[] = [];
  /** Thrown by the next calls while it is set. */
  failure: Error | undefined;

  async start(name: string, input: string): Promise<"started" | "exists"> {
    this.enter(`start ${name} ${input}`);
    const arn = `arn:aws:states:eu-west-1:123456789012:execution:orders:${name}`;
    if (this.executions.has(arn)) return "exists";
    this.executions.set(arn, { status: "RUNNING", startedAt: AT, at: AT, redrives: 0 });
    return "started";
  }

  async stop(arn: string): Promise<boolean> {
    this.enter(`stop ${arn}`);
    const facts = this.executions.get(arn);
    if (facts?.status === "RUNNING") this.executions.set(arn, { ...facts, status: "ABORTED", error: "Cancelled" });
    return facts !== undefined;
  }

  async redrive(arn: string): Promise<boolean> {
    this.enter(`redrive ${arn}`);
    const facts = this.executions.get(arn);
    if (!facts || facts.status === "RUNNING" || facts.status === "SUCCEEDED") return false;
    this.executions.set(arn, { ...facts, status: "RUNNING", redrives: facts.redrives + 1 });
    return true;
  }

  async describe(arn: string): Promise<ExecutionFacts | undefined> {
    this.enter(`describe ${arn}`);
    return this.executions.get(arn);
  }

  private enter(call: string): void {
    if (this.failure) throw this.failure;
    this.calls.push(call);
  }
}

/** All that the logic needs, with the real stores. */
export interface ProgressSystem extends MessageDependencies {
  readonly settings: ProgressSettings;
  readonly workflow: FakeWorkflow;
  readonly runs: DynamoRunStore;
  readonly connections: DynamoConnectionStore;
  readonly tickets: DynamoTicketStore;
  readonly table: ProgressTable;
  /** Posts so far. */
  readonly posts: { readonly connectionId: string; readonly event: ProgressEvent }[];
  /** Connections that are closed. */
  readonly closed: Set<string>;
  /** Lines of logs and metrics. */
  readonly lines: string[];
  /** Called before each post; throws to let it fail. */
  onPost: (connectionId: string) => Promise<void> | void;
  /** Milliseconds since the epoch; may be set. */
  time: number;
}

/** A system on a table. */
export function createProgressSystem(
  stub: ServiceStub,
  changes: Readonly<Record<string, string>> = {},
): ProgressSystem {
  const settings = readSettings(createProgressEnvironment(changes));
  const lines: string[] = [];
  const now = (): number => system.time;
  const client = new AwsJsonClient(DYNAMODB, {
    region: "eu-west-1",
    endpoint: stub.endpoint,
    credentials: { accessKeyId: "ASIA", secretAccessKey: "secret" },
    now: Date.now,
  });
  const table = new ProgressTable(client, settings.tableName);
  const { namespace, dimension } = PROGRESS_METRICS;
  const system: ProgressSystem = {
    settings,
    table,
    runs: new DynamoRunStore(table, settings.retentionSeconds, now),
    connections: new DynamoConnectionStore(table, now),
    tickets: new DynamoTicketStore(table, now),
    durations: new DynamoDurationStore(table),
    workflow: new FakeWorkflow(),
    posts: [],
    closed: new Set(),
    lines,
    onPost: () => undefined,
    time: START_TIME,
    now,
    pause: () => new Promise((resolve) => setImmediate(resolve)),
    random: () => 0,
    log: new Log({}, (line) => lines.push(line)),
    metrics: new Metrics({ namespace, dimension, dimensionValue: "orders" }, now, (line) => lines.push(line)),
    post: async (connectionId, text) => {
      await system.onPost(connectionId);
      if (system.closed.has(connectionId)) return "gone";
      system.posts.push({ connectionId, event: JSON.parse(text) as ProgressEvent });
      return "sent";
    },
  };
  return system;
}

/** A run as its start leaves it. */
export function createRun(changes: Partial<RunRecord> = {}): RunRecord {
  const settings = readSettings(createProgressEnvironment());
  return { ...newRun(settings, changes.executionId ?? RUN_ID, AT, START_TIME), owner: "alice", ...changes };
}

/** A report of a step. */
export function createReport(changes: Partial<ProgressReport> = {}): ProgressReport {
  const step = changes.step ?? "Reserve";
  return {
    executionId: RUN_ID,
    at: AT,
    kind: "step",
    step,
    key: step,
    share: 250_000,
    label: "Inventory reserved",
    ...changes,
  };
}

/** All that an iterable gives. */
export async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
