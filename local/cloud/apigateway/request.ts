// One request on its way through an API: what every step reads and what the access log tells.
import type { IncomingMessage } from "node:http";
import type { Decision } from "../core/access";
import type { ApiRecord } from "./api";
import type { MethodDefinition, StageDefinition } from "./definition";
import { GatewayError } from "./gateway-responses";

/** Largest request body: 10 MB. */
export const PAYLOAD_BYTES = 10 * 1024 ** 2;
/** Request line and headers together: 10,240 bytes. */
export const HEADER_BYTES = 10_240;

/** A request in a stage. */
export interface ApiRequest {
  readonly api: ApiRecord;
  readonly stage: StageDefinition;
  readonly method: MethodDefinition;
  readonly message: IncomingMessage;
  readonly verb: string;
  /** Path inside the stage, as sent: "/uploads/7". */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly pathParameters: Readonly<Record<string, string>>;
  readonly requestId: string;
  readonly extendedRequestId: string;
  readonly sourceIp: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly body: Buffer;
  /** Filled by authorisation. */
  readonly facts: RequestFacts;
}

/** What the steps find out. */
export interface RequestFacts {
  authorizer?: Readonly<Record<string, unknown>>;
  /** requestContext.identity of a signed request. */
  identity?: Readonly<Record<string, string | null>>;
  caller?: string;
  decisions: Decision[];
  integrationLatencyMs?: number;
  integrationStatus?: number;
  functionRequestId?: string;
}

/** The whole body. @throws GatewayError REQUEST_TOO_LARGE (413). */
export async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= PAYLOAD_BYTES) chunks.push(chunk);
  }
  if (bytes > PAYLOAD_BYTES) throw new GatewayError("REQUEST_TOO_LARGE");
  return Buffer.concat(chunks);
}

/** @throws GatewayError REQUEST_TOO_LARGE when request line and headers are too long. */
export function checkHeaderSize(message: IncomingMessage): void {
  const headers = message.rawHeaders.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (headers + Buffer.byteLength(message.url ?? "") > HEADER_BYTES) throw new GatewayError("REQUEST_TOO_LARGE");
}

/** ARN of the method that was called, with the path as sent. */
export function methodArn(request: ApiRequest): string {
  const { api, stage, verb, path } = request;
  return `arn:aws:execute-api:${api.region}:${api.accountId}:${api.id}/${stage.name}/${verb}${path}`;
}

/** Media type of a header, without parameters, lower case. */
export function mediaType(header: string | undefined): string | undefined {
  const type = header?.split(";")[0]?.trim().toLowerCase();
  return type === "" ? undefined : type;
}

/** Whether a media type is one that the API treats as binary. */
export function isBinary(patterns: readonly string[], type: string | undefined): boolean {
  return patterns.some((pattern) => pattern === "*/*" || (type !== undefined && pattern.toLowerCase() === type));
}
