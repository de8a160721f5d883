// Lambda in the embedded cloud: real bundles, in processes of their own, with the real runtime client.
import { rmSync } from "node:fs";
import path from "node:path";
import { AwsError } from "../core/errors";
import type { SimulatedFunction } from "../cloud";
import type { Principal } from "../core/principal";
import type { CloudContext, FunctionInvoker, InvocationResult, Service } from "../core/service";
import { AsyncQueue } from "./async-queue";
import { Concurrency } from "./concurrency";
import type { LambdaControl } from "./control";
import { FunctionRegistry, parseFunctionReference, type FunctionReference, type ResolvedFunction } from "./definition";
import { MappingApi } from "./event-source/api";
import { BatchInvocations } from "./event-source/invocation";
import { Mappings } from "./event-source/mappings";
import { FaultPlan } from "./faults";
import { Invoker } from "./invoker";
import { ASYNCHRONOUS_PAYLOAD_BYTES, SYNCHRONOUS_PAYLOAD_BYTES } from "./limits";
import { FunctionMetrics } from "./metrics";
import { authoriseInvocation, decideInvocation } from "./permissions";
import { EnvironmentPool, type PoolSettings } from "./pool";
import { createLambdaModels } from "./resources/models";
import { checkPayload, LambdaRestApi } from "./rest-api";
import type { FunctionRunner } from "./runner";
import { SimulatedRunner } from "./simulated-runner";

const DEFAULT_SETTINGS: PoolSettings = { idleMs: 60_000, maximumEnvironments: 32 };

/** The Lambda service with its two further faces. */
export type LambdaService = Service & FunctionInvoker & LambdaControl;

/** How functions run. */
export interface LambdaSettings extends PoolSettings {
  /** Runs every function in this process, on the cloud's clock. */
  readonly simulateFunction: SimulatedFunction;
}

/** @param settings how many processes there may be, and for how long they stay idle; or what stands for all functions. */
export function createLambdaService(context: CloudContext, settings: Partial<LambdaSettings> = {}): LambdaService {
  const registry = new FunctionRegistry();
  const runner = createRunner(context, settings);
  const faults = new FaultPlan(context.traces);
  const metrics = new FunctionMetrics(context);
  const invoker = new Invoker(context, new Concurrency(registry, metrics), metrics, runner, faults);
  const queue = new AsyncQueue(context, registry, invoker);
  const mappings = new Mappings({ context, registry, invocations: new BatchInvocations(context, invoker) });
  const restApi = new LambdaRestApi(context, registry, invoker, queue, new MappingApi(context, mappings));

  const find = (functionArn: string): { reference: FunctionReference; resolved: ResolvedFunction } => {
    const reference = parseFunctionReference(functionArn, context.accountId, context.region);
    if (!reference) throw new AwsError("ResourceNotFoundException", `Function not found: ${functionArn}`, 404);
    return { reference, resolved: registry.resolve(reference) };
  };

  return {
    name: "lambda",
    models: createLambdaModels(context, registry, runner, mappings),
    handle: (call) => restApi.handle(call),
    invoke: async (functionArn, payload, principal) =>
      invokeTraced(context, invoker, find(functionArn).resolved, payload, principal),
    invokeAsync(functionArn, payload, principal) {
      const { reference, resolved } = find(functionArn);
      authoriseInvocation(context, resolved, principal);
      queue.add(reference, checkPayload(payload, ASYNCHRONOUS_PAYLOAD_BYTES), principal.arn);
    },
    mayInvoke(functionArn, principal) {
      const reference = parseFunctionReference(functionArn, context.accountId, context.region);
      const resolved = reference && registry.find(reference);
      return resolved !== undefined && decideInvocation(context, resolved, principal).allowed;
    },
    functions: () => registry.all().map(describeFunction),
    environments: () => runner.environments(),
    mappings: () => mappings.describe(),
    killDuring: (functionName, when) => faults.add(functionName, when),
    async stop() {
      mappings.stop();
      queue.stop();
      await runner.stop();
      rmSync(path.join(context.dataDirectory, "lambda"), { recursive: true, force: true });
    },
  };
}

function createRunner(context: CloudContext, settings: Partial<LambdaSettings>): FunctionRunner {
  const { simulateFunction, ...pool } = settings;
  return simulateFunction
    ? new SimulatedRunner(context, simulateFunction)
    : new EnvironmentPool(context, { ...DEFAULT_SETTINGS, ...pool });
}

async function invokeTraced(
  context: CloudContext,
  invoker: Invoker,
  resolved: ResolvedFunction,
  payload: Buffer,
  principal: Principal,
): Promise<InvocationResult> {
  const at = context.clock.now();
  const facts = { caller: principal.arn, invocationType: "RequestResponse" } as const;
  try {
    authoriseInvocation(context, resolved, principal);
    const result = await invoker.run(resolved, checkPayload(payload, SYNCHRONOUS_PAYLOAD_BYTES));
    invoker.trace(resolved, at, result, facts);
    const { requestId, durationMs } = result;
    const functionError = result.status === "success" ? {} : ({ functionError: "Unhandled" } as const);
    return { payload: result.payload, requestId, durationMs, ...functionError };
  } catch (error) {
    if (error instanceof AwsError) invoker.trace(resolved, at, error, facts);
    throw error;
  }
}

function describeFunction(
  record: ReturnType<FunctionRegistry["all"]>[number],
): ReturnType<LambdaControl["functions"]>[number] {
  const { arn, name, urn, runtime, roleArn, memorySize, timeoutSeconds, logging } = record.latest;
  const { reservedConcurrency, executions } = record;
  const reserved = reservedConcurrency === undefined ? {} : { reservedConcurrency };
  return {
    arn,
    name,
    urn,
    runtime,
    roleArn,
    logGroup: logging.group,
    memorySize,
    timeoutSeconds,
    executions,
    ...reserved,
  };
}
