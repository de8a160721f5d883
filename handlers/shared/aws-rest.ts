// Calls of AWS's REST protocols (S3, Lambda) without the SDK: signed by headers, retried, with kept-alive connections.
import { hash } from "node:crypto";
import { AwsCallError } from "./errors";
import { createHttpClient, type HttpAnswer, type SendHttp } from "./http-client";
import { signHeaders, type Credentials } from "./sigv4";

/** Where and as whom to call. */
export interface RestClientSettings {
  /** Signing name: "s3", "lambda". */
  readonly service: string;
  readonly region: string;
  readonly credentials: Credentials;
  readonly now: () => number;
  readonly send?: SendHttp;
  /** Waits between two attempts, in milliseconds. */
  readonly pause?: (milliseconds: number) => Promise<void>;
  readonly random?: () => number;
}

/** One call. */
export interface RestCall {
  readonly method: "GET" | "PUT";
  /** Percent-encoded path, no query. */
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

const ATTEMPTS = 4;
/** Longest wait before the second attempt; it doubles with each further one. Full jitter. */
const FIRST_PAUSE_MS = 100;
const SOCKET_TIMEOUT_MS = 10_000;

/** A client of one service. Every call must be safe to repeat. */
export class AwsRestClient {
  private readonly clients = new Map<string, SendHttp>();

  constructor(private readonly settings: RestClientSettings) {}

  /** The body of a successful answer. Throws AwsCallError. */
  async call(call: RestCall): Promise<string> {
    const { random = Math.random, pause = waitMilliseconds } = this.settings;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.callOnce(call);
      } catch (error) {
        const retryable = error instanceof AwsCallError && (error.retryable || RETRYABLE.has(error.code));
        if (!retryable || attempt >= ATTEMPTS || call.signal?.aborted) throw error;
        await pause(random() * FIRST_PAUSE_MS * 2 ** (attempt - 1));
      }
    }
  }

  private async callOnce({ method, url, headers = {}, body = "", signal }: RestCall): Promise<string> {
    const { region, service, credentials, now } = this.settings;
    const signed = signHeaders(
      {
        method,
        url,
        headers: { ...headers, "x-amz-content-sha256": hash("sha256", body, "hex") },
        body,
        at: now(),
        region,
        service,
      },
      credentials,
    );
    const request = { method, url, headers: signed, body, timeoutMs: SOCKET_TIMEOUT_MS, ...(signal ? { signal } : {}) };
    const answer = await this.clientFor(url.protocol)(request).catch((cause: unknown) => {
      throw new AwsCallError("NetworkError", 0, `${service} did not answer ${method}`, {}, { cause });
    });
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    throw toAwsError(answer);
  }

  private clientFor(protocol: string): SendHttp {
    const client = this.settings.send ?? this.clients.get(protocol) ?? createHttpClient(protocol);
    this.clients.set(protocol, client);
    return client;
  }
}

const RETRYABLE: ReadonlySet<string> = new Set(["SlowDown", "RequestTimeout", "TooManyRequestsException"]);

/**
 * S3 answers in XML; Lambda names the code in a header (its member `Type` is "User" for whatever the caller did wrong), or in `__type`.
 * The rest of the text stays out of messages.
 */
function toAwsError({ status, body, errorType }: HttpAnswer): AwsCallError {
  const [, named] = /^(?:[\w.]+#)?(\w+)/.exec(errorType ?? "") ?? [];
  const code =
    named ?? /<Code>(\w+)<\/Code>/.exec(body)?.[1] ?? /"(?:__type|code)"\s*:\s*"(?:[\w.]+#)?(\w+)"/.exec(body)?.[1];
  return new AwsCallError(code ?? `Http${status}`, status, `answered with status ${status}`);
}

function waitMilliseconds(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
