// Sign-in with OpenID Connect: authorization code with PKCE, state and nonce, as a public client without a secret.
//
// ID and access token live in memory only. The refresh token lives in session storage: it must survive a reload, and session
// storage ends with the tab and is not shared with other tabs. A script that runs in the page could read either; the page's
// content security policy is what keeps such scripts out.

/** Where and as what to sign in. No secrets. */
export interface SessionConfiguration {
  /** Address of the sign-in pages, without a trailing slash. */
  readonly domainUrl: string;
  readonly clientId: string;
  /** This page; must be on the client's list of callback addresses. */
  readonly redirectUri: string;
  /** Where the sign-out ends; must be on the client's list of sign-out addresses. */
  readonly logoutUri: string;
  /** @default ["openid", "email"] */
  readonly scopes?: readonly string[];
}

/** Who is signed in. */
export interface SessionUser {
  readonly subject: string;
  /** Email, user name or subject: whatever there is to show. */
  readonly name: string;
}

/** What a session needs from its page. */
export interface SessionEnvironment {
  readonly fetch: typeof fetch;
  readonly crypto: Pick<typeof crypto, "getRandomValues" | "subtle">;
  readonly storage: {
    getItem(key: string): string | null;
    setItem(key: string, value: string): void;
    removeItem(key: string): void;
  };
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Address of the page. */
  href(): string;
  /** Leaves the page. */
  assign(url: string): void;
  /** Replaces the address without leaving, so that a used code does not stay in it. */
  replace(url: string): void;
}

/** Why a sign-in failed. */
export class SessionError extends Error {
  override readonly name = "SessionError";
}

/** The session of one page. */
export interface Session {
  /** Who is signed in, if anybody. */
  readonly user: SessionUser | undefined;
  /** Takes the code out of the page's address, or renews the last session. Call once when the page starts. */
  restore(): Promise<void>;
  /** Leaves for the sign-in page. */
  signIn(): Promise<void>;
  /** Forgets the tokens and leaves for the sign-out page. */
  signOut(): Promise<void>;
  /**
   * A valid ID token, renewed when it is about to expire.
   * @param renew get a new one even so: the last one was refused
   * @throws SessionError when nobody is signed in (any more)
   */
  idToken(renew?: boolean): Promise<string>;
}

interface TokenAnswer {
  readonly id_token: string;
  readonly refresh_token?: string;
}

interface Attempt {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

type Claims = Readonly<Record<string, unknown>>;

const ATTEMPT_KEY = "session:attempt";
const REFRESH_KEY = "session:refresh";
/** Renew this long before the end, in milliseconds. */
const EARLY_MS = 60_000;

/** Makes a session. It stores nothing and calls nobody until asked. */
export function createSession(configuration: SessionConfiguration, environment: SessionEnvironment): Session {
  const { domainUrl, clientId, redirectUri, logoutUri, scopes = ["openid", "email"] } = configuration;
  const { storage } = environment;
  let token: { readonly value: string; readonly claims: Claims; readonly expiresAt: number } | undefined;
  let renewal: Promise<void> | undefined;

  async function requestTokens(fields: Record<string, string>, nonce?: string): Promise<void> {
    const response = await environment.fetch(`${domainUrl}/oauth2/token`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ client_id: clientId, ...fields }).toString(),
    });
    if (!response.ok) throw new SessionError(`The sign-in service refused with status ${response.status}.`);
    const answer = (await response.json()) as TokenAnswer;
    const claims = readClaims(answer.id_token);
    // The token comes straight from the issuer over TLS, so its signature need not be checked here; the API does check it.
    if (![claims.aud].flat().includes(clientId)) throw new SessionError("The token is meant for another client.");
    if (nonce && claims.nonce !== nonce) throw new SessionError("The token answers another sign-in.");
    // The lifetime counts, not the hour: this device's clock may be off.
    const lifetime = Number(claims.exp) - Number(claims.iat);
    token = { value: answer.id_token, claims, expiresAt: environment.now() + lifetime * 1000 };
    if (answer.refresh_token) storage.setItem(REFRESH_KEY, answer.refresh_token);
  }

  async function redeem(parameters: URLSearchParams, page: URL): Promise<void> {
    const attempt = JSON.parse(storage.getItem(ATTEMPT_KEY) ?? "null") as Attempt | null;
    storage.removeItem(ATTEMPT_KEY);
    page.search = "";
    environment.replace(page.href);
    const refusal = parameters.get("error");
    if (!attempt?.state || attempt.state !== parameters.get("state")) {
      throw new SessionError("This sign-in was not started here; sign in again.");
    }
    if (refusal) throw new SessionError(parameters.get("error_description") ?? refusal);
    const code = parameters.get("code") ?? "";
    await requestTokens(
      { grant_type: "authorization_code", code, redirect_uri: redirectUri, code_verifier: attempt.verifier },
      attempt.nonce,
    );
  }

  function renew(): Promise<void> {
    renewal ??= (async () => {
      const refreshToken = storage.getItem(REFRESH_KEY);
      token = undefined;
      if (!refreshToken) throw new SessionError("Sign in first.");
      try {
        await requestTokens({ grant_type: "refresh_token", refresh_token: refreshToken });
      } catch (error) {
        // Refused, not merely unreachable: the session is over.
        if (error instanceof SessionError) storage.removeItem(REFRESH_KEY);
        throw error;
      }
    })().finally(() => {
      renewal = undefined;
    });
    return renewal;
  }

  function randomText(): string {
    return encode(environment.crypto.getRandomValues(new Uint8Array(32)));
  }

  return {
    get user() {
      const claims = token?.claims;
      if (!claims) return undefined;
      const subject = String(claims.sub);
      return { subject, name: String(claims.email ?? claims["cognito:username"] ?? subject) };
    },
    async restore() {
      const page = new URL(environment.href());
      const parameters = page.searchParams;
      if (parameters.has("state") && (parameters.has("code") || parameters.has("error"))) {
        await redeem(new URLSearchParams(parameters), page);
      } else if (storage.getItem(REFRESH_KEY)) await renew().catch(() => undefined);
    },
    async signIn() {
      const attempt: Attempt = { state: randomText(), nonce: randomText(), verifier: randomText() };
      storage.setItem(ATTEMPT_KEY, JSON.stringify(attempt));
      const digest = await environment.crypto.subtle.digest("SHA-256", new TextEncoder().encode(attempt.verifier));
      const query = new URLSearchParams({
        response_type: "code",
        client_id: clientId,
        redirect_uri: redirectUri,
        scope: scopes.join(" "),
        state: attempt.state,
        nonce: attempt.nonce,
        code_challenge: encode(new Uint8Array(digest)),
        code_challenge_method: "S256",
      });
      environment.assign(`${domainUrl}/oauth2/authorize?${query.toString()}`);
    },
    async signOut() {
      const refreshToken = storage.getItem(REFRESH_KEY);
      token = undefined;
      storage.removeItem(REFRESH_KEY);
      if (refreshToken) {
        // Best effort: a pool may have revocation switched off, and signing out must work offline too.
        await environment
          .fetch(`${domainUrl}/oauth2/revoke`, {
            method: "POST",
            headers: { "content-type": "application/x-www-form-urlencoded" },
            body: new URLSearchParams({ client_id: clientId, token: refreshToken }).toString(),
          })
          .catch(() => undefined);
      }
      const query = new URLSearchParams({ client_id: clientId, logout_uri: logoutUri });
      environment.assign(`${domainUrl}/logout?${query.toString()}`);
    },
    async idToken(refused = false) {
      if (refused || !token || token.expiresAt - environment.now() < EARLY_MS) await renew();
      if (!token) throw new SessionError("Sign in first.");
      return token.value;
    },
  };
}

function encode(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=/g, "");
}

function readClaims(jwt: string): Claims {
  try {
    const text = atob((jwt.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/"));
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as Claims;
  } catch {
    throw new SessionError("The sign-in service sent an unreadable token.");
  }
}
