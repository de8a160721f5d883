// A request as it arrived: split, but not yet believed.
import type { IncomingMessage } from "node:http";

/** The parts of a request that signatures and services look at. */
export interface ArrivedRequest {
  readonly method: string;
  /** Path as sent. */
  readonly rawPath: string;
  /** Query as sent, without "?". */
  readonly rawQuery: string;
  /** Values by lower-case name. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

/** Splits a request of Node's HTTP server. */
export function readArrival(request: IncomingMessage): ArrivedRequest {
  const target = request.url ?? "/";
  const at = target.indexOf("?");
  const headers: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    const name = (request.rawHeaders[index] ?? "").toLowerCase();
    (headers[name] ??= []).push(request.rawHeaders[index + 1] ?? "");
  }
  return {
    method: request.method ?? "GET",
    rawPath: at < 0 ? target : target.slice(0, at),
    rawQuery: at < 0 ? "" : target.slice(at + 1),
    headers,
  };
}

/** A header's value, repeated ones joined by ", ". */
export function headerOf(request: Pick<ArrivedRequest, "headers">, name: string): string | undefined {
  return request.headers[name]?.join(", ");
}
