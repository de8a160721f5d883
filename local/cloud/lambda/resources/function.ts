// Model of aws.lambda.Function.
import { rmSync } from "node:fs";
import path from "node:path";
import { InvalidInputsError } from "../../core/errors";
import { InputReader, nameOf, regionOf, tagOutputs, textIn } from "../../core/input-reader";
import type { Archive, PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import type { CloudContext } from "../../core/service";
import { unpackCode } from "../code";
import type { FunctionDefinition, FunctionRecord, FunctionRegistry, LoggingSettings } from "../definition";
import { ACCOUNT_CONCURRENCY, MINIMUM_UNRESERVED_CONCURRENCY } from "../limits";
import { assumeRole } from "../role";
import type { FunctionRunner } from "../runner";
import { checkFunction } from "./function-checks";
import { settle } from "./references";

const MAX_NAME_LENGTH = 64;
const DEFAULT_MEMORY_MEBIBYTES = 128;
const DEFAULT_TIMEOUT_SECONDS = 3;

/** Model of a function whose code runs in a process of its own. */
export function functionModel(
  context: CloudContext,
  registry: FunctionRegistry,
  runner: FunctionRunner,
): ResourceModel {
  const remove = (record: FunctionRecord): void => {
    for (const definition of [record.latest, ...record.versions.values()]) {
      runner.retire(definition);
      rmSync(definition.codeDirectory, { recursive: true, force: true });
    }
    registry.remove(record.latest.arn);
  };
  return {
    type: "aws:lambda/function:Function",
    fidelity: "realised",
    summary:
      "Runs the bundle with AWS's own runtime client in a process per environment: timeouts, memory, concurrency, retries, logs and " +
      "role as on AWS. Layers, images, VPC, dead-letter queues and other languages are refused; the architecture is only shown.",
    check: checkFunction,
    create: (inputs, resource) => settle(() => create(context, registry, inputs, resource)),
    update: (_id, inputs, old, resource) => settle(() => update(context, registry, runner, inputs, old, resource)),
    delete(_id, outputs) {
      const record = registry.get(textIn(outputs, "arn"));
      if (record) remove(record);
      return Promise.resolve();
    },
  };
}

function create(
  context: CloudContext,
  registry: FunctionRegistry,
  inputs: PropertyMap,
  resource: ResourceContext,
): RealisedResource {
  const name = nameOf(inputs, resource, MAX_NAME_LENGTH);
  const definition = define(context, inputs, resource, name);
  if (registry.get(definition.arn)) throw invalid(resource, "name", `Function already exist: ${name}`);
  const record = registry.add(definition, reservedOf(registry, definition, inputs, resource));
  if (inputs.publish === true) publish(record);
  return realise(record, inputs, resource);
}

function update(
  context: CloudContext,
  registry: FunctionRegistry,
  runner: FunctionRunner,
  inputs: PropertyMap,
  old: PropertyMap,
  resource: ResourceContext,
): RealisedResource {
  const definition = define(context, inputs, resource, nameOf(inputs, resource, MAX_NAME_LENGTH, old));
  const record = registry.get(textIn(old, "arn"));
  // The provider replaces a function whose name or Region changes.
  if (record?.latest.arn !== definition.arn)
    throw invalid(resource, "name", "cannot change in place; replace the function");
  const before = record.latest;
  record.reservedConcurrency = reservedOf(registry, definition, inputs, resource);
  record.latest = definition;
  runner.retire(before);
  if (inputs.publish === true) publish(record);
  return realise(record, inputs, resource);
}

function define(
  context: CloudContext,
  inputs: PropertyMap,
  resource: ResourceContext,
  name: string,
): FunctionDefinition {
  const reader = new InputReader(inputs);
  const region = regionOf(inputs, resource);
  const roleArn = reader.text("role") ?? "";
  assumable(context, roleArn, name, resource);
  const codeDirectory = path.join(context.dataDirectory, "lambda", "code", `${name}-${context.uniqueId(12)}`);
  return {
    arn: `arn:aws:lambda:${region}:${resource.accountId}:function:${name}`,
    name,
    accountId: resource.accountId,
    region,
    version: "$LATEST",
    urn: resource.urn,
    roleArn,
    handler: reader.text("handler") ?? "",
    runtime: reader.text("runtime") ?? "",
    architecture: reader.texts("architectures")[0] ?? "x86_64",
    description: reader.text("description") ?? "",
    memorySize: reader.number("memorySize") ?? DEFAULT_MEMORY_MEBIBYTES,
    timeoutSeconds: reader.number("timeout") ?? DEFAULT_TIMEOUT_SECONDS,
    environment: reader.nested("environment")?.textMap("variables") ?? {},
    logging: loggingOf(reader, name),
    tracingMode: reader.nested("tracingConfig")?.text("mode") ?? "PassThrough",
    codeDirectory,
    ...unpack(inputs.code as Archive, codeDirectory, resource),
    lastModified: new Date(context.clock.now()).toISOString().replace("Z", "+0000"),
  };
}

function unpack(
  code: Archive,
  directory: string,
  resource: ResourceContext,
): { codeSha256: string; codeBytes: number } {
  try {
    const { sha256, bytes } = unpackCode(code, directory);
    return { codeSha256: sha256, codeBytes: bytes };
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw invalid(resource, "code", (error as Error).message);
  }
}

/** AWS tries the role when a function is created, and refuses one that Lambda cannot assume. */
function assumable(context: CloudContext, roleArn: string, name: string, resource: ResourceContext): void {
  try {
    assumeRole(context, { roleArn, name });
  } catch (error) {
    throw invalid(resource, "role", (error as Error).message);
  }
}

function loggingOf(reader: InputReader, name: string): LoggingSettings {
  const logging = reader.nested("loggingConfig");
  const group = logging?.text("logGroup");
  const applicationLevel = logging?.text("applicationLogLevel");
  const systemLevel = logging?.text("systemLogLevel");
  return {
    format: logging?.text("logFormat") === "JSON" ? "JSON" : "Text",
    group: group ?? `/aws/lambda/${name}`,
    custom: group !== undefined && group !== `/aws/lambda/${name}`,
    ...(applicationLevel === undefined ? {} : { applicationLevel }),
    ...(systemLevel === undefined ? {} : { systemLevel }),
  };
}

/** -1 and nothing reserve nothing. AWS keeps 100 executions for functions without a reservation. */
function reservedOf(
  registry: FunctionRegistry,
  { arn, accountId, region }: FunctionDefinition,
  inputs: PropertyMap,
  resource: ResourceContext,
): number | undefined {
  const reserved = inputs.reservedConcurrentExecutions;
  if (typeof reserved !== "number" || reserved < 0) return undefined;
  const others = registry
    .all()
    .filter(({ latest }) => latest.arn !== arn && latest.accountId === accountId && latest.region === region)
    .reduce((sum, record) => sum + (record.reservedConcurrency ?? 0), 0);
  if (ACCOUNT_CONCURRENCY - others - reserved >= MINIMUM_UNRESERVED_CONCURRENCY) return reserved;
  throw invalid(
    resource,
    "reservedConcurrentExecutions",
    "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum " +
      `value of [${String(MINIMUM_UNRESERVED_CONCURRENCY)}].`,
  );
}

function publish(record: FunctionRecord): void {
  const version = String(record.versions.size + 1);
  record.versions.set(version, { ...record.latest, version });
}

function realise(record: FunctionRecord, inputs: PropertyMap, resource: ResourceContext): RealisedResource {
  const { arn, name, region, logging, ...definition } = record.latest;
  const version = inputs.publish === true ? String(record.versions.size) : "$LATEST";
  const gateway = `arn:aws:apigateway:${region}:lambda:path`;
  const invokeArn = (target: string): string => `${gateway}/2015-03-31/functions/${target}/invocations`;
  return {
    id: name,
    outputs: {
      packageType: "Zip",
      publish: false,
      skipDestroy: false,
      ephemeralStorage: { size: 512 },
      tracingConfig: { mode: definition.tracingMode },
      reservedConcurrentExecutions: -1,
      ...inputs,
      id: name,
      name,
      region,
      arn,
      architectures: [definition.architecture],
      memorySize: definition.memorySize,
      timeout: definition.timeoutSeconds,
      loggingConfig: {
        logFormat: logging.format,
        logGroup: logging.group,
        applicationLogLevel: logging.applicationLevel ?? "",
        systemLogLevel: logging.systemLevel ?? "",
      },
      codeSha256: definition.codeSha256,
      sourceCodeHash: inputs.sourceCodeHash ?? definition.codeSha256,
      sourceCodeSize: definition.codeBytes,
      lastModified: definition.lastModified,
      version,
      qualifiedArn: `${arn}:${version}`,
      invokeArn: invokeArn(arn),
      qualifiedInvokeArn: invokeArn(`${arn}:${version}`),
      responseStreamingInvokeArn: `${gateway}/2021-11-15/functions/${arn}/response-streaming-invocations`,
      signingJobArn: "",
      signingProfileVersionArn: "",
      ...tagOutputs(inputs, resource),
    },
  };
}

function invalid(resource: ResourceContext, property: string, reason: string): InvalidInputsError {
  return new InvalidInputsError(resource.urn, [{ property, reason }]);
}
