// Reads an OpenAPI 3.0 or Swagger 2.0 body with API Gateway's extensions into a draft.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
import type { PolicyDocument } from "../core/access";
import { ApiDraft, type IntegrationDraft, type MethodDraft } from "./api";
import {
  readGatewayResponse,
  readIntegration,
  readMockResponse,
  readPolicy,
  type Report,
  undeclaredHeaders,
} from "./declarations";
import { type Json, objectOf } from "./json";
import { readSecurity, readSecuritySchemes, type SecurityScheme } from "./openapi-security";

/** What a body declares. */
export interface ImportedApi {
  readonly draft: ApiDraft;
  readonly title?: string;
  readonly policy?: PolicyDocument;
  readonly binaryMediaTypes?: readonly string[];
}

const VERBS = ["get", "post", "put", "patch", "delete", "head", "options"];
const ANY = "x-amazon-apigateway-any-method";
const DOCUMENT_MEMBERS = [
  "openapi",
  "swagger",
  "info",
  "paths",
  "components",
  "definitions",
  "parameters",
  "securityDefinitions",
  "security",
  "tags",
  "schemes",
  "basePath",
  "host",
  "servers",
  "consumes",
  "produces",
  "x-amazon-apigateway-policy",
  "x-amazon-apigateway-binary-media-types",
  "x-amazon-apigateway-request-validators",
  "x-amazon-apigateway-request-validator",
  "x-amazon-apigateway-gateway-responses",
];
const OPERATION_EXTENSIONS = [
  "x-amazon-apigateway-integration",
  "x-amazon-apigateway-request-validator",
  "x-amazon-apigateway-auth",
];

/**
 * Reads a body.
 * @param report receives each problem with the path inside the document.
 * @param rootId id of the resource "/".
 */
export function readOpenApi(text: string, rootId: string, report: Report): ImportedApi {
  const document = parseDocument(text, report);
  const draft = new ApiDraft();
  draft.paths.set(rootId, "/");
  if (!document) return { draft };
  for (const name of Object.keys(document)) {
    if (!DOCUMENT_MEMBERS.includes(name))
      report(name, "is not simulated by the local run; leave it out, or run this part on AWS");
  }
  const schemes = readSecuritySchemes(document, draft, report);
  readValidators(document, draft);
  readModels(document, draft);
  readGatewayResponses(document, draft, report);
  for (const [path, item] of Object.entries(objectOf(document.paths))) {
    addPath(draft, path);
    readPath({ document, draft, report, schemes }, path, objectOf(item));
  }
  const title = objectOf(document.info).title;
  const binary = document["x-amazon-apigateway-binary-media-types"];
  const policy = readPolicy(document["x-amazon-apigateway-policy"], (reason) =>
    report("x-amazon-apigateway-policy", reason),
  );
  return {
    draft,
    ...(typeof title === "string" ? { title } : {}),
    ...(Array.isArray(binary) ? { binaryMediaTypes: binary.map(String) } : {}),
    ...(policy ? { policy } : {}),
  };
}

interface Reading {
  readonly document: Json;
  readonly draft: ApiDraft;
  readonly report: Report;
  readonly schemes: ReadonlyMap<string, SecurityScheme>;
}

function parseDocument(text: string, report: Report): Json | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    report("", "must be JSON (YAML is not simulated by the local run)");
    return undefined;
  }
  const { openapi, swagger } = objectOf(document);
  if (swagger === "2.0" || (typeof openapi === "string" && openapi.startsWith("3.0"))) return document as Json;
  report("", "must be an OpenAPI 3.0 or Swagger 2.0 document");
  return undefined;
}

/** Resources exist for every prefix of a path; ids are derived, so that a second reading gives the same. */
function addPath(draft: ApiDraft, path: string): void {
  const known = new Set(draft.paths.values());
  const segments = path.split("/").filter((segment) => segment !== "");
  for (let length = 1; length <= segments.length; length++) {
    const prefix = `/${segments.slice(0, length).join("/")}`;
    if (!known.has(prefix)) draft.paths.set(Buffer.from(prefix).toString("hex"), prefix);
  }
}

function readPath(reading: Reading, path: string, item: Json): void {
  for (const [name, value] of Object.entries(item)) {
    if (name === "parameters" || name === "summary" || name === "description") continue;
    const verb = name === ANY ? "ANY" : name.toUpperCase();
    if (name === ANY || VERBS.includes(name)) readOperation(reading, path, verb, objectOf(value), item);
    else
      reading.report(
        `paths.${path}.${name}`,
        "is not simulated by the local run; leave it out, or run this part on AWS",
      );
  }
}

function readOperation(reading: Reading, path: string, verb: string, operation: Json, item: Json): void {
  const { document, draft, report } = reading;
  const at = `paths.${path}.${verb.toLowerCase()}`;
  const key = `${verb} ${path}`;
  for (const name of Object.keys(operation)) {
    if (name.startsWith("x-amazon-") && !OPERATION_EXTENSIONS.includes(name)) {
      report(`${at}.${name}`, "is not simulated by the local run; leave it out, or run this part on AWS");
    }
  }
  const validator =
    operation["x-amazon-apigateway-request-validator"] ?? document["x-amazon-apigateway-request-validator"];
  const parameters = [...listOf(item.parameters), ...listOf(operation.parameters)].map((entry) =>
    resolve(document, entry),
  );
  const { operationId } = operation;
  const method: MethodDraft = {
    ...readSecurity(operation, document, reading.schemes, (reason) => report(`${at}.security`, reason)),
    requestModels: readBodyModels(reading, key, operation, parameters),
    requestParameters: readParameters(parameters),
    ...(typeof validator === "string" ? { validatorId: validator } : {}),
    ...(typeof operationId === "string" ? { operationName: operationId } : {}),
  };
  draft.methods.set(key, method);
  readIntegrationOf(reading, key, at, operation);
}

function readIntegrationOf({ draft, report }: Reading, key: string, at: string, operation: Json): void {
  const source = operation["x-amazon-apigateway-integration"];
  if (source === undefined) return; // the deployment fails, as on AWS
  const path = `${at}.x-amazon-apigateway-integration`;
  const value = objectOf(source);
  const integration: IntegrationDraft | undefined = readIntegration(
    {
      type: value.type,
      uri: value.uri,
      httpMethod: value.httpMethod,
      timeoutMs: value.timeoutInMillis,
      passthroughBehavior: value.passthroughBehavior,
      requestTemplates: value.requestTemplates,
      others: omit(value, [
        "type",
        "uri",
        "httpMethod",
        "timeoutInMillis",
        "passthroughBehavior",
        "requestTemplates",
        "responses",
      ]),
    },
    (name, reason) => report(`${path}.${name}`, reason),
  );
  if (!integration) return;
  draft.integrations.set(key, integration);
  if (integration.kind !== "mock") return;
  for (const [pattern, entry] of Object.entries(objectOf(value.responses))) {
    const response = objectOf(entry);
    const mock = readMockResponse(
      {
        statusCode: response.statusCode,
        selectionPattern: pattern === "default" ? undefined : pattern,
        responseParameters: response.responseParameters,
        responseTemplates: response.responseTemplates,
      },
      (name, reason) => report(`${path}.responses.${pattern}.${name}`, reason),
    );
    const declared = objectOf(objectOf(objectOf(operation.responses)[String(mock.statusCode)]).headers);
    const names = new Set(Object.keys(declared).map((name) => name.toLowerCase()));
    for (const problem of undeclaredHeaders(mock, names))
      report(`${path}.responses.${pattern}.responseParameters`, problem);
    draft.integrationResponses.set(`${key} ${pattern}`, mock);
  }
}

/** Body schemas become models of their own; their names cannot collide with the document's. */
function readBodyModels(
  { document, draft }: Reading,
  key: string,
  operation: Json,
  parameters: readonly Json[],
): Readonly<Record<string, string>> {
  const models: Record<string, string> = {};
  const add = (contentType: string, schema: unknown): void => {
    const name = `${key} ${contentType}`;
    draft.models.set(name, objectOf(schema));
    models[contentType] = name;
  };
  const content = objectOf(resolve(document, operation.requestBody).content);
  for (const [contentType, media] of Object.entries(content)) {
    const { schema } = objectOf(media);
    if (schema !== undefined) add(contentType, schema);
  }
  const body = parameters.find((parameter) => parameter.in === "body");
  if (body) add("application/json", body.schema);
  return models;
}

function readParameters(parameters: readonly Json[]): Readonly<Record<string, boolean>> {
  const locations: Readonly<Record<string, string>> = { query: "querystring", header: "header", path: "path" };
  const required: Record<string, boolean> = {};
  for (const parameter of parameters) {
    const location = locations[String(parameter.in)];
    if (location) required[`method.request.${location}.${String(parameter.name)}`] = parameter.required === true;
  }
  return required;
}

function readValidators(document: Json, draft: ApiDraft): void {
  for (const [name, value] of Object.entries(objectOf(document["x-amazon-apigateway-request-validators"]))) {
    const { validateRequestBody, validateRequestParameters } = objectOf(value);
    draft.validators.set(name, { body: validateRequestBody === true, parameters: validateRequestParameters === true });
  }
}

function readModels(document: Json, draft: ApiDraft): void {
  const schemas = document.definitions ?? objectOf(document.components).schemas;
  for (const [name, schema] of Object.entries(objectOf(schemas))) draft.models.set(name, objectOf(schema));
}

function readGatewayResponses(document: Json, draft: ApiDraft, report: Report): void {
  const name = "x-amazon-apigateway-gateway-responses";
  for (const [type, value] of Object.entries(objectOf(document[name]))) {
    draft.gatewayResponses.set(
      type,
      readGatewayResponse(type, objectOf(value), (property, reason) => report(`${name}.${type}.${property}`, reason)),
    );
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function omit(value: Json, names: readonly string[]): Json {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}

/** Follows one reference inside the document. */
function resolve(document: Json, value: unknown): Json {
  const { $ref } = objectOf(value);
  if (typeof $ref !== "string" || !$ref.startsWith("#/")) return objectOf(value);
  return $ref
    .slice(2)
    .split("/")
    .reduce<Json>((node, name) => objectOf(node[name.replaceAll("~1", "/").replaceAll("~0", "~")]), document);
}
