// Which integration a task's resource names.
import type { CloudContext } from "../../core/service";
import type { TaskRunner } from "../execution/ports";
import { StatesError } from "../language/errors";
import { invokeApi } from "./apigateway";
import { RoleCaller } from "./http";
import type { Integration } from "./integration";
import { JSON_INTEGRATIONS, sdkIntegration } from "./json-services";
import { invokeArn, invokeFunction } from "./lambda";

const OPTIMISED: Readonly<Record<string, Integration>> = {
  ...JSON_INTEGRATIONS,
  "lambda:invoke": invokeFunction,
  "apigateway:invoke": invokeApi,
};
const INTEGRATION =
  /^arn:aws:states:::(?:aws-sdk:(?<service>[a-z0-9]+):(?<action>[A-Za-z0-9]+)|(?<name>[a-z0-9-]+:[A-Za-z]+))(?<pattern>\.[A-Za-z:0-9]+)?$/;
const WITH_TOKEN = ["lambda:invoke", "sqs:sendMessage", "events:putEvents", "apigateway:invoke"];

/** Why a resource cannot be a task here; undefined when it can. */
export function resourceProblem(resource: string): string | undefined {
  if (resource.startsWith("arn:aws:lambda:")) return undefined;
  const groups = INTEGRATION.exec(resource)?.groups;
  const name = groups?.name ?? "";
  const known =
    groups && (groups.service === undefined ? OPTIMISED[name] : sdkIntegration(groups.service, groups.action ?? ""));
  if (!known)
    return `the resource ${resource} is not simulated by the local run; add it in local/cloud/states/integrations`;
  if (groups.pattern === undefined) return undefined;
  if (groups.pattern === ".waitForTaskToken" && WITH_TOKEN.includes(name)) return undefined;
  return `the resource ${resource} does not support the pattern ${groups.pattern}`;
}

/** Facts of the execution whose tasks are done. */
export interface TaskOwner {
  readonly roleArn: string;
  readonly region: string;
  readonly stateMachineArn: string;
  readonly executionArn: string;
  readonly executionName: string;
}

/** Does tasks of executions, each as the role of its state machine. */
export class Integrations {
  private readonly caller: RoleCaller;

  constructor(private readonly context: CloudContext) {
    this.caller = new RoleCaller(context);
  }

  /** The runner of one execution. */
  runnerFor(owner: TaskOwner): TaskRunner {
    return async ({ resource, input, signal }) => {
      const integration = find(resource);
      if (!integration) throw new StatesError("States.Runtime", `The resource ${resource} is not supported`);
      try {
        return await integration({
          input,
          executionArn: owner.executionArn,
          stateMachineArn: owner.stateMachineArn,
          gatewayOrigin: this.context.gatewayOrigin(),
          localise: (url) => this.context.hosts.localise(url),
          // Whatever is wrong, the role or the URL, becomes a rejection.
          send: async (request) => this.caller.send({ ...request, ...owner, signal }),
        });
      } catch (error) {
        if (error instanceof StatesError) throw error;
        // The role cannot be assumed, or the connection was lost.
        throw new StatesError("States.TaskFailed", error instanceof Error ? error.message : String(error));
      }
    };
  }

  stop(): void {
    this.caller.stop();
  }
}

function find(resource: string): Integration | undefined {
  if (resource.startsWith("arn:aws:lambda:")) return invokeArn(resource);
  const groups = INTEGRATION.exec(resource)?.groups;
  if (!groups) return undefined;
  return groups.service === undefined
    ? OPTIMISED[groups.name ?? ""]
    : sdkIntegration(groups.service, groups.action ?? "");
}
