// The one origin at which the AWS APIs answer: verifies, routes, traces, and renders what goes wrong.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { AccessControl } from "../core/access";
import type { Clock } from "../core/clock";
import { AwsError, NotSimulatedError } from "../core/errors";
import type { GatewayEndpoint, Listener, Service } from "../core/service";
import type { TraceLog } from "../core/trace";
import { uuidFrom } from "../core/uuid";
import { KEEP_ALIVE_MS, PortInUseError } from "../ports";
import { type ArrivedRequest, readArrival } from "./arrival";
import { authenticate } from "./authenticate";
import { type CallRecord, createCall } from "./call";
import { MalformedUriError } from "./canonical";
import { asAwsError, type Protocol, protocolOf, renderError } from "./errors";
import { serviceOf, targetOf } from "./route";

/** Settings of `createGateway`. */
export interface GatewayOptions {
  readonly clock: Clock;
  readonly traces: TraceLog;
  readonly access: AccessControl;
  uniqueId(length: number): string;
  /** Looked up call by call, so the list may still be filled after the gateway is created. */
  readonly services: readonly Service[];
  /** Takes lines about failures of the embedded cloud itself. Left out: stderr. */
  readonly log?: (line: string) => void;
}

/** The gateway of one run. */
export interface Gateway {
  /** Listens; port 0 takes a free one. */
  start(port: number, host: string): Promise<void>;
  /** "http://127.0.0.1:<port>". Throws before `start`. */
  readonly origin: string;
  /** Serves the same services at a second origin: S3 Transfer Acceleration. Its calls have `endpoint` "accelerate". */
  serveAccelerate(port: number, host: string): Promise<Listener>;
  /** Closes every listener and connection. */
  stop(): Promise<void>;
}

/** Creates the gateway. */
export function createGateway(options: GatewayOptions): Gateway {
  return new HttpGateway(options);
}

class HttpGateway implements Gateway {
  private readonly listeners: Listener[] = [];
  private listening: string | undefined;

  constructor(private readonly options: GatewayOptions) {}

  get origin(): string {
    if (this.listening === undefined) throw new Error("the gateway has not started");
    return this.listening;
  }

  async start(port: number, host: string): Promise<void> {
    this.listening = (await this.listen("gateway", port, host)).origin;
  }

  serveAccelerate(port: number, host: string): Promise<Listener> {
    return this.listen("accelerate", port, host);
  }

  async stop(): Promise<void> {
    await Promise.all(this.listeners.splice(0).map((listener) => listener.close()));
    this.listening = undefined;
  }

  private async listen(endpoint: GatewayEndpoint, port: number, host: string): Promise<Listener> {
    // Uploads may take longer than Node's five minutes for a request.
    const server = createServer({ requestTimeout: 0, keepAliveTimeout: KEEP_ALIVE_MS });
    server.on("request", (request, response) => this.serve(endpoint, request, response, false));
    server.on("checkContinue", (request, response) => this.serve(endpoint, request, response, true));
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) => {
        reject(error.code === "EADDRINUSE" ? new PortInUseError(port) : error);
      });
      server.listen(port, host, resolve);
    });
    const address = server.address() as AddressInfo;
    const listener = { origin: `http://${host}:${address.port}`, close: () => close(server) };
    this.listeners.push(listener);
    return listener;
  }

  private serve(
    endpoint: GatewayEndpoint,
    request: IncomingMessage,
    response: ServerResponse,
    expects100: boolean,
  ): void {
    const exchange = new Exchange(this.options, endpoint, request, response, expects100);
    void exchange.run();
  }
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

/** One request and its answer. */
class Exchange {
  private readonly id: string;
  private readonly arrived: ArrivedRequest;
  private readonly startedAt: number;
  private readonly record: CallRecord = { decisions: [], facts: {} };
  private service: string;
  private readonly protocol: Protocol;
  private caller = "anonymous";
  private traced = false;

  constructor(
    private readonly options: GatewayOptions,
    private readonly endpoint: GatewayEndpoint,
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
    private expects100: boolean,
  ) {
    this.startedAt = options.clock.now();
    this.id = uuidFrom(options.uniqueId(32));
    this.arrived = readArrival(request);
    this.service = serviceOf(this.arrived);
    this.protocol = protocolOf(this.arrived, this.service);
  }

  async run(): Promise<void> {
    this.prepareResponse();
    try {
      await this.dispatch();
    } catch (error) {
      this.refuse(error);
    }
  }

  private prepareResponse(): void {
    const { response } = this;
    // Clients set their clocks by this header; it must tell the time by which their signatures are judged.
    response.sendDate = false;
    response.setHeader("date", new Date(this.startedAt).toUTCString());
    response.setHeader(this.service === "s3" ? "x-amz-request-id" : "x-amzn-requestid", this.id);
    if (this.service === "s3") response.setHeader("x-amz-id-2", this.id);
    response.once("finish", () => this.finish(response.statusCode));
    response.once("close", () => this.finish(499));
    response.on("error", () => undefined);
  }

  private async dispatch(): Promise<void> {
    const { request, response, arrived, endpoint, options, record, id } = this;
    const intended = this.find(this.service);
    const { method, rawPath } = arrived;
    intended?.prepare?.({ request, response, method, rawPath, endpoint });
    const { access } = options;
    const authenticated = await authenticate(request, arrived, {
      access,
      endpoint,
      now: this.startedAt,
      service: this.service,
      beforeReading: () => this.proceed(),
    });
    this.caller = authenticated.principal.kind === "anonymous" ? "anonymous" : authenticated.principal.arn;
    this.service = authenticated.service;
    const service = this.find(this.service);
    if (!service?.handle) throw new NotSimulatedError(`The API of ${this.service}`, `local/cloud/${this.service}`);
    await service.handle(createCall({ request, response, arrived, id, endpoint, record, access, ...authenticated }));
  }

  private find(name: string): Service | undefined {
    return this.options.services.find((service) => service.name === name);
  }

  /** Lets a client go on that has asked first (Expect: 100-continue). */
  private proceed(): void {
    if (!this.expects100) return;
    this.expects100 = false;
    this.response.writeContinue();
  }

  private refuse(thrown: unknown): void {
    const { response, protocol, id } = this;
    const known =
      thrown instanceof MalformedUriError ? new AwsError("InvalidURI", "Couldn't parse the specified URI.") : thrown;
    const error = asAwsError(known, protocol);
    this.record.facts = { errorCode: error.code, ...this.record.facts };
    if (!(known instanceof AwsError)) this.logFailure(thrown);
    // A client that has left, or an answer that has begun: all that is left is to cut the connection.
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const { status, headers, body } = renderError(error, protocol, id);
    for (const name of ["content-length", "content-encoding", "etag", "last-modified"]) response.removeHeader(name);
    response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
    response.end(this.arrived.method === "HEAD" ? undefined : body);
  }

  private logFailure(thrown: unknown): void {
    const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    const log = this.options.log ?? ((line: string) => process.stderr.write(`${line}\n`));
    log(`gateway: request ${this.id} to ${this.service} failed unexpectedly: ${stack}`);
  }

  private finish(status: number): void {
    if (this.traced) return;
    this.traced = true;
    this.drain();
    const { facts, decisions } = this.record;
    const { method, rawPath } = this.arrived;
    const operation = facts.operation ?? targetOf(this.arrived)?.operation ?? `${method} ${rawPath}`;
    this.options.traces.record({
      ...facts,
      id: this.id,
      at: this.startedAt,
      durationMs: this.options.clock.now() - this.startedAt,
      caller: this.caller,
      service: this.service,
      operation,
      status,
      ...(status === 499 && facts.errorCode === undefined && { errorCode: "ClientDisconnected" }),
      decisions,
    });
  }

  /** What nobody has read of the body must go before the connection can be used again. */
  private drain(): void {
    if (this.request.complete || this.request.destroyed || this.expects100) return;
    this.request.unpipe();
    this.request.resume();
  }
}
