// "arn:aws:states:::apigateway:invoke": calls a REST API, or @connections of a WebSocket API.
// https://docs.aws.amazon.com/step-functions/latest/dg/connect-api-gateway.html
import { StatesError } from "../language/errors";
import type { Json, JsonRecord } from "../language/types";
import type { Integration } from "./integration";

const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];

const AUTH_TYPES = ["NO_AUTH", "IAM_ROLE", "RESOURCE_POLICY"];

/** Calls an API. Any status of 400 or more is an error "ApiGateway.<status>". */
export const invokeApi: Integration = async (call) => {
  const input = call.input as JsonRecord;
  const { ApiEndpoint, Method, Stage, Path = "", AuthType = "NO_AUTH", RequestBody } = input;
  if (typeof ApiEndpoint !== "string" || typeof Method !== "string" || !METHODS.includes(Method)) {
    throw new StatesError("States.Runtime", "The task needs an ApiEndpoint, and a Method that API Gateway knows");
  }
  if (!AUTH_TYPES.includes(String(AuthType))) {
    throw new StatesError("States.Runtime", `AuthType must be one of ${AUTH_TYPES.join(", ")}`);
  }
  const body =
    RequestBody === undefined ? "" : typeof RequestBody === "string" ? RequestBody : JSON.stringify(RequestBody);
  const url = `${call.localise(`https://${ApiEndpoint}`)}${pathOf(Stage, Path)}${queryOf(input.QueryParameters)}`;
  const answer = await call
    .send({
      method: Method,
      url,
      headers: { ...(body === "" ? {} : { "content-type": "application/json" }), ...headersOf(input.Headers) },
      body,
      service: AuthType === "NO_AUTH" ? undefined : "execute-api",
    })
    .catch((error: unknown) => {
      throw new StatesError("ApiGateway.SdkClientException", error instanceof Error ? error.message : String(error));
    });
  if (answer.status >= 400) throw new StatesError(`ApiGateway.${answer.status}`, answer.body || answer.statusText);
  return {
    Headers: Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, [value]])),
    ResponseBody: parse(answer.body),
    StatusCode: answer.status,
    StatusText: answer.statusText,
  };
};

function pathOf(stage: Json | undefined, path: Json): string {
  const text = String(path);
  return `${typeof stage === "string" ? `/${stage}` : ""}${text === "" || text.startsWith("/") ? text : `/${text}`}`;
}

/** Values may be lists, as in the documentation, or texts. */
function queryOf(parameters: Json | undefined): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries((parameters ?? {}) as JsonRecord)) {
    for (const item of [value].flat() as readonly Json[]) query.append(name, String(item));
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

function headersOf(headers: Json | undefined): Readonly<Record<string, string>> {
  const entries = Object.entries((headers ?? {}) as JsonRecord);
  return Object.fromEntries(
    entries.map(([name, value]) => [name.toLowerCase(), ([value].flat() as readonly Json[]).map(String).join(",")]),
  );
}

function parse(body: string): Json {
  if (body === "") return null;
  try {
    return JSON.parse(body) as Json;
  } catch {
    return body;
  }
}
