// Resource models of what a WebSocket API is made of: integrations, authorizers, routes and route responses.
import { AwsError } from "../../core/errors";
import { InputReader, textIn } from "../../core/input-reader";
import type { ResourceModel } from "../../core/resource-model";
import type { CloudContext } from "../../core/service";
import type { WebSocketApis, WebSocketRoute } from "../api";
import { partModel } from "./shared";

const FUNCTION_URI =
  /^arn:aws:apigateway:[a-z0-9-]+:lambda:path\/2015-03-31\/functions\/(arn:aws:lambda:[^/]+)\/invocations$/;
const IDENTITY_SOURCE = /^route\.request\.(header|querystring)\.[A-Za-z0-9_-]+$/;
const URI_RULE = "the invokeArn of a function (other integrations are not simulated by the local run)";

/** Models of integrations, authorizers, routes and route responses. */
export function partModels(context: CloudContext, apis: WebSocketApis): readonly ResourceModel[] {
  const newId = (): string => context.uniqueId(7);
  return [
    integrationModel(apis, newId),
    authorizerModel(apis, newId),
    routeModel(apis, newId),
    routeResponseModel(apis, newId),
  ];
}

function integrationModel(apis: WebSocketApis, newId: () => string): ResourceModel {
  return partModel(apis, {
    type: "aws:apigatewayv2/integration:Integration",
    summary: "A Lambda proxy integration; others are refused.",
    known: ["integrationType", "integrationUri", "integrationMethod", "timeoutMilliseconds", "description"],
    newId,
    check(reader) {
      const type = reader.requiredText("integrationType");
      if (type !== undefined && type !== "AWS_PROXY") {
        reader.refuse("integrationType", "only AWS_PROXY is simulated by the local run; run this part on AWS");
      }
      reader.requiredText("integrationUri");
      reader.matching("integrationUri", FUNCTION_URI, URI_RULE);
      reader.choice("integrationMethod", ["POST"]);
      reader.integer("timeoutMilliseconds", 50, 29_000);
    },
    put(api, id, inputs) {
      const functionArn = FUNCTION_URI.exec(textIn(inputs, "integrationUri"))?.[1] ?? "";
      api.integrations.set(id, { functionArn, timeoutMs: Number(inputs.timeoutMilliseconds ?? 29_000) });
      return { timeoutMilliseconds: 29_000, ...inputs };
    },
    remove: (api, id) => void api.integrations.delete(id),
  });
}

function authorizerModel(apis: WebSocketApis, newId: () => string): ResourceModel {
  return partModel(apis, {
    type: "aws:apigatewayv2/authorizer:Authorizer",
    summary: "A Lambda authorizer (REQUEST) of $connect. WebSocket APIs cache no answers.",
    known: ["authorizerType", "authorizerUri", "identitySources", "name"],
    newId,
    check(reader) {
      reader.choice("authorizerType", ["REQUEST"]);
      reader.requiredText("authorizerType");
      reader.requiredText("name");
      reader.requiredText("authorizerUri");
      reader.matching("authorizerUri", FUNCTION_URI, URI_RULE);
      for (const [index, source] of reader.texts("identitySources").entries()) {
        if (!IDENTITY_SOURCE.test(source)) {
          reader.refuse(
            `identitySources[${index}]`,
            `must be route.request.header.<name> or route.request.querystring.<name>, got ${source}`,
          );
        }
      }
    },
    put(api, id, inputs) {
      const functionArn = FUNCTION_URI.exec(textIn(inputs, "authorizerUri"))?.[1] ?? "";
      const identitySources = new InputReader(inputs).texts("identitySources");
      api.authorizers.set(id, { id, functionArn, identitySources });
      return {};
    },
    remove: (api, id) => void api.authorizers.delete(id),
  });
}

function routeModel(apis: WebSocketApis, newId: () => string): ResourceModel {
  return partModel(apis, {
    type: "aws:apigatewayv2/route:Route",
    summary: "A route key with its integration; $connect may have an authorizer. Models and API keys are refused.",
    known: [
      "routeKey",
      "target",
      "authorizationType",
      "authorizerId",
      "operationName",
      "routeResponseSelectionExpression",
    ],
    newId,
    check(reader) {
      reader.requiredText("routeKey");
      reader.matching("target", /^integrations\/[a-z0-9]+$/, '"integrations/<id>"');
      const key = reader.text("routeKey");
      const type = reader.choice("authorizationType", ["NONE", "AWS_IAM", "CUSTOM"]) ?? "NONE";
      if (type !== "NONE" && key !== "$connect") {
        reader.refuse("authorizationType", "is supported on the $connect route only");
      }
      if (type === "CUSTOM" && !reader.has("authorizerId")) reader.refuse("authorizerId", "is required with CUSTOM");
      reader.choice("routeResponseSelectionExpression", ["$default"]);
    },
    put(api, id, inputs) {
      const routeKey = textIn(inputs, "routeKey");
      const taken = [...api.routes.values()].some((route) => route.routeKey === routeKey && route.id !== id);
      if (taken) throw new AwsError("ConflictException", `Route with key ${routeKey} already exists for this API`, 409);
      const integrationId = textIn(inputs, "target").replace("integrations/", "") || undefined;
      if (integrationId !== undefined && !api.integrations.has(integrationId)) {
        throw new AwsError("NotFoundException", `Invalid Integration identifier specified ${integrationId}`, 404);
      }
      const authorizerId = textIn(inputs, "authorizerId") || undefined;
      if (authorizerId !== undefined && !api.authorizers.has(authorizerId)) {
        throw new AwsError("NotFoundException", `Invalid Authorizer identifier specified ${authorizerId}`, 404);
      }
      api.routes.set(id, {
        id,
        routeKey,
        integrationId,
        authorization: (textIn(inputs, "authorizationType") || "NONE") as WebSocketRoute["authorization"],
        authorizerId,
        answers: textIn(inputs, "routeResponseSelectionExpression") !== "",
      });
      return { authorizationType: "NONE", apiKeyRequired: false, ...inputs };
    },
    remove: (api, id) => void api.routes.delete(id),
  });
}

function routeResponseModel(apis: WebSocketApis, newId: () => string): ResourceModel {
  return partModel(apis, {
    type: "aws:apigatewayv2/routeResponse:RouteResponse",
    summary: "Declares that a route answers on the connection; the route's selection expression switches it on.",
    known: ["routeId", "routeResponseKey"],
    newId,
    check(reader) {
      reader.requiredText("routeId");
      reader.choice("routeResponseKey", ["$default"]);
      reader.requiredText("routeResponseKey");
    },
    put(api, _id, inputs) {
      if (api.routes.has(textIn(inputs, "routeId"))) return {};
      throw new AwsError("NotFoundException", `Invalid Route identifier specified ${textIn(inputs, "routeId")}`, 404);
    },
    remove: () => undefined,
  });
}
