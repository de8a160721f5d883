// Drives the SDK's own executor, the program Pulumi's language host starts, against this engine over gRPC.
import { spawn } from "node:child_process";
import * as path from "node:path";
import * as grpc from "@grpc/grpc-js";
import { CallbackInvokeRequest } from "@pulumi/pulumi/proto/callback_pb";
import { CallbacksClient } from "@pulumi/pulumi/proto/callback_grpc_pb";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { ResourceMonitorService } from "@pulumi/pulumi/proto/resource_grpc_pb";
import { programEnvironment } from "../child/environment";
import { Deployment } from "../deployment";
import { messageOf } from "../errors";
import { describeExit } from "../executor-errors";
import { toEvaluation } from "../result";
import { createServices } from "./monitor";
import type { Message } from "google-protobuf";
import type { CallbackInvokeResponse } from "@pulumi/pulumi/proto/callback_pb";
import type { ProcessEnd } from "../executor-errors";
import type { EngineOptions, Evaluation } from "../types";
import type { Handlers } from "./monitor";
import type { CallbackPort } from "./transforms";

/** Options of {@link runWithExecutor}. */
export interface ExecutorOptions extends Omit<EngineOptions, "idleTimeout"> {
  /** Absolute path of the program. */
  readonly program: string;
  /** Folder of Pulumi.yaml, tsconfig.json and package.json. @default the program's folder */
  readonly cwd?: string;
  /** Added to the program's environment, which has no TS_NODE_*, PULUMI_* or AWS_* of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether the executor checks types, as it does on deployment. @default false */
  readonly typeCheck?: boolean;
  /** Milliseconds after which the executor is killed. @default 120000 */
  readonly timeout?: number;
}

/** An evaluation, and how the executor's process ended. */
export interface ExecutorEvaluation extends Evaluation {
  /** 0, 32 for a failed program, 1 for inputs that never resolve; null when it was killed. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const MAXIMUM_MESSAGE = 400 * 1024 * 1024;

/**
 * Evaluates an unmodified program with Pulumi's executor. Slower than `evaluate`, and as close to a deployment as it gets.
 *
 * @public Loaded late, by `evaluate.ts`.
 */
export async function runWithExecutor(options: ExecutorOptions): Promise<ExecutorEvaluation> {
  const cwd = options.cwd ?? path.dirname(options.program);
  const deployment = new Deployment(options, cwd);
  const clients = new CallbackClients();
  const services = createServices(deployment, clients.port, () => deployment.deleteLeftovers());
  const server = new grpc.Server({ "grpc.max_receive_message_length": MAXIMUM_MESSAGE });
  server.addService(ResourceMonitorService, implement(services.monitor));
  server.addService(EngineService, implement(services.engine));
  try {
    const address = `127.0.0.1:${await listen(server)}`;
    const end = await execute(options, cwd, address);
    for (const error of describeExit(end, deployment)) deployment.failures.add(error);
    // The executor asks for it only when the program has succeeded.
    if (end.exitCode !== 0) await deployment.deleteLeftovers();
    const { exitCode, stdout, stderr } = end;
    return { ...toEvaluation(deployment), exitCode, stdout, stderr };
  } finally {
    server.forceShutdown();
    clients.close();
  }
}

function listen(server: grpc.Server): Promise<number> {
  const credentials = grpc.ServerCredentials.createInsecure();
  return new Promise((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", credentials, (error, port) => (error ? reject(error) : resolve(port))),
  );
}

function implement(handlers: Handlers): grpc.UntypedServiceImplementation {
  return Object.fromEntries(
    Object.entries(handlers).map(([name, handler]) => {
      const method: grpc.handleUnaryCall<Message, Message> = (call, done) => {
        new Promise<Message>((resolve) => resolve(handler(call.request as never))).then(
          (answer) => done(null, answer),
          (cause: unknown) => done({ code: grpc.status.UNKNOWN, details: messageOf(cause) }),
        );
      };
      return [name, method];
    }),
  );
}

/** Clients of the callback servers that programs open. */
class CallbackClients {
  readonly #clients = new Map<string, CallbacksClient>();

  readonly port: CallbackPort = (callback, request) => {
    const message = new CallbackInvokeRequest();
    message.setToken(callback.getToken());
    message.setRequest(request);
    return new Promise((resolve, reject) =>
      this.#client(callback.getTarget()).invoke(
        message,
        (error: grpc.ServiceError | null, response: CallbackInvokeResponse) =>
          error ? reject(new Error(error.details || error.message)) : resolve(response.getResponse_asU8()),
      ),
    );
  };

  #client(target: string): CallbacksClient {
    const known = this.#clients.get(target);
    if (known) return known;
    const client = new CallbacksClient(target, grpc.credentials.createInsecure());
    this.#clients.set(target, client);
    return client;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }
}

async function execute(options: ExecutorOptions, cwd: string, address: string): Promise<ProcessEnd> {
  if (options.signal?.aborted) return { exitCode: null, stdout: "", stderr: "", cancelled: true, timedOut: false };
  const child = spawn(process.execPath, executorArguments(options, cwd, address), {
    cwd,
    env: executorEnvironment(options),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr, timedOut] = ["", "", false];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const kill = (): void => void child.kill("SIGKILL");
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, options.timeout ?? 120_000);
  options.signal?.addEventListener("abort", kill, { once: true });
  process.once("exit", kill);
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) =>
      child.on("error", reject).on("close", resolve),
    );
    return { exitCode, stdout, stderr, timedOut, cancelled: options.signal?.aborted ?? false };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", kill);
    process.off("exit", kill);
  }
}

function executorArguments(options: ExecutorOptions, cwd: string, address: string): string[] {
  return [
    path.dirname(require.resolve("@pulumi/pulumi/cmd/run")),
    `--monitor=${address}`,
    `--engine=${address}`,
    `--project=${options.project}`,
    `--stack=${options.stack}`,
    `--organization=${options.organization ?? "organization"}`,
    `--root-directory=${cwd}`,
    `--pwd=${cwd}`,
    `--parallel=${options.parallel ?? 32}`,
    ...(options.preview === true ? ["--dry-run"] : []),
    options.program,
  ];
}

function executorEnvironment({
  config = {},
  secretConfigKeys = [],
  env,
  typeCheck = false,
}: ExecutorOptions): NodeJS.ProcessEnv {
  return programEnvironment(process.env, {
    PULUMI_CONFIG: JSON.stringify(config),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(secretConfigKeys),
    PULUMI_NODEJS_TYPESCRIPT: "true",
    PULUMI_NODEJS_TRANSPILE_ONLY: String(!typeCheck),
    ...env,
  });
}
