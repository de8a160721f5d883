// The edge: takes a viewer's request, finds its behaviour, asks the origin, shapes the answer. Nothing is cached.
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import type { CloudContext } from "../core/service";
import { chooseEncoding, createCompressor } from "./compression";
import { matchesPath } from "./definition";
import type { Behavior, CustomError, Distribution } from "./definition";
import { ForeignHostError, OriginClient, OriginUnreachableError } from "./origin-request";
import type { ViewerRequest } from "./origin-request";
import { applyResponseHeaders } from "./response-headers";

/** An answer on its way to the viewer. */
interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: IncomingMessage | string;
  /** Behaviour that shapes it. */
  readonly behavior: Behavior;
}

const hopByHop = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-authenticate", "trailer"]);
/** Characters of a path beyond which CloudFront answers 414. */
const pathLimit = 8192;

/** Request handler of a distribution. `current` is read per request: an update applies at once. */
export function createViewerHandler(
  context: CloudContext,
  current: () => Distribution,
): (request: IncomingMessage, response: ServerResponse) => void {
  let client: OriginClient | undefined;
  return (request, response) => {
    const begun = context.clock.now();
    const distribution = current();
    if (client?.distribution !== distribution) client = new OriginClient(context, distribution);
    const origins = client;
    const viewer = readViewer(context, request);
    void answer(distribution, origins, viewer)
      .then((result) => deliver(context, viewer, result, response))
      .catch(() => response.destroy())
      .then(() => {
        context.traces.record({
          id: viewer.id,
          at: begun,
          durationMs: context.clock.now() - begun,
          caller: "anonymous",
          service: "cloudfront",
          operation: `${viewer.method} ${viewer.path}`,
          resource: distribution.arn,
          status: response.statusCode,
          decisions: [],
        });
      });
  };
}

function readViewer(context: CloudContext, request: IncomingMessage): ViewerRequest {
  const [path = "/", search = ""] = (request.url ?? "/").split(/\?(.*)/s);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return {
    method: request.method ?? "GET",
    path,
    query: new URLSearchParams(search),
    headers,
    body: request,
    id: context.uniqueId(56),
    sourceIp: request.socket.remoteAddress ?? "127.0.0.1",
  };
}

async function answer(distribution: Distribution, origins: OriginClient, viewer: ViewerRequest): Promise<Answer> {
  const first = await fetchAnswer(distribution, origins, viewer);
  const custom = distribution.customErrors.find(({ errorCode }) => errorCode === first.status);
  return custom ? replaceError(distribution, origins, viewer, first, custom) : first;
}

async function fetchAnswer(distribution: Distribution, origins: OriginClient, viewer: ViewerRequest): Promise<Answer> {
  const behavior = findBehavior(distribution, viewer.path);
  if (viewer.path.length > pathLimit) return ownError(behavior, viewer, 414, "The request URI is too long.");
  if (!behavior.allowedMethods.includes(viewer.method)) {
    const reason =
      "This distribution is not configured to allow the HTTP request method that was used for this request. " +
      (behavior.allowedMethods.length <= 3 ? "The distribution supports only cachable requests." : "");
    return ownError(behavior, viewer, 403, reason);
  }
  const root = viewer.path === "/" && distribution.defaultRootObject !== "";
  const path = root ? `/${distribution.defaultRootObject}` : viewer.path;
  try {
    const response = await origins.fetch(behavior, { ...viewer, path });
    return { status: response.statusCode ?? 502, headers: headersOf(response), body: response, behavior };
  } catch (error) {
    if (error instanceof ForeignHostError) return forbidden(behavior);
    if (!(error instanceof OriginUnreachableError)) throw error;
    return ownError(behavior, viewer, 502, `CloudFront wasn't able to connect to the origin: ${error.message}.`);
  }
}

function findBehavior(distribution: Distribution, path: string): Behavior {
  const found = distribution.behaviors.find(
    ({ pathPattern }) => pathPattern === undefined || matchesPath(pathPattern, path),
  );
  if (!found) throw new Error("a distribution has a default behaviour");
  return found;
}

/** The custom page; the original error when the page itself cannot be had. */
async function replaceError(
  distribution: Distribution,
  origins: OriginClient,
  viewer: ViewerRequest,
  original: Answer,
  custom: CustomError,
): Promise<Answer> {
  if (custom.pagePath === undefined) return { ...original, status: custom.responseCode ?? original.status };
  const { body: _, ...rest } = viewer;
  const page = await fetchAnswer(distribution, origins, {
    ...rest,
    method: viewer.method === "HEAD" ? "HEAD" : "GET",
    path: custom.pagePath,
    query: new URLSearchParams(),
    headers: {},
  });
  if (page.status !== 200) {
    discard(page);
    return original;
  }
  discard(original);
  return { ...page, status: custom.responseCode ?? original.status, behavior: original.behavior };
}

function discard({ body }: Answer): void {
  if (typeof body !== "string") body.resume();
}

/** The answer of API Gateway and of function URLs to a host that they do not know. */
function forbidden(behavior: Behavior): Answer {
  const body = JSON.stringify({ message: "Forbidden" });
  const headers = { "content-type": "application/json", "content-length": String(body.length) };
  return { status: 403, headers, body, behavior };
}

function ownError(behavior: Behavior, viewer: ViewerRequest, status: number, reason: string): Answer {
  const page = `<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN" "http://www.w3.org/TR/html4/loose.dtd">
<HTML><HEAD><META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=iso-8859-1">
<TITLE>ERROR: The request could not be satisfied</TITLE></HEAD><BODY><H1>${status} ERROR</H1>
<H2>The request could not be satisfied.</H2><HR noshade size="1px">${escape(reason)}
<PRE>Generated by cloudfront (CloudFront)\nRequest ID: ${viewer.id}</PRE></BODY></HTML>`;
  const headers = {
    server: "CloudFront",
    "content-type": "text/html",
    "content-length": String(Buffer.byteLength(page)),
    "x-cache": "Error from cloudfront",
  };
  return { status, headers, body: page, behavior };
}

function headersOf(response: IncomingMessage): Record<string, string | readonly string[]> {
  const headers: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined && !hopByHop.has(name)) headers[name] = value;
  }
  return headers;
}

function deliver(
  context: CloudContext,
  viewer: ViewerRequest,
  result: Answer,
  response: ServerResponse,
): Promise<void> {
  const { behavior, status, body } = result;
  const error = status >= 400;
  let headers: Record<string, string | readonly string[]> = {
    "x-cache": error ? "Error from cloudfront" : "Miss from cloudfront",
    ...result.headers,
    via: "1.1 cloudfront.local (CloudFront)",
    "x-amz-cf-pop": "LOCAL1-P1",
    "x-amz-cf-id": viewer.id,
    date: new Date(context.clock.now()).toUTCString(),
  };
  if (behavior.responseHeaders)
    headers = applyResponseHeaders(behavior.responseHeaders, headers, viewer.headers.origin);
  const encoding = chooseEncoding(behavior, viewer.headers["accept-encoding"], status, headers);
  if (encoding) {
    delete headers["content-length"];
    headers = { ...headers, "content-encoding": encoding, vary: "Accept-Encoding" };
    if (typeof headers.etag === "string" && !headers.etag.startsWith("W/")) headers.etag = `W/${headers.etag}`;
  }
  response.writeHead(status, headers as Record<string, string | string[]>);
  return new Promise((resolve) => {
    if (typeof body === "string") {
      response.end(viewer.method === "HEAD" ? undefined : body, resolve);
      return;
    }
    const done = (): void => resolve();
    if (encoding && viewer.method !== "HEAD") pipeline(body, createCompressor(encoding), response, done);
    else pipeline(body, response, done);
  });
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
