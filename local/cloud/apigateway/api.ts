// A REST API while it is being written: resources, methods and the rest. A deployment compiles it into a snapshot.
import type { PolicyDocument } from "../core/access";
import { AwsError } from "../core/errors";
import type { Listener } from "../core/service";
import type {
  ApiSnapshot,
  Deployment,
  GatewayResponse,
  JsonSchema,
  MethodAuthorization,
  MethodDefinition,
  MockIntegration,
  MockResponse,
  ProxyIntegration,
  RequiredParameter,
  StageDefinition,
  Throttle,
} from "./definition";
import { modelSchema } from "./schemas";

/** A method as it is declared: names and ids instead of what they stand for. */
export interface MethodDraft {
  readonly authorization: string;
  readonly authorizerId?: string;
  readonly scopes: readonly string[];
  readonly validatorId?: string;
  /** Model name by content type. */
  readonly requestModels: Readonly<Record<string, string>>;
  /** "method.request.header.x" to whether it is required. */
  readonly requestParameters: Readonly<Record<string, boolean>>;
  readonly operationName?: string;
}

/** An integration as it is declared. */
export type IntegrationDraft = ProxyIntegration | Omit<MockIntegration, "responses">;

/** An authorizer of user pools. */
export interface AuthorizerDraft {
  readonly name: string;
  readonly userPoolArns: readonly string[];
  readonly header: string;
}

/** What a validator checks. */
export interface ValidatorDraft {
  readonly body: boolean;
  readonly parameters: boolean;
}

/** Everything that both ways of writing an API (an OpenAPI body, single resources) fill. Keys of methods: "POST /uploads". */
export class ApiDraft {
  /** Path by resource id. */
  readonly paths = new Map<string, string>();
  readonly methods = new Map<string, MethodDraft>();
  readonly integrations = new Map<string, IntegrationDraft>();
  /** Key: "POST /uploads 200". Value: names of declared response headers, lower case. */
  readonly methodResponses = new Map<string, ReadonlySet<string>>();
  /** Key: "POST /uploads 200". */
  readonly integrationResponses = new Map<string, MockResponse>();
  readonly authorizers = new Map<string, AuthorizerDraft>();
  readonly validators = new Map<string, ValidatorDraft>();
  /** By name. */
  readonly models = new Map<string, JsonSchema>();
  readonly gatewayResponses = new Map<string, GatewayResponse>();

  /** A draft with the entries of both; those of `other` win. */
  merge(other: ApiDraft): ApiDraft {
    const merged = new ApiDraft();
    for (const draft of [this as ApiDraft, other]) {
      copy(draft.paths, merged.paths);
      copy(draft.methods, merged.methods);
      copy(draft.integrations, merged.integrations);
      copy(draft.methodResponses, merged.methodResponses);
      copy(draft.integrationResponses, merged.integrationResponses);
      copy(draft.authorizers, merged.authorizers);
      copy(draft.validators, merged.validators);
      copy(draft.models, merged.models);
      copy(draft.gatewayResponses, merged.gatewayResponses);
    }
    return merged;
  }
}

function copy<T>(from: ReadonlyMap<string, T>, to: Map<string, T>): void {
  for (const [key, value] of from) to.set(key, value);
}

/** A REST API with its deployments and stages. */
export interface ApiRecord {
  readonly id: string;
  name: string;
  readonly accountId: string;
  readonly region: string;
  readonly urn: string;
  readonly rootResourceId: string;
  binaryMediaTypes: readonly string[];
  policy: PolicyDocument | undefined;
  /** From the OpenAPI body. */
  imported: ApiDraft;
  /** From single resources. */
  readonly own: ApiDraft;
  readonly deployments: Map<string, Deployment>;
  readonly stages: Map<string, StageDefinition>;
  /** By stage name, then by method path ("*" + "/*" or "uploads/POST"). */
  readonly throttles: Map<string, Map<string, Throttle>>;
  listener?: Listener | undefined;
}

/** ARN under which callers are authorised: arn:aws:execute-api:region:account:id. */
export function executionArn(api: Pick<ApiRecord, "id" | "region" | "accountId">): string {
  return `arn:aws:execute-api:${api.region}:${api.accountId}:${api.id}`;
}

/** Freezes an API. @throws AwsError BadRequestException as CreateDeployment does. */
export function takeSnapshot(api: ApiRecord): ApiSnapshot {
  const draft = api.imported.merge(api.own);
  if (draft.methods.size === 0) {
    throw new AwsError("BadRequestException", "The REST API doesn't contain any methods");
  }
  const ids = new Map([...draft.paths].map(([id, path]) => [path, id]));
  return {
    methods: [...draft.methods].map(([key, method]) => compileMethod(draft, ids, key, method)),
    paths: [...draft.paths.values()],
    gatewayResponses: new Map(draft.gatewayResponses),
    binaryMediaTypes: api.binaryMediaTypes,
    ...(api.policy ? { policy: expandPolicy(api.policy, api) } : {}),
  };
}

function compileMethod(
  draft: ApiDraft,
  ids: ReadonlyMap<string, string>,
  key: string,
  method: MethodDraft,
): MethodDefinition {
  const [httpMethod = "", path = ""] = key.split(" ");
  const validator = method.validatorId === undefined ? undefined : draft.validators.get(method.validatorId);
  if (method.validatorId !== undefined && !validator) {
    throw new AwsError("BadRequestException", `Invalid Request Validator identifier specified for ${key}`);
  }
  const bodySchemas = validator?.body ? compileSchemas(draft, method) : undefined;
  return {
    path,
    httpMethod,
    resourceId: ids.get(path) ?? "",
    authorization: compileAuthorization(draft, key, method),
    requiredParameters: validator?.parameters ? requiredParameters(method) : [],
    integration: compileIntegration(draft, key),
    ...(method.operationName === undefined ? {} : { operationName: method.operationName }),
    ...(bodySchemas ? { bodySchemas } : {}),
  };
}

function compileAuthorization(draft: ApiDraft, key: string, method: MethodDraft): MethodAuthorization {
  if (method.authorization === "NONE" || method.authorization === "AWS_IAM") return { type: method.authorization };
  const authorizer = draft.authorizers.get(method.authorizerId ?? "");
  if (!authorizer) throw new AwsError("BadRequestException", `Invalid authorizer ID specified for ${key}`);
  const { header, userPoolArns } = authorizer;
  return { type: "COGNITO_USER_POOLS", header, userPoolArns, scopes: method.scopes };
}

function compileSchemas(draft: ApiDraft, method: MethodDraft): Readonly<Record<string, JsonSchema>> {
  const schemas = Object.entries(method.requestModels).map(([contentType, name]) => {
    const schema = modelSchema(draft.models, name);
    if (!schema) throw new AwsError("BadRequestException", `Invalid model identifier specified: ${name}`);
    return [contentType, schema] as const;
  });
  return Object.fromEntries(schemas);
}

const PARAMETER = /^method\.request\.(querystring|header|path)\.(.+)$/;

function requiredParameters(method: MethodDraft): readonly RequiredParameter[] {
  return Object.entries(method.requestParameters)
    .filter(([, required]) => required)
    .map(([name]) => PARAMETER.exec(name))
    .filter((match) => match !== null)
    .map(([, location, name = ""]) => ({ location: location as RequiredParameter["location"], name }));
}

function compileIntegration(draft: ApiDraft, key: string): ProxyIntegration | MockIntegration {
  const integration = draft.integrations.get(key);
  if (!integration) throw new AwsError("BadRequestException", `No integration defined for method ${key}`);
  if (integration.kind === "lambda-proxy") return integration;
  const responses = [...draft.integrationResponses]
    .filter(([name]) => name.startsWith(`${key} `))
    .map(([, response]) => response);
  return { ...integration, responses };
}

/** API Gateway lets `execute-api:/stage/METHOD/path` stand for the API's own ARN. */
function expandPolicy(policy: PolicyDocument, api: ApiRecord): PolicyDocument {
  const expand = (resource: string): string =>
    resource.startsWith("execute-api:/") ? `${executionArn(api)}/${resource.slice("execute-api:/".length)}` : resource;
  const all = (value: string | readonly string[]): string | readonly string[] =>
    typeof value === "string" ? expand(value) : value.map(expand);
  const statements = Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement];
  return {
    ...policy,
    Statement: (statements as readonly Exclude<PolicyDocument["Statement"], readonly unknown[]>[]).map((statement) => ({
      ...statement,
      ...(statement.Resource === undefined ? {} : { Resource: all(statement.Resource) }),
      ...(statement.NotResource === undefined ? {} : { NotResource: all(statement.NotResource) }),
    })),
  };
}

/** All REST APIs, by id. */
export type ApiRegistry = Map<string, ApiRecord>;
