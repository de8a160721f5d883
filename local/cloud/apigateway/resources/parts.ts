// Models of authorizers, validators, models and gateway responses.
import { textIn } from "../../core/input-reader";
import type { ResourceModel } from "../../core/resource-model";
import { readGatewayResponse } from "../declarations";
import type { JsonSchema } from "../definition";
import { schemaProblem } from "../schemas";
import { type ModelSettings, partModel } from "./shared";

const USER_POOL_ARN = /^arn:aws:cognito-idp:[a-z0-9-]+:\d{12}:userpool\/[\w-]+$/;
const HEADER_SOURCE = "method.request.header.";

/** Models of the parts that methods refer to. */
export function partModels(settings: ModelSettings): readonly ResourceModel[] {
  return [authorizerModel(settings), validatorModel(settings), modelModel(settings), gatewayResponseModel(settings)];
}

function authorizerModel(settings: ModelSettings): ResourceModel {
  return partModel(settings, {
    type: "aws:apigateway/authorizer:Authorizer",
    summary:
      "An authorizer of user pools: signature, issuer, expiry, kind of token and scopes. Lambda authorizers are refused.",
    apiProperty: "restApi",
    known: ["authorizerResultTtlInSeconds", "identitySource", "name", "providerArns", "type"],
    check(reader) {
      const type = reader.choice("type", ["TOKEN", "REQUEST", "COGNITO_USER_POOLS"]) ?? "TOKEN";
      if (type !== "COGNITO_USER_POOLS") {
        reader.refuse("type", `${type} (a Lambda authorizer) is not simulated by the local run; run this part on AWS`);
      }
      reader.integer("authorizerResultTtlInSeconds", 0, 3600);
      reader.matching(
        "identitySource",
        /^method\.request\.header\.[\w-]+$/,
        "a request header: method.request.header.name",
      );
      const arns = reader.texts("providerArns");
      if (arns.length === 0) reader.refuse("providerArns", "is required: the ARN of at least one user pool");
      for (const arn of arns)
        if (!USER_POOL_ARN.test(arn)) reader.refuse("providerArns", `must be ARNs of user pools, got ${arn}`);
    },
    put(api, inputs, resource, old) {
      const id = typeof old?.id === "string" ? old.id : settings.context.uniqueId(6);
      const { providerArns, identitySource } = inputs;
      const name = typeof inputs.name === "string" ? inputs.name : resource.autoname(128);
      const source = typeof identitySource === "string" ? identitySource : `${HEADER_SOURCE}Authorization`;
      api.own.authorizers.set(id, {
        name,
        userPoolArns: Array.isArray(providerArns) ? providerArns.map(String) : [],
        header: source.slice(HEADER_SOURCE.length).toLowerCase(),
      });
      const arn = `arn:aws:apigateway:${api.region}::/restapis/${api.id}/authorizers/${id}`;
      return { id, outputs: { name, arn, identitySource: source } };
    },
    remove: (api, _outputs, id) => void api.own.authorizers.delete(id),
  });
}

function validatorModel(settings: ModelSettings): ResourceModel {
  return partModel(settings, {
    type: "aws:apigateway/requestValidator:RequestValidator",
    summary: "Checks required parameters and the body against its model before the backend is asked.",
    apiProperty: "restApi",
    known: ["name", "validateRequestBody", "validateRequestParameters"],
    check(reader) {
      reader.flag("validateRequestBody");
      reader.flag("validateRequestParameters");
    },
    put(api, inputs, resource, old) {
      const id = typeof old?.id === "string" ? old.id : settings.context.uniqueId(6);
      const { validateRequestBody, validateRequestParameters } = inputs;
      api.own.validators.set(id, {
        body: validateRequestBody === true,
        parameters: validateRequestParameters === true,
      });
      return { id, outputs: { name: inputs.name ?? resource.autoname(128) } };
    },
    remove: (api, _outputs, id) => void api.own.validators.delete(id),
  });
}

function modelModel(settings: ModelSettings): ResourceModel {
  return partModel(settings, {
    type: "aws:apigateway/model:Model",
    summary: "A JSON schema of draft 4 for request bodies.",
    apiProperty: "restApi",
    known: ["contentType", "description", "name", "schema"],
    check(reader) {
      reader.requiredText("contentType");
      reader.matching("name", /^[A-Za-z0-9]+$/, "letters and digits");
      const schema = parseSchema(reader.text("schema") ?? "{}");
      const problem = schema ? schemaProblem(withoutReferences(schema)) : "Model schema is not valid JSON";
      if (problem) reader.refuse("schema", `Invalid model specified: ${problem}`);
    },
    put(api, inputs, resource) {
      const name = typeof inputs.name === "string" ? inputs.name : resource.autoname(128).replaceAll("-", "");
      api.own.models.set(name, parseSchema(textIn(inputs, "schema") || "{}") ?? {});
      return { id: settings.context.uniqueId(6), outputs: { name } };
    },
    remove: (api, outputs) => void api.own.models.delete(textIn(outputs, "name")),
  });
}

function parseSchema(text: string): JsonSchema | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as JsonSchema) : undefined;
  } catch {
    return undefined;
  }
}

/** Models may refer to models that come later: references are followed when the API is deployed. */
function withoutReferences(value: JsonSchema): JsonSchema {
  const text = JSON.stringify(value, (key, item: unknown) => (key === "$schema" || key === "$ref" ? undefined : item));
  return JSON.parse(text) as JsonSchema;
}

function gatewayResponseModel(settings: ModelSettings): ResourceModel {
  return partModel(settings, {
    type: "aws:apigateway/response:Response",
    summary: "Customises what the gateway itself answers: status, headers, and bodies with $context values.",
    apiProperty: "restApiId",
    known: ["responseParameters", "responseTemplates", "responseType", "statusCode"],
    check(reader, inputs) {
      const type = reader.requiredText("responseType");
      if (type !== undefined) readGatewayResponse(type, inputs, (property, reason) => reader.refuse(property, reason));
    },
    put(api, inputs) {
      const type = textIn(inputs, "responseType");
      api.own.gatewayResponses.set(
        type,
        readGatewayResponse(type, inputs, () => undefined),
      );
      return { id: `aggr-${api.id}-${type}`, outputs: {} };
    },
    remove: (api, outputs) => void api.own.gatewayResponses.delete(textIn(outputs, "responseType")),
  });
}
