// The Runtime API that aws-lambda-ric talks to: one loopback server for all environments, told apart by their tokens.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { RESPONSE_BYTES } from "./limits";

/** What an environment hears from its process. */
export interface RuntimeListener {
  /** The process asks for an event; the answer may come much later. */
  onNext(response: ServerResponse): void;
  /** The handler returned. `body` is undefined when it was larger than Lambda allows. */
  onResponse(requestId: string, body: Buffer | undefined): void;
  /** The handler threw; `body` is Lambda's error document. */
  onError(requestId: string, body: Buffer): void;
  /** The module could not be loaded. */
  onInitError(body: Buffer): void;
  /** The resident set in bytes, reported by the process itself. */
  onMemory(bytes: number): void;
}

const ROUTE =
  /^\/2018-06-01\/runtime\/(?:invocation\/(?<next>next)|invocation\/(?<id>[^/]+)\/(?<kind>response|error)|init\/(?<init>error))$/;

/** Serves all environments. */
export class RuntimeApi {
  private readonly listeners = new Map<string, RuntimeListener>();
  private server: Server | undefined;
  private starting: Promise<string> | undefined;

  /** Adds an environment; returns the function that removes it. */
  register(token: string, listener: RuntimeListener): () => void {
    this.listeners.set(token, listener);
    return () => this.listeners.delete(token);
  }

  /** "127.0.0.1:<port>", value of AWS_LAMBDA_RUNTIME_API. Listens from the first call on. */
  address(): Promise<string> {
    this.starting ??= this.listen();
    return this.starting;
  }

  async stop(): Promise<void> {
    await this.starting;
    const server = this.server;
    if (!server) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    this.server = undefined;
  }

  private async listen(): Promise<string> {
    const server = createServer((request, response) => void this.answer(request, response));
    // A waiting environment holds its request open for as long as it is idle.
    server.keepAliveTimeout = 0;
    server.requestTimeout = 0;
    this.server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const token = request.headers["x-environment-token"];
    const listener = typeof token === "string" ? this.listeners.get(token) : undefined;
    const route = ROUTE.exec(request.url ?? "")?.groups;
    if (!listener || !route) {
      refuse(response, listener ? 404 : 403, listener ? "UnknownRoute" : "UnknownEnvironment");
      return;
    }
    const memory = Number(request.headers["x-rss-bytes"]);
    if (memory > 0) listener.onMemory(memory);
    if (route.next) {
      listener.onNext(response);
      return;
    }
    const body = await read(request);
    if (body === ABORTED) return;
    if (body === undefined) refuse(response, 413, "RequestEntityTooLarge");
    else response.writeHead(202, { "content-length": "0" }).end();
    await allPipesRead();
    const streamError = request.trailers["lambda-runtime-function-error-body"];
    if (streamError === undefined) dispatch(listener, route, body);
    else listener.onError(decodeURIComponent(route.id ?? ""), Buffer.from(streamError, "base64"));
  }
}

function dispatch(listener: RuntimeListener, route: Record<string, string>, body: Buffer | undefined): void {
  const id = decodeURIComponent(route.id ?? "");
  if (route.init) listener.onInitError(body ?? Buffer.from("{}"));
  else if (route.kind === "response") listener.onResponse(id, body);
  else listener.onError(id, body ?? Buffer.from("{}"));
}

/** What the process wrote before it posted is readable now; after this turn of the loop it has been read. */
function allPipesRead(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The process died while it answered: its exit is what gets reported. */
const ABORTED = "aborted";

/** The whole body, or undefined when it is longer than a response may be. */
async function read(request: IncomingMessage): Promise<Buffer | undefined | typeof ABORTED> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes <= RESPONSE_BYTES) chunks.push(chunk);
    }
  } catch {
    return ABORTED;
  }
  return bytes <= RESPONSE_BYTES ? Buffer.concat(chunks) : undefined;
}

function refuse(response: ServerResponse, status: number, errorType: string): void {
  const body = JSON.stringify({ errorMessage: errorType, errorType });
  response
    .writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
    .end(body);
}
