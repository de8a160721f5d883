// AWS Step Functions in the embedded cloud: Standard workflows, interpreted on the cloud's clock, with tasks that really call.
import { serveJson, type JsonApi } from "../core/json-api";
import type { CloudContext, Service } from "../core/service";
import { statesOperations } from "./api";
import type { Execution } from "./execution/execution";
import { type ExecutionListener, Executions, executionsOf } from "./executions";
import { aliasModel, stateMachineModel } from "./resources/models";
import { type StateMachine, StateMachines } from "./state-machines";

const MAX_REQUEST_BYTES = 2 * 1024 * 1024;

/** The service, with what the console and the tests look at. */
export interface StatesService extends Service {
  machines(): readonly StateMachine[];
  /** Executions of a machine, newest first. */
  executions(machine: StateMachine): readonly Execution[];
  /** Calls `listener` for every later history event; returns the function that ends it. */
  subscribe(listener: ExecutionListener): () => void;
}

/** The Step Functions service of the embedded cloud. */
export function createStatesService(context: CloudContext): StatesService {
  const machines = new StateMachines();
  const executions = new Executions(context, machines);
  const api: JsonApi = {
    target: "AWSStepFunctions",
    version: "1.0",
    limitBytes: MAX_REQUEST_BYTES,
    service: "states",
    file: "local/cloud/states/api.ts",
    operations: statesOperations(machines, executions),
  };
  return {
    name: "states",
    models: [
      stateMachineModel(context, machines, (machine) => executions.abortAll(machine)),
      aliasModel(context, machines),
    ],
    handle: (call) => serveJson(api, call),
    machines: () => machines.all(),
    executions: (machine) => executionsOf(executions, machine),
    subscribe: (listener) => executions.subscribe(listener),
    stop: () => executions.stop(),
  };
}
