// Proves that the sign-in page and the OAuth 2.0 endpoints of a user pool admit what Cognito admits and refuse what it refuses, over
// real HTTP; aws-jwt-verify is the judge of the tokens. It does not prove the look of the page.
import assert from "node:assert/strict";
import { CognitoJwtVerifier } from "aws-jwt-verify";
import type { Jwks } from "aws-jwt-verify/jwk";
import { BrowserSession } from "../../../support/browser-session";
import { callJson } from "../../../support/cloud-context";
import {
  authorizeUrl,
  callbackUrl,
  newPkce,
  postForm,
  redeem,
  signedOutUrl,
  signIn,
  startUserPool,
} from "../../../support/user-pool";
import type { UserPoolFixture } from "../../../support/user-pool";

describe("sign-in with a user pool", () => {
  let fixture: UserPoolFixture;
  before(async () => {
    fixture = await startUserPool({ scopes: ["upload"] });
  });
  after(() => fixture.stop());

  async function fetchKeys(): Promise<Jwks> {
    const url = `https://cognito-idp.eu-west-1.amazonaws.com/${fixture.poolId}/.well-known/jwks.json`;
    return (await (await fetch(fixture.context.hosts.localise(url))).json()) as Jwks;
  }

  it("F8: issues tokens that the production verifier accepts, with Cognito's claims", async () => {
    const { verifier, challenge } = newPkce();
    const pkce = { code_challenge: challenge, code_challenge_method: "S256" };
    const callback = await signIn(fixture, { ...pkce, nonce: "nonce-1", scope: "openid email media/upload" });

    const { status, body } = await redeem(fixture, callback, { code_verifier: verifier });

    assert.equal(status, 200);
    assert.equal(callback.searchParams.get("state"), "state-1");
    assert.deepEqual([...callback.searchParams.keys()].sort(), ["code", "state"]);
    const keys = await fetchKeys();
    const verify = async (tokenUse: "id" | "access", token: string) => {
      const judge = CognitoJwtVerifier.create({ userPoolId: fixture.poolId, tokenUse, clientId: fixture.clientId });
      judge.cacheJwks(keys);
      return judge.verify(token);
    };
    const id = await verify("id", body.id_token ?? "");
    const access = await verify("access", body.access_token ?? "");
    assert.equal(id.email, "demo@example.com");
    assert.equal(id.email_verified, true);
    assert.equal(id.nonce, "nonce-1");
    assert.equal(id["cognito:username"], id.sub);
    assert.equal(id.origin_jti, access.origin_jti);
    assert.equal(access.aud, undefined);
    assert.equal(access.scope, "openid email media/upload");
    assert.equal(access.username, id.sub);
    assert.equal(access.exp - access.iat, 3600);
  });

  it("serves discovery documents that point to the local endpoints and name AWS's issuer", async () => {
    const issuer = `https://cognito-idp.eu-west-1.amazonaws.com/${fixture.poolId}`;
    const url = fixture.context.hosts.localise(`${issuer}/.well-known/openid-configuration`);

    const document = (await (await fetch(url)).json()) as Record<string, string>;

    assert.equal(document.issuer, issuer);
    assert.equal(document.token_endpoint, `${fixture.origin}/oauth2/token`);
    assert.equal((await fetch(document.jwks_uri ?? "")).status, 200);
    assert.equal((await fetch(url.replace(fixture.poolId, "eu-west-1_other"))).status, 404);
  });

  it("rejects a code that comes back a second time", async () => {
    const callback = await signIn(fixture);
    assert.equal((await redeem(fixture, callback)).status, 200);

    const second = await redeem(fixture, callback);

    assert.deepEqual([second.status, second.body], [400, { error: "invalid_grant" }]);
  });

  it("rejects a code without its verifier, with a wrong verifier, and with another redirect URI", async () => {
    const { verifier, challenge } = newPkce();
    const pkce = { code_challenge: challenge, code_challenge_method: "S256" };
    const wrong = [{}, { code_verifier: newPkce().verifier }, { code_verifier: verifier, redirect_uri: signedOutUrl }];

    for (const changes of wrong) {
      const callback = await signIn(fixture, pkce);
      const answer = await redeem(fixture, callback, changes);
      assert.deepEqual([answer.status, answer.body], [400, { error: "invalid_grant" }]);
    }
  });

  it("rejects a code after five minutes", async () => {
    const callback = await signIn(fixture);
    await fixture.context.clock.advance(301_000);

    const answer = await redeem(fixture, callback);

    assert.deepEqual([answer.status, answer.body], [400, { error: "invalid_grant" }]);
  });

  it("rejects redirect URIs that are not equal to the letter, on a page instead of by redirect", async () => {
    for (const uri of [
      `${callbackUrl}/`,
      `${callbackUrl}?x=1`,
      "http://127.0.0.1:10/callback",
      "https://evil.example/callback",
    ]) {
      const response = await new BrowserSession().visit(authorizeUrl(fixture, { redirect_uri: uri }));

      assert.equal(response.status, 400, uri);
      assert.equal(response.headers.get("location"), null);
      assert.match(await response.text(), /redirect_mismatch/);
    }
  });

  it("rejects unknown clients and repeated parameters on a page", async () => {
    const urls = [authorizeUrl(fixture, { client_id: "nobody" }), `${authorizeUrl(fixture)}&scope=openid`];

    for (const url of urls) assert.equal((await new BrowserSession().visit(url)).status, 400);
  });

  it("rejects scopes, response types and challenge methods by redirecting with an error", async () => {
    const cases: readonly (readonly [Record<string, string | undefined>, string, string | null])[] = [
      [{ scope: "openid phone" }, "invalid_request", "invalid_scope"],
      [{ scope: "openid other/scope" }, "invalid_request", "invalid_scope"],
      [{ response_type: "token" }, "unauthorized_client", null],
      [{ response_type: undefined }, "invalid_request", "response_type is required"],
      [
        { code_challenge: "abc", code_challenge_method: "plain" },
        "invalid_request",
        "code_challenge_method must be S256",
      ],
      [{ code_challenge: "abc" }, "invalid_request", "code_challenge and code_challenge_method go together"],
    ];

    for (const [changes, error, description] of cases) {
      const response = await new BrowserSession().visit(authorizeUrl(fixture, changes));
      const location = new URL(response.headers.get("location") ?? "");
      assert.equal(response.status, 302);
      assert.equal(location.origin + location.pathname, callbackUrl);
      assert.equal(location.searchParams.get("error"), error);
      assert.equal(location.searchParams.get("error_description"), description);
      assert.equal(location.searchParams.get("state"), "state-1");
      assert.equal(location.searchParams.get("code"), null);
    }
  });

  it("rejects a wrong password and an unknown user with the same page", async () => {
    const attempts = [
      { username: fixture.demo.username, password: "Wrong-password-1" },
      { username: "nobody@example.com", password: "Wrong-password-1" },
    ];
    const pages = await Promise.all(
      attempts.map(async (attempt) => {
        const browser = new BrowserSession();
        const page = await browser.follow(authorizeUrl(fixture), callbackUrl);
        const response = await browser.visit(page.url, attempt);
        assert.equal(response.status, 401);
        return (await response.text()).replaceAll(/nonce="[^"]*"|\/login\/[\w-]+|value="[^"]*"/g, "");
      }),
    );

    assert.match(pages[0] ?? "", /Incorrect username or password\./);
    assert.equal(pages[0], pages[1]);
  });

  it("escapes what comes from the request, and forbids scripts and framing", async () => {
    const url = authorizeUrl(fixture, { login_hint: `"><script>alert(1)</script>` });
    const page = await new BrowserSession().follow(url, callbackUrl);

    assert.doesNotMatch((await page.response?.text()) ?? "", /<script/);
    assert.match(
      page.response?.headers.get("content-security-policy") ?? "",
      /default-src 'none'.*frame-ancestors 'none'/,
    );
  });

  it("rejects a sign-in form that no authorization request began", async () => {
    const response = await new BrowserSession().visit(`${fixture.origin}/login/made-up`, {
      username: "a",
      password: "b",
    });

    assert.equal(response.status, 400);
  });

  it("remembers the person until they sign out", async () => {
    const browser = new BrowserSession();
    await signIn(fixture, {}, browser);
    const again = await browser.follow(authorizeUrl(fixture), callbackUrl);
    assert.equal(again.response, undefined);

    const query = new URLSearchParams({ client_id: fixture.clientId, logout_uri: signedOutUrl }).toString();
    const signedOut = await browser.visit(`${fixture.origin}/logout?${query}`);

    assert.equal(signedOut.headers.get("location"), signedOutUrl);
    const after = await browser.follow(authorizeUrl(fixture), callbackUrl);
    assert.equal(after.response?.status, 200);
  });

  it("forgets the person after an hour", async () => {
    const browser = new BrowserSession();
    await signIn(fixture, {}, browser);

    await fixture.context.clock.advance(3_601_000);

    assert.equal((await browser.follow(authorizeUrl(fixture), callbackUrl)).response?.status, 200);
  });

  it("rejects a logout URI that the client does not list", async () => {
    const query = new URLSearchParams({ client_id: fixture.clientId, logout_uri: "https://evil.example/" }).toString();

    const response = await new BrowserSession().visit(`${fixture.origin}/logout?${query}`);

    assert.equal(response.status, 400);
    assert.equal(response.headers.get("location"), null);
  });

  it("answers userInfo for an access token, and rejects ID tokens and expired ones", async () => {
    const { body } = await redeem(fixture, await signIn(fixture));
    const ask = (token: string) =>
      fetch(`${fixture.origin}/oauth2/userInfo`, { headers: { authorization: `Bearer ${token}` } });

    const answer = await ask(body.access_token ?? "");
    assert.deepEqual(
      [answer.status, ((await answer.json()) as Record<string, string>).email],
      [200, "demo@example.com"],
    );
    assert.equal((await ask(body.id_token ?? "")).status, 401);
    await fixture.context.clock.advance(3_601_000);
    assert.equal((await ask(body.access_token ?? "")).status, 401);
  });

  it("lets pages of other origins call the token endpoint", async () => {
    const preflight = await fetch(`${fixture.origin}/oauth2/token`, { method: "OPTIONS" });

    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get("access-control-allow-origin"), "*");
    const answer = await postForm(fixture, "/oauth2/token", { client_id: fixture.clientId, grant_type: "password" });
    assert.equal(answer.headers.get("access-control-allow-origin"), "*");
    assert.deepEqual([answer.status, answer.body], [400, { error: "unsupported_grant_type" }]);
  });

  it("keeps codes, tokens and passwords out of the traces", async () => {
    const { body } = await redeem(fixture, await signIn(fixture));

    const traces = JSON.stringify(fixture.context.traces.recent());

    for (const secret of [body.refresh_token, body.id_token, fixture.demo.password]) {
      assert.equal(traces.includes(secret ?? "missing"), false);
    }
    assert.match(traces, /POST \/oauth2\/token/);
  });
});

describe("refresh tokens", () => {
  it("F21: renew tokens without a new refresh token, until they are revoked", async () => {
    const fixture = await startUserPool();
    const { body } = await redeem(fixture, await signIn(fixture));
    const form = { client_id: fixture.clientId, refresh_token: body.refresh_token ?? "" };

    const renewed = await postForm(fixture, "/oauth2/token", { grant_type: "refresh_token", ...form });
    assert.deepEqual(Object.keys(renewed.body).sort(), ["access_token", "expires_in", "id_token", "token_type"]);
    const revoked = await postForm(fixture, "/oauth2/revoke", {
      client_id: fixture.clientId,
      token: form.refresh_token,
    });
    assert.equal(revoked.status, 200);

    const refused = await postForm(fixture, "/oauth2/token", { grant_type: "refresh_token", ...form });
    assert.deepEqual([refused.status, refused.body], [400, { error: "invalid_grant" }]);
    await fixture.stop();
  });

  it("F21: rotate where the client says so: the old one ends after the grace period", async () => {
    const client = {
      explicitAuthFlows: ["ALLOW_USER_SRP_AUTH"],
      refreshTokenRotation: { feature: "ENABLED", retryGracePeriodSeconds: 10 },
    };
    const fixture = await startUserPool({ client });
    const { body } = await redeem(fixture, await signIn(fixture));
    const refresh = (token: string | undefined) =>
      postForm(fixture, "/oauth2/token", {
        grant_type: "refresh_token",
        client_id: fixture.clientId,
        refresh_token: token ?? "",
      });

    const first = await refresh(body.refresh_token);
    assert.notEqual(first.body.refresh_token, body.refresh_token);
    assert.equal((await refresh(body.refresh_token)).status, 200);
    await fixture.context.clock.advance(10_001);

    assert.deepEqual((await refresh(body.refresh_token)).body, { error: "invalid_grant" });
    assert.equal((await refresh(first.body.refresh_token)).status, 200);
    await fixture.stop();
  });

  it("rejects expired refresh tokens and those of another client", async () => {
    const units = { refreshToken: "hours" };
    const fixture = await startUserPool({ client: { refreshTokenValidity: 1, tokenValidityUnits: units } });
    const other = await startUserPool();
    const { body } = await redeem(fixture, await signIn(fixture));
    const form = { grant_type: "refresh_token", refresh_token: body.refresh_token ?? "" };

    assert.equal((await postForm(other, "/oauth2/token", { ...form, client_id: other.clientId })).status, 400);
    await fixture.context.clock.advance(3_600_000);

    assert.equal((await postForm(fixture, "/oauth2/token", { ...form, client_id: fixture.clientId })).status, 400);
    await fixture.stop();
    await other.stop();
  });
});

describe("confidential clients", () => {
  it("prove their secret in the header or in the form; anything else is rejected", async () => {
    const fixture = await startUserPool({ client: { generateSecret: true } });
    const basic = (secret: string) => ({
      authorization: `Basic ${Buffer.from(`${fixture.clientId}:${secret}`).toString("base64")}`,
    });
    const exchange = async (form: Record<string, string>, headers: Record<string, string>) => {
      const code = (await signIn(fixture)).searchParams.get("code") ?? "";
      const grant = { grant_type: "authorization_code", code, redirect_uri: callbackUrl };
      return postForm(fixture, "/oauth2/token", { ...grant, client_id: fixture.clientId, ...form }, headers);
    };

    assert.equal((await exchange({}, basic(fixture.clientSecret))).status, 200);
    assert.equal((await exchange({ client_secret: fixture.clientSecret }, {})).status, 200);
    for (const answer of [
      await exchange({}, {}),
      await exchange({}, basic("wrong")),
      await exchange({ client_secret: "x" }, {}),
    ]) {
      assert.deepEqual([answer.status, answer.body], [400, { error: "invalid_client" }]);
    }
    await fixture.stop();
  });
});

describe("temporary passwords", () => {
  it("must be replaced on the page, by a password that the policy admits", async () => {
    const fixture = await startUserPool();
    const browser = new BrowserSession();
    const temporary = { username: "new@example.com", password: "Temporary-1" };
    await callJson(fixture.service, "AWSCognitoIdentityProviderService.AdminCreateUser", {
      UserPoolId: fixture.poolId,
      Username: temporary.username,
      TemporaryPassword: temporary.password,
    });
    const page = await browser.follow(authorizeUrl(fixture), callbackUrl);

    const challenge = await browser.visit(page.url, temporary);
    assert.match(await challenge.text(), /Choose a new password/);
    const weak = await browser.visit(page.url, { new_password: "short" });
    assert.match(await weak.text(), /Password did not conform with policy: Password not long enough/);
    const accepted = await browser.visit(page.url, { new_password: "Permanent-1" });
    const end = await browser.follow(accepted.headers.get("location") ?? "", callbackUrl);

    assert.equal((await redeem(fixture, new URL(end.url))).status, 200);
    await fixture.stop();
  });
});
