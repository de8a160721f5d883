// Resource models of deployments and stages of WebSocket APIs.
import { createHash } from "node:crypto";
import { templateProblem } from "../../apigateway/templates";
import { AwsError } from "../../core/errors";
import { InputReader, tagOutputs, textIn } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import type { CloudContext } from "../../core/service";
import {
  domainNameOf,
  executionArnOf,
  type RouteThrottle,
  snapshotOf,
  type WebSocketApi,
  type WebSocketApis,
  type WebSocketStage,
} from "../api";
import { partModel, refusing, requireApi } from "./shared";

const LOG_GROUP_ARN = /^arn:aws:logs:[a-z0-9-]+:\d{12}:log-group:([^:]+)(?::\*)?$/;

/** Shows a stage among the endpoints, and ends its connections. */
export interface StageHosting {
  announceStage(api: WebSocketApi, stageName: string, urn: string): void;
  closeStage(api: WebSocketApi, stageName: string): void;
}

/** Model of `aws.apigatewayv2.Deployment`: what was declared at this moment, frozen. */
export function deploymentModel(context: CloudContext, apis: WebSocketApis): ResourceModel {
  return partModel(apis, {
    type: "aws:apigatewayv2/deployment:Deployment",
    summary: "A snapshot of the routes, for stages without auto-deploy.",
    known: ["description", "triggers"],
    newId: () => context.uniqueId(6),
    check: () => undefined,
    put(api, id) {
      if (api.routes.size === 0)
        throw new AwsError("BadRequestException", "At least one route is required before deploying the Api.");
      if (!api.deployments.has(id)) api.deployments.set(id, snapshotOf(api));
      return { autoDeployed: false };
    },
    remove: (api, id) => void api.deployments.delete(id),
  });
}

/** Model of `aws.apigatewayv2.Stage`. */
export function stageModel(apis: WebSocketApis, hosting: StageHosting): ResourceModel {
  const put = async (inputs: PropertyMap, resource: ResourceContext, isNew: boolean): Promise<RealisedResource> => {
    const { api, stage } = refusing(resource, "apiId", () => {
      const found = requireApi(apis, inputs.apiId);
      const name = textIn(inputs, "name");
      if (isNew && found.stages.has(name)) throw new AwsError("ConflictException", "Stage already exists", 409);
      return { api: found, stage: define(found, inputs, resource) };
    });
    api.stages.set(stage.name, stage);
    hosting.announceStage(api, stage.name, resource.urn);
    return realise(api, stage, inputs, resource);
  };
  return {
    type: "aws:apigatewayv2/stage:Stage",
    fidelity: "realised",
    summary: "A base path with auto-deploy or a deployment, throttles, variables and an access log.",
    check: checkStage,
    create: (inputs, resource) => put(inputs, resource, true),
    update: (_id, inputs, _old, resource) => put(inputs, resource, false),
    async delete(_id, outputs) {
      const api = apis.get(textIn(outputs, "apiId"));
      if (api) hosting.closeStage(api, textIn(outputs, "name"));
    },
  };
}

function checkStage(inputs: PropertyMap): InputReader["problems"] {
  const reader = new InputReader(inputs);
  reader.allowOnly(
    "accessLogSettings",
    "apiId",
    "autoDeploy",
    "defaultRouteSettings",
    "deploymentId",
    "description",
    "name",
    "region",
    "routeSettings",
    "stageVariables",
    "tags",
  );
  reader.requiredText("apiId");
  reader.requiredText("name");
  reader.matching("name", /^[A-Za-z0-9_-]{1,128}$/, "1 to 128 letters, digits, hyphens and underscores");
  reader.textMap("stageVariables");
  checkThrottle(reader.nested("defaultRouteSettings"), []);
  for (const entry of reader.list("routeSettings")) {
    entry.requiredText("routeKey");
    checkThrottle(entry, ["routeKey"]);
  }
  const accessLog = reader.nested("accessLogSettings");
  const destination = accessLog?.requiredText("destinationArn");
  if (destination !== undefined && !LOG_GROUP_ARN.test(destination)) {
    accessLog?.refuse("destinationArn", `must be the ARN of a log group, got ${destination}`);
  }
  const format = accessLog?.requiredText("format");
  if (format !== undefined) {
    if (!/\$context\.(extendedRequestId|requestId)\b/.test(format)) {
      accessLog?.refuse("format", "must contain $context.requestId or $context.extendedRequestId");
    }
    const problem = templateProblem(format);
    if (problem !== undefined) accessLog?.refuse("format", problem);
  }
  return reader.problems;
}

function checkThrottle(reader: InputReader | undefined, further: readonly string[]): void {
  reader?.allowOnly(
    "dataTraceEnabled",
    "detailedMetricsEnabled",
    "loggingLevel",
    "throttlingBurstLimit",
    "throttlingRateLimit",
    ...further,
  );
  reader?.choice("loggingLevel", ["ERROR", "INFO", "OFF"]);
  reader?.integer("throttlingBurstLimit", 0, 5000);
  const rate = reader?.number("throttlingRateLimit");
  if (rate !== undefined && (rate < 0 || rate > 10_000)) {
    reader?.refuse("throttlingRateLimit", `must be between 0 and 10000, got ${rate}`);
  }
}

function define(api: WebSocketApi, inputs: PropertyMap, resource: ResourceContext): WebSocketStage {
  const reader = new InputReader(inputs);
  const name = textIn(inputs, "name");
  const deploymentId = reader.text("deploymentId");
  const autoDeploy = inputs.autoDeploy === true;
  if (deploymentId !== undefined && !api.deployments.has(deploymentId)) {
    throw new AwsError("NotFoundException", `Invalid Deployment identifier specified ${deploymentId}`, 404);
  }
  if (autoDeploy && deploymentId !== undefined) {
    throw new AwsError(
      "BadRequestException",
      "Deployment ID cannot be set by user because api has auto-deploy enabled.",
    );
  }
  const accessLog = reader.nested("accessLogSettings");
  const group = LOG_GROUP_ARN.exec(accessLog?.text("destinationArn") ?? "")?.[1];
  const stream = createHash("md5").update(`${api.id}/${name}`).digest("hex");
  const routeThrottles = reader.list("routeSettings").flatMap((entry) => {
    const throttle = throttleIn(entry);
    return throttle ? [[entry.text("routeKey") ?? "", throttle] as const] : [];
  });
  return {
    name,
    urn: resource.urn,
    autoDeploy,
    deploymentId,
    variables: reader.textMap("stageVariables"),
    throttle: throttleIn(reader.nested("defaultRouteSettings")),
    routeThrottles: new Map(routeThrottles),
    accessLog: group === undefined ? undefined : { group, stream, format: accessLog?.text("format") ?? "" },
  };
}

/** One limit without the other is zero, and throttles everything, as on AWS. */
function throttleIn(reader: InputReader | undefined): RouteThrottle | undefined {
  const rate = reader?.number("throttlingRateLimit");
  const burst = reader?.number("throttlingBurstLimit");
  if (rate === undefined && burst === undefined) return undefined;
  return { rate: rate ?? 0, burst: burst ?? 0 };
}

function realise(
  api: WebSocketApi,
  stage: WebSocketStage,
  inputs: PropertyMap,
  resource: ResourceContext,
): RealisedResource {
  return {
    id: stage.name,
    outputs: {
      autoDeploy: false,
      ...inputs,
      id: stage.name,
      region: api.region,
      arn: `arn:aws:apigateway:${api.region}::/apis/${api.id}/stages/${stage.name}`,
      executionArn: `${executionArnOf(api)}/${stage.name}`,
      invokeUrl: `wss://${domainNameOf(api)}/${stage.name}`,
      ...tagOutputs(inputs, resource),
    },
  };
}
