// The functions of ProgressTrackedWorkflow, each with a role of its own.
import type * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import {
  PROGRESS_ENVIRONMENT,
  PROGRESS_HANDLERS,
  type ProgressHandlerName,
  type ProgressStep,
} from "../../handlers/progress/contract";
import { createHandlerFunctions, type HandlerFunction } from "../shared/function";
import type { Placement } from "../shared/placement";
import { ProgressTransport } from "./args";
import { buildHandlerStatements, type ProgressPolicyParts } from "./policies";
import type { ProgressTrackedWorkflowSettings } from "./settings";
import type { SocketAddress } from "./sockets";
import type { MachineIdentity } from "./storage";

const DESCRIPTIONS: Readonly<Record<ProgressHandlerName, string>> = {
  tickets: "Sells tickets for one connection to users of the pool",
  authorize: "Admits connections with an allowed origin and an unused ticket",
  connections: "Remembers connections, and forgets them with their subscriptions",
  messages: "Answers the messages of viewers: start, subscribe, cancel, redrive, list",
  report: "Stores and pushes what the workflow reports",
  status: "Stores and pushes how runs ended",
  reconcile: "Looks up runs whose end nobody told of",
};

/** One function per handler, by the handler's name. */
export type ProgressFunctions = Readonly<Record<ProgressHandlerName, HandlerFunction>>;

/** What functions and policies refer to. */
export interface ProgressParts {
  readonly table: aws.dynamodb.Table;
  /** Gets reports and events that could not be delivered. */
  readonly deadLetterQueue: aws.sqs.Queue;
  readonly machine: MachineIdentity;
  readonly socket: SocketAddress;
  readonly placement: Placement;
  readonly origins: pulumi.Output<string[]>;
  readonly steps: readonly ProgressStep[];
}

/** ARNs for the policies, once they are known. */
export function findPolicyParts(
  { table, deadLetterQueue, machine, socket, placement }: ProgressParts,
  { kmsKeyArn, transport }: Pick<ProgressTrackedWorkflowSettings, "kmsKeyArn" | "transport">,
): pulumi.Output<ProgressPolicyParts> {
  return pulumi.output({
    region: placement.region,
    transport,
    tableArn: table.arn,
    kmsKeyArn,
    deadLetterQueueArn: deadLetterQueue.arn,
    stateMachineArn: machine.arn,
    aliasArn: machine.aliasArn,
    socketStageArn: socket.stageArn,
  });
}

/** Creates `${name}-<handler>-…` for every handler. */
export function createFunctions(
  name: string,
  settings: ProgressTrackedWorkflowSettings,
  parts: ProgressParts,
  parent: pulumi.Resource,
): ProgressFunctions {
  const known = findPolicyParts(parts, settings);
  return createHandlerFunctions(
    name,
    {
      folder: "progress",
      handlers: PROGRESS_HANDLERS,
      descriptions: DESCRIPTIONS,
      environment: buildEnvironment(settings, parts),
      buildStatements: (handlerName) => known.apply((arns) => buildHandlerStatements(handlerName, arns)),
    },
    settings,
    parent,
  );
}

/** EventBridge delivers most events within a second; whoever watches a run that failed waits so much longer for the reason. */
const REPORT_GRACE_SECONDS = 3;

function buildEnvironment(
  settings: ProgressTrackedWorkflowSettings,
  { table, machine, socket, origins, steps }: ProgressParts,
): Readonly<Record<string, pulumi.Input<string>>> {
  const names = PROGRESS_ENVIRONMENT;
  return {
    [names.table]: table.name,
    [names.stateMachineArn]: machine.arn,
    [names.startArn]: machine.aliasArn,
    [names.steps]: JSON.stringify(steps),
    [names.connectionsUrl]: socket.connectionsUrl,
    [names.socketUrl]: socket.url,
    [names.allowedOrigins]: origins.apply((list) => JSON.stringify(list)),
    [names.retentionSeconds]: String(settings.retentionSeconds),
    [names.startsPerMinute]: String(settings.startsPerMinute),
    [names.workflowName]: machine.name,
    ...(settings.transport === ProgressTransport.EventBridge
      ? { [names.reportGraceSeconds]: String(REPORT_GRACE_SECONDS) }
      : {}),
  };
}
