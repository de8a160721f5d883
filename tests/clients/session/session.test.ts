// Proves sign-in by code and PKCE against a recorded token endpoint: what is sent, what is refused, what is kept where. The
// journey through real sign-in pages is proven by the browser tests.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createSession, type Session, type SessionEnvironment, SessionError } from "../../../clients/session";

const CONFIGURATION = {
  domainUrl: "https://sign-in.example",
  clientId: "client-1",
  redirectUri: "https://app.example/",
  logoutUri: "https://app.example/bye",
};

/** A browser tab: an address, a storage, and a sign-in service that answers with the next token. */
class Tab implements SessionEnvironment {
  address = "https://app.example/";
  time = 0;
  claims: Record<string, unknown> = { aud: "client-1", sub: "u1", email: "maría@example.com", iat: 0, exp: 3600 };
  status = 200;
  readonly requests: { url: string; form: URLSearchParams }[] = [];
  readonly kept = new Map<string, string>();
  readonly crypto = crypto;
  readonly storage = {
    getItem: (key: string): string | null => this.kept.get(key) ?? null,
    setItem: (key: string, value: string): void => void this.kept.set(key, value),
    removeItem: (key: string): void => void this.kept.delete(key),
  };
  now = (): number => this.time;
  href = (): string => this.address;
  assign = (url: string): void => void (this.address = url);
  replace = (url: string): void => void (this.address = url);
  fetch = (url: unknown, init?: { body?: unknown }): Promise<Response> => {
    this.requests.push({ url: String(url), form: new URLSearchParams(String(init?.body)) });
    if (this.status === 0) return Promise.reject(new TypeError("offline"));
    const payload = Buffer.from(JSON.stringify(this.claims)).toString("base64url");
    const body = { id_token: `h.${payload}.${this.requests.length}`, refresh_token: "refresh-1", expires_in: 3600 };
    return Promise.resolve(new Response(JSON.stringify(body), { status: this.status }));
  };

  /** Goes to the sign-in page and comes back with a code. */
  async comeBack(
    session: Session,
    change: (query: URLSearchParams) => void = () => undefined,
  ): Promise<URLSearchParams> {
    await session.signIn();
    const sent = new URL(this.address).searchParams;
    this.claims = { ...this.claims, nonce: sent.get("nonce") };
    const query = new URLSearchParams({ code: "code-1", state: sent.get("state") ?? "" });
    change(query);
    this.address = `https://app.example/?${query.toString()}`;
    return sent;
  }
}

describe("Session", () => {
  let tab: Tab;
  const open = (): Session => createSession(CONFIGURATION, tab);
  beforeEach(() => {
    tab = new Tab();
  });

  it("asks for a code with PKCE, state and nonce, and no secret", async () => {
    const sent = await tab.comeBack(open());

    assert.deepEqual(
      ["response_type", "client_id", "redirect_uri", "scope", "code_challenge_method"].map((name) => sent.get(name)),
      ["code", "client-1", "https://app.example/", "openid email", "S256"],
    );
    assert.ok([...sent.keys()].every((name) => !/secret|verifier/.test(name)));
  });

  it("redeems the code with the verifier that matches the challenge, and cleans the address", async () => {
    const sent = await tab.comeBack(open());
    const session = open();

    await session.restore();

    const { url, form } = tab.requests[0]!;
    const challenge = createHash("sha256").update(form.get("code_verifier")!).digest("base64url");
    assert.equal(url, "https://sign-in.example/oauth2/token");
    assert.equal(challenge, sent.get("code_challenge"));
    assert.equal(form.get("code"), "code-1");
    assert.equal(tab.address, "https://app.example/");
    assert.deepEqual(session.user, { subject: "u1", name: "maría@example.com" });
  });

  it("keeps only the refresh token, and only in the tab's storage", async () => {
    await tab.comeBack(open());
    await open().restore();

    assert.deepEqual([...tab.kept], [["session:refresh", "refresh-1"]]);
  });

  const forged: readonly [what: string, change: (query: URLSearchParams) => void][] = [
    ["a state of another sign-in", (query) => query.set("state", "other")],
    ["a refusal of the sign-in page", (query) => query.set("error", "access_denied")],
  ];
  for (const [what, change] of forged) {
    it(`rejects ${what} without asking for tokens`, async () => {
      await tab.comeBack(open(), change);

      await assert.rejects(open().restore(), SessionError);

      assert.equal(tab.requests.length, 0);
    });
  }

  it("rejects a code when no sign-in was started here", async () => {
    tab.address = "https://app.example/?code=c&state=s";

    await assert.rejects(open().restore(), SessionError);

    assert.equal(tab.requests.length, 0);
  });

  const wrongTokens: readonly [what: string, claims: Record<string, unknown>][] = [
    ["with the nonce of another sign-in", { nonce: "other" }],
    ["for another client", { aud: "client-2" }],
  ];
  for (const [what, claims] of wrongTokens) {
    it(`rejects a token ${what}`, async () => {
      await tab.comeBack(open());
      Object.assign(tab.claims, claims);
      const session = open();

      await assert.rejects(session.restore(), SessionError);

      assert.equal(session.user, undefined);
      assert.equal(tab.kept.size, 0);
    });
  }

  it("renews silently after a reload", async () => {
    tab.kept.set("session:refresh", "refresh-0");
    const session = open();

    await session.restore();

    assert.equal(tab.requests[0]?.form.get("refresh_token"), "refresh-0");
    assert.equal(session.user?.subject, "u1");
  });

  it("gives the same token until a minute before its end, then a new one", async () => {
    tab.kept.set("session:refresh", "refresh-0");
    const session = open();
    await session.restore();

    const first = await session.idToken();
    tab.time = 3_539_000;
    const same = await session.idToken();
    tab.time = 3_541_000;
    const renewed = await session.idToken();

    assert.equal(first, same);
    assert.notEqual(renewed, first);
  });

  it("renews once for many callers whose token was refused", async () => {
    tab.kept.set("session:refresh", "refresh-0");
    const session = open();
    await session.restore();

    const tokens = await Promise.all([session.idToken(true), session.idToken(true)]);

    assert.equal(tokens[0], tokens[1]);
    assert.equal(tab.requests.length, 2);
  });

  it("rejects and forgets the session when the refresh token is refused", async () => {
    tab.kept.set("session:refresh", "refresh-0");
    tab.status = 400;
    const session = open();

    await session.restore();

    assert.equal(session.user, undefined);
    assert.equal(tab.kept.size, 0);
    await assert.rejects(session.idToken(), SessionError);
  });

  it("keeps the refresh token when the sign-in service is merely unreachable", async () => {
    tab.kept.set("session:refresh", "refresh-0");
    tab.status = 0;

    await open().restore();

    assert.equal(tab.kept.get("session:refresh"), "refresh-0");
  });

  it("revokes and forgets everything on sign-out, and leaves for the sign-out page", async () => {
    tab.kept.set("session:refresh", "refresh-0");
    const session = open();
    await session.restore();

    await session.signOut();

    assert.equal(session.user, undefined);
    assert.equal(tab.kept.size, 0);
    assert.equal(tab.requests.at(-1)?.url, "https://sign-in.example/oauth2/revoke");
    assert.equal(
      tab.address,
      "https://sign-in.example/logout?client_id=client-1&logout_uri=https%3A%2F%2Fapp.example%2Fbye",
    );
  });
});
