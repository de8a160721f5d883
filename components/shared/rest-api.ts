// A REST API from an OpenAPI document, with one stage: deployment, throttle, access log.
import * as crypto from "node:crypto";
import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

/** Name of an API's only stage. */
export const REST_STAGE = "v1";

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

/** What an API needs. Internal: components build it from their settings. */
export interface RestApiSettings {
  /** OpenAPI document, as JSON. */
  readonly body: pulumi.Output<string>;
  readonly throttling: { readonly rateLimit: number; readonly burstLimit: number };
  readonly logRetentionDays: number;
  readonly tags: Readonly<Record<string, pulumi.Input<string>>>;
  readonly region: string | undefined;
}

/** The API and what belongs to it. */
export interface RestApiParts {
  readonly api: aws.apigateway.RestApi;
  readonly deployment: aws.apigateway.Deployment;
  readonly stage: aws.apigateway.Stage;
  readonly methodSettings: aws.apigateway.MethodSettings;
  readonly accessLogGroup: aws.cloudwatch.LogGroup;
}

/** Creates `${name}-api`, `-deployment`, `-access-log-group`, `-stage` and `-method-settings`. */
export function createRestApi(name: string, settings: RestApiSettings, parent: pulumi.Resource): RestApiParts {
  const { body, tags, throttling } = settings;
  const regional = settings.region === undefined ? {} : { region: settings.region };
  const api = new aws.apigateway.RestApi(
    `${name}-api`,
    { body, endpointConfiguration: { types: "REGIONAL" }, failOnWarnings: true, tags, ...regional },
    { parent },
  );
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
      stageName: REST_STAGE,
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
        throttlingRateLimit: throttling.rateLimit,
        throttlingBurstLimit: throttling.burstLimit,
        metricsEnabled: true,
      },
      ...regional,
    },
    { parent },
  );
  return { api, deployment, stage, methodSettings, accessLogGroup };
}
