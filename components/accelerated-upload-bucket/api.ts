// The REST API of AcceleratedUploadBucket as an OpenAPI document: routes, identity, request validation, CORS. Pure.
import { UPLOAD_HANDLERS, type UploadHandler, type UploadHandlerName } from "../../handlers/upload/contract";
import {
  buildGatewayResponses,
  buildIntegration,
  buildPreflight,
  buildSecurityScheme,
  buildValidators,
  object,
  pathParameters,
  string,
  VALIDATOR,
  type Json,
  type JsonObject,
} from "../shared/open-api";
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

const AUTHORIZER = "caller";
const ALLOWED_HEADERS = "authorization,content-type,x-amz-content-sha256,x-amz-date,x-amz-security-token";

const integer = (minimum: number, maximum: number): JsonObject => ({ type: "integer", minimum, maximum });
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
  const byUserPool = parts.authorizationMode === UploadAuthorizationMode.Cognito;
  const userPoolArn = byUserPool ? (parts.userPoolArn ?? "") : undefined;
  for (const [path, methods] of Object.entries(paths)) {
    const allowed = [...Object.keys(methods).map((method) => method.toUpperCase()), "OPTIONS"].join(",");
    methods.options = buildPreflight(path, allowed, parts.allowedOrigins, ALLOWED_HEADERS);
  }
  return {
    openapi: "3.0.1",
    info: { title: parts.title, version: "1" },
    paths,
    components: { securitySchemes: { [AUTHORIZER]: buildSecurityScheme(userPoolArn) } },
    "x-amazon-apigateway-request-validators": buildValidators(),
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
  return {
    operationId: name,
    security: [{ [AUTHORIZER]: [] }],
    parameters: pathParameters(UPLOAD_HANDLERS[name as Exclude<UploadHandlerName, "sweep" | "release">].route.path),
    ...(body ? { requestBody: { required: true, content: { "application/json": { schema: body } } } } : {}),
    responses: {},
    "x-amazon-apigateway-request-validator": VALIDATOR,
    "x-amazon-apigateway-integration": buildIntegration(functionArn, parts.region, parts.partition),
  };
}
