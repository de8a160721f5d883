// Request validators: required parameters, then the body against its model.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
import { GatewayError } from "./gateway-responses";
import { type ApiRequest, mediaType } from "./request";
import { isValidBody } from "./schemas";

/** @throws GatewayError BAD_REQUEST_PARAMETERS or BAD_REQUEST_BODY (400). */
export function validateRequest(request: ApiRequest): void {
  const { method, message, query, pathParameters, body } = request;
  const missing = method.requiredParameters.filter(({ location, name }) => {
    if (location === "querystring") return !query.get(name);
    if (location === "path") return !pathParameters[name];
    return !message.headers[name.toLowerCase()];
  });
  if (missing.length > 0) {
    const names = missing.map(({ name }) => name).join(", ");
    throw new GatewayError("BAD_REQUEST_PARAMETERS", `Missing required request parameters: [${names}]`);
  }
  // As on AWS, a content type without a model is not validated at all.
  const type = mediaType(message.headers["content-type"]) ?? "application/json";
  const schema = method.bodySchemas?.[type] ?? method.bodySchemas?.$default;
  if (schema && !isValidBody(schema, body.toString())) throw new GatewayError("BAD_REQUEST_BODY");
}
