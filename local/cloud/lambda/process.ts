// Starts the process of an execution environment: the real runtime client, an environment built from nothing, nothing inherited.
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Credentials } from "../core/access";
import type { CloudContext } from "../core/service";
import type { FunctionDefinition } from "./definition";

const PRELOAD = pathToFileURL(path.join(__dirname, "runtime", "preload.mjs")).href;
const RUNTIME_CLIENT = require.resolve("aws-lambda-ric");
/** Lambda gives the JavaScript heap this part of the memory. */
const HEAP_SHARE = 0.9;
const TELEMETRY_DESCRIPTOR = 3;

/** What a process needs to know besides its function. */
export interface ProcessSettings {
  readonly runtimeApi: string;
  readonly token: string;
  readonly logStream: string;
  readonly credentials: Credentials;
  /** Its TMPDIR. */
  readonly temporaryDirectory: string;
}

/** Starts it in a process group of its own, so that killing the group also ends what the handler has started. */
export function startProcess(
  context: CloudContext,
  definition: FunctionDefinition,
  settings: ProcessSettings,
): ChildProcess {
  const heapMebibytes = Math.floor(definition.memorySize * HEAP_SHARE);
  const args = [
    `--max-old-space-size=${String(heapMebibytes)}`,
    "--import",
    PRELOAD,
    RUNTIME_CLIENT,
    definition.handler,
  ];
  return spawn(process.execPath, args, {
    cwd: definition.codeDirectory,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    detached: true,
    env: buildEnvironment(context, definition, settings),
  });
}

/** Kills the process and everything that it started. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    child.kill("SIGKILL"); // the group is gone, or the platform has none
  }
}

/** Variables in Lambda's own order of precedence: what Lambda sets wins over the function's configuration. */
export function buildEnvironment(
  context: CloudContext,
  definition: FunctionDefinition,
  settings: ProcessSettings,
): Record<string, string> {
  const { logging } = definition;
  return {
    PATH: `${path.dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
    LANG: "en_US.UTF-8",
    TZ: ":UTC",
    // Each environment has its own /tmp on AWS.
    TMPDIR: settings.temporaryDirectory,
    ...definition.environment,
    AWS_REGION: definition.region,
    AWS_DEFAULT_REGION: definition.region,
    AWS_EXECUTION_ENV: `AWS_Lambda_${definition.runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: definition.name,
    AWS_LAMBDA_FUNCTION_VERSION: definition.version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(definition.memorySize),
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_GROUP_NAME: logging.group,
    AWS_LAMBDA_LOG_STREAM_NAME: settings.logStream,
    ...(logging.format === "JSON"
      ? { AWS_LAMBDA_LOG_FORMAT: "JSON", AWS_LAMBDA_LOG_LEVEL: logging.applicationLevel ?? "INFO" }
      : {}),
    AWS_LAMBDA_RUNTIME_API: settings.runtimeApi,
    _HANDLER: definition.handler,
    LAMBDA_TASK_ROOT: definition.codeDirectory,
    LAMBDA_RUNTIME_DIR: path.dirname(RUNTIME_CLIENT),
    AWS_ACCESS_KEY_ID: settings.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: settings.credentials.secretAccessKey,
    ...(settings.credentials.sessionToken === undefined
      ? {}
      : { AWS_SESSION_TOKEN: settings.credentials.sessionToken }),
    AWS_ENDPOINT_URL: context.gatewayOrigin(),
    AWS_ENDPOINT_URL_S3_ACCELERATE: context.accelerateOrigin(),
    // Consumed and deleted before the handler's module loads.
    LOCAL_RUNTIME_TOKEN: settings.token,
    _LAMBDA_TELEMETRY_LOG_FD: String(TELEMETRY_DESCRIPTOR),
  };
}
