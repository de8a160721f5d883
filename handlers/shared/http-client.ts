// HTTP with kept-alive connections and nothing else: what the signed clients send through.
import { request as httpRequest, Agent as HttpAgent } from "node:http";
import { request as httpsRequest, Agent as HttpsAgent } from "node:https";

/** One request. */
export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** A connection that is silent this long is given up, in milliseconds. */
  readonly timeoutMs: number;
  /** Gives the request up. */
  readonly signal?: AbortSignal;
}

/** Its answer, whatever the status. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  /** Header in which AWS's REST-JSON services name the error: "TooManyRequestsException" say. */
  readonly errorType?: string;
}

/** Sends a request. Rejects when there is no complete answer. */
export type SendHttp = (request: HttpRequest) => Promise<HttpAnswer>;

/** A sender with connections of its own. @param protocol "https:" or "http:". */
export function createHttpClient(protocol: string): SendHttp {
  const secure = protocol === "https:";
  const agent = secure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const send = secure ? httpsRequest : httpRequest;
  return ({ method, url, headers, body, timeoutMs, signal }) =>
    new Promise((resolve, reject) => {
      const options = { method, headers, agent, timeout: timeoutMs, ...(signal ? { signal } : {}) };
      const request = send(url, options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const answer = { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") };
          const errorType = response.headers["x-amzn-errortype"];
          resolve(typeof errorType === "string" ? { ...answer, errorType } : answer);
        });
      });
      request.on("timeout", () => request.destroy(new Error(`no data for ${timeoutMs} ms`)));
      request.on("error", reject);
      request.end(body);
    });
}
