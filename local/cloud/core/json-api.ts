// The AWS JSON protocols (1.0 and 1.1): one POST, the operation in X-Amz-Target, a JSON document both ways.
import { gunzipSync } from "node:zlib";
import { AwsError, NotSimulatedError } from "./errors";
import type { GatewayCall } from "./service";

/** A parsed request or answer. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Answers one operation. */
export type JsonOperation = (input: JsonObject, call: GatewayCall) => Promise<JsonObject> | JsonObject;

/** A service that speaks an AWS JSON protocol. */
export interface JsonApi {
  /** What stands before the dot in X-Amz-Target: "DynamoDB_20120810". */
  readonly target: string;
  readonly version: "1.0" | "1.1";
  /** Prefix of error codes in `__type`, "com.amazonaws.dynamodb.v20120810#" say; empty for most services. */
  readonly errorPrefix?: string;
  /** Largest request body, in bytes. */
  readonly limitBytes: number;
  readonly operations: Readonly<Record<string, JsonOperation>>;
  /** Service name of "not simulated" errors, and the file to add an operation in. */
  readonly service: string;
  readonly file: string;
}

/** Answers a call at the gateway in the JSON protocol, errors included. */
export async function serveJson(api: JsonApi, call: GatewayCall): Promise<void> {
  try {
    const operation = operationName(api, call);
    call.describe({ operation });
    const body = await call.readBody(api.limitBytes);
    const handler = Object.hasOwn(api.operations, operation) ? api.operations[operation] : undefined;
    if (!handler) throw new NotSimulatedError(`${api.service}:${operation}`, api.file);
    send(api, call, 200, await handler(parse(body, call.headers["content-encoding"]), call));
  } catch (error) {
    sendError(api, call, error);
  }
}

function operationName(api: JsonApi, call: GatewayCall): string {
  const [target, operation] = (call.headers["x-amz-target"] ?? "").split(".");
  if (call.method !== "POST" || target !== api.target || !operation) {
    throw new AwsError("UnknownOperationException", "The request names no operation of this service", 404);
  }
  return operation;
}

function parse(body: Buffer, encoding: string | undefined): JsonObject {
  try {
    const text = (encoding === "gzip" ? gunzipSync(body) : body).toString("utf8");
    const value: unknown = JSON.parse(text || "{}");
    if (isJsonObject(value)) return value;
  } catch {
    // Answered below: a syntax error and a wrong shape are one error on AWS too.
  }
  throw new AwsError("SerializationException", "The request body is not a JSON object");
}

function sendError(api: JsonApi, call: GatewayCall, error: unknown): void {
  const known = error instanceof AwsError ? error : new AwsError("InternalServerError", messageOf(error), 500);
  // The JSON protocols say AccessDeniedException and 400 where REST services say AccessDenied and 403.
  const denied = known.code === "AccessDenied";
  const code = denied ? "AccessDeniedException" : known.code;
  const prefix = code.includes("#") ? "" : (api.errorPrefix ?? "");
  call.describe({ errorCode: code.slice(code.indexOf("#") + 1) });
  const document = { __type: prefix + code, message: known.message, ...known.fields };
  send(api, call, denied ? 400 : known.statusCode, document);
}

function send(api: JsonApi, call: GatewayCall, status: number, document: JsonObject): void {
  const body = Buffer.from(JSON.stringify(document));
  call.response.writeHead(status, {
    "content-type": `application/x-amz-json-${api.version}`,
    "content-length": body.length,
    "x-amzn-requestid": call.id,
  });
  call.response.end(body);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether a parsed JSON value is an object (not null, not an array). */
export function isJsonObject(value: unknown): value is JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** The member as text; undefined when it is absent or something else. */
export function textOf(input: JsonObject, member: string): string | undefined {
  const value = input[member];
  return typeof value === "string" ? value : undefined;
}

/** The member as a number; undefined when it is absent or something else. */
export function numberOf(input: JsonObject, member: string): number | undefined {
  const value = input[member];
  return typeof value === "number" ? value : undefined;
}

/** The member as a list of objects; empty when it is absent. */
export function objectsOf(input: JsonObject, member: string): readonly JsonObject[] {
  const value = input[member];
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** The member as a list of texts; empty when it is absent. */
export function textsOf(input: JsonObject, member: string): readonly string[] {
  const value = input[member];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

/** The member as text, or AWS's ValidationException. */
export function requiredText(input: JsonObject, member: string, code = "ValidationException"): string {
  const value = textOf(input, member);
  if (value) return value;
  throw new AwsError(
    code,
    `1 validation error detected: Value null at '${member[0]?.toLowerCase()}${member.slice(1)}' failed to satisfy ` +
      "constraint: Member must not be null",
  );
}
