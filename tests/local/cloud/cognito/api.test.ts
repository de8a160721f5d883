// Proves the cognito-idp API: password sign-in, refresh, admin operations and their permissions. Signatures are the gateway's business.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { callJson } from "../../../support/cloud-context";
import type { JsonAnswer } from "../../../support/cloud-context";
import { redeem, signIn, startUserPool } from "../../../support/user-pool";
import type { UserPoolFixture } from "../../../support/user-pool";

const flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"];

function call(
  fixture: UserPoolFixture,
  operation: string,
  input: Readonly<Record<string, unknown>>,
  caller?: "root" | "anonymous" | "denied",
): Promise<JsonAnswer> {
  return callJson(fixture.service, `AWSCognitoIdentityProviderService.${operation}`, input, caller);
}

function resultOf(answer: JsonAnswer): Record<string, string> {
  return answer.body.AuthenticationResult as Record<string, string>;
}

describe("cognito-idp API", () => {
  let fixture: UserPoolFixture;
  before(async () => {
    fixture = await startUserPool({ client: { explicitAuthFlows: flows } });
  });
  after(() => fixture.stop());

  const initiate = (parameters: Record<string, string>, flow = "USER_PASSWORD_AUTH") =>
    call(
      fixture,
      "InitiateAuth",
      { ClientId: fixture.clientId, AuthFlow: flow, AuthParameters: parameters },
      "anonymous",
    );

  it("signs in with a password, unsigned, and renews with the refresh token", async () => {
    const { username, password } = fixture.demo;

    const first = resultOf(await initiate({ USERNAME: username, PASSWORD: password }));
    const renewed = resultOf(await initiate({ REFRESH_TOKEN: first.RefreshToken ?? "" }, "REFRESH_TOKEN_AUTH"));

    const claims = await fixture.service.verify(renewed.AccessToken ?? "", [fixture.poolArn]);
    assert.equal(claims.scope, "aws.cognito.signin.user.admin");
    assert.equal(renewed.RefreshToken, undefined);
  });

  it("rejects wrong passwords; unknown users get their own error unless the client hides them", async () => {
    const wrong = await initiate({ USERNAME: fixture.demo.username, PASSWORD: "Wrong-1234" });
    const unknown = await initiate({ USERNAME: "nobody@example.com", PASSWORD: "Wrong-1234" });
    const discreet = await startUserPool({
      client: { explicitAuthFlows: flows, preventUserExistenceErrors: "ENABLED" },
    });
    const hidden = await call(discreet, "InitiateAuth", {
      ClientId: discreet.clientId,
      AuthFlow: "USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME: "nobody@example.com", PASSWORD: "Wrong-1234" },
    });

    const incorrect = { __type: "NotAuthorizedException", message: "Incorrect username or password." };
    assert.deepEqual(wrong.body, incorrect);
    assert.deepEqual(unknown.body, { __type: "UserNotFoundException", message: "User does not exist." });
    assert.deepEqual(hidden.body, incorrect);
    await discreet.stop();
  });

  it("rejects flows that the client does not allow", async () => {
    const strict = await startUserPool();
    const input = { ClientId: strict.clientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: {} };

    const answer = await call(strict, "InitiateAuth", input, "anonymous");

    const message = "USER_PASSWORD_AUTH flow not enabled for this client";
    assert.deepEqual([answer.status, answer.body], [400, { __type: "InvalidParameterException", message }]);
    await strict.stop();
  });

  it("rejects clients with a secret that send no hash or a wrong one", async () => {
    const secret = await startUserPool({ client: { explicitAuthFlows: flows, generateSecret: true } });
    const attempt = (hash: Record<string, string>) =>
      call(secret, "InitiateAuth", {
        ClientId: secret.clientId,
        AuthFlow: "USER_PASSWORD_AUTH",
        AuthParameters: { USERNAME: secret.demo.username, PASSWORD: secret.demo.password, ...hash },
      });
    const hmac = createHmac("sha256", secret.clientSecret)
      .update(secret.demo.username + secret.clientId)
      .digest("base64");

    assert.match(String((await attempt({})).body.message), /SECRET_HASH was not received/);
    assert.match(String((await attempt({ SECRET_HASH: "AAAA" })).body.message), /Unable to verify secret hash/);
    assert.equal((await attempt({ SECRET_HASH: hmac })).status, 200);
    await secret.stop();
  });

  it("creates users whose first password must be replaced", async () => {
    const username = "ada@example.com";
    const created = await call(fixture, "AdminCreateUser", {
      UserPoolId: fixture.poolId,
      Username: username,
      TemporaryPassword: "Temporary-1",
      UserAttributes: [{ Name: "custom:tenant", Value: "acme" }],
    });
    assert.equal((created.body.User as Record<string, string>).UserStatus, "FORCE_CHANGE_PASSWORD");

    const challenge = await initiate({ USERNAME: username, PASSWORD: "Temporary-1" });
    assert.equal(challenge.body.ChallengeName, "NEW_PASSWORD_REQUIRED");
    const answer = await call(fixture, "RespondToAuthChallenge", {
      ClientId: fixture.clientId,
      ChallengeName: "NEW_PASSWORD_REQUIRED",
      Session: challenge.body.Session,
      ChallengeResponses: { USERNAME: username, NEW_PASSWORD: "Permanent-1" },
    });

    const claims = await fixture.service.verify(resultOf(answer).IdToken ?? "", [fixture.poolArn]);
    assert.equal(claims["custom:tenant"], "acme");
    assert.equal(claims.email, username);
    const found = await call(fixture, "ListUsers", { UserPoolId: fixture.poolId, Filter: `email = "${username}"` });
    assert.equal((found.body.Users as readonly unknown[]).length, 1);
  });

  it("rejects passwords against the policy, taken names, and names that are no e-mail address", async () => {
    const create = (username: string, password: string) =>
      call(fixture, "AdminCreateUser", { UserPoolId: fixture.poolId, Username: username, TemporaryPassword: password });

    assert.equal((await create("weak@example.com", "weak")).body.__type, "InvalidPasswordException");
    assert.equal((await create(fixture.demo.username, "Password-1")).body.__type, "UsernameExistsException");
    assert.equal((await create("ada", "Password-1")).body.message, "Username should be an email.");
  });

  it("asks IAM for admin operations, on the pool's ARN, and rejects those it does not allow", async () => {
    const operations = ["AdminCreateUser", "AdminSetUserPassword", "AdminGetUser", "AdminInitiateAuth", "ListUsers"];
    for (const operation of operations) {
      const input = { UserPoolId: fixture.poolId, Username: fixture.demo.username, ClientId: fixture.clientId };

      const answer = await call(fixture, operation, input, "denied");

      assert.deepEqual([answer.status, answer.body.__type], [400, "AccessDeniedException"], operation);
      assert.deepEqual(answer.asked, [`cognito-idp:${operation} ${fixture.poolArn}`]);
    }
  });

  it("signs out everywhere: refresh tokens end", async () => {
    const { body } = await redeem(fixture, await signIn(fixture));

    await call(fixture, "GlobalSignOut", { AccessToken: body.access_token }, "anonymous");

    const refused = await initiate({ REFRESH_TOKEN: body.refresh_token ?? "" }, "REFRESH_TOKEN_AUTH");
    assert.deepEqual(refused.body, { __type: "NotAuthorizedException", message: "Invalid Refresh Token" });
  });

  it("rejects operations that are not simulated, by name", async () => {
    const answer = await call(fixture, "SignUp", {}, "anonymous");

    assert.equal(answer.status, 501);
    assert.match(String(answer.body.message), /cognito-idp:SignUp is not simulated/);
  });
});

describe("verification of tokens for other services", () => {
  it("rejects tokens of other pools, altered ones, unsigned ones and expired ones", async () => {
    const fixture = await startUserPool();
    const other = await startUserPool();
    const { idToken } = await fixture.service.issueTokens(fixture.clientId, "grace@example.com");
    const [header = "", payload = "", signature = ""] = idToken.split(".");
    const none = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
    const altered = Buffer.from(JSON.stringify({ ...claims, sub: "someone" })).toString("base64url");

    assert.equal((await fixture.service.verify(idToken, [fixture.poolArn])).email, "grace@example.com");
    await assert.rejects(fixture.service.verify(idToken, [other.poolArn]));
    await assert.rejects(other.service.verify(idToken, [other.poolArn]));
    await assert.rejects(fixture.service.verify([header, altered, signature].join("."), [fixture.poolArn]));
    await assert.rejects(fixture.service.verify([none, payload, ""].join("."), [fixture.poolArn]));
    await assert.rejects(fixture.service.verify("nonsense", [fixture.poolArn]));
    await fixture.context.clock.advance(3_600_000);
    await assert.rejects(fixture.service.verify(idToken, [fixture.poolArn]));
    await Promise.all([fixture.stop(), other.stop()]);
  });
});
