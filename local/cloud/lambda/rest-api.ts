// The REST API of Lambda at the gateway. https://docs.aws.amazon.com/lambda/latest/api/
import { AwsError, NotSimulatedError } from "../core/errors";
import type { CloudContext, GatewayCall } from "../core/service";
import type { AsyncQueue } from "./async-queue";
import {
  type FunctionDefinition,
  type FunctionRegistry,
  parseFunctionReference,
  type ResolvedFunction,
} from "./definition";
import { isMappingPath, type MappingApi } from "./event-source/api";
import type { Invocation, Invoker } from "./invoker";
import { ASYNCHRONOUS_PAYLOAD_BYTES, SYNCHRONOUS_PAYLOAD_BYTES } from "./limits";
import { resourcePolicy } from "./permissions";
import { sendError, sendJson } from "./rest-answers";

const ROUTE = /^\/2015-03-31\/functions\/(?<name>[^/]+)(?:\/(?<rest>[^?]*))?$/;
const OPERATIONS: Readonly<Record<string, string>> = {
  "POST invocations": "Invoke",
  "GET ": "GetFunction",
  "GET configuration": "GetFunctionConfiguration",
  "GET policy": "GetPolicy",
};

/** Answers calls whose signature names Lambda. */
export class LambdaRestApi {
  constructor(
    private readonly context: CloudContext,
    private readonly registry: FunctionRegistry,
    private readonly invoker: Invoker,
    private readonly queue: AsyncQueue,
    private readonly mappings: MappingApi,
  ) {}

  async handle(call: GatewayCall): Promise<void> {
    try {
      if (isMappingPath(call.rawPath)) await this.mappings.handle(call);
      else await this.dispatch(call);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      sendError(call, error);
    }
  }

  private async dispatch(call: GatewayCall): Promise<void> {
    const groups = ROUTE.exec(call.rawPath)?.groups;
    const operation = groups && OPERATIONS[`${call.method} ${groups.rest ?? ""}`];
    if (!operation)
      throw new NotSimulatedError(`lambda ${call.method} ${call.rawPath}`, "local/cloud/lambda/rest-api.ts");
    call.describe({ operation });
    const resolved = this.find(call, decodeURIComponent(groups.name ?? ""));
    call.describe({ resource: resolved.qualifiedArn });
    this.authorise(call, resolved, operation === "Invoke" ? "InvokeFunction" : operation);
    if (operation === "Invoke") await this.invoke(call, resolved);
    else if (operation === "GetPolicy") sendPolicy(call, resolved);
    else sendConfiguration(call, resolved, operation === "GetFunction");
  }

  private find(call: GatewayCall, name: string): ResolvedFunction {
    const reference = parseFunctionReference(name, call.principal.accountId || this.context.accountId, call.region);
    if (!reference) {
      throw new AwsError("ValidationException", `Value '${name}' at 'functionName' failed to satisfy constraint`);
    }
    const qualifier = call.query.get("Qualifier") ?? reference.qualifier;
    return this.registry.resolve(qualifier === undefined ? reference : { arn: reference.arn, qualifier });
  }

  private authorise(call: GatewayCall, resolved: ResolvedFunction, operation: string): void {
    const policy = resourcePolicy(resolved);
    call.authorize({
      action: `lambda:${operation}`,
      resource: resolved.qualifiedArn,
      resourceAccountId: resolved.definition.accountId,
      ...(policy ? { resourcePolicy: policy } : {}),
    });
  }

  private async invoke(call: GatewayCall, resolved: ResolvedFunction): Promise<void> {
    const type = call.headers["x-amz-invocation-type"] ?? "RequestResponse";
    if (!["RequestResponse", "Event", "DryRun"].includes(type)) {
      throw new AwsError(
        "InvalidParameterValueException",
        `Value '${type}' at 'invocationType' failed to satisfy constraint`,
      );
    }
    const payload = await readPayload(call, type === "Event" ? ASYNCHRONOUS_PAYLOAD_BYTES : SYNCHRONOUS_PAYLOAD_BYTES);
    if (type === "DryRun") {
      call.response.writeHead(204).end();
    } else if (type === "Event") {
      this.queue.add(toReference(resolved), payload, call.principal.arn, call.id);
      call.response.writeHead(202, { "content-length": "0" }).end();
    } else {
      sendResult(call, await this.invoker.run(resolved, payload, call.id), resolved.definition);
    }
  }
}

function toReference(resolved: ResolvedFunction): { arn: string; qualifier?: string } {
  const { arn } = resolved.definition;
  return resolved.qualifier === undefined ? { arn } : { arn, qualifier: resolved.qualifier };
}

async function readPayload(call: GatewayCall, limit: number): Promise<Buffer> {
  let body: Buffer;
  try {
    body = await call.readBody(limit);
  } catch (error) {
    if (!(error instanceof AwsError) || error.code !== "RequestEntityTooLarge") throw error;
    throw requestTooLarge(limit);
  }
  return checkPayload(body, limit);
}

/** The error for an event that is too long. */
function requestTooLarge(limit: number): AwsError {
  const message = `Request must be smaller than ${String(limit)} bytes for the InvokeFunction operation`;
  return new AwsError("RequestTooLargeException", message, 413);
}

/** The event as the handler gets it: an empty one becomes {}. @throws AwsError when it is too long or not JSON. */
export function checkPayload(payload: Buffer, limit: number): Buffer {
  if (payload.length > limit) throw requestTooLarge(limit);
  if (payload.length === 0) return Buffer.from("{}");
  try {
    JSON.parse(payload.toString());
  } catch (cause) {
    const message = `Could not parse request body into json: ${(cause as Error).message}`;
    throw Object.assign(new AwsError("InvalidRequestContentException", message), { cause });
  }
  return payload;
}

function sendResult(call: GatewayCall, result: Invocation, definition: FunctionDefinition): void {
  const failed = result.status !== "success";
  if (failed) call.describe({ errorCode: result.errorType ?? "Error" });
  call.describe({ detail: { invocationType: "RequestResponse" } });
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "content-length": String(result.payload.length),
    "x-amz-executed-version": definition.version,
    ...(failed ? { "x-amz-function-error": "Unhandled" } : {}),
    ...(call.headers["x-amz-log-type"] === "Tail" ? { "x-amz-log-result": result.logTail.toString("base64") } : {}),
  };
  call.response.writeHead(200, headers).end(result.payload);
}

function sendPolicy(call: GatewayCall, resolved: ResolvedFunction): void {
  const policy = resourcePolicy(resolved);
  if (!policy) throw new AwsError("ResourceNotFoundException", "The resource you requested does not exist.", 404);
  sendJson(call, 200, { Policy: JSON.stringify(policy.document) });
}

function sendConfiguration(call: GatewayCall, resolved: ResolvedFunction, whole: boolean): void {
  const { definition, record } = resolved;
  const configuration = describeConfiguration(definition);
  const reserved = record.reservedConcurrency;
  const concurrency = reserved === undefined ? {} : { Concurrency: { ReservedConcurrentExecutions: reserved } };
  sendJson(call, 200, whole ? { Configuration: configuration, ...concurrency } : configuration);
}

function describeConfiguration(definition: FunctionDefinition): Readonly<Record<string, unknown>> {
  const { logging } = definition;
  return {
    FunctionName: definition.name,
    FunctionArn: definition.version === "$LATEST" ? definition.arn : `${definition.arn}:${definition.version}`,
    Runtime: definition.runtime,
    Role: definition.roleArn,
    Handler: definition.handler,
    CodeSize: definition.codeBytes,
    CodeSha256: definition.codeSha256,
    Description: definition.description,
    Timeout: definition.timeoutSeconds,
    MemorySize: definition.memorySize,
    LastModified: definition.lastModified,
    Version: definition.version,
    Environment: { Variables: definition.environment },
    TracingConfig: { Mode: definition.tracingMode },
    State: "Active",
    LastUpdateStatus: "Successful",
    PackageType: "Zip",
    Architectures: [definition.architecture],
    LoggingConfig: {
      LogFormat: logging.format,
      ApplicationLogLevel: logging.applicationLevel,
      SystemLogLevel: logging.systemLevel,
      LogGroup: logging.group,
    },
  };
}
