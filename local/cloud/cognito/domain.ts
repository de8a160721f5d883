// A user pool domain: the listener with the sign-in page and the OAuth 2.0 endpoints.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { CloudContext } from "../core/service";
import { checkAuthorization, RedirectedError, requireClient } from "./authorize";
import { OAuthError, PageError, redirect, sendErrorPage, sendJson } from "./http";
import { createOidcServer } from "./oidc";
import type { OidcServer } from "./oidc";
import type { Pool } from "./pool";
import type { RefreshTokens } from "./refresh-tokens";
import { answerSignIn } from "./sign-in";
import type { SignIn } from "./sign-in";
import { answerRevoke, answerToken, answerUserInfo } from "./token-endpoint";
import type { TokenEndpoints } from "./token-endpoint";

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Endpoints that browsers call from another origin. */
const crossOrigin = new Set(["/oauth2/token", "/oauth2/revoke", "/oauth2/userInfo"]);

/** Request handler of a pool's domain. */
export function createDomainHandler(
  context: CloudContext,
  pool: Pool,
  refreshTokens: RefreshTokens,
): (request: IncomingMessage, response: ServerResponse) => void {
  const oidc = oidcOf(context, pool);
  const routes = createRoutes(
    { clock: context.clock, pool, refreshTokens, oidc },
    { clock: context.clock, pool, pending: new Map(), oidc },
  );
  return (request, response) => {
    const begun = context.clock.now();
    const path = pathOf(request);
    void answer(routes, path, request, response)
      .catch((error: unknown) => refuse(response, error))
      .then((code) =>
        trace(
          context,
          pool,
          `${request.method} ${path.replace(/^(\/login|\/oauth2\/authorize)\/.*/, "$1")}`,
          begun,
          response,
          code,
        ),
      );
  };
}

/** The authorization server of the pool; a new one when scopes were added since the last use. */
function oidcOf(context: CloudContext, pool: Pool): () => Promise<OidcServer> {
  let current: { readonly scopes: string; readonly server: Promise<OidcServer> } | undefined;
  return () => {
    const scopes = JSON.stringify([...pool.customScopes]);
    if (current?.scopes !== scopes) current = { scopes, server: createOidcServer(context.clock, pool) };
    return current.server;
  };
}

function createRoutes(endpoints: TokenEndpoints, signIn: SignIn): ReadonlyMap<string, Handler> {
  const { pool } = endpoints;
  return new Map<string, Handler>([
    ["GET /oauth2/authorize", (request, response) => authorize(endpoints, request, response)],
    ["GET /login", async (request, response) => redirect(response, `/oauth2/authorize${searchOf(request)}`)],
    ["GET /login/", (request, response) => answerSignIn(signIn, request, response)],
    ["POST /login/", (request, response) => answerSignIn(signIn, request, response)],
    ["POST /oauth2/token", async (request, response) => sendJson(response, 200, await answerToken(endpoints, request))],
    [
      "GET /oauth2/userInfo",
      async (request, response) => sendJson(response, 200, await answerUserInfo(endpoints, request)),
    ],
    [
      "POST /oauth2/userInfo",
      async (request, response) => sendJson(response, 200, await answerUserInfo(endpoints, request)),
    ],
    [
      "POST /oauth2/revoke",
      async (request, response) => {
        await answerRevoke(endpoints, request);
        response.writeHead(200, { "content-length": "0" }).end();
      },
    ],
    ["GET /logout", (request, response) => signOut(endpoints, pool, request, response)],
  ]);
}

async function answer(
  routes: ReadonlyMap<string, Handler>,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<string | undefined> {
  if (crossOrigin.has(path)) {
    response.setHeader("access-control-allow-origin", "*");
    if (request.method === "OPTIONS") {
      response.setHeader("access-control-allow-headers", "Authorization, Content-Type");
      response.setHeader("access-control-allow-methods", "GET, POST");
      response.writeHead(204).end();
      return undefined;
    }
  }
  const route = path.startsWith("/login/")
    ? "/login/"
    : path.startsWith("/oauth2/authorize/")
      ? "/oauth2/authorize"
      : path;
  const handler = routes.get(`${request.method} ${route}`);
  if (!handler) throw new PageError("not_found", `There is no ${request.method} ${path} on a user pool domain.`, 404);
  await handler(request, response);
  return undefined;
}

async function authorize(endpoints: TokenEndpoints, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const server = await endpoints.oidc();
  if (pathOf(request) === "/oauth2/authorize") {
    const { query } = checkAuthorization(endpoints.pool, new URLSearchParams(searchOf(request)));
    request.url = `/oauth2/authorize?${query.toString()}`;
  }
  await server.handle(request, response);
}

async function signOut(
  endpoints: TokenEndpoints,
  pool: Pool,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const query = new URLSearchParams(searchOf(request));
  const client = requireClient(pool, query.get("client_id"));
  const target = query.get("logout_uri");
  if (target === null) {
    // Sign out and sign in again: same parameters as /oauth2/authorize.
    checkAuthorization(pool, query);
  } else if (!client.logoutUrls.includes(target)) {
    throw new PageError(
      "redirect_mismatch",
      `The logout_uri is not one of the sign-out URLs of the app client ${client.name}.`,
    );
  }
  const { provider } = await endpoints.oidc();
  const session = await provider.Session.get(provider.createContext(request, response));
  await session.destroy();
  redirect(response, target ?? `/oauth2/authorize?${query.toString()}`);
}

/** Answers a refusal and returns its code for the trace. */
function refuse(response: ServerResponse, error: unknown): string {
  if (error instanceof RedirectedError) {
    redirect(response, error.location());
    return error.code;
  }
  if (error instanceof PageError) {
    sendErrorPage(response, error);
    return error.code;
  }
  if (error instanceof OAuthError) {
    if (error.statusCode === 401) response.setHeader("www-authenticate", `Bearer error="${error.code}"`);
    const description = error.description === undefined ? {} : { error_description: error.description };
    sendJson(response, error.statusCode, { error: error.code, ...description });
    return error.code;
  }
  if (response.headersSent) response.destroy();
  else sendJson(response, 500, { error: "server_error" });
  return "server_error";
}

function trace(
  context: CloudContext,
  pool: Pool,
  operation: string,
  begun: number,
  response: ServerResponse,
  errorCode: string | undefined,
): void {
  context.traces.record({
    id: context.uniqueId(20),
    at: begun,
    durationMs: context.clock.now() - begun,
    caller: "anonymous",
    service: "cognito-idp",
    operation,
    resource: pool.arn,
    status: response.statusCode,
    ...(errorCode === undefined ? {} : { errorCode }),
    decisions: [],
  });
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "/").split("?", 1)[0] ?? "/";
}

function searchOf(request: IncomingMessage): string {
  const url = request.url ?? "/";
  const start = url.indexOf("?");
  return start === -1 ? "" : url.slice(start);
}
