// The error documents that Lambda itself writes, whatever ran the function.
import type { FunctionDefinition } from "./definition";
import { RESPONSE_BYTES } from "./limits";

/** A kind of error and the document that the caller gets. */
export interface ErrorDocument {
  readonly errorType: string;
  readonly payload: Buffer;
}

/** An error document. */
export function errorDocument(errorType: string, errorMessage: string): ErrorDocument {
  return { errorType, payload: Buffer.from(JSON.stringify({ errorType, errorMessage })) };
}

/** The function took longer than it may. */
export function timedOut({ timeoutSeconds }: FunctionDefinition, requestId: string): ErrorDocument {
  const message = `RequestId: ${requestId} Error: Task timed out after ${timeoutSeconds.toFixed(2)} seconds`;
  return errorDocument("Sandbox.Timedout", message);
}

/** The handler returned more than Lambda passes on. */
export function responseTooLarge(): ErrorDocument {
  const limit = String(RESPONSE_BYTES);
  const message = `Response payload size exceeded maximum allowed payload size (${limit} bytes).`;
  return errorDocument("Function.ResponseSizeTooLarge", message);
}

/** The process ended in the middle of an event. @param reason in the words of Lambda's supervisor. */
export function exited(requestId: string, reason: string, errorType = "Runtime.ExitError"): ErrorDocument {
  return errorDocument(errorType, `RequestId: ${requestId} Error: ${reason}`);
}
