// S3 behind the real gateway and the real IAM, driven by the real AWS SDK. Time is virtual and begins now.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import type { Credentials, PolicyStatement } from "../../local/cloud/core/access";
import { VirtualClock } from "../../local/cloud/core/clock";
import type { Principal } from "../../local/cloud/core/principal";
import type { PropertyMap, RealisedResource } from "../../local/cloud/core/resource-model";
import type { CloudEvent, Service } from "../../local/cloud/core/service";
import { createGateway } from "../../local/cloud/gateway";
import { createAccessControl, createIamService } from "../../local/cloud/iam";
import { createS3Service, type S3Control } from "../../local/cloud/s3";
import { createTestContext, declare, type TestContext, testAccountId } from "./cloud-context";

/** One asynchronous invocation that S3 asked for. */
export interface RecordedInvocation {
  readonly functionArn: string;
  readonly payload: unknown;
  readonly principal: Principal;
}

/** A running S3 and what tests do with it. */
export interface S3Cloud {
  readonly s3: Service & S3Control;
  readonly context: TestContext;
  readonly clock: VirtualClock;
  readonly origin: string;
  readonly accelerateOrigin: string;
  /** Events that reached EventBridge. */
  readonly events: CloudEvent[];
  readonly invocations: RecordedInvocation[];
  /** ARNs of functions that S3 may not invoke. */
  readonly forbiddenFunctions: Set<string>;
  /** A client of the account's administrator, or of other credentials; `accelerate` uses the accelerated endpoint. */
  client(options?: { readonly credentials?: Credentials; readonly accelerate?: boolean }): S3Client;
  /** Credentials of a new role that these statements allow and deny. */
  role(...statements: readonly PolicyStatement[]): Promise<Credentials>;
  /** Declares a bucket with the settings given by type name: { BucketVersioning: {...} }. Returns its name. */
  bucket(name: string, settings?: Readonly<Record<string, PropertyMap>>): Promise<string>;
  /** Declares one resource of the s3 module: declare("BucketPolicy", {...}). */
  declare(type: string, inputs: PropertyMap, name?: string): Promise<RealisedResource>;
  stop(): Promise<void>;
}

/** "BucketVersioning" to "aws:s3/bucketVersioning:BucketVersioning". */
export function s3Type(type: string): string {
  return `aws:s3/${type.charAt(0).toLowerCase()}${type.slice(1)}:${type}`;
}

/** Starts S3 with gateway and IAM. */
export async function startS3Cloud(): Promise<S3Cloud> {
  const clock = new VirtualClock(Date.now());
  const access = createAccessControl({ clock });
  const dataDirectory = await mkdtemp(join(tmpdir(), "s3-tests-"));
  const events: CloudEvent[] = [];
  const invocations: RecordedInvocation[] = [];
  const forbiddenFunctions = new Set<string>();
  const services: Service[] = [];
  const origins = { gateway: "", accelerate: "" };
  const context = createTestContext({
    clock,
    access,
    dataDirectory,
    gatewayOrigin: () => origins.gateway,
    accelerateOrigin: () => origins.accelerate,
    events: { publish: (event) => void events.push(event) },
    functions: {
      invoke: () => Promise.reject(new Error("S3 invokes functions asynchronously")),
      invokeAsync: (functionArn, payload, principal) =>
        void invocations.push({ functionArn, payload: JSON.parse(payload.toString()), principal }),
      mayInvoke: (functionArn) => !forbiddenFunctions.has(functionArn),
    },
  });
  const uniqueId = (length: number): string => context.uniqueId(length);
  const gateway = createGateway({ clock, traces: context.traces, access, uniqueId, services });
  await gateway.start(0, "127.0.0.1");
  origins.gateway = gateway.origin;
  origins.accelerate = (await gateway.serveAccelerate(0, "127.0.0.1")).origin;
  const s3 = createS3Service(context);
  const iam = createIamService(context, access);
  services.push(s3);
  await s3.start?.();
  const clients: S3Client[] = [];
  let roles = 0;

  const declareS3 = (type: string, inputs: PropertyMap, name?: string): Promise<RealisedResource> =>
    declare(s3, s3Type(type), inputs, name);
  return {
    s3,
    context,
    clock,
    origin: origins.gateway,
    accelerateOrigin: origins.accelerate,
    events,
    invocations,
    forbiddenFunctions,
    client: ({ credentials = access.rootCredentials(testAccountId), accelerate = false } = {}) => {
      const { accessKeyId, secretAccessKey, sessionToken } = credentials;
      const client = new S3Client({
        endpoint: accelerate ? origins.accelerate : origins.gateway,
        region: "eu-west-1",
        credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) },
        forcePathStyle: true,
        maxAttempts: 1,
        systemClockOffset: clock.now() - Date.now(),
      });
      clients.push(client);
      return client;
    },
    role: async (...statements) => {
      const name = `role-${++roles}`;
      const trust = { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" };
      await declare(iam, "aws:iam/role:Role", { name, assumeRolePolicy: document([trust as PolicyStatement]) }, name);
      await declare(
        iam,
        "aws:iam/rolePolicy:RolePolicy",
        { role: name, name: "own", policy: document(statements) },
        name,
      );
      return access.assumeRole(`arn:aws:iam::${testAccountId}:role/${name}`, "test", "lambda.amazonaws.com");
    },
    bucket: async (name, settings = {}) => {
      await declareS3("Bucket", { bucket: name, forceDestroy: true });
      for (const [type, inputs] of Object.entries(settings)) await declareS3(type, { bucket: name, ...inputs });
      return name;
    },
    declare: declareS3,
    stop: async () => {
      for (const client of clients) client.destroy();
      await s3.stop?.();
      await gateway.stop();
      await context.close();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}

function document(statements: readonly PolicyStatement[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

/** What a refused call answered. */
export interface Refusal {
  readonly code: string;
  readonly status: number | undefined;
  readonly message: string;
}

/** The refusal that a call must meet; fails when it succeeds. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
    return { code: name, message, status: $metadata?.httpStatusCode };
  }
  throw new Error("the call was to be refused, and succeeded");
}

/** Code, status and message of a raw answer with an error document. */
export async function rawRefusal(response: Response): Promise<Refusal> {
  const text = await response.text();
  const read = (name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1] ?? "";
  return { code: read("Code"), message: read("Message"), status: response.status };
}

/** HTTP status of an error of the SDK; undefined when no answer came. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}
