// Models of deployments, stages and method settings.
import { createHash } from "node:crypto";
import { AwsError, type InputProblem } from "../../core/errors";
import { InputReader, tagOutputs, textIn } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import { type ApiRecord, executionArn, takeSnapshot } from "../api";
import type { StageDefinition, Throttle } from "../definition";
import { ACCOUNT_THROTTLE } from "../throttling";
import { attempt, type ModelSettings, partModel, requireApi } from "./shared";

/** Opens and closes what a stage needs. */
export interface StageHosting {
  open(api: ApiRecord, stage: StageDefinition): Promise<void>;
  close(api: ApiRecord, stageName: string): Promise<void>;
}

const LOG_GROUP_ARN = /^arn:aws:logs:[a-z0-9-]+:\d{12}:log-group:([^:]+)(?::\*)?$/;

/** Model of a deployment: what was declared at this moment, frozen. */
export function deploymentModel(settings: ModelSettings): ResourceModel {
  return partModel(settings, {
    type: "aws:apigateway/deployment:Deployment",
    summary: "A snapshot of the API. Later changes, the resource policy included, are live with the next one.",
    apiProperty: "restApi",
    known: ["description", "triggers"],
    check: () => undefined,
    put(api, _inputs, _resource, old) {
      // The provider updates only the description in place: the snapshot stays.
      const id = typeof old?.id === "string" ? old.id : settings.context.uniqueId(6);
      if (!api.deployments.has(id)) api.deployments.set(id, { id, snapshot: takeSnapshot(api) });
      return {
        id,
        outputs: { createdDate: old?.createdDate ?? new Date(settings.context.clock.now()).toISOString() },
      };
    },
    remove: (api, _outputs, id) => void api.deployments.delete(id),
  });
}

/** Model of a stage, which answers at the API's own listener under its name. */
export function stageModel({ apis }: ModelSettings, hosting: StageHosting): ResourceModel {
  const put = async (inputs: PropertyMap, resource: ResourceContext, isNew: boolean): Promise<RealisedResource> => {
    const [api, stage] = await attempt(resource, "deployment", () =>
      define(requireApi(apis, inputs.restApi), inputs, resource),
    );
    await attempt(resource, "stageName", () => {
      if (isNew && api.stages.has(stage.name)) throw new AwsError("ConflictException", "Stage already exists", 409);
    });
    api.stages.set(stage.name, stage);
    await hosting.open(api, stage);
    return realise(api, stage, inputs, resource);
  };
  return {
    type: "aws:apigateway/stage:Stage",
    fidelity: "realised",
    summary:
      "A deployment under its own base path, with variables and an access log. Tracing is only shown; caches, canaries and client " +
      "certificates are refused.",
    check: checkStage,
    create: (inputs, resource) => put(inputs, resource, true),
    update: (_id, inputs, _old, resource) => put(inputs, resource, false),
    async delete(_id, outputs) {
      const api = apis.get(textIn(outputs, "restApi"));
      if (api) await hosting.close(api, textIn(outputs, "stageName"));
    },
  };
}

function checkStage(inputs: PropertyMap): readonly InputProblem[] {
  const reader = new InputReader(inputs);
  reader.allowOnly(
    "accessLogSettings",
    "cacheClusterEnabled",
    "deployment",
    "description",
    "documentationVersion",
    "region",
    "restApi",
    "stageName",
    "tags",
    "variables",
    "xrayTracingEnabled",
  );
  reader.requiredText("restApi");
  reader.requiredText("deployment");
  reader.requiredText("stageName");
  reader.matching("stageName", /^[A-Za-z0-9_-]{1,128}$/, "letters, digits, hyphens and underscores");
  if (inputs.cacheClusterEnabled === true) {
    reader.refuse(
      "cacheClusterEnabled",
      "caches are not simulated by the local run; leave it out, or run this part on AWS",
    );
  }
  reader.textMap("variables");
  const accessLog = reader.nested("accessLogSettings");
  accessLog?.requiredText("format");
  const destination = accessLog?.requiredText("destinationArn");
  if (destination !== undefined && !LOG_GROUP_ARN.test(destination)) {
    accessLog?.refuse("destinationArn", `must be the ARN of a log group, got ${destination}`);
  }
  const format = accessLog?.text("format");
  if (format !== undefined && !/\$context\.(extendedRequestId|requestId)\b/.test(format)) {
    accessLog?.refuse("format", "must contain $context.requestId or $context.extendedRequestId");
  }
  return reader.problems;
}

function define(api: ApiRecord, inputs: PropertyMap, resource: ResourceContext): readonly [ApiRecord, StageDefinition] {
  const reader = new InputReader(inputs);
  const deployment = api.deployments.get(textIn(inputs, "deployment"));
  if (!deployment) throw new AwsError("BadRequestException", "Deployment id does not exist");
  const name = textIn(inputs, "stageName");
  const accessLog = reader.nested("accessLogSettings");
  const group = LOG_GROUP_ARN.exec(accessLog?.text("destinationArn") ?? "")?.[1];
  const stream = createHash("md5").update(`${api.id}/${name}`).digest("hex");
  const format = accessLog?.text("format") ?? "";
  return [
    api,
    {
      name,
      urn: resource.urn,
      deployment,
      variables: reader.textMap("variables"),
      ...(group === undefined ? {} : { accessLog: { group, stream, format } }),
    },
  ];
}

function realise(
  api: ApiRecord,
  stage: StageDefinition,
  inputs: PropertyMap,
  resource: ResourceContext,
): RealisedResource {
  const id = `ags-${api.id}-${stage.name}`;
  return {
    id,
    outputs: {
      xrayTracingEnabled: false,
      cacheClusterEnabled: false,
      ...inputs,
      id,
      region: api.region,
      arn: `arn:aws:apigateway:${api.region}::/restapis/${api.id}/stages/${stage.name}`,
      executionArn: `${executionArn(api)}/${stage.name}`,
      invokeUrl: `https://${api.id}.execute-api.${api.region}.amazonaws.com/${stage.name}`,
      webAclArn: "",
      ...tagOutputs(inputs, resource),
    },
  };
}

/** Model of method settings: throttling has an effect, the rest is shown. */
export function methodSettingsModel(settings: ModelSettings): ResourceModel {
  return partModel(settings, {
    type: "aws:apigateway/methodSettings:MethodSettings",
    summary:
      "Throttling of one method or of all, in token buckets on the clock. Logging and metrics levels are only shown; caches are refused.",
    apiProperty: "restApi",
    known: ["methodPath", "settings", "stageName"],
    check: checkMethodSettings,
    put(api, inputs) {
      const stageName = textIn(inputs, "stageName");
      const methodPath = textIn(inputs, "methodPath");
      if (!api.stages.has(stageName))
        throw new AwsError("NotFoundException", "Invalid stage identifier specified", 404);
      const throttles = api.throttles.get(stageName) ?? new Map<string, Throttle>();
      api.throttles.set(stageName, throttles);
      const throttle = readThrottle(new InputReader(inputs).nested("settings"));
      if (throttle) throttles.set(methodPath, throttle);
      else throttles.delete(methodPath);
      return { id: `${api.id}-${stageName}-${methodPath}`, outputs: {} };
    },
    remove: (api, outputs) =>
      void api.throttles.get(textIn(outputs, "stageName"))?.delete(textIn(outputs, "methodPath")),
  });
}

function checkMethodSettings(reader: InputReader): void {
  reader.requiredText("stageName");
  reader.requiredText("methodPath");
  reader.matching(
    "methodPath",
    /^(\*\/\*|.+\/(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|ANY))$/,
    '"*/*" or "path/METHOD"',
  );
  const settings = reader.nested("settings");
  if (!settings) {
    reader.refuse("settings", "is required");
    return;
  }
  settings.allowOnly(
    "dataTraceEnabled",
    "loggingLevel",
    "metricsEnabled",
    "throttlingBurstLimit",
    "throttlingRateLimit",
  );
  settings.choice("loggingLevel", ["OFF", "ERROR", "INFO"]);
  settings.integer("throttlingBurstLimit", -1, Number.MAX_SAFE_INTEGER);
  settings.number("throttlingRateLimit");
}

/** -1 and nothing leave the account's limit. */
function readThrottle(settings: InputReader | undefined): Throttle | undefined {
  const rate = settings?.number("throttlingRateLimit") ?? -1;
  const burst = settings?.number("throttlingBurstLimit") ?? -1;
  if (rate < 0 && burst < 0) return undefined;
  return { rate: rate < 0 ? ACCOUNT_THROTTLE.rate : rate, burst: burst < 0 ? ACCOUNT_THROTTLE.burst : burst };
}
