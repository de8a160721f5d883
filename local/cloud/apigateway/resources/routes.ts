// Models of resources, methods, integrations and their responses.
import { AwsError } from "../../core/errors";
import { type InputReader, textIn } from "../../core/input-reader";
import type { PropertyMap, ResourceModel } from "../../core/resource-model";
import type { ApiRecord, MethodDraft } from "../api";
import { readIntegration, readMockResponse, type Report, undeclaredHeaders } from "../declarations";
import { type ModelSettings, partModel, requirePath } from "./shared";

const VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"];
const INTEGRATION_MEMBERS = [
  "httpMethod",
  "integrationHttpMethod",
  "passthroughBehavior",
  "requestTemplates",
  "resourceId",
  "timeoutMilliseconds",
  "type",
  "uri",
];

/** Models of everything that makes up a route. */
export function routeModels(settings: ModelSettings): readonly ResourceModel[] {
  return [
    resourceModel(settings),
    methodModel(settings),
    methodResponseModel(settings),
    integrationModel(settings),
    integrationResponseModel(settings),
  ];
}

function resourceModel(settings: ModelSettings): ResourceModel {
  return partModel(settings, {
    type: "aws:apigateway/resource:Resource",
    summary: "A path, matched as on AWS: exact names before {parameters} before {proxy+}.",
    apiProperty: "restApi",
    known: ["parentId", "pathPart"],
    check(reader) {
      reader.requiredText("parentId");
      reader.requiredText("pathPart");
      const rule =
        "one path segment: letters, digits, hyphens, periods, commas, colons or underscores, with braces only around all of it";
      reader.matching("pathPart", /^([A-Za-z0-9._:,~%-]+|\{[A-Za-z0-9._-]+\+?\})$/, rule);
    },
    put(api, inputs, _resource, old) {
      const parent = requirePath(api, inputs.parentId);
      if (parent.endsWith("+}"))
        throw new AwsError("BadRequestException", "Cannot create a child of a resource with a greedy path variable.");
      const path = `${parent === "/" ? "" : parent}/${textIn(inputs, "pathPart")}`;
      const id = typeof old?.id === "string" ? old.id : settings.context.uniqueId(6);
      const taken = [...api.imported.paths, ...api.own.paths].some(([other, name]) => name === path && other !== id);
      if (taken) {
        const message = `Another resource with the same parent already has this name: ${textIn(inputs, "pathPart")}`;
        throw new AwsError("ConflictException", message, 409);
      }
      api.own.paths.set(id, path);
      return { id, outputs: { path } };
    },
    remove: (api, _outputs, id) => void api.own.paths.delete(id),
  });
}

function methodModel(settings: ModelSettings): ResourceModel {
  return partModel(settings, {
    type: "aws:apigateway/method:Method",
    summary: "A method with NONE, AWS_IAM or COGNITO_USER_POOLS. Lambda authorizers and API keys are refused.",
    apiProperty: "restApi",
    known: [
      "apiKeyRequired",
      "authorization",
      "authorizationScopes",
      "authorizerId",
      "httpMethod",
      "operationName",
      "requestModels",
      "requestParameters",
      "requestValidatorId",
      "resourceId",
    ],
    check: checkMethod,
    put(api, inputs) {
      const key = methodKey(api, inputs);
      api.own.methods.set(key, readMethod(inputs));
      return { id: partId("agm", inputs), outputs: {} };
    },
    remove: (api, outputs) => void api.own.methods.delete(methodKey(api, outputs)),
  });
}

function checkMethod(reader: InputReader, inputs: PropertyMap): void {
  checkMethodReference(reader);
  reader.requiredText("authorization");
  const authorization = reader.choice("authorization", ["NONE", "AWS_IAM", "COGNITO_USER_POOLS", "CUSTOM"]);
  if (authorization === "CUSTOM") {
    reader.refuse(
      "authorization",
      "CUSTOM (a Lambda authorizer) is not simulated by the local run; run this part on AWS",
    );
  }
  if (authorization === "COGNITO_USER_POOLS" && !reader.has("authorizerId")) {
    reader.refuse("authorizerId", "is required with COGNITO_USER_POOLS");
  }
  if (inputs.apiKeyRequired === true) {
    reader.refuse(
      "apiKeyRequired",
      "API keys are not simulated by the local run; leave it out, or run this part on AWS",
    );
  }
  const parameters = reader.map("requestParameters") ?? {};
  for (const name of Object.keys(parameters)) {
    if (/^method\.request\.(querystring|header|path)\.[\w.$-]+$/.test(name)) continue;
    reader.refuse(`requestParameters.${name}`, "must be method.request.{querystring|header|path}.name");
  }
}

function checkMethodReference(reader: InputReader): void {
  reader.requiredText("resourceId");
  reader.requiredText("httpMethod");
  reader.choice("httpMethod", VERBS);
}

function readMethod(inputs: PropertyMap): MethodDraft {
  const { authorizerId, requestValidatorId, operationName, authorizationScopes } = inputs;
  return {
    authorization: textIn(inputs, "authorization"),
    scopes: Array.isArray(authorizationScopes) ? authorizationScopes.map(String) : [],
    requestModels: (inputs.requestModels ?? {}) as Readonly<Record<string, string>>,
    requestParameters: (inputs.requestParameters ?? {}) as Readonly<Record<string, boolean>>,
    ...(typeof authorizerId === "string" ? { authorizerId } : {}),
    ...(typeof requestValidatorId === "string" ? { validatorId: requestValidatorId } : {}),
    ...(typeof operationName === "string" ? { operationName } : {}),
  };
}

function methodKey(api: ApiRecord, inputs: PropertyMap): string {
  return `${textIn(inputs, "httpMethod")} ${requirePath(api, inputs.resourceId)}`;
}

function requireMethod(api: ApiRecord, inputs: PropertyMap): string {
  const key = methodKey(api, inputs);
  if (api.own.methods.has(key) || api.imported.methods.has(key)) return key;
  throw new AwsError("NotFoundException", "Invalid Method identifier specified", 404);
}

function partId(prefix: string, inputs: PropertyMap): string {
  const parts = ["restApi", "resourceId", "httpMethod", "statusCode"].map((name) => textIn(inputs, name));
  return [prefix, ...parts.filter((part) => part !== "")].join("-");
}

function methodResponseModel(settings: ModelSettings): ResourceModel {
  return partModel(settings, {
    type: "aws:apigateway/methodResponse:MethodResponse",
    summary: "Declares the status and the headers that a mock integration may answer.",
    apiProperty: "restApi",
    known: ["httpMethod", "resourceId", "responseModels", "responseParameters", "statusCode"],
    check(reader) {
      checkMethodReference(reader);
      reader.requiredText("statusCode");
      for (const name of Object.keys(reader.map("responseParameters") ?? {})) {
        if (!name.startsWith("method.response.header.")) {
          reader.refuse(`responseParameters.${name}`, "must start with method.response.header.");
        }
      }
    },
    put(api, inputs) {
      const names = Object.keys((inputs.responseParameters ?? {}) as Readonly<Record<string, boolean>>);
      const headers = names.map((name) => name.slice("method.response.header.".length).toLowerCase());
      api.own.methodResponses.set(`${requireMethod(api, inputs)} ${textIn(inputs, "statusCode")}`, new Set(headers));
      return { id: partId("agmr", inputs), outputs: {} };
    },
    remove: (api, outputs) =>
      void api.own.methodResponses.delete(`${methodKey(api, outputs)} ${textIn(outputs, "statusCode")}`),
  });
}

function integrationModel(settings: ModelSettings): ResourceModel {
  return partModel(settings, {
    type: "aws:apigateway/integration:Integration",
    summary: "AWS_PROXY to a function, or MOCK with static templates. Everything else is refused.",
    apiProperty: "restApi",
    known: INTEGRATION_MEMBERS,
    check(reader, inputs) {
      checkMethodReference(reader);
      reader.choice("passthroughBehavior", ["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"]);
      readSingleIntegration(inputs, (property, reason) => reader.refuse(property, reason));
    },
    put(api, inputs) {
      const integration = readSingleIntegration(inputs, () => undefined);
      if (integration) api.own.integrations.set(requireMethod(api, inputs), integration);
      const timeoutMilliseconds = inputs.timeoutMilliseconds ?? 29_000;
      return {
        id: partId("agi", inputs),
        outputs: { passthroughBehavior: "WHEN_NO_MATCH", ...inputs, timeoutMilliseconds },
      };
    },
    remove: (api, outputs) => void api.own.integrations.delete(methodKey(api, outputs)),
  });
}

function readSingleIntegration(inputs: PropertyMap, report: Report): ReturnType<typeof readIntegration> {
  return readIntegration(
    {
      type: inputs.type,
      uri: inputs.uri,
      httpMethod: inputs.integrationHttpMethod,
      timeoutMs: inputs.timeoutMilliseconds,
      passthroughBehavior: inputs.passthroughBehavior,
      requestTemplates: inputs.requestTemplates,
      others: {},
    },
    (property, reason) => report(property === "httpMethod" ? "integrationHttpMethod" : property, reason),
  );
}

function integrationResponseModel(settings: ModelSettings): ResourceModel {
  return partModel(settings, {
    type: "aws:apigateway/integrationResponse:IntegrationResponse",
    summary: "An answer of a mock integration, with static headers and body.",
    apiProperty: "restApi",
    known: ["httpMethod", "resourceId", "responseParameters", "responseTemplates", "selectionPattern", "statusCode"],
    check(reader, inputs) {
      checkMethodReference(reader);
      reader.requiredText("statusCode");
      readMockResponse(responseSource(inputs), (property, reason) => reader.refuse(property, reason));
    },
    put(api, inputs) {
      const key = `${requireMethod(api, inputs)} ${textIn(inputs, "statusCode")}`;
      const declared = api.own.methodResponses.get(key) ?? api.imported.methodResponses.get(key);
      if (!declared) throw new AwsError("NotFoundException", "Invalid Response status code specified", 404);
      const response = readMockResponse(responseSource(inputs), () => undefined);
      const [problem] = undeclaredHeaders(response, declared);
      if (problem) throw new AwsError("BadRequestException", problem);
      api.own.integrationResponses.set(key, response);
      return { id: partId("agir", inputs), outputs: {} };
    },
    remove: (api, outputs) =>
      void api.own.integrationResponses.delete(`${methodKey(api, outputs)} ${textIn(outputs, "statusCode")}`),
  });
}

function responseSource(inputs: PropertyMap): Parameters<typeof readMockResponse>[0] {
  const { statusCode, selectionPattern, responseParameters, responseTemplates } = inputs;
  return { statusCode, selectionPattern, responseParameters, responseTemplates };
}
