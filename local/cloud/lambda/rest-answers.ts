// Answers of Lambda's REST API.
import type { AwsError } from "../core/errors";
import type { GatewayCall } from "../core/service";

/** Answers with JSON. */
export function sendJson(
  call: GatewayCall,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body);
  const length = String(Buffer.byteLength(text));
  call.response
    .writeHead(status, { "content-type": "application/json", "content-length": length, ...headers })
    .end(text);
}

/** Lambda speaks REST-JSON: the code stands in a header. The common AccessDenied is called AccessDeniedException here. */
export function sendError(call: GatewayCall, error: AwsError): void {
  const code = error.code === "AccessDenied" ? "AccessDeniedException" : error.code;
  const { Reason } = error.fields;
  call.describe({ errorCode: code });
  const body = {
    ...(typeof Reason === "string" ? { Reason } : {}),
    Type: "User",
    Message: error.message,
    message: error.message,
  };
  sendJson(call, error.statusCode, body, { "x-amzn-errortype": code });
}
