// Proves which inputs of Cognito resources are refused, as Cognito would, and the outputs that programs build on.
import assert from "node:assert/strict";
import { createCognitoService } from "../../../../local/cloud/cognito/service";
import type { PropertyMap } from "../../../../local/cloud/core/resource-model";
import { createTestContext, declare, problemsOf } from "../../../support/cloud-context";

const poolType = "aws:cognito/userPool:UserPool";
const clientType = "aws:cognito/userPoolClient:UserPoolClient";
const domainType = "aws:cognito/userPoolDomain:UserPoolDomain";
const oauth = {
  userPoolId: "eu-west-1_x",
  allowedOauthFlowsUserPoolClient: true,
  allowedOauthFlows: ["code"],
  allowedOauthScopes: ["openid"],
  callbackUrls: ["https://app.example/callback"],
};

describe("inputs of Cognito resources", () => {
  const service = createCognitoService(createTestContext());
  const cases: readonly (readonly [string, string, PropertyMap, readonly RegExp[]])[] = [
    ["an unknown tier", poolType, { userPoolTier: "GOLD" }, [/^userPoolTier: must be one of/]],
    ["triggers", poolType, { lambdaConfig: { preSignUp: "arn" } }, [/^lambdaConfig: triggers are not simulated/]],
    ["obligatory MFA", poolType, { mfaConfiguration: "ON" }, [/^mfaConfiguration: ON is not simulated/]],
    [
      "aliases beside user names",
      poolType,
      { usernameAttributes: ["email"], aliasAttributes: ["email"] },
      [/^aliasAttributes: /],
    ],
    [
      "short passwords",
      poolType,
      { passwordPolicy: { minimumLength: 5 } },
      [/^passwordPolicy.minimumLength: must be .*6 and 99/],
    ],
    [
      "protection without the tier",
      poolType,
      { userPoolAddOns: { advancedSecurityMode: "ENFORCED" } },
      [/needs userPoolTier PLUS/],
    ],
    [
      "http callbacks",
      clientType,
      { ...oauth, callbackUrls: ["http://app.example/"] },
      [/^callbackUrls: must be https/],
    ],
    [
      "callbacks with a fragment",
      clientType,
      { ...oauth, callbackUrls: ["https://app.example/#x"] },
      [/^callbackUrls: .*fragment/],
    ],
    ["relative logout URLs", clientType, { ...oauth, logoutUrls: ["/bye"] }, [/^logoutUrls: must be absolute/]],
    ["no callbacks", clientType, { ...oauth, callbackUrls: [] }, [/^callbackUrls: needs at least one/]],
    [
      "flows that are off",
      clientType,
      { ...oauth, allowedOauthFlowsUserPoolClient: false },
      [/^allowedOauthFlowsUserPoolClient: /],
    ],
    [
      "unknown scopes",
      clientType,
      { ...oauth, allowedOauthScopes: ["root"] },
      [/^allowedOauthScopes: root is neither/],
    ],
    [
      "unknown flows",
      clientType,
      { ...oauth, explicitAuthFlows: ["USER_PASSWORD"] },
      [/^explicitAuthFlows: must hold only/],
    ],
    [
      "other identity providers",
      clientType,
      { ...oauth, supportedIdentityProviders: ["Google"] },
      [/only COGNITO is simulated/],
    ],
    [
      "lifetimes out of range",
      clientType,
      { ...oauth, accessTokenValidity: 25 },
      [/^accessTokenValidity: must be between 300/],
    ],
    [
      "rotation beside the old refresh flow",
      clientType,
      { ...oauth, refreshTokenRotation: { feature: "ENABLED" }, explicitAuthFlows: ["ALLOW_REFRESH_TOKEN_AUTH"] },
      [/^explicitAuthFlows: ALLOW_REFRESH_TOKEN_AUTH excludes/],
    ],
    ["reserved words", domainType, { userPoolId: "x", domain: "my-aws-login" }, [/^domain: .*reserved word aws/]],
    ["upper case in a prefix", domainType, { userPoolId: "x", domain: "Login" }, [/^domain: must be 1 to 63/]],
    [
      "custom domains",
      domainType,
      { userPoolId: "x", domain: "login.example.com", certificateArn: "a" },
      [/not simulated/],
    ],
    ["all problems at once", domainType, {}, [/^userPoolId: is required/, /^domain: is required/]],
  ];
  for (const [what, type, inputs, expected] of cases) {
    it(`rejects ${what}`, () => {
      const problems = problemsOf(service, type, inputs);

      assert.equal(problems.length, expected.length, problems.join("; "));
      expected.forEach((pattern, index) => assert.match(problems[index] ?? "", pattern));
    });
  }

  it("accepts the neighbours of what it refuses", () => {
    const urls = ["https://app.example/", "http://localhost:3000/x", "http://127.0.0.1:4601/x", "myapp://callback"];

    assert.deepEqual(problemsOf(service, clientType, { ...oauth, callbackUrls: urls, accessTokenValidity: 24 }), []);
    assert.deepEqual(
      problemsOf(service, poolType, { mfaConfiguration: "OPTIONAL", passwordPolicy: { minimumLength: 6 } }),
      [],
    );
    assert.deepEqual(problemsOf(service, domainType, { userPoolId: "x", domain: "my-login-1" }), []);
  });
});

describe("Cognito resources", () => {
  it("return AWS's own names, and answer at the local address of their AWS URL", async () => {
    const context = createTestContext();
    const service = createCognitoService(context);

    const pool = await declare(service, poolType, { tags: { team: "media" } }, "people");
    const domain = await declare(service, domainType, { userPoolId: pool.id, domain: "people" });

    assert.match(pool.id, /^eu-west-1_\w{9}$/);
    assert.equal(pool.outputs.arn, `arn:aws:cognito-idp:eu-west-1:123456789012:userpool/${pool.id}`);
    assert.equal(pool.outputs.endpoint, `cognito-idp.eu-west-1.amazonaws.com/${pool.id}`);
    assert.equal(pool.outputs.name, "people-1234567");
    assert.deepEqual(pool.outputs.tagsAll, { team: "media" });
    assert.equal(domain.id, "people");
    const [endpoint] = context.endpoints;
    assert.equal(context.hosts.localise("https://people.auth.eu-west-1.amazoncognito.com/x"), `${endpoint?.url}/x`);
    await service.stop?.();
    await assert.rejects(fetch(endpoint?.url ?? ""), "the listener is closed");
  });

  it("rejects a second domain, an unknown scope, and the deletion of a protected pool", async () => {
    const context = createTestContext();
    const service = createCognitoService(context);
    const pool = await declare(service, poolType, { deletionProtection: "ACTIVE" });
    await declare(service, domainType, { userPoolId: pool.id, domain: "one" });

    await assert.rejects(declare(service, domainType, { userPoolId: pool.id, domain: "two" }), /already has a domain/);
    const scoped = { ...oauth, userPoolId: pool.id, allowedOauthScopes: ["media/upload"] };
    await assert.rejects(declare(service, clientType, scoped), /media\/upload is not a scope/);
    const model = service.models.find(({ type }) => type === poolType);
    await assert.rejects(
      model?.delete?.(pool.id, pool.outputs, {} as never) ?? Promise.resolve(),
      /deletion protection/,
    );
    await service.stop?.();
  });
});
