// Proves who may call a REST API: user pool tokens, signatures with IAM policies, and the resource policy.
import assert from "node:assert/strict";
import { VirtualClock } from "../../../../local/cloud/core/clock";
import { signRequest } from "../../../../local/cloud/gateway";
import { ACCOUNT, REGION } from "../../../support/function-cloud";
import {
  type ApiCloud,
  call,
  createApi,
  createFunction,
  ECHO,
  POOL_ARN,
  PROXY,
  startApiCloud,
  type TestApi,
} from "../../../support/rest-api";

const OPERATION = { "x-amazon-apigateway-integration": PROXY };
const COGNITO = {
  components: {
    securitySchemes: {
      pool: {
        type: "apiKey",
        name: "Authorization",
        in: "header",
        "x-amazon-apigateway-authtype": "cognito_user_pools",
        "x-amazon-apigateway-authorizer": { type: "cognito_user_pools", providerARNs: [POOL_ARN] },
      },
      sigv4: { type: "apiKey", name: "Authorization", in: "header", "x-amazon-apigateway-authtype": "awsSigv4" },
    },
  },
};

describe("API Gateway authorization", () => {
  let cloud: ApiCloud;
  let clock: VirtualClock;

  beforeEach(() => {
    clock = new VirtualClock();
    cloud = startApiCloud(clock);
  });
  afterEach(() => cloud.stop());

  describe("user pool authorizer", () => {
    const secured = (scopes: readonly string[] = []): Record<string, unknown> => ({
      ...COGNITO,
      paths: { "/": { get: { ...OPERATION, security: [{ pool: scopes }] } } },
    });
    const claims = {
      sub: "u1",
      token_use: "id",
      "cognito:groups": ["a", "b"],
      exp: 1_767_225_600,
      email_verified: true,
    };

    const start = async (
      tokens: Readonly<Record<string, Record<string, unknown>>>,
      scopes?: readonly string[],
    ): Promise<TestApi> => {
      await createFunction(cloud, ECHO);
      cloud.useTokens({
        verify(token, arns) {
          assert.deepEqual(arns, [POOL_ARN]);
          const found = tokens[token];
          return found ? Promise.resolve(found) : Promise.reject(new Error("secret detail"));
        },
      });
      return createApi(cloud, secured(scopes));
    };

    it("hands the claims of an ID token on as text, with and without Bearer", async () => {
      const { url } = await start({ good: claims });
      for (const authorization of ["Bearer good", "good"]) {
        const { body } = await call(url, { headers: { authorization } });
        const context = body.requestContext as { authorizer: { claims: unknown } };
        assert.deepEqual(context.authorizer.claims, {
          sub: "u1",
          token_use: "id",
          "cognito:groups": "a,b",
          exp: "Thu Jan 01 00:00:00 UTC 2026",
          email_verified: "true",
        });
      }
    });

    it("rejects a missing, an invalid and an access token with 401", async () => {
      const { url } = await start({ access: { ...claims, token_use: "access" } });
      for (const authorization of [undefined, "Bearer bad", "Bearer access"]) {
        const { status, body, headers } = await call(
          url,
          authorization === undefined ? {} : { headers: { authorization } },
        );
        assert.deepEqual([status, body], [401, { message: "Unauthorized" }]);
        assert.equal(headers.get("x-amzn-errortype"), "UnauthorizedException");
      }
    });

    it("accepts with scopes an access token that has one of them, and rejects all others", async () => {
      const tokens = {
        fits: { sub: "u1", token_use: "access", scope: "openid api/write" },
        other: { sub: "u1", token_use: "access", scope: "openid" },
        id: claims,
      };
      const { url } = await start(tokens, ["api/write", "api/admin"]);
      const statuses: number[] = [];
      for (const token of Object.keys(tokens))
        statuses.push((await call(url, { headers: { authorization: token } })).status);
      assert.deepEqual(statuses, [200, 401, 401]);
    });

    it("never lets a policy replace the token", async () => {
      await createFunction(cloud, ECHO);
      cloud.useTokens({ verify: () => Promise.reject(new Error("no")) });
      const Statement = [{ Effect: "Allow", Principal: "*", Action: "execute-api:Invoke", Resource: "execute-api:/*" }];
      const { url } = await createApi(cloud, {
        ...secured(),
        "x-amazon-apigateway-policy": { Version: "2012-10-17", Statement },
      });
      assert.equal((await call(url)).status, 401);
    });
  });

  describe("IAM authorization", () => {
    const signed: Record<string, unknown> = {
      ...COGNITO,
      paths: { "/x": { post: { ...OPERATION, security: [{ sigv4: [] }] } } },
    };
    const allow = { Effect: "Allow", Action: "execute-api:Invoke", Resource: "*" } as const;

    const sign = (url: string, role: string, body: string, service = "execute-api"): Record<string, string> => {
      const credentials = cloud.access.assumeRole(role, "s", "ec2.amazonaws.com");
      return signRequest({ method: "POST", url, body, credentials, region: REGION, service, at: clock.now() });
    };

    it("accepts a signed request of a role that may invoke, and tells the function who it is", async () => {
      await createFunction(cloud, ECHO);
      const { url } = await createApi(cloud, signed);
      const role = cloud.addRole("caller", "ec2.amazonaws.com", [allow]);
      const { status, body } = await call(`${url}/x`, {
        method: "POST",
        body: "{}",
        headers: sign(`${url}/x`, role, "{}"),
      });
      assert.equal(status, 200);
      const { identity } = body.requestContext as { identity: Record<string, unknown> };
      assert.equal(identity.userArn, `arn:aws:sts::${ACCOUNT}:assumed-role/caller/s`);
    });

    it("rejects a request without a signature", async () => {
      await createFunction(cloud, ECHO);
      const { url } = await createApi(cloud, signed);
      const { status, body } = await call(`${url}/x`, { method: "POST" });
      assert.deepEqual([status, body], [403, { message: "Missing Authentication Token" }]);
    });

    it("rejects a body that the signature does not cover", async () => {
      await createFunction(cloud, ECHO);
      const { url } = await createApi(cloud, signed);
      const role = cloud.addRole("caller", "ec2.amazonaws.com", [allow]);
      const { status, headers } = await call(`${url}/x`, {
        method: "POST",
        body: "[]",
        headers: sign(`${url}/x`, role, "{}"),
      });
      assert.equal(status, 403);
      assert.equal(headers.get("x-amzn-errortype"), "InvalidSignatureException");
    });

    it("rejects a signature for another service", async () => {
      await createFunction(cloud, ECHO);
      const { url } = await createApi(cloud, signed);
      const role = cloud.addRole("caller", "ec2.amazonaws.com", [allow]);
      const headers = sign(`${url}/x`, role, "{}", "s3");
      const { status, body } = await call(`${url}/x`, { method: "POST", body: "{}", headers });
      assert.equal(status, 403);
      assert.match(String(body.message), /scoped to correct service: 'execute-api'/);
    });

    it("rejects a role that may not invoke", async () => {
      await createFunction(cloud, ECHO);
      const { id, url } = await createApi(cloud, signed);
      const role = cloud.addRole("caller", "ec2.amazonaws.com");
      const { status, body } = await call(`${url}/x`, {
        method: "POST",
        body: "{}",
        headers: sign(`${url}/x`, role, "{}"),
      });
      assert.equal(status, 403);
      const caller = `arn:aws:sts::${ACCOUNT}:assumed-role/caller/s`;
      const resource = `arn:aws:execute-api:${REGION}:********9012:${id}/dev/POST/x`;
      assert.deepEqual(body, {
        Message: `User: ${caller} is not authorized to perform: execute-api:Invoke on resource: ${resource}`,
      });
    });
  });

  describe("resource policy", () => {
    const policy = (address: string): Record<string, unknown> => ({
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Principal: "*", Action: "execute-api:Invoke", Resource: "execute-api:/*" },
        {
          Effect: "Deny",
          Principal: "*",
          Action: "execute-api:Invoke",
          Resource: "execute-api:/*",
          Condition: { NotIpAddress: { "aws:SourceIp": [address] } },
        },
      ],
    });

    it("lets listed addresses in", async () => {
      await createFunction(cloud, ECHO);
      const { url } = await createApi(cloud, {
        paths: { "/": { get: OPERATION } },
        "x-amazon-apigateway-policy": policy("127.0.0.0/8"),
      });
      assert.equal((await call(url)).status, 200);
    });

    it("rejects other addresses with 403", async () => {
      await createFunction(cloud, ECHO);
      const { id, url } = await createApi(
        cloud,
        { paths: { "/": { get: OPERATION } } },
        { api: { policy: JSON.stringify(policy("10.0.0.0/8")) } },
      );
      const { status, body, headers } = await call(url);
      assert.equal(status, 403);
      const resource = `arn:aws:execute-api:${REGION}:********9012:${id}/dev/GET/`;
      const text = `User: anonymous is not authorized to perform: execute-api:Invoke on resource: ${resource} with an explicit deny`;
      assert.deepEqual(body, { Message: text });
      assert.equal(headers.get("x-amzn-errortype"), "AccessDeniedException");
    });

    it("is live only after the next deployment", async () => {
      await createFunction(cloud, ECHO);
      const { id, url } = await createApi(cloud, { paths: { "/": { get: OPERATION } } });
      await cloud.create("aws:apigateway/restApiPolicy:RestApiPolicy", {
        restApiId: id,
        policy: JSON.stringify(policy("10.0.0.0/8")),
      });
      assert.equal((await call(url)).status, 200);
      const deployment = await cloud.create("aws:apigateway/deployment:Deployment", { restApi: id });
      await cloud.create("aws:apigateway/stage:Stage", { restApi: id, deployment: deployment.id, stageName: "next" });
      assert.equal((await call(url.replace("/dev", "/next"))).status, 403);
      assert.equal((await call(url)).status, 200);
    });
  });
});
