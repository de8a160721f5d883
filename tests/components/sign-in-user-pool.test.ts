// Proves what SignInUserPool declares: a public client with PKCE, secure defaults, rules.
import assert from "node:assert/strict";
import { ApiGatewayLogging, SignInUserPool } from "../../components";
import type { SignInUserPoolArgs } from "../../components";
import { evaluateProgram, type ProgramEvaluation } from "../support/engine-run";

function evaluate(args: Partial<SignInUserPoolArgs> = {}): Promise<ProgramEvaluation> {
  return evaluateProgram(() => {
    const users = new SignInUserPool("users", {
      domainPrefix: "acme-dev",
      callbackUrls: ["https://app.example.com/"],
      ...args,
    });
    return { clientConfiguration: users.clientConfiguration };
  });
}

describe("SignInUserPool", () => {
  it("creates a pool, a public client and a domain", async () => {
    const { errors, table, output, byName } = await evaluate();

    assert.deepEqual(errors, []);
    assert.deepEqual(
      table()
        .map(([, name]) => name)
        .sort(),
      ["users", "users-client", "users-domain", "users-pool"],
    );
    assert.deepEqual(output("clientConfiguration"), {
      domainUrl: "https://acme-dev.auth.eu-west-1.amazoncognito.com",
      clientId: byName("users-client").id,
      scopes: ["openid", "email", "profile"],
    });
  });

  it("uses the code flow without a secret, rotates and revokes refresh tokens, and tells nobody who exists", async () => {
    const { inputs } = (await evaluate()).byName("users-client");

    assert.equal(inputs.generateSecret, false);
    assert.deepEqual(inputs.allowedOauthFlows, ["code"]);
    assert.deepEqual(inputs.refreshTokenRotation, { feature: "ENABLED", retryGracePeriodSeconds: 10 });
    assert.deepEqual(inputs.explicitAuthFlows, ["ALLOW_USER_SRP_AUTH"]);
    assert.deepEqual(inputs.writeAttributes, ["email"]);
    assert.equal(inputs.enableTokenRevocation, true);
    assert.equal(inputs.preventUserExistenceErrors, "ENABLED");
    assert.deepEqual(inputs.logoutUrls, ["https://app.example.com/"]);
  });

  it("verifies e-mail, offers MFA, confirms nobody automatically, and is protected from deletion", async () => {
    const { inputs } = (await evaluate()).byName("users-pool");

    assert.deepEqual(inputs.autoVerifiedAttributes, ["email"]);
    assert.deepEqual(inputs.adminCreateUserConfig, { allowAdminCreateUserOnly: true });
    assert.equal(inputs.mfaConfiguration, "OPTIONAL");
    assert.equal(inputs.deletionProtection, "ACTIVE");
    assert.equal(
      (await evaluate({ deletionProtection: false })).byName("users-pool").inputs.deletionProtection,
      "INACTIVE",
    );
  });

  for (const [args, message] of [
    [{ domainPrefix: "my-aws-pool" }, /users: domainPrefix must be 1 to 63 lower-case letters/],
    [{ callbackUrls: [] }, /users: callbackUrls must name at least one page/],
    [{ tokenValidityMinutes: 4 }, /users: tokenValidityMinutes must be a whole number between 5 and 1440, got 4/],
    [{ refreshTokenValidityDays: 366 }, /users: refreshTokenValidityDays must be a whole number between 1 and 365/],
  ] as const) {
    it(`rejects ${JSON.stringify(args)}`, async () => {
      const { errors } = await evaluate(args as unknown as Partial<SignInUserPoolArgs>);

      assert.match(errors[0]?.message ?? "", message);
    });
  }
});

describe("ApiGatewayLogging", () => {
  it("gives API Gateway a role that may write logs, and nobody else", async () => {
    const { byName, errors } = await evaluateProgram(() => {
      new ApiGatewayLogging("api-logging");
    });

    assert.deepEqual(errors, []);
    assert.deepEqual(JSON.parse(byName("api-logging-role").inputs.assumeRolePolicy as string), {
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "AllowService",
          Effect: "Allow",
          Principal: { Service: "apigateway.amazonaws.com" },
          Action: "sts:AssumeRole",
        },
      ],
    });
    assert.match(byName("api-logging-policy").inputs.policyArn as string, /AmazonAPIGatewayPushToCloudWatchLogs$/);
    assert.equal(byName("api-logging-account").inputs.cloudwatchRoleArn, byName("api-logging-role").outputs.arn);
  });
});
