// Parts of OpenAPI documents for REST APIs: CORS, gateway responses, integrations, small schemas. Pure.

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
/** An object of a document. */
export type JsonObject = Readonly<Record<string, Json>>;

/** Name of the validator that `buildValidators` declares. */
export const VALIDATOR = "body-and-parameters";

/** Schema of a text. */
export const string = (limits: JsonObject = {}): JsonObject => ({ type: "string", ...limits });
/** Schema of an object. */
export const object = (required: readonly string[], properties: JsonObject): JsonObject => ({
  type: "object",
  // API Gateway's schema language (draft 4) refuses an empty list.
  ...(required.length === 0 ? {} : { required }),
  properties,
});

/** Declares the validator of bodies and parameters. */
export function buildValidators(): JsonObject {
  return { [VALIDATOR]: { validateRequestBody: true, validateRequestParameters: true } };
}

/** Lambda proxy integration of one function. */
export function buildIntegration(functionArn: string, region: string, partition: string): JsonObject {
  const uri = `arn:${partition}:apigateway:${region}:lambda:path/2015-03-31/functions/${functionArn}/invocations`;
  return { type: "aws_proxy", httpMethod: "POST", uri, passthroughBehavior: "never" };
}

/** The header of an identity, verified by a user pool or by Signature Version 4. @param userPoolArn undefined: by IAM. */
export function buildSecurityScheme(userPoolArn: string | undefined): JsonObject {
  const scheme = { type: "apiKey", name: "Authorization", in: "header" };
  if (userPoolArn === undefined) return { ...scheme, "x-amazon-apigateway-authtype": "awsSigv4" };
  return {
    ...scheme,
    "x-amazon-apigateway-authtype": "cognito_user_pools",
    "x-amazon-apigateway-authorizer": { type: "cognito_user_pools", providerARNs: [userPoolArn] },
  };
}

/** The path's parameters, all texts. */
export function pathParameters(path: string): Json {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: string(),
  }));
}

/** CORS preflight without a function and without identity, as browsers send none. @param methods "POST,OPTIONS" say. */
export function buildPreflight(
  path: string,
  methods: string,
  origins: readonly string[],
  allowedHeaders: string,
): JsonObject {
  const header = (name: string): string => `method.response.header.${name}`;
  const single = singleOrigin(origins);
  const headers = {
    "Access-Control-Allow-Headers": allowedHeaders,
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
export function buildGatewayResponses(origins: readonly string[]): JsonObject {
  const single = singleOrigin(origins);
  const origin = single === undefined ? "method.request.header.Origin" : `'${single}'`;
  const responseParameters = {
    "gatewayresponse.header.Access-Control-Allow-Origin": origin,
    "gatewayresponse.header.Vary": "'Origin'",
  };
  return { DEFAULT_4XX: { responseParameters }, DEFAULT_5XX: { responseParameters } };
}
