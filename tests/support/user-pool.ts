// A user pool with a client and a domain, and a person who signs in with a browser.
import { createHash, randomBytes } from "node:crypto";
import { VirtualClock } from "../../local/cloud/core/clock";
import type { PropertyMap } from "../../local/cloud/core/resource-model";
import { createCognitoService } from "../../local/cloud/cognito/service";
import type { DemoUser } from "../../local/cloud/cognito/service";
import { BrowserSession } from "./browser-session";
import { createTestContext, declare } from "./cloud-context";
import type { TestContext } from "./cloud-context";

/** Where the application receives its code. Nothing listens there: browsers of these tests stop before it. */
export const callbackUrl = "http://127.0.0.1:9/callback";
/** Where the application shows that the person has signed out. */
export const signedOutUrl = "http://127.0.0.1:9/signed-out";

/** A running pool. */
export interface UserPoolFixture {
  readonly context: TestContext;
  readonly service: ReturnType<typeof createCognitoService>;
  readonly poolId: string;
  readonly poolArn: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly origin: string;
  readonly demo: DemoUser;
  stop(): Promise<void>;
}

/** Starts a pool. @param changes inputs of pool and client that differ from a plain public client. */
export async function startUserPool(
  changes: { readonly pool?: PropertyMap; readonly client?: PropertyMap; readonly scopes?: readonly string[] } = {},
): Promise<UserPoolFixture> {
  // Today, because aws-jwt-verify reads the computer's clock.
  const context = createTestContext({ clock: new VirtualClock(Date.now()) });
  const service = createCognitoService(context);
  const pool = await declare(
    service,
    "aws:cognito/userPool:UserPool",
    { usernameAttributes: ["email"], ...changes.pool },
    "people",
  );
  if (changes.scopes) {
    await declare(service, "aws:cognito/resourceServer:ResourceServer", {
      userPoolId: pool.id,
      identifier: "media",
      name: "Media",
      scopes: changes.scopes.map((scopeName) => ({ scopeName, scopeDescription: scopeName })),
    });
  }
  const client = await declare(
    service,
    "aws:cognito/userPoolClient:UserPoolClient",
    {
      userPoolId: pool.id,
      allowedOauthFlows: ["code"],
      allowedOauthFlowsUserPoolClient: true,
      allowedOauthScopes: ["openid", "email", ...(changes.scopes ?? []).map((scope) => `media/${scope}`)],
      callbackUrls: [callbackUrl],
      logoutUrls: [signedOutUrl],
      ...changes.client,
    },
    "browser",
  );
  await declare(service, "aws:cognito/userPoolDomain:UserPoolDomain", { userPoolId: pool.id, domain: "people" });
  const [demo] = service.demoUsers();
  if (!demo) throw new Error("no demo user");
  return {
    context,
    service,
    poolId: pool.id,
    poolArn: String(pool.outputs.arn),
    clientId: client.id,
    clientSecret: String(client.outputs.clientSecret),
    origin: context.hosts.localise("https://people.auth.eu-west-1.amazoncognito.com"),
    demo,
    stop: async () => {
      await service.stop?.();
      await context.close();
    },
  };
}

/** A PKCE verifier and its challenge. */
export function newPkce(): { readonly verifier: string; readonly challenge: string } {
  const verifier = randomBytes(32).toString("base64url");
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
}

/** URL that begins a sign-in. @param changes parameters that differ; undefined leaves one out. */
export function authorizeUrl(
  fixture: UserPoolFixture,
  changes: Readonly<Record<string, string | undefined>> = {},
): string {
  const parameters = {
    client_id: fixture.clientId,
    response_type: "code",
    redirect_uri: callbackUrl,
    scope: "openid email",
    state: "state-1",
    ...changes,
  };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value);
  return `${fixture.origin}/oauth2/authorize?${query.toString()}`;
}

/** Signs the demo user in and returns the callback URL with its parameters. */
export async function signIn(
  fixture: UserPoolFixture,
  changes: Readonly<Record<string, string | undefined>> = {},
  browser = new BrowserSession(),
  password = fixture.demo.password,
): Promise<URL> {
  const page = await browser.follow(authorizeUrl(fixture, changes), callbackUrl);
  if (!page.response) return new URL(page.url);
  const posted = await browser.visit(page.url, { username: fixture.demo.username, password });
  const end = await browser.follow(posted.headers.get("location") ?? page.url, callbackUrl);
  return new URL(end.url);
}

/** An answer of a token endpoint. */
export interface TokenAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, string>>;
}

/** Posts a form to an endpoint of the domain. */
export async function postForm(
  fixture: UserPoolFixture,
  path: string,
  form: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<TokenAnswer> {
  const response = await fetch(fixture.origin + path, { method: "POST", body: new URLSearchParams(form), headers });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === "" ? {} : (JSON.parse(text) as TokenAnswer["body"]),
  };
}

/** Redeems the code of a callback. */
export function redeem(
  fixture: UserPoolFixture,
  callback: URL,
  changes: Readonly<Record<string, string>> = {},
): Promise<TokenAnswer> {
  return postForm(fixture, "/oauth2/token", {
    grant_type: "authorization_code",
    client_id: fixture.clientId,
    code: callback.searchParams.get("code") ?? "",
    redirect_uri: callbackUrl,
    ...changes,
  });
}
