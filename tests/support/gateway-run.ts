// A gateway on loopback with services that note what reaches them, for tests of the gateway itself.
import { createHash } from "node:crypto";
import { request as httpRequest } from "node:http";
import { pipeline } from "node:stream/promises";
import { Writable } from "node:stream";
import type { Credentials } from "../../local/cloud/core/access";
import { VirtualClock } from "../../local/cloud/core/clock";
import type { GatewayCall, Service } from "../../local/cloud/core/service";
import { TraceLog } from "../../local/cloud/core/trace";
import { createGateway, type Gateway } from "../../local/cloud/gateway";
import { type RequestToSign, signRequest } from "../../local/cloud/gateway/sign";
import { createAccessControl, createStsService, type LocalAccessControl } from "../../local/cloud/iam";

/** Account of the tests. */
export const account = "123456789012";
/** Region of the tests. */
export const region = "eu-west-1";

/** A call that reached a service, with the body it read. */
export interface SeenCall {
  readonly call: GatewayCall;
  readonly bytes: number;
  readonly sha256: string;
  readonly trailers: Readonly<Record<string, string>>;
}

/** A running gateway. */
export interface GatewayRun {
  readonly gateway: Gateway;
  readonly access: LocalAccessControl;
  readonly clock: VirtualClock;
  readonly traces: TraceLog;
  /** Calls that services have accepted, in order. */
  readonly seen: SeenCall[];
  /** Lines that the gateway has logged. */
  readonly log: string[];
  /** Called by every service in place of an answer, until it is taken away. */
  behaviour: ((call: GatewayCall) => Promise<void>) | undefined;
  readonly root: Credentials;
  stop(): Promise<void>;
}

/** Starts a gateway with services s3, dynamodb, lambda, events, cognito-idp (noting calls) and the real sts. */
export async function startGateway(): Promise<GatewayRun> {
  const clock = new VirtualClock();
  const access = createAccessControl({ clock, seed: "tests" });
  const traces = new TraceLog();
  const services: Service[] = [];
  const log: string[] = [];
  let serial = 0;
  const gateway = createGateway({
    clock,
    access,
    traces,
    services,
    uniqueId: (length) => `id${serial++}`.padEnd(length, "0"),
    log: (line) => log.push(line),
  });
  const run: GatewayRun = {
    gateway,
    access,
    clock,
    traces,
    seen: [],
    log,
    behaviour: undefined,
    root: access.rootCredentials(account),
    stop: () => gateway.stop(),
  };
  const names = ["s3", "dynamodb", "lambda", "events", "cognito-idp"];
  services.push(
    ...names.map((name): Service => ({ name, models: [], handle: (call) => note(run, call) })),
    createStsService(access),
  );
  await gateway.start(0, "127.0.0.1");
  return run;
}

async function note(run: GatewayRun, call: GatewayCall): Promise<void> {
  if (run.behaviour) return run.behaviour(call);
  const hash = createHash("sha256");
  let bytes = 0;
  const sink = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      bytes += chunk.length;
      hash.update(chunk);
      callback();
    },
  });
  await pipeline(call.body, sink);
  run.seen.push({ call, bytes, sha256: hash.digest("hex"), trailers: call.trailers() });
  call.response.writeHead(200, { etag: '"e"', "content-type": "application/json" });
  call.response.end(call.method === "HEAD" ? undefined : "{}");
}

/** What a client got. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends exactly these headers and bytes: `fetch` would change some. */
export function send(
  url: string,
  options: { method?: string; headers?: Readonly<Record<string, string>>; body?: string | Buffer; path?: string } = {},
): Promise<Answer> {
  const { hostname, port, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        hostname,
        port,
        path: options.path ?? pathname + search,
        method: options.method ?? "GET",
        headers: options.headers,
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers as Record<string, string>,
            body: Buffer.concat(chunks).toString("utf8"),
          }),
        );
      },
    );
    request.on("error", reject);
    request.end(options.body);
  });
}

/** Signs with the run's clock and sends; `changes` to the headers come after signing. */
export function sendSigned(
  run: GatewayRun,
  path: string,
  options: Partial<RequestToSign> & { readonly changes?: Readonly<Record<string, string>> } = {},
): Promise<Answer> {
  const { changes, ...rest } = options;
  const toSign: RequestToSign = {
    method: "GET",
    url: run.gateway.origin + path,
    credentials: run.root,
    service: "s3",
    region,
    at: run.clock.now(),
    ...rest,
  };
  const headers = { ...signRequest(toSign), ...changes };
  return send(toSign.url, { method: toSign.method, headers, ...(toSign.body !== undefined && { body: toSign.body }) });
}

/** Code of an S3 error document. */
export const codeOf = (answer: Answer): string | undefined => /<Code>([^<]+)<\/Code>/.exec(answer.body)?.[1];
