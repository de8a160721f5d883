// Functions as tasks: "arn:aws:states:::lambda:invoke", and the ARN of a function itself.
import { StatesError } from "../language/errors";
import type { Json, JsonRecord } from "../language/types";
import type { HttpAnswer } from "./http";
import type { Integration, IntegrationCall } from "./integration";

const PARAMETERS = ["FunctionName", "InvocationType", "LogType", "Payload", "Qualifier"];

/** The optimised integration: FunctionName and Payload. */
export const invokeFunction: Integration = async (call) => {
  const input = call.input as JsonRecord;
  const unknown = Object.keys(input).filter((name) => !PARAMETERS.includes(name));
  if (unknown.length > 0) {
    throw new StatesError(
      "States.Runtime",
      `lambda:invoke does not know, or the local run does not simulate: ${unknown.join(", ")}`,
    );
  }
  const { FunctionName, Payload = {}, Qualifier, InvocationType, LogType } = input;
  if (typeof FunctionName !== "string") throw new StatesError("States.Runtime", "The task has no FunctionName");
  const query = typeof Qualifier === "string" ? `?Qualifier=${encodeURIComponent(Qualifier)}` : "";
  const answer = await invoke(call, `${encodeURIComponent(FunctionName)}/invocations${query}`, Payload, {
    ...(typeof InvocationType === "string" ? { "x-amz-invocation-type": InvocationType } : {}),
    ...(typeof LogType === "string" ? { "x-amz-log-type": LogType } : {}),
  });
  return {
    // Of an invocation that is only queued no more is known than that.
    ...(answer.status === 200
      ? { ExecutedVersion: answer.headers["x-amz-executed-version"] ?? "$LATEST", Payload: resultOf(answer) }
      : { Payload: "" }),
    SdkHttpMetadata: { HttpStatusCode: answer.status },
    SdkResponseMetadata: { RequestId: answer.headers["x-amzn-requestid"] ?? "" },
    StatusCode: answer.status,
  };
};

/** A function's ARN as resource: the whole input is the event, the whole result the task's. */
export function invokeArn(functionArn: string): Integration {
  return async (call) => resultOf(await invoke(call, `${encodeURIComponent(functionArn)}/invocations`, call.input));
}

async function invoke(
  call: IntegrationCall,
  path: string,
  event: Json,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpAnswer> {
  const answer = await call
    .send({
      method: "POST",
      url: `${call.gatewayOrigin}/2015-03-31/functions/${path}`,
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(event),
      service: "lambda",
    })
    .catch((error: unknown) => {
      throw new StatesError("Lambda.SdkClientException", error instanceof Error ? error.message : String(error));
    });
  if (answer.status >= 300) throw refusal(answer);
  if (answer.headers["x-amz-function-error"] !== undefined) throw functionError(answer.body);
  return answer;
}

function refusal(answer: HttpAnswer): StatesError {
  const document = documentOf(answer);
  const header = answer.headers["x-amzn-errortype"]?.split(":")[0];
  const code = header ?? String(document.__type ?? document.Code ?? "Unknown");
  const name = code.endsWith("Exception") ? code : `${code}Exception`;
  const message = String(document.Message ?? document.message ?? answer.statusText);
  // What the API does not declare is the base class of its exceptions.
  const declared = name === "AccessDeniedException" ? "AWSLambdaException" : name;
  return new StatesError(
    `Lambda.${declared}`,
    `${message} (Service: AWSLambda; Status Code: ${answer.status}; Error Code: ${name})`,
  );
}

/** The error's type is the name that Retry and Catch match; the cause is all that the function told. */
function functionError(body: string): StatesError {
  try {
    const { errorType } = JSON.parse(body) as { readonly errorType?: unknown };
    return new StatesError(typeof errorType === "string" ? errorType : "Lambda.Unknown", body);
  } catch {
    return new StatesError("Lambda.Unknown", body);
  }
}

function resultOf({ body }: HttpAnswer): Json {
  return body === "" ? null : (JSON.parse(body) as Json);
}

function documentOf(answer: HttpAnswer): JsonRecord {
  try {
    const document = resultOf(answer);
    return document !== null && typeof document === "object" ? (document as JsonRecord) : {};
  } catch {
    return {};
  }
}
