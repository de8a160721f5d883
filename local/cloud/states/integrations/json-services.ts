// Integrations of services that speak an AWS JSON protocol: DynamoDB, SQS, EventBridge.
import { StatesError } from "../language/errors";
import type { Json, JsonRecord } from "../language/types";
import type { Integration, IntegrationCall } from "./integration";

interface JsonServiceFacts {
  readonly signingName: string;
  readonly target: string;
  readonly contentType: string;
  /** What stands before the dot in error names, by optimised and by SDK integration. */
  readonly errorPrefix: string;
  readonly sdkErrorPrefix: string;
  /** Base class of the service's exceptions: the name of those that its API does not declare. */
  readonly baseError: string;
  readonly sdkBaseError: string;
}

const DYNAMODB: JsonServiceFacts = {
  signingName: "dynamodb",
  target: "DynamoDB_20120810",
  contentType: "application/x-amz-json-1.0",
  errorPrefix: "DynamoDB",
  sdkErrorPrefix: "DynamoDb",
  baseError: "AmazonDynamoDBException",
  sdkBaseError: "DynamoDbException",
};
const SQS: JsonServiceFacts = {
  signingName: "sqs",
  target: "AmazonSQS",
  contentType: "application/x-amz-json-1.0",
  errorPrefix: "SQS",
  sdkErrorPrefix: "Sqs",
  baseError: "AmazonSQSException",
  sdkBaseError: "SqsException",
};
const EVENTS: JsonServiceFacts = {
  signingName: "events",
  target: "AWSEvents",
  contentType: "application/x-amz-json-1.1",
  errorPrefix: "EventBridge",
  sdkErrorPrefix: "EventBridge",
  baseError: "EventBridgeException",
  sdkBaseError: "EventBridgeException",
};

const SDK_SERVICES: Readonly<Record<string, JsonServiceFacts>> = { dynamodb: DYNAMODB, sqs: SQS, eventbridge: EVENTS };

/** Optimised integrations by "service:action". */
export const JSON_INTEGRATIONS: Readonly<Record<string, Integration>> = {
  "dynamodb:getItem": (call) => callJson(call, DYNAMODB, "GetItem", call.input),
  "dynamodb:putItem": (call) => callJson(call, DYNAMODB, "PutItem", call.input),
  "dynamodb:updateItem": (call) => callJson(call, DYNAMODB, "UpdateItem", call.input),
  "dynamodb:deleteItem": (call) => callJson(call, DYNAMODB, "DeleteItem", call.input),
  "sqs:sendMessage": (call) => {
    const input = call.input as JsonRecord;
    const { MessageBody } = input;
    // An object as body travels as its JSON text.
    const text = typeof MessageBody === "string" ? MessageBody : JSON.stringify(MessageBody);
    return callJson(call, SQS, "SendMessage", { ...input, MessageBody: text });
  },
  "events:putEvents": putEvents,
};

/** "aws-sdk:dynamodb:query" → Query of DynamoDB; undefined for a service that is not simulated. */
export function sdkIntegration(service: string, action: string): Integration | undefined {
  const facts = SDK_SERVICES[service];
  if (!facts) return undefined;
  const operation = action.charAt(0).toUpperCase() + action.slice(1);
  return (call) =>
    callJson(
      call,
      { ...facts, errorPrefix: facts.sdkErrorPrefix, baseError: facts.sdkBaseError },
      operation,
      call.input,
    );
}

async function putEvents(call: IntegrationCall): Promise<Json> {
  const { Entries = [], ...rest } = call.input as { readonly Entries?: readonly JsonRecord[] };
  const entries = Entries.map((entry) => ({
    ...entry,
    Detail: typeof entry.Detail === "string" ? entry.Detail : JSON.stringify(entry.Detail ?? {}),
    // Step Functions names the execution and its machine in every entry.
    Resources: [...((entry.Resources ?? []) as readonly string[]), call.executionArn, call.stateMachineArn],
  }));
  const result = (await callJson(call, EVENTS, "PutEvents", { ...rest, Entries: entries })) as JsonRecord;
  if (result.FailedEntryCount === 0) return result;
  throw new StatesError("EventBridge.FailedEntry", JSON.stringify(result));
}

async function callJson(call: IntegrationCall, facts: JsonServiceFacts, operation: string, input: Json): Promise<Json> {
  const answer = await call.send({
    method: "POST",
    url: `${call.gatewayOrigin}/`,
    headers: { "content-type": facts.contentType, "x-amz-target": `${facts.target}.${operation}` },
    body: JSON.stringify(input),
    service: facts.signingName,
  });
  const document = parse(answer.body);
  if (answer.status === 200) {
    const headers = { "x-amzn-RequestId": answer.headers["x-amzn-requestid"] ?? "" };
    return {
      ...document,
      SdkHttpMetadata: { HttpStatusCode: 200 },
      SdkResponseMetadata: { RequestId: headers["x-amzn-RequestId"] },
    };
  }
  const code = exceptionName(String(document.__type ?? "UnknownError").replace(/^.*#/, ""));
  const message = String(document.message ?? document.Message ?? answer.statusText);
  throw new StatesError(
    `${facts.errorPrefix}.${UNDECLARED.includes(code) ? facts.baseError : code}`,
    `${message} (Service: ${facts.errorPrefix}; Status Code: ${answer.status}; Error Code: ${code})`,
  );
}

/** Errors that no API declares. */
const UNDECLARED = [
  "AccessDeniedException",
  "ExpiredTokenException",
  "SerializationException",
  "UnrecognizedClientException",
  "ValidationException",
];

/** Step Functions names errors as the Java SDK does: with "Exception" at the end. */
function exceptionName(code: string): string {
  return code.endsWith("Exception") ? code : `${code}Exception`;
}

function parse(body: string): JsonRecord {
  try {
    return JSON.parse(body || "{}") as JsonRecord;
  } catch {
    return {};
  }
}
