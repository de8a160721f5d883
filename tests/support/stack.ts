// The whole dev stack on the embedded cloud, as `npm start` runs it, on free ports; and what the tests of the stack ask of it.
import assert from "node:assert/strict";
import { createCipheriv, createHash } from "node:crypto";
import * as path from "node:path";
import {
  createEnvironment,
  createUploader,
  type Environment,
  type FileSource,
  type Uploader,
} from "../../clients/upload";
import type { ErrorResponse, UploadClientConfiguration, UploadDescription } from "../../handlers/upload/contract";
import { readProject } from "../../local/cli/project";
import { startSession } from "../../local/cli/session";
import { requestTokens } from "../../local/cli/token-command";
import { createNodeTransport } from "../../local/cli/upload-transport";
import type { Cloud } from "../../local/cloud";
import { SystemClock } from "../../local/cloud/core/clock";
import type { TraceEvent } from "../../local/cloud/core/trace";
import { signRequest } from "../../local/cloud/gateway";
import type { EventsService } from "../../local/cloud/events/service";
import type { LambdaControl } from "../../local/cloud/lambda/control";
import type { LogsService } from "../../local/cloud/logs/service";
import type { S3Control } from "../../local/cloud/s3";
import type { Evaluation } from "../../local/engine";

export const MEBIBYTE = 1024 ** 2;
const root = path.join(__dirname, "..", "..");

/** Wall-clock time that a test can move forward. Timers keep their real delays. */
export class ShiftableClock extends SystemClock {
  private shift = 0;

  override now(): number {
    return super.now() + this.shift;
  }

  /** Moves `now()` by so many milliseconds. */
  move(milliseconds: number): void {
    this.shift += milliseconds;
  }
}

/** An answer of the API. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** A running stack. */
export interface TestStack {
  readonly cloud: Cloud;
  readonly clock: ShiftableClock;
  readonly evaluation: Evaluation;
  readonly pageUrl: string;
  readonly bucketName: string;
  readonly configuration: UploadClientConfiguration;
  readonly s3: S3Control;
  readonly lambda: LambdaControl;
  readonly logs: LogsService;
  readonly events: EventsService;
  /** ID token of a user; made when missing. */
  token(user?: string): Promise<string>;
  /** Calls the upload API. */
  call(
    method: string,
    route: string,
    options?: { token?: string; body?: unknown; headers?: Record<string, string> },
  ): Promise<ApiAnswer>;
  /** An uploader for a user, as the command line has it. */
  uploader(user: string, environment?: Partial<Environment>): Promise<Uploader>;
  /** Bytes of a finished upload, read with the administrator's rights. */
  read(upload: UploadDescription): Promise<Buffer>;
  /** Physical name of a handler's function. */
  functionName(handler: string): string;
  /** Traces recorded while `action` runs. */
  tracesDuring(action: () => Promise<unknown>): Promise<readonly TraceEvent[]>;
  stop(): Promise<void>;
}

/** Starts the stack. @param config further configuration of the program, by key without namespace. */
export async function startTestStack(config: Readonly<Record<string, string>> = {}): Promise<TestStack> {
  const project = readProject(root, "dev");
  const clock = new ShiftableClock();
  const own = Object.fromEntries(Object.entries(config).map(([key, value]) => [`${project.name}:${key}`, value]));
  const { cloud, evaluation } = await startSession({
    project: { ...project, config: { ...project.config, ...own } },
    port: 0,
    signal: new AbortController().signal,
    onEvent: () => undefined,
    log: () => undefined,
    clock,
  });
  if (evaluation.errors.length > 0) {
    await cloud.stop();
    assert.fail(evaluation.errors.map(({ message }) => message).join("\n"));
  }
  const outputs = Object.fromEntries(
    Object.entries(cloud.localise(evaluation.outputs)).map(([name, { value }]) => [name, value]),
  );
  const configuration = outputs.uploadClientConfiguration as unknown as UploadClientConfiguration;
  const service = (name: string): unknown => cloud.services.find((one) => one.name === name);
  const transport = createNodeTransport();
  const run = { endpoint: cloud.gatewayOrigin, region: cloud.region, credentials: cloud.rootCredentials() };

  const token = async (user = "demo@example.com"): Promise<string> => {
    const { IdToken = "" } = await requestTokens(run, { Username: user });
    return IdToken;
  };
  const bucketName = outputs.uploadBucketName as string;
  return {
    cloud,
    clock,
    evaluation,
    pageUrl: outputs.uploadPageUrl as string,
    bucketName,
    configuration,
    s3: service("s3") as S3Control,
    lambda: service("lambda") as LambdaControl,
    logs: service("logs") as LogsService,
    events: service("events") as EventsService,
    token,
    call: async (method, route, { token: bearer, body, headers = {} } = {}) => {
      const response = await fetch(`${configuration.apiUrl}${route}`, {
        method,
        headers: {
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: text === "" ? undefined : (JSON.parse(text) as unknown),
      };
    },
    uploader: async (user, environment = {}) => {
      const bearer = await token(user);
      return createUploader({
        configuration,
        authorize: () => Promise.resolve({ authorization: `Bearer ${bearer}` }),
        environment: createEnvironment({ transport, ...environment }),
        retry: QUICK_RETRY,
      });
    },
    read: async ({ key = "" }) => {
      const url = `${cloud.gatewayOrigin}/${bucketName}/${key.split("/").map(encodeURIComponent).join("/")}`;
      const headers = signRequest({
        method: "GET",
        url,
        headers: {},
        credentials: run.credentials,
        service: "s3",
        region: cloud.region,
        at: clock.now(),
      });
      const response = await fetch(url, { headers });
      if (response.status !== 200) assert.fail(await response.text());
      return Buffer.from(await response.arrayBuffer());
    },
    functionName: (handler) => {
      const found = evaluation.resources.find(({ name }) => name === `uploads-${handler}-function`);
      return found?.id ?? assert.fail(`no function ${handler}`);
    },
    tracesDuring: async (action) => {
      const traces: TraceEvent[] = [];
      const end = cloud.traces.subscribe((trace) => traces.push(trace));
      await action();
      end();
      return traces;
    },
    stop: async () => {
      transport.close();
      await cloud.stop();
    },
  };
}

/** The uploader's own policy with shorter waits. */
const QUICK_RETRY = { attempts: 12, baseMs: 20, capMs: 200 };

/** A file of random-looking bytes that a seed decides. */
export function makeFile(
  size: number,
  name: string,
  seed = name,
): { readonly bytes: Buffer<ArrayBuffer>; readonly file: FileSource } {
  const key = createHash("sha256").update(seed).digest();
  const bytes = createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(size));
  return {
    bytes,
    get file() {
      const blob = new Blob([bytes]);
      return Object.assign(blob, { name, lastModified: 1_790_000_000_000 }) as unknown as FileSource;
    },
  };
}

/** Code of a refusal. */
export function codeOf({ body }: ApiAnswer): string {
  return (body as ErrorResponse).error.code;
}
