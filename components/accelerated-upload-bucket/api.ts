// The REST API of AcceleratedUploadBucket as an OpenAPI document: routes, identity, request validation, CORS. Pure.
import { UPLOAD_HANDLERS, type UploadHandler, type UploadHandlerName } from "../../handlers/upload/contract";
import { UploadAuthorizationMode } from "./args";
import { buildApiPolicy } from "./policies";

/** What the document is made of. */
export interface ApiDocumentParts {
  readonly title: string;
  readonly region: string;
  readonly partition: string;
  readonly authorizationMode: UploadAuthorizationMode;
  /** With Cognito. */
  readonly userPoolArn: string | undefined;
  readonly allowedSourceCidrs: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly functionArns: Readonly<Partial<Record<UploadHandlerName, string>>>;
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = Readonly<Record<string, Json>>;

const AUTHORIZER = "caller";
const VALIDATOR = "body-and-parameters";
const ALLOWED_HEADERS = "authorization,content-type,x-amz-content-sha256,x-amz-date,x-amz-security-token";

const string = (limits: JsonObject = {}): JsonObject => ({ type: "string", ...limits });
const integer = (minimum: number, maximum: number): JsonObject => ({ type: "integer", minimum, maximum });
const object = (required: readonly string[], properties: JsonObject): JsonObject => ({
  type: "object",
  required,
  properties,
});
const list = (items: JsonObject, maxItems: number): JsonObject => ({ type: "array", minItems: 1, maxItems, items });

const CHECKSUM = string({ pattern: "^[A-Za-z0-9+/]{11}=$" });
const PART_NUMBER = integer(1, 10_000);

/** Bodies that API Gateway refuses before a function is started. JSON Schema draft 4, as API Gateway reads it. */
const BODIES: Readonly<Partial<Record<UploadHandlerName, JsonObject>>> = {
  start: object(["fileName", "size", "contentType", "requestId"], {
    fileName: string({ minLength: 1, maxLength: 255 }),
    size: { type: "integer", minimum: 0 },
    contentType: string({ minLength: 3, maxLength: 255 }),
    requestId: string({ pattern: "^[A-Za-z0-9-]{16,64}$" }),
    partSize: { type: "integer", minimum: 1 },
    firstBytes: string({ maxLength: 88 }),
    fingerprint: string({ maxLength: 128 }),
  }),
  sign: object(["parts"], {
    parts: list(object(["partNumber", "checksum"], { partNumber: PART_NUMBER, checksum: CHECKSUM }), 100),
  }),
  complete: object(["parts", "checksum"], {
    parts: list(
      object(["partNumber", "eTag", "checksum"], {
        partNumber: PART_NUMBER,
        eTag: string({ minLength: 1, maxLength: 128 }),
        checksum: CHECKSUM,
      }),
      10_000,
    ),
    checksum: CHECKSUM,
  }),
};

/** The whole document. The same parts give the same text, so its hash decides about a new deployment. */
export function buildApiDocument(parts: ApiDocumentParts): JsonObject {
  const paths: Record<string, Record<string, Json>> = {};
  for (const name of Object.keys(UPLOAD_HANDLERS) as UploadHandlerName[]) {
    const { route }: UploadHandler = UPLOAD_HANDLERS[name];
    if (!route) continue;
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: buildMethod(name, parts) };
  }
  for (const [path, methods] of Object.entries(paths)) {
    const allowed = [...Object.keys(methods).map((method) => method.toUpperCase()), "OPTIONS"].join(",");
    methods.options = buildPreflight(path, allowed, parts.allowedOrigins);
  }
  return {
    openapi: "3.0.1",
    info: { title: parts.title, version: "1" },
    paths,
    components: { securitySchemes: { [AUTHORIZER]: buildSecurityScheme(parts) } },
    "x-amazon-apigateway-request-validators": {
      [VALIDATOR]: { validateRequestBody: true, validateRequestParameters: true },
    },
    "x-amazon-apigateway-gateway-responses": buildGatewayResponses(parts.allowedOrigins),
    ...(parts.allowedSourceCidrs.length === 0
      ? {}
      : {
          "x-amazon-apigateway-policy": buildApiPolicy(
            parts.allowedSourceCidrs,
            parts.authorizationMode,
          ) as unknown as Json,
        }),
  };
}

function buildMethod(name: UploadHandlerName, parts: ApiDocumentParts): JsonObject {
  const body = BODIES[name];
  const functionArn = parts.functionArns[name];
  if (functionArn === undefined) throw new Error(`no function for the route of "${name}"`);
  const uri = `arn:${parts.partition}:apigateway:${parts.region}:lambda:path/2015-03-31/functions/${functionArn}/invocations`;
  return {
    operationId: name,
    security: [{ [AUTHORIZER]: [] }],
    parameters: pathParameters(UPLOAD_HANDLERS[name as Exclude<UploadHandlerName, "sweep">].route.path),
    ...(body ? { requestBody: { required: true, content: { "application/json": { schema: body } } } } : {}),
    responses: {},
    "x-amazon-apigateway-request-validator": VALIDATOR,
    "x-amazon-apigateway-integration": { type: "aws_proxy", httpMethod: "POST", uri, passthroughBehavior: "never" },
  };
}

function pathParameters(path: string): Json {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: string(),
  }));
}

/** CORS preflight without a function and without identity, as browsers send none. */
function buildPreflight(path: string, methods: string, origins: readonly string[]): JsonObject {
  const header = (name: string): string => `method.response.header.${name}`;
  const single = singleOrigin(origins);
  const headers = {
    "Access-Control-Allow-Headers": ALLOWED_HEADERS,
    "Access-Control-Allow-Methods": methods,
    "Access-Control-Max-Age": "7200",
    Vary: "Origin",
    ...(single === undefined ? {} : { "Access-Control-Allow-Origin": single }),
  };
  const names = [...Object.keys(headers), ...(single === undefined ? ["Access-Control-Allow-Origin"] : [])];
  return {
    parameters: pathParameters(path),
    responses: {
      "204": {
        description: "CORS preflight",
        headers: Object.fromEntries(names.map((name) => [name, { schema: string() }])),
      },
    },
    "x-amazon-apigateway-integration": {
      type: "mock",
      passthroughBehavior: "when_no_match",
      requestTemplates: { "application/json": '{"statusCode": 204}' },
      responses: {
        default: {
          statusCode: "204",
          responseParameters: Object.fromEntries(
            Object.entries(headers).map(([name, value]) => [header(name), `'${value}'`]),
          ),
          ...(single === undefined ? { responseTemplates: { "application/json": buildOriginTemplate(origins) } } : {}),
        },
      },
    },
  };
}

/** The one origin that every answer can name, whoever asks; undefined when it depends on the request. */
function singleOrigin(origins: readonly string[]): string | undefined {
  if (origins.includes("*")) return "*";
  return origins.length === 1 ? origins[0] : undefined;
}

/** With several origins the answer depends on the request: a mapping template picks the caller's, if it is listed. */
function buildOriginTemplate(origins: readonly string[]): string {
  const listed = origins.map((origin) => `$origin == "${origin}"`).join(" || ");
  return [
    '#set($origin = $input.params().header.get("origin"))',
    '#if(!$origin || $origin == "")#set($origin = $input.params().header.get("Origin"))#end',
    `#if(${listed})`,
    '#set($context.responseOverride.header.Access-Control-Allow-Origin = "$origin")',
    "#end",
  ].join("\n");
}

/** Refusals of API Gateway itself carry CORS headers too, or a page could not tell a 401 from a broken network. */
function buildGatewayResponses(origins: readonly string[]): JsonObject {
  const single = singleOrigin(origins);
  const origin = single === undefined ? "method.request.header.Origin" : `'${single}'`;
  const responseParameters = {
    "gatewayresponse.header.Access-Control-Allow-Origin": origin,
    "gatewayresponse.header.Vary": "'Origin'",
  };
  return { DEFAULT_4XX: { responseParameters }, DEFAULT_5XX: { responseParameters } };
}

function buildSecurityScheme(parts: ApiDocumentParts): JsonObject {
  const scheme = { type: "apiKey", name: "Authorization", in: "header" };
  if (parts.authorizationMode === UploadAuthorizationMode.Iam) {
    return { ...scheme, "x-amazon-apigateway-authtype": "awsSigv4" };
  }
  return {
    ...scheme,
    "x-amazon-apigateway-authtype": "cognito_user_pools",
    "x-amazon-apigateway-authorizer": { type: "cognito_user_pools", providerARNs: [parts.userPoolArn ?? ""] },
  };
}
