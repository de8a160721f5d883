// Small helpers for the listener of a user pool domain.
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pageHeaders, renderError } from "./login-page";

const bodyLimitBytes = 64 * 1024;

/** A refusal that the endpoint answers as OAuth error document. */
export class OAuthError extends Error {
  constructor(
    readonly code: string,
    readonly statusCode = 400,
    readonly description?: string,
  ) {
    super(description ?? code);
    this.name = "OAuthError";
  }
}

/** A refusal that is shown to the person, because redirecting would be unsafe. */
export class PageError extends Error {
  constructor(
    readonly code: string,
    reason: string,
    readonly statusCode = 400,
  ) {
    super(reason);
    this.name = "PageError";
  }
}

/** The fields of a form post. @throws OAuthError invalid_request for other content, repeated fields, or more than 64 KiB. */
export async function readForm(request: IncomingMessage): Promise<Readonly<Record<string, string>>> {
  const type = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/x-www-form-urlencoded") throw new OAuthError("invalid_request");
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimitBytes) throw new OAuthError("invalid_request", 413);
    chunks.push(chunk);
  }
  const form: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(Buffer.concat(chunks).toString("utf8"))) {
    if (name in form) throw new OAuthError("invalid_request");
    form[name] = value;
  }
  return form;
}

/** Sends a JSON document that nobody may store. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json;charset=UTF-8", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}

/** Sends a page; `render` receives the nonce of its content security policy. */
export function sendPage(response: ServerResponse, status: number, render: (nonce: string) => string): void {
  const nonce = randomBytes(16).toString("base64");
  response.writeHead(status, pageHeaders(nonce));
  response.end(render(nonce));
}

/** Sends the error page. */
export function sendErrorPage(response: ServerResponse, error: PageError): void {
  sendPage(response, error.statusCode, (nonce) => renderError(error.code, error.message, nonce));
}

/** Redirects without a body. */
export function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location, "cache-control": "no-store", "content-length": "0" });
  response.end();
}
