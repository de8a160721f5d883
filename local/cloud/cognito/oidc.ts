// The certified half of the sign-in page: oidc-provider checks authorization requests, keeps sessions, issues codes and
// redeems them (PKCE, single use, exact redirect). Loaded with the first sign-in only: it costs 0.2 s and 22 MB.
import { randomBytes } from "node:crypto";
import { type IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { AdapterPayload, Configuration, KoaContextWithOIDC, Provider } from "oidc-provider";
import type { Clock } from "../core/clock";
import { createAdapter, OidcStorage } from "./oidc-adapter";
import { standardScopes } from "./pool";
import type { Pool, PoolClient } from "./pool";
import { exportKey } from "./tokens";

/** Cognito's fixed lifetimes, in seconds. */
const codeSeconds = 300;
const sessionSeconds = 3600;
const interactionSeconds = 900;

/** A redeemed authorization code. */
export interface RedeemedCode {
  readonly sub: string;
  readonly scopes: readonly string[];
  /** Seconds since the epoch. */
  readonly authTime: number | undefined;
  readonly nonce: string | undefined;
}

/** A pool's authorization server. */
export interface OidcServer {
  readonly provider: Provider;
  /** Answers `/oauth2/authorize` and its continuation. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Redeems an authorization code; undefined when it or its verifier is wrong. */
  redeem(form: Readonly<Record<string, string>>): Promise<RedeemedCode | undefined>;
}

/** Starts the authorization server of a pool. Scopes are fixed from then on: make a new one when resource servers change. */
export async function createOidcServer(clock: Clock, pool: Pool): Promise<OidcServer> {
  const oidc = await import("oidc-provider");
  const policy = oidc.interactionPolicy.base();
  policy.remove("consent"); // Cognito asks for no consent.
  const provider = new oidc.Provider(pool.issuer, await configure(clock, pool, policy));
  const captures = new WeakMap<IncomingMessage, (context: KoaContextWithOIDC) => void>();
  provider.use(async (context, next) => {
    await next();
    const capture = captures.get(context.req);
    if (capture) {
      capture(context as unknown as KoaContextWithOIDC);
      context.respond = false;
    } else {
      dropIssuerParameter(context);
    }
  });
  const callback = provider.callback();

  async function redeem(form: Readonly<Record<string, string>>): Promise<RedeemedCode | undefined> {
    const request = formRequest("/oauth2/token", form);
    let redeemed: RedeemedCode | undefined;
    captures.set(request, (context) => {
      const code = context.oidc.entities.AuthorizationCode;
      if (context.status !== 200 || !code?.accountId) return;
      redeemed = {
        sub: code.accountId,
        scopes: [...code.scopes],
        authTime: code.authTime,
        nonce: code.nonce,
      };
    });
    await callback(request, new ServerResponse(request));
    return redeemed;
  }

  return { provider, handle: (request, response) => callback(request, response), redeem };
}

async function configure(
  clock: Clock,
  pool: Pool,
  policy: NonNullable<Configuration["interactions"]>["policy"],
): Promise<Configuration> {
  const storage = new OidcStorage(clock);
  const scopes = [...standardScopes, ...[...pool.customScopes.values()].flat()];
  const cookieName = pool.id.replace(/[^A-Za-z0-9]/g, "");
  return {
    adapter: (model) => createAdapter(model, storage, clock, (id) => clientMetadata(pool.clients.get(id))),
    jwks: { keys: [{ ...(await exportKey(pool.key, "privateKey")) }] as NonNullable<Configuration["jwks"]>["keys"] },
    scopes,
    claims: { openid: ["sub"] },
    responseTypes: ["code"],
    pkce: { required: () => false },
    cookies: {
      keys: [randomBytes(32).toString("base64url")],
      // Cookies do not tell ports apart, and every pool answers on 127.0.0.1.
      names: {
        session: `cognito-${cookieName}`,
        interaction: `cognito-${cookieName}-signin`,
        resume: `cognito-${cookieName}-resume`,
      },
    },
    routes: { authorization: "/oauth2/authorize", token: "/oauth2/token" },
    interactions: { policy, url: (_, interaction) => `/login/${interaction.uid}` },
    ttl: {
      AccessToken: 300,
      AuthorizationCode: codeSeconds,
      Grant: codeSeconds + interactionSeconds,
      IdToken: 300,
      Interaction: interactionSeconds,
      Session: sessionSeconds,
    },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      resourceIndicators: { enabled: false },
    },
    issueRefreshToken: () => false,
    findAccount: (_, sub) => (pool.users.has(sub) ? { accountId: sub, claims: () => ({ sub }) } : undefined),
    loadExistingGrant: async (context) => {
      const { client, session, params, provider } = context.oidc;
      const accountId = session?.accountId;
      if (!client || !accountId) return undefined;
      const grant = new provider.Grant({ accountId, clientId: client.clientId });
      grant.addOIDCScope(String(params?.scope ?? ""));
      await grant.save();
      return grant;
    },
    renderError: (context, out) => {
      context.type = "json";
      context.body = { error: out.error };
    },
  };
}

function clientMetadata(client: PoolClient | undefined): AdapterPayload | undefined {
  if (!client) return undefined;
  const native = client.callbackUrls.some((url) => !/^https?:/.test(url));
  return {
    client_id: client.id,
    // Client secrets are checked before, in both of the ways that Cognito accepts.
    token_endpoint_auth_method: "none",
    application_type: native ? "native" : "web",
    redirect_uris: [...client.callbackUrls],
    grant_types: ["authorization_code"],
    response_types: ["code"],
  };
}

/** Cognito's redirects carry no `iss` (RFC 9207). */
function dropIssuerParameter(context: {
  response: { get(name: string): string };
  set(name: string, value: string): void;
}): void {
  const location = context.response.get("location");
  if (!/[?&]iss=/.test(location)) return;
  const url = new URL(location);
  url.searchParams.delete("iss");
  context.set("location", url.href);
}

/** A form post as Node would receive it: the body has been read already, to check the client's secret. */
function formRequest(path: string, form: Readonly<Record<string, string>>): IncomingMessage {
  const body = Buffer.from(new URLSearchParams(form).toString());
  const headers = {
    host: "127.0.0.1",
    "content-type": "application/x-www-form-urlencoded",
    "content-length": String(body.length),
  };
  return Object.assign(Readable.from([body], { objectMode: false }), {
    method: "POST",
    url: path,
    headers,
    socket: {},
  }) as unknown as IncomingMessage;
}
