// The REST API that sells tickets: one route, for users of the pool. Browsers set no header on a WebSocket, so that a token cannot travel
// there; and a token in the query would be written down on its way.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import {
  buildGatewayResponses,
  buildIntegration,
  buildPreflight,
  buildSecurityScheme,
  buildValidators,
  object,
  string,
  VALIDATOR,
  type JsonObject,
} from "../shared/open-api";
import type { Placement } from "../shared/placement";
import { createRestApi, REST_STAGE, type RestApiParts } from "../shared/rest-api";
import type { ProgressFunctions } from "./functions";
import type { ProgressTrackedWorkflowSettings } from "./settings";

const PATH = "/tickets";
const AUTHORIZER = "caller";
const ALLOWED_HEADERS = "authorization,content-type";
const MAXIMUM_EXECUTION_NAME = 80;

/** What the document is made of. */
export interface TicketDocumentParts {
  readonly title: string;
  readonly region: string;
  readonly partition: string;
  readonly userPoolArn: string;
  readonly allowedOrigins: readonly string[];
  readonly functionArn: string;
}

/** The OpenAPI document. The same parts give the same text, so its hash decides about a new deployment. */
export function buildTicketDocument(parts: TicketDocumentParts): JsonObject {
  const body = object([], { executionId: string({ minLength: 1, maxLength: MAXIMUM_EXECUTION_NAME }) });
  return {
    openapi: "3.0.1",
    info: { title: parts.title, version: "1" },
    paths: {
      [PATH]: {
        post: {
          operationId: "tickets",
          security: [{ [AUTHORIZER]: [] }],
          requestBody: { required: true, content: { "application/json": { schema: body } } },
          responses: {},
          "x-amazon-apigateway-request-validator": VALIDATOR,
          "x-amazon-apigateway-integration": buildIntegration(parts.functionArn, parts.region, parts.partition),
        },
        options: buildPreflight(PATH, "POST,OPTIONS", parts.allowedOrigins, ALLOWED_HEADERS),
      },
    },
    components: { securitySchemes: { [AUTHORIZER]: buildSecurityScheme(parts.userPoolArn) } },
    "x-amazon-apigateway-request-validators": buildValidators(),
    "x-amazon-apigateway-gateway-responses": buildGatewayResponses(parts.allowedOrigins),
  };
}

/** The API, who may run its function, and where it is. */
export interface TicketApi extends RestApiParts {
  readonly permission: aws.lambda.Permission;
  readonly url: pulumi.Output<string>;
}

/** Creates `${name}-ticket-…`. */
export function createTicketApi(
  name: string,
  settings: ProgressTrackedWorkflowSettings,
  { tickets }: ProgressFunctions,
  origins: pulumi.Output<string[]>,
  { region, partition }: Placement,
  parent: pulumi.Resource,
): TicketApi {
  const body = pulumi
    .output({ region, partition, origins, userPoolArn: settings.userPoolArn, functionArn: tickets.function.arn })
    .apply(({ origins: allowedOrigins, ...known }) =>
      JSON.stringify(buildTicketDocument({ title: `${name}-tickets`, allowedOrigins, ...known })),
    );
  const parts = createRestApi(`${name}-ticket`, { ...settings, body }, parent);
  const permission = new aws.lambda.Permission(
    `${name}-tickets-permission`,
    {
      action: "lambda:InvokeFunction",
      function: tickets.function.name,
      principal: "apigateway.amazonaws.com",
      sourceArn: pulumi.interpolate`${parts.api.executionArn}/${REST_STAGE}/POST${PATH}`,
      ...(settings.region === undefined ? {} : { region: settings.region }),
    },
    { parent },
  );
  return { ...parts, permission, url: pulumi.interpolate`${parts.stage.invokeUrl}${PATH}` };
}
