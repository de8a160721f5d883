// The REST API's resources: document, deployment, stage, throttle, log, permissions.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { UPLOAD_HANDLERS, type UploadHandler, type UploadHandlerName } from "../../handlers/upload/contract";
import type { Placement } from "../shared/placement";
import { createRestApi, REST_STAGE, type RestApiParts } from "../shared/rest-api";
import { buildApiDocument } from "./api";
import type { UploadFunctions } from "./functions";
import type { AcceleratedUploadBucketSettings } from "./settings";

/** The API and what belongs to it. */
export interface UploadApi extends RestApiParts {
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
  const regional = settings.region === undefined ? {} : { region: settings.region };
  const body = buildBody(name, settings, functions, origins, placement);
  const parts = createRestApi(name, { ...settings, body }, parent);
  const permissions = createPermissions(name, settings, functions, parts.api, parent);
  const webAclAssociation =
    settings.webAclArn === undefined
      ? undefined
      : new aws.wafv2.WebAclAssociation(
          `${name}-web-acl-association`,
          { resourceArn: parts.stage.arn, webAclArn: settings.webAclArn, ...regional },
          { parent },
        );
  return { ...parts, permissions, webAclAssociation };
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
          sourceArn: pulumi.interpolate`${api.executionArn}/${REST_STAGE}/${method}${path.replace(/\{\w+\}/g, "*")}`,
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
