// Proves STS through the real SDK: who the caller is, assuming roles, and every refusal.
import assert from "node:assert/strict";
import { AssumeRoleCommand, GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from "@aws-sdk/client-sts";
import type { Credentials } from "../../../../local/cloud/core/access";
import { account, type GatewayRun, region, send, sendSigned, startGateway } from "../../../support/gateway-run";

const user = { kind: "user", arn: `arn:aws:iam::${account}:user/ann`, accountId: account, userId: "AIDAANN" } as const;
const roleArn = `arn:aws:iam::${account}:role/app`;

describe("STS", () => {
  let run: GatewayRun;
  const clients: STSClient[] = [];
  beforeEach(async () => {
    run = await startGateway();
    run.access.roles.add({
      arn: roleArn,
      name: "app",
      accountId: account,
      uniqueId: "AROAAPP",
      maxSessionDurationSeconds: 3600,
      inline: new Map(),
      attached: new Map(),
      trustPolicy: {
        Statement: {
          Effect: "Allow",
          Principal: { AWS: user.arn },
          Action: "sts:AssumeRole",
          Condition: { StringEquals: { "sts:ExternalId": "e&1" } },
        },
      },
    });
  });
  afterEach(async () => {
    clients.splice(0).forEach((client) => client.destroy());
    await run.stop();
  });

  const sts = ({ accessKeyId, secretAccessKey, sessionToken }: Credentials): STSClient => {
    const credentials = { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
    const client = new STSClient({ endpoint: run.gateway.origin, region, credentials });
    clients.push(client);
    return client;
  };
  const assume = (more: object = {}) =>
    sts(run.access.issue(user)).send(
      new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: "s-1", ExternalId: "e&1", ...more }),
    );

  it("names the administrator", async () => {
    const { Arn, UserId, Account } = await sts(run.root).send(new GetCallerIdentityCommand());

    assert.deepEqual([Arn, UserId, Account], [`arn:aws:iam::${account}:root`, account, account]);
  });

  it("issues credentials of a role that work", async () => {
    const { Credentials: issued, AssumedRoleUser } = await assume({ DurationSeconds: 900 });

    assert.deepEqual(AssumedRoleUser, {
      AssumedRoleId: "AROAAPP:s-1",
      Arn: `arn:aws:sts::${account}:assumed-role/app/s-1`,
    });
    assert.equal(issued?.Expiration?.getTime(), run.clock.now() + 900_000);
    const {
      AccessKeyId: accessKeyId = "",
      SecretAccessKey: secretAccessKey = "",
      SessionToken: sessionToken = "",
    } = issued;
    const { Arn } = await sts({ accessKeyId, secretAccessKey, sessionToken }).send(new GetCallerIdentityCommand());
    assert.equal(Arn, `arn:aws:sts::${account}:assumed-role/app/s-1`);
    assert.ok(!JSON.stringify(run.traces.recent()).includes(sessionToken));
  });

  const refusals: readonly [string, string, object][] = [
    ["a caller without the external id", "AccessDenied", { ExternalId: undefined }],
    ["a role that does not exist", "AccessDenied", { RoleArn: `${roleArn}2` }],
    ["a malformed role ARN", "ValidationError", { RoleArn: "app" }],
    ["a malformed session name", "ValidationError", { RoleSessionName: "a b" }],
    ["a session that is too short", "ValidationError", { DurationSeconds: 60 }],
    ["a session longer than the role allows", "ValidationError", { DurationSeconds: 7200 }],
    ["a session policy, which is not simulated", "NotSimulated", { Policy: "{}" }],
  ];
  for (const [what, code, more] of refusals) {
    it(`rejects ${what} with ${code}`, async () => {
      await assert.rejects(assume(more), { name: code });
    });
  }

  it("rejects the administrator's wish to assume a role", async () => {
    const call = sts(run.root).send(new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: "s1" }));

    await assert.rejects(call, { name: "AccessDenied", message: "Roles may not be assumed by root accounts." });
  });

  it("rejects operations that are not simulated", async () => {
    await assert.rejects(sts(run.root).send(new GetSessionTokenCommand()), /sts:GetSessionToken is not simulated/);
  });

  it("rejects missing parameters and calls that name no operation", async () => {
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const post = (body: string) => sendSigned(run, "/", { method: "POST", service: "sts", headers: form, body });

    assert.match((await post("Version=2011-06-15")).body, /<Code>MissingAction</);
    assert.match((await post("Action=AssumeRole&RoleSessionName=xx")).body, /Value null at 'roleArn'/);
    assert.match(
      (await post(`Action=AssumeRole&RoleArn=${roleArn}&RoleSessionName=xx&DurationSeconds=x`)).body,
      /<Code>ValidationError</,
    );
  });

  it("rejects expired, unknown and missing credentials in the query protocol", async () => {
    const expired = run.access.issue(user, 900);
    await run.clock.advance(900_000);
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const body = "Action=GetCallerIdentity&Version=2011-06-15";
    const post = (credentials: Credentials) =>
      sendSigned(run, "/", { method: "POST", service: "sts", headers: form, body, credentials });

    const answers = [
      await post(expired),
      await post({ ...run.root, accessKeyId: "AKIANO" }),
      await post({ ...run.root, secretAccessKey: "x" }),
      await send(run.gateway.origin, { method: "POST", headers: form, body }),
    ];

    assert.deepEqual(
      answers.map(({ status, body: text }) => [status, /<Code>(\w+)</.exec(text)?.[1]]),
      [
        [403, "ExpiredToken"],
        [403, "InvalidClientTokenId"],
        [403, "SignatureDoesNotMatch"],
        [403, "MissingAuthenticationToken"],
      ],
    );
  });
});
