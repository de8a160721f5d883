// A gateway without signatures, for services of the embedded cloud that speak an AWS JSON protocol: it builds the GatewayCalls
// that the real gateway would, for a principal of the test's choice. Signatures and policies are proven with the real gateway.
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { AccessControl, AccessQuestion, Decision } from "../../local/cloud/core/access";
import { VirtualClock } from "../../local/cloud/core/clock";
import { AwsError } from "../../local/cloud/core/errors";
import { HostMap } from "../../local/cloud/core/hosts";
import { accountRoot, type Principal } from "../../local/cloud/core/principal";
import type {
  PropertyMap,
  RealisedResource,
  ResourceContext,
  ResourceModel,
} from "../../local/cloud/core/resource-model";
import type {
  CloudContext,
  CloudEvent,
  GatewayCall,
  LogStore,
  MetricDatum,
  Service,
} from "../../local/cloud/core/service";
import { TraceLog } from "../../local/cloud/core/trace";

export const accountId = "123456789012";
export const region = "eu-west-1";

/** An asynchronous or synchronous invocation that the fake functions were asked for. */
export interface RecordedInvocation {
  readonly functionArn: string;
  readonly payload: unknown;
  readonly principal: Principal;
}

/** A context whose neighbours only record what they are told. */
export interface TestContext extends CloudContext {
  readonly clock: VirtualClock;
  readonly invocations: RecordedInvocation[];
  readonly published: CloudEvent[];
  readonly logged: { group: string; stream: string; message: string }[];
  readonly measured: MetricDatum[];
  /** Set to make invokeAsync throw. */
  invocationError: Error | undefined;
}

/** A context on a virtual clock. */
export function testContext(overrides: Partial<Omit<CloudContext, "clock">> = {}): TestContext {
  let counter = 0;
  const unused = (): never => {
    throw new Error("not part of this test");
  };
  const access: AccessControl = { assumeRole: unused, issue: unused, find: () => undefined, decide: unused };
  const context: TestContext = {
    clock: new VirtualClock(),
    invocations: [],
    published: [],
    logged: [],
    measured: [],
    invocationError: undefined,
    uniqueId: (length) => `${(++counter).toString(36)}${"x".repeat(length)}`.slice(0, length),
    traces: new TraceLog(),
    access,
    hosts: new HostMap(),
    dataDirectory: "/nonexistent",
    accountId,
    region,
    gatewayOrigin: unused,
    accelerateOrigin: unused,
    listen: unused,
    announce: () => () => undefined,
    functions: {
      invoke: unused,
      invokeAsync: (functionArn, payload, principal) => {
        if (context.invocationError) throw context.invocationError;
        context.invocations.push({ functionArn, payload: JSON.parse(payload.toString()), principal });
      },
    },
    events: { publish: (event) => context.published.push(event) },
    logs: { append: (group, stream, message) => context.logged.push({ group, stream, message }) } satisfies LogStore,
    metrics: { put: (datum) => context.measured.push(datum) },
    tokens: { verify: unused },
    queues: {
      describe: () => undefined,
      send: unused,
      receive: unused,
      delete: unused,
      changeVisibility: unused,
    },
    ...overrides,
  };
  return context;
}

/** Context of a declared resource. */
export function resourceContext(
  type: string,
  name = "thing",
  overrides: Partial<ResourceContext> = {},
): ResourceContext {
  return {
    urn: `urn:pulumi:test::project::${type}::${name}`,
    type,
    name,
    accountId,
    region,
    defaultTags: { stack: "test" },
    autoname: (maxLength) => `${name}-1234567`.slice(0, maxLength),
    ...overrides,
  };
}

/** The model of a type. */
export function modelOf(service: Service, type: string): ResourceModel {
  const model = service.models.find((candidate) => candidate.type === type);
  if (!model) throw new Error(`${service.name} has no model of ${type}`);
  return model;
}

/** Checks and creates a resource, as the cloud does. */
export async function declare(
  service: Service,
  type: string,
  inputs: PropertyMap,
  name = "thing",
): Promise<RealisedResource> {
  const model = modelOf(service, type);
  const context = resourceContext(type, name);
  const problems = model.check(inputs, context);
  if (problems.length > 0) throw new Error(problems.map(({ property, reason }) => `${property}: ${reason}`).join("; "));
  return model.create(inputs, context);
}

/** Problems of inputs, each as "property: reason". */
export function problemsOf(service: Service, type: string, inputs: PropertyMap): readonly string[] {
  return modelOf(service, type)
    .check(inputs, resourceContext(type))
    .map(({ property, reason }) => `${property}: ${reason}`);
}

/** A running stub. */
export interface ServiceStub {
  readonly endpoint: string;
  /** Caller of the next requests. */
  principal: Principal;
  /** Questions to IAM so far. */
  readonly questions: Omit<AccessQuestion, "principal">[];
  /** Decides on questions; allows everything unless set. */
  allows: (question: Omit<AccessQuestion, "principal">) => boolean;
  /** Settings for a client of the real SDK. */
  readonly client: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
    readonly maxAttempts: number;
  };
  close(): Promise<void>;
}

/** Serves one service over HTTP, without checking signatures. */
export async function serveStub(service: Service): Promise<ServiceStub> {
  let count = 0;
  const server = http.createServer((request, response) => {
    const call = gatewayCall(stub, request, response, `request-${++count}`);
    service.handle?.(call).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stub: ServiceStub = {
    endpoint,
    principal: accountRoot(accountId),
    questions: [],
    allows: () => true,
    client: { endpoint, region, credentials: { accessKeyId: "id", secretAccessKey: "secret" }, maxAttempts: 1 },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await service.stop?.();
    },
  };
  return stub;
}

function gatewayCall(
  stub: ServiceStub,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  id: string,
): GatewayCall {
  const url = new URL(request.url ?? "/", stub.endpoint);
  const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)]);
  return {
    request,
    response,
    id,
    method: request.method ?? "",
    rawPath: url.pathname,
    query: url.searchParams,
    headers: Object.fromEntries(headers) as Record<string, string>,
    principal: stub.principal,
    region,
    endpoint: "gateway",
    auth: { type: "REST-HEADER" },
    sourceIp: "127.0.0.1",
    body: request,
    readBody: async (limitBytes) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      if (body.length > limitBytes) throw new AwsError("RequestEntityTooLarge", "too large", 413);
      return body;
    },
    trailers: () => ({}),
    authorize: (question) => {
      stub.questions.push(question);
      const allowed = stub.allows(question);
      const { action, resource } = question;
      if (!allowed) {
        throw new AwsError("AccessDenied", `User: ${stub.principal.arn} is not authorized to perform: ${action}`, 403);
      }
      const decision: Decision = { allowed, action, resource, reason: "stub", statements: [] };
      return decision;
    },
    describe: () => undefined,
  };
}
