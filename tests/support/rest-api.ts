// Builds small REST APIs for tests: an OpenAPI body, a function behind it, a deployment and a stage.
import { createApiGatewayService } from "../../local/cloud/apigateway/service";
import { textIn } from "../../local/cloud/core/input-reader";
import type { Clock } from "../../local/cloud/core/clock";
import type { PropertyMap } from "../../local/cloud/core/resource-model";
import { createLambdaService, type LambdaService } from "../../local/cloud/lambda/service";
import { ACCOUNT, ALLOW_LOGS, type FunctionCloud, REGION, ROLE, startFunctionCloud } from "./function-cloud";

/** A cloud with functions and REST APIs. */
export interface ApiCloud extends FunctionCloud {
  readonly lambda: LambdaService;
}

/** An API that answers. */
export interface TestApi {
  readonly id: string;
  /** "http://127.0.0.1:<port>/dev" */
  readonly url: string;
}

export const POOL_ARN = `arn:aws:cognito-idp:${REGION}:${ACCOUNT}:userpool/eu-west-1_abc`;
const FUNCTION_ARN = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:fn`;
export const INVOKE_ARN = `arn:aws:apigateway:${REGION}:lambda:path/2015-03-31/functions/${FUNCTION_ARN}/invocations`;

/** The proxy integration of the test's function. */
export const PROXY = { type: "aws_proxy", httpMethod: "POST", uri: INVOKE_ARN };
/** A handler that returns its event. */
export const ECHO = "export const handler = async (event) => ({ statusCode: 200, body: JSON.stringify(event) });";

export function startApiCloud(clock?: Clock): ApiCloud {
  const cloud = startFunctionCloud(clock);
  const lambda = createLambdaService(cloud.context);
  cloud.use(lambda);
  cloud.use(createApiGatewayService(cloud.context));
  cloud.useFunctions(lambda);
  cloud.addRole("fn", "lambda.amazonaws.com", [ALLOW_LOGS]);
  return { ...cloud, lambda };
}

/** Creates the function "fn". */
export async function createFunction(cloud: FunctionCloud, code: string, inputs: PropertyMap = {}): Promise<void> {
  await cloud.create("aws:lambda/function:Function", {
    name: "fn",
    role: ROLE,
    runtime: "nodejs24.x",
    handler: "index.handler",
    code: { kind: "archive", assets: { "index.mjs": { kind: "asset", text: code } } },
    ...inputs,
  });
}

/** Lets an API invoke the function. @param path after the API's id, "/*" say. */
export async function permit(cloud: FunctionCloud, apiId: string, path = "/*", statementId = "api"): Promise<void> {
  await cloud.create("aws:lambda/permission:Permission", {
    statementId,
    action: "lambda:InvokeFunction",
    function: "fn",
    principal: "apigateway.amazonaws.com",
    sourceArn: `arn:aws:execute-api:${REGION}:${ACCOUNT}:${apiId}${path}`,
  });
}

/** Creates API, permission, deployment and stage "dev". */
export async function createApi(
  cloud: FunctionCloud,
  body: Readonly<Record<string, unknown>>,
  options: { readonly api?: PropertyMap; readonly stage?: PropertyMap; readonly permission?: string | false } = {},
): Promise<TestApi> {
  const document = { openapi: "3.0.1", info: { title: "test", version: "1" }, ...body };
  const api = await cloud.create("aws:apigateway/restApi:RestApi", {
    name: "api",
    body: JSON.stringify(document),
    ...options.api,
  });
  if (options.permission !== false) await permit(cloud, api.id, options.permission);
  return deploy(cloud, api.id, options.stage);
}

/** Deploys an API to the new stage "dev". */
export async function deploy(cloud: FunctionCloud, restApi: string, stage: PropertyMap = {}): Promise<TestApi> {
  const deployment = await cloud.create("aws:apigateway/deployment:Deployment", { restApi });
  const { outputs } = await cloud.create("aws:apigateway/stage:Stage", {
    restApi,
    deployment: deployment.id,
    stageName: "dev",
    ...stage,
  });
  return { id: restApi, url: cloud.context.hosts.localise(textIn(outputs, "invokeUrl")) };
}

/** What an API answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** Calls an API and reads the JSON of its answer. */
export async function call(url: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}
