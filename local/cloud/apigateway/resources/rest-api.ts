// Models of the API itself and of its policy.
import { InvalidInputsError, type InputProblem } from "../../core/errors";
import { InputReader, nameOf, regionOf, tagOutputs, textIn } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import { ApiDraft, type ApiRecord, executionArn } from "../api";
import { readPolicy, type Report } from "../declarations";
import { type ImportedApi, readOpenApi } from "../openapi";
import { schemaProblem } from "../schemas";
import { attempt, type ModelSettings, partModel } from "./shared";

const MAX_NAME_LENGTH = 1024;
const KNOWN = [
  "apiKeySource",
  "binaryMediaTypes",
  "body",
  "description",
  "endpointConfiguration",
  "failOnWarnings",
  "name",
  "policy",
  "putRestApiMode",
  "region",
  "tags",
];

/** Model of a REST API. */
export function restApiModel(settings: ModelSettings, closeApi: (api: ApiRecord) => Promise<void>): ResourceModel {
  const { context, apis } = settings;
  return {
    type: "aws:apigateway/restApi:RestApi",
    fidelity: "realised",
    summary:
      "A REST API with Lambda proxy and mock integrations, IAM and user pool authorization, validators, resource policy and " +
      "gateway responses. Private endpoints, Lambda authorizers, API keys, caches and Velocity templates are refused.",
    check: checkRestApi,
    create: (inputs, resource) =>
      attempt(resource, "body", () => {
        const id = context.uniqueId(10);
        const api: ApiRecord = {
          id,
          name: "",
          accountId: resource.accountId,
          region: regionOf(inputs, resource),
          urn: resource.urn,
          rootResourceId: context.uniqueId(10),
          binaryMediaTypes: [],
          policy: undefined,
          imported: new ApiDraft(),
          own: new ApiDraft(),
          deployments: new Map(),
          stages: new Map(),
          throttles: new Map(),
        };
        configure(api, inputs, resource);
        apis.set(id, api);
        return realise(api, inputs, resource, new Date(context.clock.now()).toISOString());
      }),
    update: (id, inputs, old, resource) =>
      attempt(resource, "body", () => {
        const api = apis.get(id);
        if (!api) throw new InvalidInputsError(resource.urn, [{ property: "id", reason: `there is no API ${id}` }]);
        configure(api, inputs, resource, old);
        return realise(api, inputs, resource, textIn(old, "createdDate"));
      }),
    async delete(id) {
      const api = apis.get(id);
      if (!api) return;
      apis.delete(id);
      await closeApi(api);
    },
  };
}

function checkRestApi(inputs: PropertyMap): readonly InputProblem[] {
  const reader = new InputReader(inputs);
  reader.allowOnly(...KNOWN);
  reader.choice("apiKeySource", ["HEADER"]);
  reader.choice("putRestApiMode", ["overwrite", "merge"]);
  reader.texts("binaryMediaTypes");
  const types = inputs.endpointConfiguration && reader.map("endpointConfiguration")?.types;
  for (const type of Array.isArray(types) ? types : [types]) {
    if (type === undefined || type === null || type === "REGIONAL" || type === "EDGE") continue;
    reader.refuse(
      "endpointConfiguration.types",
      type === "PRIVATE"
        ? "PRIVATE endpoints are not simulated by the local run; use REGIONAL, or run this part on AWS"
        : `must be one of REGIONAL, EDGE, PRIVATE, got ${String(type)}`,
    );
  }
  readPolicy(inputs.policy, (reason) => reader.refuse("policy", reason));
  const body = reader.text("body");
  if (body !== undefined) checkBody(body, reader);
  return reader.problems;
}

function checkBody(body: string, reader: InputReader): void {
  const report: Report = (path, reason) => reader.refuse(path ? `body.${path}` : "body", reason);
  const { draft } = readOpenApi(body, "root", report);
  for (const [name, schema] of draft.models) {
    const definitions = Object.fromEntries(draft.models);
    const problem = schemaProblem({ ...schema, definitions, components: { schemas: definitions } });
    if (problem) report(`schema of ${name}`, problem);
  }
}

/** Applies name, body, policy and media types. An input of the resource wins over the body. */
function configure(api: ApiRecord, inputs: PropertyMap, resource: ResourceContext, old?: PropertyMap): void {
  const reader = new InputReader(inputs);
  const body = reader.text("body");
  const imported: ImportedApi =
    body === undefined ? { draft: new ApiDraft() } : readOpenApi(body, api.rootResourceId, () => undefined);
  const ownPolicy = readPolicy(inputs.policy, () => undefined);
  const ownTypes = reader.texts("binaryMediaTypes");
  imported.draft.paths.set(api.rootResourceId, "/");
  api.name = nameOf(inputs, resource, MAX_NAME_LENGTH, old);
  api.imported = imported.draft;
  api.policy = ownPolicy ?? imported.policy;
  api.binaryMediaTypes = ownTypes.length > 0 ? ownTypes : (imported.binaryMediaTypes ?? []);
}

function realise(
  api: ApiRecord,
  inputs: PropertyMap,
  resource: ResourceContext,
  createdDate: string,
): RealisedResource {
  return {
    id: api.id,
    outputs: {
      apiKeySource: "HEADER",
      description: "",
      disableExecuteApiEndpoint: false,
      endpointConfiguration: { types: "EDGE", ipAddressType: "ipv4", vpcEndpointIds: [] },
      policy: "",
      ...inputs,
      id: api.id,
      name: api.name,
      region: api.region,
      arn: `arn:aws:apigateway:${api.region}::/restapis/${api.id}`,
      executionArn: executionArn(api),
      rootResourceId: api.rootResourceId,
      binaryMediaTypes: api.binaryMediaTypes,
      createdDate,
      ...tagOutputs(inputs, resource),
    },
  };
}

/** Model of a resource policy written apart from its API. It is live after the next deployment, as on AWS. */
export function restApiPolicyModel(settings: ModelSettings): ResourceModel {
  return partModel(settings, {
    type: "aws:apigateway/restApiPolicy:RestApiPolicy",
    summary: "The resource policy, evaluated for every request once it is deployed.",
    apiProperty: "restApiId",
    known: ["policy"],
    check(reader, inputs) {
      if (!reader.has("policy")) reader.refuse("policy", "is required");
      readPolicy(inputs.policy, (reason) => reader.refuse("policy", reason));
    },
    put(api, inputs) {
      api.policy = readPolicy(inputs.policy, () => undefined);
      return { id: api.id, outputs: {} };
    },
    remove: (api) => void (api.policy = undefined),
  });
}
