// A CloudContext for tests of single services: real listeners on loopback, a virtual clock, and access that allows what the test says.
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import type { AccessQuestion, Decision } from "../../local/cloud/core/access";
import { VirtualClock } from "../../local/cloud/core/clock";
import { AwsError } from "../../local/cloud/core/errors";
import { HostMap } from "../../local/cloud/core/hosts";
import { accountRoot, anonymous } from "../../local/cloud/core/principal";
import type { PropertyMap, RealisedResource, ResourceContext } from "../../local/cloud/core/resource-model";
import type { CloudContext, EndpointInfo, GatewayCall, Listener, Service } from "../../local/cloud/core/service";
import { TraceLog } from "../../local/cloud/core/trace";
import { listenOn } from "../../local/cloud/ports";

/** Account of the tests. */
export const testAccountId = "123456789012";

/** A context with what tests look at. */
export interface TestContext extends CloudContext {
  readonly clock: VirtualClock;
  readonly endpoints: Set<EndpointInfo>;
  /** Closes every listener that was opened. */
  close(): Promise<void>;
}

/** Creates a context. @param changes members that the service under test needs, `access` say. */
export function createTestContext(changes: Partial<CloudContext> = {}): TestContext {
  const listeners: Listener[] = [];
  const endpoints = new Set<EndpointInfo>();
  const missing = (name: string) =>
    new Proxy({}, { get: (_, member) => fail(`the test offers no ${name}.${String(member)}`) }) as never;
  return {
    clock: new VirtualClock(),
    uniqueId: (length) => randomBytes(length).toString("hex").slice(0, length),
    traces: new TraceLog(),
    hosts: new HostMap(),
    dataDirectory: "",
    accountId: testAccountId,
    region: "eu-west-1",
    access: missing("access"),
    functions: missing("functions"),
    events: missing("events"),
    logs: missing("logs"),
    metrics: missing("metrics"),
    tokens: missing("tokens"),
    queues: missing("queues"),
    gatewayOrigin: () => fail("the test has no gateway"),
    accelerateOrigin: () => fail("the test has no gateway"),
    listen: async (handler, _kind, onUpgrade) => {
      const listener = await listenOn(0, handler, onUpgrade);
      listeners.push(listener);
      return listener;
    },
    announce: (endpoint) => {
      endpoints.add(endpoint);
      return () => endpoints.delete(endpoint);
    },
    ...changes,
    endpoints,
    close: async () => {
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  } as TestContext;
}

/** Declares a resource of the service: checks the inputs, then creates it. */
export async function declare(
  service: Service,
  type: string,
  inputs: PropertyMap,
  name = "thing",
): Promise<RealisedResource> {
  const model = service.models.find((candidate) => candidate.type === type);
  if (!model) throw new Error(`no model of ${type}`);
  const context = resourceContext(type, name);
  const problems = model.check(inputs, context);
  if (problems.length > 0) throw new Error(problems.map(({ property, reason }) => `${property}: ${reason}`).join("; "));
  return model.create(inputs, context);
}

/** What `check` says about inputs, as "property: reason". */
export function problemsOf(service: Service, type: string, inputs: PropertyMap): readonly string[] {
  const model = service.models.find((candidate) => candidate.type === type);
  if (!model) throw new Error(`no model of ${type}`);
  return model.check(inputs, resourceContext(type, "thing")).map(({ property, reason }) => `${property}: ${reason}`);
}

function resourceContext(type: string, name: string): ResourceContext {
  return {
    urn: `urn:pulumi:dev::tests::${type}::${name}`,
    type,
    name,
    accountId: testAccountId,
    region: "eu-west-1",
    defaultTags: {},
    autoname: (maxLength) => `${name}-1234567`.slice(0, maxLength),
  };
}

/** What came back from `callJson`. */
export interface JsonAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly asked: readonly string[];
}

/**
 * Calls a JSON API of a service as the gateway would.
 *
 * @param caller "root" may do everything; "anonymous" makes an unsigned call; "denied" is refused whatever IAM is asked.
 */
export async function callJson(
  service: Service,
  target: string,
  input: unknown,
  caller: "root" | "anonymous" | "denied" = "root",
): Promise<JsonAnswer> {
  const body = Buffer.from(JSON.stringify(input));
  const asked: string[] = [];
  let status = 0;
  let text = "";
  const call = {
    id: "request-1",
    method: "POST",
    rawPath: "/",
    query: new URLSearchParams(),
    headers: { "x-amz-target": target },
    principal: caller === "anonymous" ? anonymous : accountRoot(testAccountId),
    region: "eu-west-1",
    auth: { type: caller === "anonymous" ? "NONE" : "REST-HEADER" },
    sourceIp: "127.0.0.1",
    body: Readable.from([body]),
    readBody: async () => body,
    trailers: () => ({}),
    describe: () => undefined,
    authorize: (question: Omit<AccessQuestion, "principal">): Decision => {
      asked.push(`${question.action} ${question.resource}`);
      if (caller !== "root") throw new AwsError("AccessDenied", "not authorized", 403);
      return { allowed: true, action: question.action, resource: question.resource, reason: "root", statements: [] };
    },
    response: {
      writeHead: (code: number) => (status = code),
      end: (chunk: Buffer) => (text = chunk.toString()),
    },
  } as unknown as GatewayCall;
  await service.handle?.(call);
  return { status, body: JSON.parse(text) as JsonAnswer["body"], asked };
}

function fail(message: string): never {
  throw new Error(message);
}
