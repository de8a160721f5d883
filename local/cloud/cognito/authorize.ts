// What Cognito refuses at /oauth2/authorize before anybody signs in, and how.
import { OAuthError, PageError } from "./http";
import type { Pool, PoolClient } from "./pool";

/** An authorization request that Cognito admits. */
export interface AuthorizationRequest {
  readonly client: PoolClient;
  /** The query for the authorization server: known parameters only, scopes filled in. */
  readonly query: URLSearchParams;
}

/** A refusal that the application is told by redirecting to it. */
export class RedirectedError extends OAuthError {
  constructor(
    code: string,
    readonly redirectUri: string,
    readonly state: string | undefined,
    description?: string,
  ) {
    super(code, 302, description);
    this.name = "RedirectedError";
  }

  /** The redirect with `error`, `error_description` and `state`. */
  location(): string {
    const url = new URL(this.redirectUri);
    if (this.description !== undefined) url.searchParams.set("error_description", this.description);
    if (this.state !== undefined) url.searchParams.set("state", this.state);
    url.searchParams.set("error", this.code);
    return url.href;
  }
}

const passedOn = ["state", "nonce", "code_challenge", "code_challenge_method", "prompt", "login_hint"] as const;

/**
 * Checks an authorization request.
 *
 * @throws PageError when client or redirect URI are not known: redirecting would be unsafe.
 * @throws RedirectedError for everything else.
 */
export function checkAuthorization(pool: Pool, query: URLSearchParams): AuthorizationRequest {
  for (const name of new Set(query.keys())) {
    if (query.getAll(name).length > 1) throw new PageError("invalid_request", `The parameter ${name} appears twice.`);
  }
  const client = requireClient(pool, query.get("client_id"));
  const redirectUri = query.get("redirect_uri") ?? client.defaultRedirectUri;
  if (redirectUri === undefined || !client.callbackUrls.includes(redirectUri)) {
    throw new PageError(
      "redirect_mismatch",
      `The redirect_uri is not one of the callback URLs of the app client ${client.name}; they must be equal to the letter.`,
    );
  }
  const state = query.get("state") ?? undefined;
  const refuse = (code: string, description?: string): never => {
    throw new RedirectedError(code, redirectUri, state, description);
  };
  const responseType = query.get("response_type");
  if (responseType === null || responseType === "") refuse("invalid_request", "response_type is required");
  if (responseType === "token") {
    if (client.oauthFlows.includes("implicit"))
      refuse("unsupported_response_type", "implicit flow is not simulated locally");
    refuse("unauthorized_client");
  }
  if (responseType !== "code") refuse("invalid_request", "unsupported response_type");
  if (!client.oauthEnabled || !client.oauthFlows.includes("code")) refuse("unauthorized_client");

  const scopes = (query.get("scope") ?? "").split(" ").filter((scope) => scope !== "");
  if (scopes.some((scope) => !client.oauthScopes.includes(scope))) refuse("invalid_request", "invalid_scope");
  const challenge = query.get("code_challenge");
  const method = query.get("code_challenge_method");
  if (method !== null && method !== "S256") refuse("invalid_request", "code_challenge_method must be S256");
  if ((challenge === null) !== (method === null)) {
    refuse("invalid_request", "code_challenge and code_challenge_method go together");
  }

  const admitted = new URLSearchParams({ client_id: client.id, redirect_uri: redirectUri, response_type: "code" });
  admitted.set("scope", (scopes.length > 0 ? scopes : client.oauthScopes).join(" "));
  for (const name of passedOn) {
    const value = query.get(name);
    if (value !== null) admitted.set(name, value);
  }
  return { client, query: admitted };
}

/** The app client with this id. @throws PageError. */
export function requireClient(pool: Pool, clientId: string | null): PoolClient {
  const client = pool.clients.get(clientId ?? "");
  if (!client)
    throw new PageError("invalid_request", `There is no app client with this client_id in the pool ${pool.name}.`);
  return client;
}
