// Signed calls to other services, with the credentials of the state machine's role.
import { Agent, request as httpRequest } from "node:http";
import type { CloudContext } from "../../core/service";
import { signRequest } from "../../gateway/sign";

/** A call to send. */
export interface SignedCall {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Signing name; undefined sends the call unsigned. */
  readonly service: string | undefined;
  readonly region: string;
  readonly roleArn: string;
  readonly stateMachineArn: string;
  readonly executionName: string;
  readonly signal: AbortSignal;
}

/** What came back. */
export interface HttpAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Credentials that end sooner are replaced. */
const MARGIN_MS = 60_000;
/** Executions whose credentials are kept; the oldest go first. */
const MAXIMUM_SESSIONS = 500;

/** Sends calls as the roles of state machines. */
export class RoleCaller {
  private readonly agent = new Agent({ keepAlive: true });
  private readonly sessions = new Map<string, ReturnType<CloudContext["access"]["assumeRole"]>>();

  constructor(private readonly context: CloudContext) {}

  send(call: SignedCall): Promise<HttpAnswer> {
    const { method, url, body, service, region } = call;
    const headers =
      service === undefined
        ? { ...call.headers, host: new URL(url).host }
        : signRequest({
            method,
            url,
            headers: call.headers,
            body,
            credentials: this.credentialsOf(call),
            service,
            region,
            at: this.context.clock.now(),
          });
    return this.exchange(call, headers);
  }

  stop(): void {
    this.agent.destroy();
  }

  private credentialsOf({
    roleArn,
    stateMachineArn,
    executionName,
  }: SignedCall): ReturnType<CloudContext["access"]["assumeRole"]> {
    const key = `${roleArn} ${stateMachineArn} ${executionName}`;
    const known = this.sessions.get(key);
    if (known && (known.expiresAt ?? Infinity) > this.context.clock.now() + MARGIN_MS) return known;
    const source = { sourceArn: stateMachineArn };
    const credentials = this.context.access.assumeRole(
      roleArn,
      executionName.slice(0, 64),
      "states.amazonaws.com",
      undefined,
      source,
    );
    this.sessions.delete(key);
    this.sessions.set(key, credentials);
    const [oldest] = this.sessions.keys();
    if (this.sessions.size > MAXIMUM_SESSIONS && oldest !== undefined) this.sessions.delete(oldest);
    return credentials;
  }

  private exchange(call: SignedCall, headers: Record<string, string>): Promise<HttpAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    const { method, url, body, signal } = call;
    const request = httpRequest(url, {
      method,
      headers: { ...headers, "content-length": Buffer.byteLength(body) },
      agent: this.agent,
      signal,
    });
    request.on("error", (error: NodeJS.ErrnoException) => {
      // The server may close an idle connection at the very moment that it is used again.
      const isStale = request.reusedSocket && error.code === "ECONNRESET" && !signal.aborted;
      if (isStale) this.exchange(call, headers).then(resolve, reject);
      else reject(error);
    });
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          statusText: response.statusMessage ?? "",
          headers: Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)])),
          body: Buffer.concat(chunks).toString("utf8"),
        }),
      );
    });
    request.end(body);
    return promise;
  }
}
