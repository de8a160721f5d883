// Policy documents of ProgressTrackedWorkflow. Pure functions: known names in, plain data out.
import {
  PROGRESS_HANDLERS,
  PROGRESS_TABLE,
  REPORT_EVENT,
  type ProgressHandler,
  type ProgressHandlerName,
} from "../../handlers/progress/contract";
import {
  buildPolicy,
  buildTrustPolicy,
  denyInsecureTransport,
  type PolicyDocument,
  type Statement,
} from "../shared/iam";
import { ProgressTransport } from "./args";

const allow = (Sid: string, Action: readonly string[], Resource: string | readonly string[]): Statement[] =>
  Action.length === 0 ? [] : [{ Sid, Effect: "Allow", Action, Resource }];

/** ARNs that the policies name. */
export interface ProgressPolicyParts {
  readonly region: string;
  readonly transport: ProgressTransport;
  readonly tableArn: string;
  readonly kmsKeyArn: string | undefined;
  readonly deadLetterQueueArn: string;
  readonly stateMachineArn: string;
  readonly aliasArn: string;
  /** "arn:aws:execute-api:<region>:<account>:<api>/<stage>" of the WebSocket API. */
  readonly socketStageArn: string;
}

/** Posting to connections of this API and stage, and nothing else of it. */
function postTo(socketStageArn: string): Statement[] {
  return allow("PostToConnections", ["execute-api:ManageConnections"], `${socketStageArn}/POST/@connections/*`);
}

/** What could not be delivered. */
function sendUndelivered({ deadLetterQueueArn }: Pick<ProgressPolicyParts, "deadLetterQueueArn">): Statement[] {
  return allow("SendUndelivered", ["sqs:SendMessage"], deadLetterQueueArn);
}

/** Whether EventBridge invokes the handler: then Lambda takes the event first, and what fails in the end needs a place. */
export function isInvokedByEvents(handlerName: ProgressHandlerName, transport: ProgressTransport): boolean {
  if (handlerName === "report") return transport === ProgressTransport.EventBridge;
  return handlerName === "status" || handlerName === "reconcile";
}

/** Through DynamoDB only: the key may protect other things as well. */
function useKey({ region, kmsKeyArn }: Pick<ProgressPolicyParts, "region" | "kmsKeyArn">): Statement[] {
  if (kmsKeyArn === undefined) return [];
  const suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const actions = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"];
  return allow("UseKey", actions, kmsKeyArn).map((statement) => ({
    ...statement,
    Condition: { StringEquals: { "kms:ViaService": `dynamodb.${region}.${suffix}` } },
  }));
}

/** Statements of one handler's role, beyond its logs: the actions of its row in PROGRESS_HANDLERS, each on its exact resource. */
export function buildHandlerStatements(
  handlerName: ProgressHandlerName,
  parts: ProgressPolicyParts,
): readonly Statement[] {
  const handler: ProgressHandler = PROGRESS_HANDLERS[handlerName];
  const executions = `${parts.stateMachineArn.replace(":stateMachine:", ":execution:")}:*`;
  return [
    ...allow("UseTable", handler.tableActions, parts.tableArn),
    ...allow("UseIndex", handler.indexActions, `${parts.tableArn}/index/${PROGRESS_TABLE.runningIndex.name}`),
    ...(handler.tableActions.length === 0 ? [] : useKey(parts)),
    ...allow("UseWorkflow", handler.machineActions, [parts.stateMachineArn, parts.aliasArn]),
    ...allow("UseExecutions", handler.executionActions, executions),
    ...(handler.posts ? postTo(parts.socketStageArn) : []),
    ...(isInvokedByEvents(handlerName, parts.transport) ? sendUndelivered(parts) : []),
  ];
}

/**
 * Step Functions may act as the workflow's role for this workflow only, its versions and its alias included.
 * @param distributed whether a Map runs its items in executions of their own: AWS names their machine "<workflow>/<label>".
 */
export function buildMachineTrustPolicy(stateMachineArn: string, distributed: boolean): PolicyDocument {
  const sources = [stateMachineArn, `${stateMachineArn}:*`, ...(distributed ? [`${stateMachineArn}/*`] : [])];
  return buildTrustPolicy("states.amazonaws.com", { ArnLike: { "aws:SourceArn": sources } });
}

/** A statement of the caller's, with known resources. */
export interface KnownProgressStatement {
  readonly sid: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

/** What the role of the state machine may do. */
export interface MachinePolicyParts extends ProgressPolicyParts {
  readonly reportFunctionArn: string;
  readonly eventBusArn: string;
  /** Whether a Map of the workflow runs its items in executions of their own. */
  readonly distributed: boolean;
  readonly statements: readonly KnownProgressStatement[];
}

/** Sids of the component's own statements in the workflow's policy; AWS refuses a policy that has one twice. */
export const OWN_SIDS: readonly string[] = [
  "DeliverLogs",
  "ManageItems",
  "PostToConnections",
  "ReportProgress",
  "RunItems",
  "SendTraces",
  "SendUndelivered",
  "StoreProgress",
  "UseKey",
];

/** The caller's statements, what the reports need, and what AWS asks for logs and traces. */
export function buildMachinePolicy(parts: MachinePolicyParts): PolicyDocument {
  return buildPolicy([
    ...parts.statements.flatMap(({ sid, actions, resources }) => allow(sid, actions, resources)),
    ...(parts.distributed ? runItems(parts.stateMachineArn) : []),
    ...buildReportStatements(parts),
    ...sendUndelivered(parts),
    // Neither service knows resources for these. https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
    ...allow(
      "DeliverLogs",
      [
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
      ],
      "*",
    ),
    ...allow(
      "SendTraces",
      ["xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments"],
      "*",
    ),
  ]);
}

/** A distributed Map: the caller could not name a workflow that does not exist yet. */
function runItems(stateMachineArn: string): Statement[] {
  const executions = stateMachineArn.replace(":stateMachine:", ":execution:");
  return [
    ...allow("RunItems", ["states:StartExecution"], stateMachineArn),
    ...allow(
      "ManageItems",
      ["states:DescribeExecution", "states:RedriveExecution", "states:StopExecution"],
      // Executions of items are named "<workflow>/<run of the Map>:<name>".
      [`${executions}:*`, `${executions}/*`],
    ),
  ];
}

function buildReportStatements(parts: MachinePolicyParts): Statement[] {
  switch (parts.transport) {
    case ProgressTransport.Function:
      return allow("ReportProgress", ["lambda:InvokeFunction"], parts.reportFunctionArn);
    case ProgressTransport.EventBridge:
      return allow("ReportProgress", ["events:PutEvents"], parts.eventBusArn).map((statement) => ({
        ...statement,
        Condition: { StringEquals: { "events:source": REPORT_EVENT.source } },
      }));
    case ProgressTransport.Direct:
      return [
        ...allow(
          "StoreProgress",
          ["dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"],
          parts.tableArn,
        ),
        ...useKey(parts),
        ...postTo(parts.socketStageArn),
      ];
  }
}

/** The component's own rules send what they could not deliver; nobody reaches the queue without TLS. */
export function buildDeadLetterQueuePolicy(queueArn: string, ruleArns: readonly string[]): PolicyDocument {
  return buildPolicy([
    denyInsecureTransport("sqs:*", queueArn),
    {
      Sid: "AllowRules",
      Effect: "Allow",
      Principal: { Service: "events.amazonaws.com" },
      Action: "sqs:SendMessage",
      Resource: queueArn,
      Condition: { ArnEquals: { "aws:SourceArn": ruleArns } },
    },
  ]);
}
