// Proves that single resources and OpenAPI bodies become the same API, and what of their inputs is refused.
import assert from "node:assert/strict";
import type { PropertyMap, RealisedResource } from "../../../../local/cloud/core/resource-model";
import { createApiGatewayService } from "../../../../local/cloud/apigateway/service";
import { ACCOUNT, REGION, resourceContext } from "../../../support/function-cloud";
import {
  type ApiCloud,
  createFunction,
  deploy,
  ECHO,
  INVOKE_ARN,
  permit,
  POOL_ARN,
  PROXY,
  startApiCloud,
} from "../../../support/rest-api";

const type = (name: string): string => `aws:apigateway/${name}:${name[0]?.toUpperCase() ?? ""}${name.slice(1)}`;

describe("API Gateway resources", () => {
  let cloud: ApiCloud;
  let api: RealisedResource;
  let restApi: string;

  beforeEach(async () => {
    cloud = startApiCloud();
    api = await cloud.create(type("restApi"), { name: "api" });
    restApi = api.id;
  });
  afterEach(() => cloud.stop());

  const create = (name: string, inputs: PropertyMap): Promise<RealisedResource> => cloud.create(type(name), inputs);
  const problems = (name: string, inputs: PropertyMap): string => {
    const model = createApiGatewayService(cloud.context).models.find((candidate) => candidate.type === type(name));
    const found = model?.check(inputs, resourceContext(type(name), "x")) ?? [];
    return found.map(({ property, reason }) => `${property}: ${reason}`).join("; ");
  };
  const addRoute = async (pathPart: string, httpMethod: string, method: PropertyMap = {}): Promise<PropertyMap> => {
    const resource = await create("resource", { restApi, parentId: api.outputs.rootResourceId, pathPart });
    const route = { restApi, resourceId: resource.id, httpMethod };
    await create("method", { ...route, authorization: "NONE", ...method });
    return route;
  };
  const proxy = { type: "AWS_PROXY", integrationHttpMethod: "POST", uri: INVOKE_ARN };

  it("returns what the provider returns, with AWS's own names", async () => {
    assert.equal(api.outputs.arn, `arn:aws:apigateway:${REGION}::/restapis/${restApi}`);
    assert.equal(api.outputs.executionArn, `arn:aws:execute-api:${REGION}:${ACCOUNT}:${restApi}`);
    const route = await addRoute("a", "GET");
    await create("integration", { ...route, ...proxy });
    const deployment = await create("deployment", { restApi });
    const stage = await create("stage", { restApi, deployment: deployment.id, stageName: "dev" });
    assert.equal(stage.id, `ags-${restApi}-dev`);
    assert.equal(stage.outputs.invokeUrl, `https://${restApi}.execute-api.${REGION}.amazonaws.com/dev`);
    assert.equal(stage.outputs.executionArn, `arn:aws:execute-api:${REGION}:${ACCOUNT}:${restApi}/dev`);
    assert.equal(stage.outputs.arn, `arn:aws:apigateway:${REGION}::/restapis/${restApi}/stages/dev`);
  });

  it("serves a function, an authorizer, a validator and a model from single resources", async () => {
    await createFunction(cloud, ECHO);
    await permit(cloud, restApi);
    cloud.useTokens({ verify: () => Promise.resolve({ sub: "u1", token_use: "id" }) });
    const authorizer = await create("authorizer", {
      restApi,
      name: "pool",
      type: "COGNITO_USER_POOLS",
      providerArns: [POOL_ARN],
    });
    const validator = await create("requestValidator", { restApi, name: "all", validateRequestBody: true });
    await create("model", {
      restApi,
      name: "Start",
      contentType: "application/json",
      schema: JSON.stringify({
        $schema: "http://json-schema.org/draft-04/schema#",
        type: "object",
        required: ["size"],
      }),
    });
    const route = await addRoute("uploads", "POST", {
      authorization: "COGNITO_USER_POOLS",
      authorizerId: authorizer.id,
      requestValidatorId: validator.id,
      requestModels: { "application/json": "Start" },
    });
    await create("integration", { ...route, ...proxy });
    const { url } = await deploy(cloud, restApi);
    const post = (body: string, headers: Record<string, string> = { authorization: "t" }): Promise<number> =>
      fetch(`${url}/uploads`, {
        method: "POST",
        body,
        headers: { "content-type": "application/json", ...headers },
      }).then(({ status }) => status);
    assert.equal(await post('{"size":1}'), 200);
    assert.equal(await post("{}"), 400);
    assert.equal(await post('{"size":1}', {}), 401);
  });

  it("serves a mock and a gateway response from single resources", async () => {
    const route = await addRoute("a", "OPTIONS");
    await create("integration", {
      ...route,
      type: "MOCK",
      requestTemplates: { "application/json": '{"statusCode":204}' },
    });
    const header = "method.response.header.Access-Control-Allow-Origin";
    await create("methodResponse", { ...route, statusCode: "204", responseParameters: { [header]: true } });
    await create("integrationResponse", {
      ...route,
      statusCode: "204",
      responseParameters: { [header]: "'https://a.example'" },
    });
    await create("response", {
      restApiId: restApi,
      responseType: "DEFAULT_4XX",
      responseParameters: { "gatewayresponse.header.X-Own": "'1'" },
    });
    const { url } = await deploy(cloud, restApi);
    const preflight = await fetch(`${url}/a`, { method: "OPTIONS" });
    assert.deepEqual(
      [preflight.status, preflight.headers.get("access-control-allow-origin")],
      [204, "https://a.example"],
    );
    assert.equal((await fetch(`${url}/b`)).headers.get("x-own"), "1");
  });

  it("keeps a deployment as it was when the API changes", async () => {
    await createFunction(cloud, ECHO);
    await permit(cloud, restApi);
    await create("integration", { ...(await addRoute("a", "GET")), ...proxy });
    const { url } = await deploy(cloud, restApi);
    await create("integration", { ...(await addRoute("b", "GET")), ...proxy });
    assert.equal((await fetch(`${url}/b`)).status, 403);
    const deployment = await create("deployment", { restApi });
    const stage = createStage(deployment.id);
    const model = cloud.models().find((candidate) => candidate.type === type("stage"));
    await model?.update?.("x", stage, stage, resourceContext(type("stage"), "x"));
    assert.equal((await fetch(`${url}/b`)).status, 200);
  });

  const createStage = (deployment: string): PropertyMap => ({ restApi, deployment, stageName: "dev" });

  it("rejects a deployment without methods, and one with a method that has no integration", async () => {
    await assert.rejects(create("deployment", { restApi }), { message: /The REST API doesn't contain any methods/ });
    await addRoute("a", "GET");
    await assert.rejects(create("deployment", { restApi }), { message: /No integration defined for method GET \/a/ });
  });

  it("rejects a stage without deployment, and a second stage of the same name", async () => {
    await assert.rejects(create("stage", createStage("none")), { message: /Deployment id does not exist/ });
    await create("integration", { ...(await addRoute("a", "GET")), ...proxy });
    const deployment = await create("deployment", { restApi });
    await create("stage", createStage(deployment.id));
    await assert.rejects(create("stage", createStage(deployment.id)), { message: /Stage already exists/ });
  });

  it("rejects a header that the method response does not declare", async () => {
    const route = await addRoute("a", "OPTIONS");
    await create("integration", { ...route, type: "MOCK" });
    const inputs = { ...route, statusCode: "200", responseParameters: { "method.response.header.X-A": "'1'" } };
    await assert.rejects(create("integrationResponse", inputs), { message: /Invalid Response status code specified/ });
    await create("methodResponse", { ...route, statusCode: "200" });
    await assert.rejects(create("integrationResponse", inputs), {
      message: /Invalid mapping expression parameter specified: method\.response\.header\.X-A/,
    });
  });

  it("rejects parts of an API, a resource or a method that do not exist", async () => {
    await assert.rejects(create("resource", { restApi: "none", parentId: "x", pathPart: "a" }), {
      message: /Invalid API identifier/,
    });
    await assert.rejects(create("resource", { restApi, parentId: "none", pathPart: "a" }), {
      message: /Invalid Resource identifier/,
    });
    const route = { restApi, resourceId: api.outputs.rootResourceId, httpMethod: "GET" };
    await assert.rejects(create("integration", { ...route, ...proxy }), { message: /Invalid Method identifier/ });
    const settings = { restApi, stageName: "none", methodPath: "*/*", settings: {} };
    await assert.rejects(create("methodSettings", settings), { message: /Invalid stage identifier/ });
  });

  it("rejects a second resource of the same name, and a child of a greedy one", async () => {
    const parentId = api.outputs.rootResourceId;
    await create("resource", { restApi, parentId, pathPart: "a" });
    await assert.rejects(create("resource", { restApi, parentId, pathPart: "a" }), {
      message: /already has this name: a/,
    });
    const greedy = await create("resource", { restApi, parentId, pathPart: "{proxy+}" });
    await assert.rejects(create("resource", { restApi, parentId: greedy.id, pathPart: "b" }), {
      message: /greedy path variable/,
    });
  });

  const body = (document: Readonly<Record<string, unknown>>): PropertyMap => ({
    body: JSON.stringify({ openapi: "3.0.1", info: {}, paths: {}, ...document }),
  });
  const operation = (value: Readonly<Record<string, unknown>>): PropertyMap =>
    body({ paths: { "/": { get: { "x-amazon-apigateway-integration": PROXY, ...value } } } });
  const integration = (value: Readonly<Record<string, unknown>>): PropertyMap =>
    operation({ "x-amazon-apigateway-integration": value });
  const route = { restApi: "a", resourceId: "b", httpMethod: "GET" };
  const stage = { restApi: "a", deployment: "d", stageName: "dev" };

  const refused: Readonly<Record<string, readonly [string, PropertyMap, RegExp]>> = {
    "a private endpoint": [
      "restApi",
      { endpointConfiguration: { types: "PRIVATE" } },
      /PRIVATE endpoints are not simulated/,
    ],
    "an unknown input": ["restApi", { minimumCompressionSize: 0 }, /minimumCompressionSize: is not simulated/],
    "a policy that is no policy": ["restApi", { policy: "{" }, /policy: Invalid policy document/],
    "a body that is not JSON": ["restApi", { body: "openapi: 3.0.1" }, /body: must be JSON/],
    "a body of another version": ["restApi", { body: '{"openapi":"3.1.0"}' }, /OpenAPI 3\.0 or Swagger 2\.0/],
    "an extension that is not simulated": [
      "restApi",
      body({ "x-amazon-apigateway-cors": {} }),
      /body\.x-amazon-apigateway-cors: is not/,
    ],
    "an integration with HTTP": [
      "restApi",
      integration({ type: "http_proxy", uri: "https://x" }),
      /HTTP_PROXY is not simulated/,
    ],
    "an integration with another service": [
      "restApi",
      integration({ ...PROXY, uri: "arn:aws:apigateway:eu-west-1:sqs:path/q" }),
      /only Lambda is simulated/,
    ],
    "an integration that does not POST": ["restApi", integration({ ...PROXY, httpMethod: "GET" }), /must be POST/],
    "a timeout over 29 seconds": [
      "restApi",
      integration({ ...PROXY, timeoutInMillis: 30_000 }),
      /between 50 and 29000/,
    ],
    "an integration member that is not simulated": [
      "restApi",
      integration({ ...PROXY, cacheNamespace: "x" }),
      /cacheNamespace: is not simulated/,
    ],
    "a Velocity template": [
      "restApi",
      integration({ type: "mock", requestTemplates: { "application/json": "#set($x = 1)" } }),
      /the Velocity part "#set" is not simulated/,
    ],
    "a header in OpenAPI that its response does not declare": [
      "restApi",
      integration({
        type: "mock",
        responses: { default: { statusCode: "200", responseParameters: { "method.response.header.X-A": "'1'" } } },
      }),
      /Invalid mapping expression parameter specified: method\.response\.header\.X-A/,
    ],
    "a Lambda authorizer": [
      "restApi",
      body({
        components: {
          securitySchemes: { own: { type: "apiKey", "x-amazon-apigateway-authorizer": { type: "token" } } },
        },
      }),
      /components\.securitySchemes\.own: is not simulated/,
    ],
    "a security scheme that nobody defines": [
      "restApi",
      operation({ security: [{ nobody: [] }] }),
      /names nobody, which is no known/,
    ],
    "a schema that is none": [
      "restApi",
      body({ components: { schemas: { Bad: { type: "whatever" } } } }),
      /schema of Bad: /,
    ],
    "a custom method": [
      "method",
      { ...route, authorization: "CUSTOM" },
      /CUSTOM \(a Lambda authorizer\) is not simulated/,
    ],
    "an API key": ["method", { ...route, authorization: "NONE", apiKeyRequired: true }, /API keys are not simulated/],
    "a user pool method without authorizer": [
      "method",
      { ...route, authorization: "COGNITO_USER_POOLS" },
      /authorizerId: is required/,
    ],
    "a token authorizer": [
      "authorizer",
      { restApi: "a", name: "x", type: "TOKEN" },
      /TOKEN \(a Lambda authorizer\) is not simulated/,
    ],
    "an authorizer without pools": [
      "authorizer",
      { restApi: "a", name: "x", type: "COGNITO_USER_POOLS" },
      /providerArns: is required/,
    ],
    "a model that is no schema": [
      "model",
      { restApi: "a", name: "X", contentType: "a/b", schema: "{" },
      /Invalid model specified/,
    ],
    "a gateway response of unknown type": [
      "response",
      { restApiId: "a", responseType: "NONE" },
      /responseType: must be one of/,
    ],
    "a path part with a slash": [
      "resource",
      { restApi: "a", parentId: "b", pathPart: "a/b" },
      /pathPart: must be one path segment/,
    ],
    "a cache": ["stage", { ...stage, cacheClusterEnabled: true }, /caches are not simulated/],
    "a canary": ["stage", { ...stage, canarySettings: {} }, /canarySettings: is not simulated/],
    "an access log without request id": [
      "stage",
      {
        ...stage,
        accessLogSettings: { destinationArn: "arn:aws:logs:eu-west-1:123456789012:log-group:g", format: "x" },
      },
      /must contain \$context\.requestId/,
    ],
    "an access log that is no log group": [
      "stage",
      { ...stage, accessLogSettings: { destinationArn: "arn:aws:firehose:x", format: "$context.requestId" } },
      /must be the ARN of a log group/,
    ],
    "caching of a method": [
      "methodSettings",
      { restApi: "a", stageName: "dev", methodPath: "*/*", settings: { cachingEnabled: true } },
      /settings\.cachingEnabled: is not simulated/,
    ],
    "a policy that is missing": ["restApiPolicy", { restApiId: "a" }, /policy: is required/],
  };
  for (const [what, [name, inputs, expected]] of Object.entries(refused)) {
    it(`rejects ${what}`, () => assert.match(problems(name, inputs), expected));
  }

  it("finds nothing to refuse in a Swagger 2.0 body with all that is simulated", () => {
    const document = {
      swagger: "2.0",
      info: { title: "t", version: "1" },
      securityDefinitions: {
        pool: {
          type: "apiKey",
          name: "Authorization",
          in: "header",
          "x-amazon-apigateway-authtype": "cognito_user_pools",
          "x-amazon-apigateway-authorizer": { type: "cognito_user_pools", providerARNs: [POOL_ARN] },
        },
      },
      definitions: { Start: { type: "object" } },
      paths: {
        "/": {
          post: {
            security: [{ pool: [] }],
            parameters: [{ in: "body", name: "body", schema: { $ref: "#/definitions/Start" } }],
            "x-amazon-apigateway-integration": PROXY,
          },
        },
      },
    };
    assert.equal(
      problems("restApi", { body: JSON.stringify(document), endpointConfiguration: { types: "REGIONAL" } }),
      "",
    );
  });
});
