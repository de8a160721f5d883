// The upload component's HTTP API, one method per route.

import type {
  CompleteUploadRequest,
  CompleteUploadResponse,
  DescribeUploadResponse,
  ErrorResponse,
  ListUploadsResponse,
  SignPartsRequest,
  SignPartsResponse,
  StartUploadRequest,
  StartUploadResponse,
} from "../../handlers/upload/contract";
import type { Environment } from "./environment";
import { isTransientStatus, UploadError, type UploadErrorCode } from "./errors";
import { recover, type RetryPolicy } from "./retry";

/** A request that needs credentials. */
export interface AuthorizeRequest {
  readonly method: string;
  readonly url: string;
  readonly body?: string;
  /** True when the API has just refused the previous credentials. */
  readonly refused: boolean;
}

/** Yields the headers that prove who calls: a bearer token, or a SigV4 signature of the request. */
export type Authorize = (request: AuthorizeRequest) => Promise<Record<string, string>>;

/** Longest wait for an answer of the API, in milliseconds. */
const API_TIMEOUT_MS = 30_000;

/** Calls the API. Every call can be repeated, so transient failures are tried again. */
export class UploadApi {
  readonly #url: string;
  readonly #environment: Environment;
  readonly #authorize: Authorize;
  readonly #retry: RetryPolicy;

  constructor(apiUrl: string, environment: Environment, authorize: Authorize, retry: RetryPolicy) {
    this.#url = apiUrl;
    this.#environment = environment;
    this.#authorize = authorize;
    this.#retry = retry;
  }

  /** Starts an upload, or finds the one that this request id started. */
  start(body: StartUploadRequest, signal: AbortSignal): Promise<StartUploadResponse> {
    return this.#call("POST", "", signal, body);
  }

  /** Signs the URLs of up to `signWindow` parts. */
  sign(uploadId: string, body: SignPartsRequest, signal: AbortSignal): Promise<SignPartsResponse> {
    return this.#call("POST", `/${uploadId}/parts`, signal, body);
  }

  /** The upload and the parts that S3 holds. */
  describe(uploadId: string, signal: AbortSignal): Promise<DescribeUploadResponse> {
    return this.#call("GET", `/${uploadId}`, signal);
  }

  /** Makes the parts one object. */
  complete(uploadId: string, body: CompleteUploadRequest, signal: AbortSignal): Promise<CompleteUploadResponse> {
    return this.#call("POST", `/${uploadId}/complete`, signal, body);
  }

  /** Removes the upload and its parts. A second time succeeds too. */
  async abort(uploadId: string, signal: AbortSignal): Promise<void> {
    await this.#call("DELETE", `/${uploadId}`, signal);
  }

  /** The caller's own uploads, the newest hundred first. */
  list(state: "open" | "completed", signal: AbortSignal): Promise<ListUploadsResponse> {
    return this.#call("GET", `?state=${state}&limit=100`, signal);
  }

  async #call<T>(method: string, path: string, signal: AbortSignal, body?: object): Promise<T> {
    let failures = 0;
    let refused = false;
    for (;;) {
      try {
        return await this.#attempt<T>(method, path, signal, refused, body && JSON.stringify(body));
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof UploadError)) throw error;
        if (error.status === 401 && !refused) refused = true;
        else failures = await recover(this.#environment, this.#retry, error, failures, signal);
      }
    }
  }

  async #attempt<T>(method: string, path: string, signal: AbortSignal, refused: boolean, body?: string): Promise<T> {
    const url = `${this.#url}/uploads${path}`;
    const headers = await this.#authorize({ method, url, refused, ...(body && { body }) });
    const limit = new AbortController();
    const timer = this.#environment.clock.setTimer(API_TIMEOUT_MS, () => limit.abort());
    try {
      const response = await this.#environment.fetch(url, {
        method,
        headers: body ? { "content-type": "application/json", ...headers } : headers,
        signal: AbortSignal.any([signal, limit.signal]),
        cache: "no-store",
        ...(body && { body }),
      });
      const text = await response.text();
      if (!response.ok) throw readRefusal(response.status, text);
      return (text ? JSON.parse(text) : undefined) as T;
    } catch (cause) {
      // No answer at all, or one that was cut off.
      if (cause instanceof UploadError) throw cause;
      throw new UploadError("Network", "The upload service did not answer.", undefined, { cause });
    } finally {
      timer.cancel();
    }
  }
}

/** The error that an answer stands for. API Gateway's own refusals (throttling, authorizer) have no code of ours. */
export function readRefusal(status: number, text: string): UploadError {
  try {
    const { code, message } = (JSON.parse(text) as ErrorResponse).error;
    return new UploadError(code, message, status);
  } catch {
    return new UploadError(codeOfStatus(status), `The upload service answered ${status}.`, status);
  }
}

function codeOfStatus(status: number): UploadErrorCode {
  if (status === 401) return "Unauthenticated";
  if (status === 403) return "UploadNotYours";
  return isTransientStatus(status) ? "TryAgain" : "InvalidRequest";
}
