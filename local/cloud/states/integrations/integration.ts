// The contract of an integration: a task's input in, its result out.
import type { Json } from "../language/types";
import type { HttpAnswer, SignedCall } from "./http";

/** A request without what every request of an execution has in common. */
export type IntegrationRequest = Pick<SignedCall, "method" | "url" | "headers" | "body" | "service">;

/** One call of an integration. */
export interface IntegrationCall {
  readonly input: Json;
  readonly executionArn: string;
  readonly stateMachineArn: string;
  /** "http://127.0.0.1:<port>" of the AWS APIs. */
  readonly gatewayOrigin: string;
  /** Replaces AWS host names by local ones. */
  localise(url: string): string;
  send(request: IntegrationRequest): Promise<HttpAnswer>;
}

/** @throws StatesError with the error's name as Step Functions gives it. */
export type Integration = (call: IntegrationCall) => Promise<Json>;
