// The REST API's resources: document, deployment, stage, throttle, log, permissions.
import * as crypto from "node:crypto";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { UPLOAD_HANDLERS, type UploadHandler, type UploadHandlerName } from "../../handlers/upload/contract";
import type { Placement } from "../shared/placement";
import { buildApiDocument } from "./api";
import type { UploadFunctions } from "./functions";
import type { AcceleratedUploadBucketSettings } from "./settings";

/** Name of the API's only stage. */
const STAGE_NAME = "v1";

/** One JSON line per request; holds no token. https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html */
const ACCESS_LOG_FORMAT = JSON.stringify({
  requestId: "$context.requestId",
  time: "$context.requestTimeEpoch",
  sourceIp: "$context.identity.sourceIp",
  method: "$context.httpMethod",
  route: "$context.resourcePath",
  status: "$context.status",
  latencyMs: "$context.responseLatency",
  integrationStatus: "$context.integrationStatus",
  error: "$context.error.responseType",
});

/** The API and what belongs to it. */
export interface UploadApi {
  readonly api: aws.apigateway.RestApi;
  readonly deployment: aws.apigateway.Deployment;
  readonly stage: aws.apigateway.Stage;
  readonly methodSettings: aws.apigateway.MethodSettings;
  readonly accessLogGroup: aws.cloudwatch.LogGroup;
  readonly permissions: readonly aws.lambda.Permission[];
  readonly webAclAssociation: aws.wafv2.WebAclAssociation | undefined;
}

/** Creates the API in front of the functions. */
export function createApi(
  name: string,
  settings: AcceleratedUploadBucketSettings,
  functions: UploadFunctions,
  origins: pulumi.Output<string[]>,
  placement: Placement,
  parent: pulumi.Resource,
): UploadApi {
  const { tags } = settings;
  const regional = settings.region === undefined ? {} : { region: settings.region };
  const body = buildBody(name, settings, functions, origins, placement);
  const api = new aws.apigateway.RestApi(
    `${name}-api`,
    { body, endpointConfiguration: { types: "REGIONAL" }, failOnWarnings: true, tags, ...regional },
    { parent },
  );
  const permissions = createPermissions(name, settings, functions, api, parent);
  const deployment = new aws.apigateway.Deployment(
    `${name}-deployment`,
    {
      restApi: api.id,
      // A changed document, its resource policy included, is live only after a new deployment.
      triggers: { document: body.apply((text) => crypto.createHash("sha256").update(text).digest("hex")) },
      ...regional,
    },
    { parent },
  );
  const accessLogGroup = new aws.cloudwatch.LogGroup(
    `${name}-access-log-group`,
    { retentionInDays: settings.logRetentionDays, tags, ...regional },
    { parent },
  );
  const stage = new aws.apigateway.Stage(
    `${name}-stage`,
    {
      restApi: api.id,
      deployment: deployment.id,
      stageName: STAGE_NAME,
      accessLogSettings: { destinationArn: accessLogGroup.arn, format: ACCESS_LOG_FORMAT },
      tags,
      ...regional,
    },
    { parent },
  );
  const methodSettings = new aws.apigateway.MethodSettings(
    `${name}-method-settings`,
    {
      restApi: api.id,
      stageName: stage.stageName,
      methodPath: "*/*",
      settings: {
        throttlingRateLimit: settings.throttling.rateLimit,
        throttlingBurstLimit: settings.throttling.burstLimit,
        metricsEnabled: true,
      },
      ...regional,
    },
    { parent },
  );
  const webAclAssociation =
    settings.webAclArn === undefined
      ? undefined
      : new aws.wafv2.WebAclAssociation(
          `${name}-web-acl-association`,
          { resourceArn: stage.arn, webAclArn: settings.webAclArn, ...regional },
          { parent },
        );
  return { api, deployment, stage, methodSettings, accessLogGroup, permissions, webAclAssociation };
}

function buildBody(
  name: string,
  settings: AcceleratedUploadBucketSettings,
  functions: UploadFunctions,
  origins: pulumi.Output<string[]>,
  { region, partition }: Placement,
): pulumi.Output<string> {
  const functionArns = Object.fromEntries(
    routes().map(([handlerName]) => [handlerName, functions[handlerName].function.arn]),
  );
  return pulumi.output({ region, partition, origins, functionArns, userPoolArn: settings.userPoolArn }).apply((known) =>
    JSON.stringify(
      buildApiDocument({
        title: name,
        region: known.region,
        partition: known.partition,
        authorizationMode: settings.authorizationMode,
        userPoolArn: known.userPoolArn,
        allowedSourceCidrs: settings.allowedSourceCidrs,
        allowedOrigins: known.origins,
        functionArns: known.functionArns,
      }),
    ),
  );
}

/** Lets this API, at this very route, run the function behind it; nothing else may. */
function createPermissions(
  name: string,
  settings: AcceleratedUploadBucketSettings,
  functions: UploadFunctions,
  api: aws.apigateway.RestApi,
  parent: pulumi.Resource,
): aws.lambda.Permission[] {
  return routes().map(
    ([handlerName, { method, path }]) =>
      new aws.lambda.Permission(
        `${name}-${handlerName}-permission`,
        {
          action: "lambda:InvokeFunction",
          function: functions[handlerName].function.name,
          principal: "apigateway.amazonaws.com",
          sourceArn: pulumi.interpolate`${api.executionArn}/${STAGE_NAME}/${method}${path.replace(/\{\w+\}/g, "*")}`,
          ...(settings.region === undefined ? {} : { region: settings.region }),
        },
        { parent },
      ),
  );
}

function routes(): (readonly [UploadHandlerName, NonNullable<UploadHandler["route"]>])[] {
  return (Object.keys(UPLOAD_HANDLERS) as UploadHandlerName[]).flatMap((handlerName) => {
    const { route }: UploadHandler = UPLOAD_HANDLERS[handlerName];
    return route ? [[handlerName, route] as const] : [];
  });
}
