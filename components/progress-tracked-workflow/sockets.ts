// The WebSocket API of ProgressTrackedWorkflow: address, authorizer, routes with answers, stage, permissions.
import * as crypto from "node:crypto";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { PROGRESS_HANDLERS, TICKET_PARAMETER } from "../../handlers/progress/contract";
import type { Placement } from "../shared/placement";
import type { ProgressFunctions } from "./functions";
import type { ProgressTrackedWorkflowSettings } from "./settings";

/** Name of the API's only stage. */
export const SOCKET_STAGE = "live";
/** Below the 29 s that API Gateway waits at most. */
const INTEGRATION_TIMEOUT_MS = 29_000;

/** One JSON line per message. Nothing of the query is in it: the ticket travels there. */
const ACCESS_LOG_FORMAT = JSON.stringify({
  requestId: "$context.requestId",
  time: "$context.requestTimeEpoch",
  sourceIp: "$context.identity.sourceIp",
  connectionId: "$context.connectionId",
  eventType: "$context.eventType",
  route: "$context.routeKey",
  status: "$context.status",
  integrationStatus: "$context.integrationStatus",
  error: "$context.error.responseType",
});

/** Where the API is found, before its stage exists: its functions must know it, and it must know its functions. */
export interface SocketAddress {
  readonly api: aws.apigatewayv2.Api;
  /** "<api>.execute-api.<region>.amazonaws.com" */
  readonly host: pulumi.Output<string>;
  /** "wss://…/live" */
  readonly url: pulumi.Output<string>;
  /** "https://…/live" */
  readonly connectionsUrl: pulumi.Output<string>;
  /** "arn:…:<api>/live", before methods and routes. */
  readonly stageArn: pulumi.Output<string>;
}

/** Creates `${name}-socket-api`. */
export function createSocketApi(
  name: string,
  { tags, region }: ProgressTrackedWorkflowSettings,
  placement: Placement,
  parent: pulumi.Resource,
): SocketAddress {
  const api = new aws.apigatewayv2.Api(
    `${name}-socket-api`,
    {
      protocolType: "WEBSOCKET",
      routeSelectionExpression: "$request.body.action",
      tags,
      ...(region === undefined ? {} : { region }),
    },
    { parent },
  );
  const host = pulumi
    .all([api.id, placement.region])
    .apply(([id, where]) => `${id}.execute-api.${where}.amazonaws.com${where.startsWith("cn-") ? ".cn" : ""}`);
  return {
    api,
    host,
    url: pulumi.interpolate`wss://${host}/${SOCKET_STAGE}`,
    connectionsUrl: pulumi.interpolate`https://${host}/${SOCKET_STAGE}`,
    stageArn: pulumi.interpolate`${api.executionArn}/${SOCKET_STAGE}`,
  };
}

/** What the API consists of; parts by handler or by route, "connect" for `$connect`. */
export interface ProgressSockets {
  readonly authorizer: aws.apigatewayv2.Authorizer;
  readonly integrations: Readonly<Record<string, aws.apigatewayv2.Integration>>;
  readonly routes: Readonly<Record<string, aws.apigatewayv2.Route>>;
  readonly routeResponses: Readonly<Record<string, aws.apigatewayv2.RouteResponse>>;
  readonly deployment: aws.apigatewayv2.Deployment;
  readonly stage: aws.apigatewayv2.Stage;
  readonly accessLogGroup: aws.cloudwatch.LogGroup;
  readonly permissions: Readonly<Record<string, aws.lambda.Permission>>;
}

const HANDLERS = ["connections", "messages"] as const;
const roleOf = (routeKey: string): string => routeKey.replace("$", "");

/** Creates authorizer, integrations, routes, stage and permissions. */
export function createSockets(
  name: string,
  settings: ProgressTrackedWorkflowSettings,
  { api }: SocketAddress,
  functions: ProgressFunctions,
  parent: pulumi.Resource,
): ProgressSockets {
  const regional = settings.region === undefined ? {} : { region: settings.region };
  const authorizer = new aws.apigatewayv2.Authorizer(
    `${name}-authorizer`,
    {
      apiId: api.id,
      // Within the API only.
      name: "tickets",
      authorizerType: "REQUEST",
      authorizerUri: functions.authorize.function.invokeArn,
      identitySources: [`route.request.querystring.${TICKET_PARAMETER}`],
      ...regional,
    },
    { parent },
  );
  const integrations: Record<string, aws.apigatewayv2.Integration> = {};
  const routes: Record<string, aws.apigatewayv2.Route> = {};
  const routeResponses: Record<string, aws.apigatewayv2.RouteResponse> = {};
  for (const handlerName of HANDLERS) {
    const integration = new aws.apigatewayv2.Integration(
      `${name}-${handlerName}-integration`,
      {
        apiId: api.id,
        integrationType: "AWS_PROXY",
        integrationMethod: "POST",
        integrationUri: functions[handlerName].function.invokeArn,
        timeoutMilliseconds: INTEGRATION_TIMEOUT_MS,
        ...regional,
      },
      { parent },
    );
    integrations[handlerName] = integration;
    for (const routeKey of PROGRESS_HANDLERS[handlerName].routeKeys) {
      // Every message of a client gets exactly one answer, on the connection it came by.
      const answers = handlerName === "messages";
      const route = new aws.apigatewayv2.Route(
        `${name}-${roleOf(routeKey)}-route`,
        {
          apiId: api.id,
          routeKey,
          target: pulumi.interpolate`integrations/${integration.id}`,
          ...(routeKey === "$connect" ? { authorizationType: "CUSTOM", authorizerId: authorizer.id } : {}),
          ...(answers ? { routeResponseSelectionExpression: "$default" } : {}),
          ...regional,
        },
        { parent },
      );
      routes[roleOf(routeKey)] = route;
      if (!answers) continue;
      routeResponses[roleOf(routeKey)] = new aws.apigatewayv2.RouteResponse(
        `${name}-${roleOf(routeKey)}-route-response`,
        { apiId: api.id, routeId: route.id, routeResponseKey: "$default", ...regional },
        { parent },
      );
    }
  }
  const declared = [...Object.values(routes), ...Object.values(routeResponses)];
  return {
    authorizer,
    integrations,
    routes,
    routeResponses,
    ...createStage(name, settings, api, { authorizer, integrations, routes }, declared, parent),
    permissions: createPermissions(name, settings, api, authorizer, functions, parent),
  };
}

function createStage(
  name: string,
  settings: ProgressTrackedWorkflowSettings,
  api: aws.apigatewayv2.Api,
  parts: Pick<ProgressSockets, "authorizer" | "integrations" | "routes">,
  declared: readonly pulumi.Resource[],
  parent: pulumi.Resource,
): Pick<ProgressSockets, "deployment" | "stage" | "accessLogGroup"> {
  const { tags, throttling } = settings;
  const regional = settings.region === undefined ? {} : { region: settings.region };
  const targets = pulumi.all([
    parts.authorizer.id,
    ...Object.values(parts.integrations).map(({ integrationUri }) => integrationUri),
    ...Object.values(parts.routes).map(({ id }) => id),
    ...Object.values(parts.routes).map(({ target }) => target),
  ]);
  const deployment = new aws.apigatewayv2.Deployment(
    `${name}-socket-deployment`,
    {
      apiId: api.id,
      // Changed routes are live only after a new deployment.
      triggers: { routes: targets.apply((ids) => crypto.createHash("sha256").update(ids.join("\n")).digest("hex")) },
      ...regional,
    },
    { parent, dependsOn: [...declared] },
  );
  const accessLogGroup = new aws.cloudwatch.LogGroup(
    `${name}-socket-access-log-group`,
    { retentionInDays: settings.logRetentionDays, tags, ...regional },
    { parent },
  );
  const stage = new aws.apigatewayv2.Stage(
    `${name}-socket-stage`,
    {
      apiId: api.id,
      name: SOCKET_STAGE,
      deploymentId: deployment.id,
      accessLogSettings: { destinationArn: accessLogGroup.arn, format: ACCESS_LOG_FORMAT },
      defaultRouteSettings: {
        throttlingRateLimit: throttling.rateLimit,
        throttlingBurstLimit: throttling.burstLimit,
        detailedMetricsEnabled: true,
        // Execution logs would hold messages and tickets.
        loggingLevel: "OFF",
        dataTraceEnabled: false,
      },
      tags,
      ...regional,
    },
    { parent },
  );
  return { deployment, stage, accessLogGroup };
}

/** Lets this API, at this stage or authorizer, run the function behind it; nothing else may. */
function createPermissions(
  name: string,
  { region }: ProgressTrackedWorkflowSettings,
  api: aws.apigatewayv2.Api,
  authorizer: aws.apigatewayv2.Authorizer,
  functions: ProgressFunctions,
  parent: pulumi.Resource,
): Record<string, aws.lambda.Permission> {
  const sources = {
    authorize: pulumi.interpolate`${api.executionArn}/authorizers/${authorizer.id}`,
    connections: pulumi.interpolate`${api.executionArn}/${SOCKET_STAGE}/*`,
    messages: pulumi.interpolate`${api.executionArn}/${SOCKET_STAGE}/*`,
  };
  const create = (handlerName: keyof typeof sources): aws.lambda.Permission =>
    new aws.lambda.Permission(
      `${name}-${handlerName}-permission`,
      {
        action: "lambda:InvokeFunction",
        function: functions[handlerName].function.name,
        principal: "apigateway.amazonaws.com",
        sourceArn: sources[handlerName],
        ...(region === undefined ? {} : { region }),
      },
      { parent },
    );
  return { authorize: create("authorize"), connections: create("connections"), messages: create("messages") };
}
