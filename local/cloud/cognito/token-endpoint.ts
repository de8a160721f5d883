// /oauth2/token, /oauth2/revoke and /oauth2/userInfo, with Cognito's answers.
import { createHash, randomUUID, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Clock } from "../core/clock";
import { AwsError } from "../core/errors";
import { OAuthError, readForm } from "./http";
import type { OidcServer } from "./oidc";
import type { Pool, PoolClient } from "./pool";
import type { RefreshTokens } from "./refresh-tokens";
import { idClaims, mintTokens, verifyToken } from "./tokens";
import type { Authentication } from "./tokens";

/** What the endpoints need. */
export interface TokenEndpoints {
  readonly clock: Clock;
  readonly pool: Pool;
  readonly refreshTokens: RefreshTokens;
  oidc(): Promise<OidcServer>;
}

type Form = Readonly<Record<string, string>>;

/** Answers a token request. @throws OAuthError. */
export async function answerToken(
  endpoints: TokenEndpoints,
  request: IncomingMessage,
): Promise<Record<string, unknown>> {
  const form = await readForm(request);
  const client = authenticateClient(endpoints.pool, request, form);
  switch (form.grant_type) {
    case "authorization_code":
      return redeemCode(endpoints, client, form);
    case "refresh_token":
      return refresh(endpoints, client, form);
    case "client_credentials":
      throw new OAuthError("unsupported_grant_type", 501, "client_credentials is not simulated by the local run");
    case undefined:
      throw new OAuthError("invalid_request");
    default:
      throw new OAuthError("unsupported_grant_type");
  }
}

/** Revokes a refresh token. Unknown tokens are answered alike. @throws OAuthError. */
export async function answerRevoke({ pool, refreshTokens }: TokenEndpoints, request: IncomingMessage): Promise<void> {
  const form = await readForm(request);
  const client = authenticateClient(pool, request, form);
  const token = form.token;
  if (token === undefined) throw new OAuthError("invalid_request");
  if (!client.tokenRevocation) throw new OAuthError("invalid_request", 400, "Token revocation is disabled");
  if (token.split(".").length === 3) throw new OAuthError("unsupported_token_type");
  refreshTokens.revoke(pool, client, token);
}

/** Claims of the user behind an access token. @throws OAuthError invalid_token (401). */
export async function answerUserInfo(
  { clock, pool }: TokenEndpoints,
  request: IncomingMessage,
): Promise<Record<string, unknown>> {
  const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  const claims = token === undefined ? undefined : await verifyToken(clock, pool, token).catch(() => undefined);
  const user = pool.users.get(String(claims?.sub));
  const scopes = String(claims?.scope ?? "").split(" ");
  if (claims?.token_use !== "access" || !user || !scopes.includes("openid")) {
    throw new OAuthError(
      "invalid_token",
      401,
      "Access token is expired, disabled, or deleted, or the user has globally signed out.",
    );
  }
  const attributes = Object.fromEntries(Object.entries(idClaims(user)).map(([name, value]) => [name, String(value)]));
  return { sub: user.sub, ...attributes, username: user.username };
}

async function redeemCode(endpoints: TokenEndpoints, client: PoolClient, form: Form): Promise<Record<string, unknown>> {
  const { clock, pool } = endpoints;
  if (!client.oauthFlows.includes("code")) throw new OAuthError("unauthorized_client");
  if (form.code === undefined || form.redirect_uri === undefined) throw new OAuthError("invalid_request");
  const { code, redirect_uri, code_verifier } = form;
  const oidc = await endpoints.oidc();
  const redeemed = await oidc.redeem({
    grant_type: "authorization_code",
    client_id: client.id,
    code,
    redirect_uri,
    ...(code_verifier === undefined ? {} : { code_verifier }),
  });
  const user = redeemed && pool.users.get(redeemed.sub);
  if (!redeemed || !user?.enabled) throw new OAuthError("invalid_grant");
  const authentication: Authentication = {
    user,
    client,
    scopes: redeemed.scopes,
    authTime: redeemed.authTime ?? Math.floor(clock.now() / 1000),
    origin: randomUUID(),
    ...(redeemed.nonce === undefined ? {} : { nonce: redeemed.nonce }),
  };
  return tokenResponse(endpoints, authentication, endpoints.refreshTokens.issue(pool, authentication));
}

async function refresh(endpoints: TokenEndpoints, client: PoolClient, form: Form): Promise<Record<string, unknown>> {
  const token = form.refresh_token;
  if (token === undefined) throw new OAuthError("invalid_request");
  try {
    const { authentication, refreshToken } = endpoints.refreshTokens.refresh(endpoints.pool, client, token);
    return await tokenResponse(endpoints, authentication, refreshToken);
  } catch (error) {
    if (error instanceof AwsError) throw new OAuthError("invalid_grant");
    throw error;
  }
}

async function tokenResponse(
  { clock, pool }: TokenEndpoints,
  authentication: Authentication,
  refreshToken: string | undefined,
): Promise<Record<string, unknown>> {
  const tokens = await mintTokens(clock, pool, authentication);
  return {
    ...(authentication.scopes.includes("openid") ? { id_token: tokens.idToken } : {}),
    access_token: tokens.accessToken,
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
    expires_in: tokens.expiresIn,
    token_type: "Bearer",
  };
}

/** The client that makes the request. Its secret comes in the Authorization header or in the form. */
function authenticateClient(pool: Pool, request: IncomingMessage, form: Form): PoolClient {
  const basic = /^Basic (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  const [basicId, ...rest] = basic === undefined ? [] : Buffer.from(basic, "base64").toString("utf8").split(":");
  const id = form.client_id ?? basicId;
  if (id === undefined) throw new OAuthError("invalid_request");
  const client = pool.clients.get(id);
  const secret = basic === undefined ? form.client_secret : rest.join(":");
  if (!client || (basicId !== undefined && basicId !== id)) throw new OAuthError("invalid_client");
  if (client.secret === undefined ? secret !== undefined && secret !== "" : !equal(client.secret, secret ?? "")) {
    throw new OAuthError("invalid_client");
  }
  return client;
}

function equal(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
