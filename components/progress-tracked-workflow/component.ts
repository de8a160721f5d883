// ProgressTrackedWorkflow: a person watches a long workflow move.
import type * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { originRules } from "../shared/origins";
import { findPlacement } from "../shared/placement";
import { enforceLater } from "../shared/validation";
import type { ProgressClientSettings, ProgressTrackedWorkflowArgs } from "./args";
import { createEvents } from "./events";
import { createFunctions, type ProgressFunctions, type ProgressParts } from "./functions";
import { createMachine } from "./machine";
import { createMonitoring } from "./monitoring";
import { resolveProgressTrackedWorkflowSettings } from "./settings";
import { createSocketApi, createSockets } from "./sockets";
import { createDeadLetterQueue, createTable, identifyMachine } from "./storage";
import { createTicketApi } from "./tickets";
import { readMarks } from "./weave/marks";

/**
 * A Step Functions workflow whose runs people watch while they happen: bar, steps, failures, several viewers, nothing lost when a page is
 * closed and opened again.
 *
 * Creates an `aws.sfn.StateMachine` into which reports are woven, with version and alias; an `aws.apigatewayv2.Api` for WebSockets with
 * authorizer, routes and stage; an `aws.apigateway.RestApi` that sells tickets for it; an `aws.dynamodb.Table` with runs, logs and
 * subscriptions; seven functions, each with role, policy and log group; rules for the status of runs and for the reconciler; a
 * dead-letter queue, five alarms and a dashboard.
 *
 * ```ts
 * const orders = new ProgressTrackedWorkflow("orders", {
 *   definition: {
 *     StartAt: "Ship",
 *     States: { Ship: trackProgress({ Type: "Task", Resource: shipping.arn, End: true }, { label: "Shipping" }) },
 *   },
 *   policyStatements: [{ sid: "Ship", actions: ["lambda:InvokeFunction"], resources: [shipping.arn] }],
 *   allowedOrigins: ["https://shop.example.com"],
 *   userPoolArn: pool.arn,
 * });
 * export const client = orders.clientSettings;
 * ```
 *
 * With a file, and another transport:
 *
 * ```ts
 * const orders = new ProgressTrackedWorkflow("orders", {
 *   definitionFile: path.join(__dirname, "orders.asl.json"),
 *   definitionSubstitutions: { ShippingArn: shipping.arn },
 *   policyStatements: [{ sid: "Ship", actions: ["lambda:InvokeFunction"], resources: [shipping.arn] }],
 *   transport: ProgressTransport.EventBridge,
 *   allowedOrigins: ["https://shop.example.com"],
 *   userPoolArn: pool.arn,
 *   alarms: { topicArn: operations.arn },
 * });
 * ```
 *
 * Security: a user sees own runs only; a connection needs an allowed origin and a ticket that works once, for a minute; every role names
 * exact ARNs. Limits: Standard workflows only; reports are at most 500 per run. Cost: one state transition per report with the transport
 * "function", a function call and a few table writes; `estimateWorkflowCost` does the sum.
 */
export class ProgressTrackedWorkflow extends pulumi.ComponentResource {
  /** Type token of the component. */
  static readonly pulumiType = "serverless-patterns:index:ProgressTrackedWorkflow";

  /** The workflow, with its reports. */
  public readonly stateMachine: aws.sfn.StateMachine;
  /** "live": runs are started through it. */
  public readonly alias: aws.sfn.Alias;
  /** Role of the workflow. */
  public readonly stateMachineRole: aws.iam.Role;
  /** What the workflow may do. */
  public readonly stateMachinePolicy: aws.iam.RolePolicy;
  /** Log of the workflow. */
  public readonly stateMachineLogGroup: aws.cloudwatch.LogGroup;
  /** Runs, logs, connections, tickets. */
  public readonly table: aws.dynamodb.Table;
  /** The WebSocket API. */
  public readonly api: aws.apigatewayv2.Api;
  /** Admits connections. */
  public readonly authorizer: aws.apigatewayv2.Authorizer;
  /** By handler: "connections" and "messages". */
  public readonly integrations: Record<string, aws.apigatewayv2.Integration>;
  /** By route key without "$". */
  public readonly routes: Record<string, aws.apigatewayv2.Route>;
  /** By route key without "$"; not for connect and disconnect. */
  public readonly routeResponses: Record<string, aws.apigatewayv2.RouteResponse>;
  /** Deployment of the WebSocket API. */
  public readonly deployment: aws.apigatewayv2.Deployment;
  /** Stage of the WebSocket API. */
  public readonly stage: aws.apigatewayv2.Stage;
  /** Access log of the WebSocket API. */
  public readonly accessLogGroup: aws.cloudwatch.LogGroup;
  /** The REST API that sells tickets. */
  public readonly ticketApi: aws.apigateway.RestApi;
  /** Deployment of the ticket API. */
  public readonly ticketDeployment: aws.apigateway.Deployment;
  /** Stage of the ticket API. */
  public readonly ticketStage: aws.apigateway.Stage;
  /** Throttle of the ticket API. */
  public readonly ticketMethodSettings: aws.apigateway.MethodSettings;
  /** Access log of the ticket API. */
  public readonly ticketAccessLogGroup: aws.cloudwatch.LogGroup;
  /** By handler: tickets, authorize, connections, messages, report, status, reconcile. */
  public readonly functions: Record<string, aws.lambda.Function>;
  /** Roles of the functions, by handler. */
  public readonly roles: Record<string, aws.iam.Role>;
  /** Policies of the roles, by handler. */
  public readonly rolePolicies: Record<string, aws.iam.RolePolicy>;
  /** Logs of the functions, by handler. */
  public readonly logGroups: Record<string, aws.cloudwatch.LogGroup>;
  /** Who may invoke the functions, by handler. */
  public readonly permissions: Record<string, aws.lambda.Permission>;
  /** By handler: status, reconcile, and report with the transport "eventbridge". */
  public readonly rules: Record<string, aws.cloudwatch.EventRule>;
  /** Targets of the rules, by handler. */
  public readonly targets: Record<string, aws.cloudwatch.EventTarget>;
  /** Retries and destination of events that Lambda took from the rules, by handler. */
  public readonly eventInvokeConfigs: Record<string, aws.lambda.FunctionEventInvokeConfig>;
  /** Reports and events that could not be delivered. */
  public readonly deadLetterQueue: aws.sqs.Queue;
  /** Lets the rules send to the dead-letter queue. */
  public readonly deadLetterQueuePolicy: aws.sqs.QueuePolicy;
  /** By what they watch: failed-runs, timed-out-runs, report-failures, dead-letters, function-errors. */
  public readonly alarms: Record<string, aws.cloudwatch.MetricAlarm>;
  /** Unless alarms are off. */
  public readonly dashboard?: aws.cloudwatch.Dashboard;
  /** ARN of the version that this update published. */
  public readonly versionArn: pulumi.Output<string>;
  /** What a page needs to know. Holds no secret. */
  public readonly clientSettings: pulumi.Output<ProgressClientSettings>;

  /**
   * @param name Logical name; prefix of every child's name.
   * @param args Arguments; all problems are reported at once, before anything is registered.
   * @param opts Options of the component resource.
   * @throws pulumi.InputPropertiesError when an argument or a mark breaks a rule.
   */
  constructor(name: string, args: ProgressTrackedWorkflowArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolveProgressTrackedWorkflowSettings(name, args);
    super(ProgressTrackedWorkflow.pulumiType, name, {}, opts);

    const placement = findPlacement(settings.region, this);
    const table = createTable(name, settings, this);
    const steps = readMarks(settings.definition).steps.map(({ step, label, weight }) => ({ step, label, weight }));
    const deadLetterQueue = createDeadLetterQueue(name, settings, this);
    const parts: ProgressParts = {
      table,
      deadLetterQueue,
      machine: identifyMachine(table, placement),
      socket: createSocketApi(name, settings, placement, this),
      placement,
      origins: enforceLater(name, settings.allowedOrigins, (origins) => originRules(origins, { use: "connect" })),
      steps,
    };
    const functions = createFunctions(name, settings, parts, this);
    const machine = createMachine(name, settings, functions, parts, this);
    const sockets = createSockets(name, settings, parts.socket, functions, this);
    const tickets = createTicketApi(name, settings, functions, parts.origins, placement, this);
    const events = createEvents(name, settings, functions, machine.stateMachine.arn, deadLetterQueue, this);
    const monitoring = createMonitoring(
      name,
      settings,
      { stateMachine: machine.stateMachine, deadLetterQueue, functions, socketApiId: parts.socket.api.id, placement },
      this,
    );

    this.stateMachine = machine.stateMachine;
    this.alias = machine.alias;
    this.stateMachineRole = machine.role;
    this.stateMachinePolicy = machine.rolePolicy;
    this.stateMachineLogGroup = machine.logGroup;
    this.table = table;
    this.api = parts.socket.api;
    this.authorizer = sockets.authorizer;
    this.integrations = { ...sockets.integrations };
    this.routes = { ...sockets.routes };
    this.routeResponses = { ...sockets.routeResponses };
    this.deployment = sockets.deployment;
    this.stage = sockets.stage;
    this.accessLogGroup = sockets.accessLogGroup;
    this.ticketApi = tickets.api;
    this.ticketDeployment = tickets.deployment;
    this.ticketStage = tickets.stage;
    this.ticketMethodSettings = tickets.methodSettings;
    this.ticketAccessLogGroup = tickets.accessLogGroup;
    this.functions = pick(functions, "function");
    this.roles = pick(functions, "role");
    this.rolePolicies = pick(functions, "policy");
    this.logGroups = pick(functions, "logGroup");
    this.permissions = { ...sockets.permissions, tickets: tickets.permission, ...events.permissions };
    this.rules = { ...events.rules };
    this.targets = { ...events.targets };
    this.eventInvokeConfigs = { ...events.eventInvokeConfigs };
    this.deadLetterQueue = deadLetterQueue;
    this.deadLetterQueuePolicy = events.deadLetterQueuePolicy;
    this.alarms = { ...monitoring?.alarms };
    if (monitoring) this.dashboard = monitoring.dashboard;
    this.versionArn = machine.stateMachine.stateMachineVersionArn;
    this.clientSettings = pulumi.output({ ticketUrl: tickets.url, socketUrl: parts.socket.url, steps });
    this.registerOutputs(listOutputs(this));
  }
}

/** One part of every function, by handler. */
function pick<K extends keyof ProgressFunctions[keyof ProgressFunctions]>(
  functions: ProgressFunctions,
  part: K,
): Record<string, ProgressFunctions[keyof ProgressFunctions][K]> {
  return Object.fromEntries(Object.entries(functions).map(([handlerName, handler]) => [handlerName, handler[part]]));
}

/** The public fields that have a value. */
function listOutputs(component: ProgressTrackedWorkflow): Record<string, unknown> {
  const inherited = new Set(["urn"]);
  return Object.fromEntries(Object.entries(component).filter(([key]) => !key.startsWith("__") && !inherited.has(key)));
}
