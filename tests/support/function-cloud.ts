// A small embedded cloud for tests of functions and APIs: real access control and real processes, logs and metrics in memory.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import type { PolicyDocument } from "../../local/cloud/core/access";
import { type Clock, SystemClock } from "../../local/cloud/core/clock";
import { HostMap } from "../../local/cloud/core/hosts";
import type {
  PropertyMap,
  RealisedResource,
  ResourceContext,
  ResourceModel,
} from "../../local/cloud/core/resource-model";
import type {
  CloudContext,
  EndpointInfo,
  FunctionInvoker,
  MessageQueues,
  Listener,
  MetricDatum,
  Service,
  TokenVerifier,
} from "../../local/cloud/core/service";
import { TraceLog } from "../../local/cloud/core/trace";
import { createAccessControl, type LocalAccessControl } from "../../local/cloud/iam/access-control";

export const ACCOUNT = "123456789012";
export const REGION = "eu-west-1";
export const ROLE = `arn:aws:iam::${ACCOUNT}:role/fn`;

/** A line that a service logged. */
export interface LoggedLine {
  readonly group: string;
  readonly stream: string;
  readonly message: string;
}

/** The cloud of one test. */
export interface FunctionCloud {
  readonly context: CloudContext;
  readonly access: LocalAccessControl;
  readonly logs: readonly LoggedLine[];
  readonly metrics: readonly MetricDatum[];
  readonly endpoints: ReadonlySet<EndpointInfo>;
  /** The services that later calls of `create` look in. */
  use(service: Service): void;
  useFunctions(functions: FunctionInvoker): void;
  useTokens(tokens: TokenVerifier): void;
  useQueues(queues: MessageQueues): void;
  models(): readonly ResourceModel[];
  /** Checks and creates a resource; fails with the first problem. */
  create(type: string, inputs: PropertyMap, name?: string): Promise<RealisedResource>;
  /** Adds a role that `service` may assume. */
  addRole(name: string, service: string, statements?: PolicyDocument["Statement"]): string;
  stop(): Promise<void>;
}

/** Lets a role write to any log group. */
export const ALLOW_LOGS = {
  Effect: "Allow",
  Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
  Resource: "*",
} as const;

/** Starts the cloud; stop it in afterEach. */
export function startFunctionCloud(clock: Clock = new SystemClock()): FunctionCloud {
  const dataDirectory = mkdtempSync(path.join(os.tmpdir(), "function-cloud-"));
  const access = createAccessControl({ clock });
  const services: Service[] = [];
  const listeners: Listener[] = [];
  const logs: LoggedLine[] = [];
  const metrics: MetricDatum[] = [];
  const endpoints = new Set<EndpointInfo>();
  const shared: { functions?: FunctionInvoker; tokens?: TokenVerifier; queues?: MessageQueues } = {};
  const context: CloudContext = {
    clock,
    uniqueId: (length) => randomBytes(length).toString("hex").slice(0, length),
    traces: new TraceLog(),
    access,
    hosts: new HostMap(),
    dataDirectory,
    accountId: ACCOUNT,
    region: REGION,
    gatewayOrigin: () => "http://127.0.0.1:4000",
    accelerateOrigin: () => "http://127.0.0.1:4001",
    async listen(handler) {
      const listener = await listen(handler);
      listeners.push(listener);
      return listener;
    },
    announce(endpoint) {
      endpoints.add(endpoint);
      return () => endpoints.delete(endpoint);
    },
    get functions() {
      return required(shared.functions);
    },
    get tokens() {
      return required(shared.tokens);
    },
    get queues() {
      return required(shared.queues);
    },
    events: { publish: () => undefined },
    logs: { append: (group, stream, message) => logs.push({ group, stream, message }) },
    metrics: { put: (datum) => metrics.push(datum) },
  };
  return {
    context,
    access,
    logs,
    metrics,
    endpoints,
    use: (service) => void services.push(service),
    useFunctions: (functions) => void (shared.functions = functions),
    useTokens: (tokens) => void (shared.tokens = tokens),
    useQueues: (queues) => void (shared.queues = queues),
    models: () => services.flatMap(({ models }) => models),
    async create(type, inputs, name = "thing") {
      const model = required(this.models().find((candidate) => candidate.type === type));
      const resource = resourceContext(type, name);
      const [problem] = model.check(inputs, resource);
      if (problem) throw new Error(`${problem.property}: ${problem.reason}`);
      return model.create(inputs, resource);
    },
    addRole(name, service, statements = []) {
      const arn = `arn:aws:iam::${ACCOUNT}:role/${name}`;
      const policy = { name: "inline", document: { Version: "2012-10-17", Statement: statements } };
      access.roles.add({
        arn,
        name,
        accountId: ACCOUNT,
        uniqueId: `AROA${name.toUpperCase()}`,
        trustPolicy: {
          Version: "2012-10-17",
          Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
        },
        maxSessionDurationSeconds: 3600,
        inline: new Map([["inline", { policy, size: 100 }]]),
        attached: new Map(),
      });
      return arn;
    },
    async stop() {
      for (const service of services.toReversed()) await service.stop?.();
      for (const listener of listeners) await listener.close();
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
}

/** Where a resource of a test is declared. */
export function resourceContext(type: string, name: string): ResourceContext {
  return {
    urn: `urn:pulumi:test::tests::${type}::${name}`,
    type,
    name,
    accountId: ACCOUNT,
    region: REGION,
    defaultTags: {},
    autoname: (maxLength) => `${name}-0a1b2c3`.slice(0, maxLength),
  };
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the test has not set this up");
  return value;
}

async function listen(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<Listener> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
