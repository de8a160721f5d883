// The @connections API: posts to, looks at and ends connections, for signed callers with execute-api:ManageConnections.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
import type { IncomingMessage, ServerResponse } from "node:http";
import { GatewayError } from "../apigateway/gateway-responses";
import type { SignatureCheck } from "../apigateway/signature";
import type { Decision } from "../core/access";
import type { CloudContext } from "../core/service";
import { uuidFrom } from "../core/uuid";
import { executionArnOf, type WebSocketApi } from "./api";
import { type Connection, MAXIMUM_MESSAGE_BYTES } from "./connection";

const ACTION = "execute-api:ManageConnections";
const PATH = /^\/([A-Za-z0-9_-]+)\/(?:@|%40)connections\/([^/?]+)\/?$/;
/** What is kept of a body that is too large anyway: its signature can be judged before it is refused with 413. */
const KEPT_BYTES = 8 * MAXIMUM_MESSAGE_BYTES;
/** Where the service hangs up. */
const READ_LIMIT_BYTES = 16 * 1024 * 1024;

interface Answer {
  readonly status: number;
  readonly errorType?: string;
  readonly body?: unknown;
}

/** Answers plain HTTP requests to the listener of a WebSocket API. */
export class ConnectionsApi {
  constructor(
    private readonly context: CloudContext,
    private readonly verify: SignatureCheck,
    private readonly find: (api: WebSocketApi, stageName: string, connectionId: string) => Connection | undefined,
  ) {}

  /** Answers one request. Never rejects: a client that goes away in the middle gets no answer. */
  async handle(api: WebSocketApi, message: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(message).catch(() => undefined);
    if (body) await this.serve(api, message, body, response);
    else response.destroy();
  }

  private async serve(
    api: WebSocketApi,
    message: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
  ): Promise<void> {
    const at = this.context.clock.now();
    const decisions: Decision[] = [];
    const caller = { arn: "anonymous" };
    const [, stageName = "", rawId = ""] = PATH.exec((message.url ?? "/").split("?")[0] ?? "/") ?? [];
    const connectionId = decode(rawId);
    const target = connectionId === undefined ? undefined : { stageName, connectionId };
    const answer = await this.answer(api, message, body, target, decisions, caller).catch(refusalOf);
    send(response, answer, uuidFrom(this.context.uniqueId(32)));
    this.context.traces.record({
      id: uuidFrom(this.context.uniqueId(32)),
      at,
      durationMs: this.context.clock.now() - at,
      caller: caller.arn,
      service: "execute-api",
      operation: `${message.method ?? "GET"} @connections`,
      resource: `${executionArnOf(api)}/${stageName}`,
      status: answer.status,
      ...(answer.errorType === undefined ? {} : { errorCode: answer.errorType }),
      decisions,
      detail: { api: api.name, connectionId: connectionId ?? "" },
    });
  }

  private async answer(
    api: WebSocketApi,
    message: IncomingMessage,
    body: Buffer,
    target: { readonly stageName: string; readonly connectionId: string } | undefined,
    decisions: Decision[],
    caller: { arn: string },
  ): Promise<Answer> {
    if (!target?.stageName) return FORBIDDEN;
    const { stageName, connectionId } = target;
    const { principal } = this.verify({ message, body, api });
    caller.arn = principal.arn;
    const method = message.method ?? "GET";
    const decision = this.context.access.decide({
      principal,
      action: ACTION,
      resource: `${executionArnOf(api)}/${stageName}/${method}/@connections/${connectionId}`,
      resourceAccountId: api.accountId,
      context: { "aws:SourceIp": "127.0.0.1" },
    });
    decisions.push(decision);
    if (!decision.allowed)
      throw new GatewayError("ACCESS_DENIED", notAuthorized(principal.arn, api, stageName, method));
    const connection = this.find(api, stageName, connectionId);
    if (!connection) return { status: 410, errorType: "GoneException" };
    return act(method, connection, body);
  }
}

const FORBIDDEN: Answer = { status: 403, errorType: "ForbiddenException", body: { message: "Forbidden" } };

/** Undefined for what is no percent-encoding. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function act(method: string, connection: Connection, body: Buffer): Answer {
  const { connectedAt, sourceIp, userAgent } = connection.facts;
  switch (method) {
    case "POST":
      if (body.length > MAXIMUM_MESSAGE_BYTES) {
        return { status: 413, errorType: "PayloadTooLargeException", body: { message: "Payload too large" } };
      }
      if (connection.isFull) {
        return { status: 429, errorType: "LimitExceededException", body: { message: "The client does not read" } };
      }
      connection.send(body.toString());
      return { status: 200 };
    case "GET":
      return {
        status: 200,
        body: {
          connectedAt: new Date(connectedAt).toISOString(),
          identity: { sourceIp, ...(userAgent === undefined ? {} : { userAgent }) },
          lastActiveAt: new Date(connection.lastActiveAt).toISOString(),
        },
      };
    case "DELETE":
      connection.close(1000, "Connection closed by the service");
      return { status: 204 };
    default:
      return FORBIDDEN;
  }
}

/** API Gateway hides all but the last four digits of the account. */
function notAuthorized(caller: string, api: WebSocketApi, stageName: string, method: string): string {
  const resource = `${executionArnOf({ ...api, accountId: `********${api.accountId.slice(-4)}` })}/${stageName}/${method}/@connections/*`;
  return `User: ${caller} is not authorized to perform: ${ACTION} on resource: ${resource}`;
}

function refusalOf(error: unknown): Answer {
  if (!(error instanceof GatewayError)) {
    return { status: 500, errorType: "InternalServerErrorException", body: { message: "Internal server error" } };
  }
  return { status: error.statusCode, errorType: error.errorType, body: { message: error.text } };
}

/** The body, cut off far above the largest message. @throws Error when the client goes away or does not end. */
async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    if (size <= KEPT_BYTES) chunks.push(chunk);
    size += chunk.length;
    if (size > READ_LIMIT_BYTES) throw new Error("the body does not end");
  }
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, { status, errorType, body }: Answer, requestId: string): void {
  response.statusCode = status;
  response.setHeader("x-amzn-RequestId", requestId);
  if (errorType !== undefined) response.setHeader("x-amzn-ErrorType", errorType);
  const text = body === undefined ? "" : JSON.stringify(body);
  if (text !== "") response.setHeader("Content-Type", "application/json");
  response.end(status === 204 ? undefined : text);
}
