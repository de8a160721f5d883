// Proves how credentials are issued, found and expire, whom trust policies admit, and which global condition keys decisions see.
import assert from "node:assert/strict";
import type { AuthorizationRequest, PolicyDocument } from "../../../../local/cloud/core/access";
import { VirtualClock } from "../../../../local/cloud/core/clock";
import { accountRoot, anonymous, servicePrincipal } from "../../../../local/cloud/core/principal";
import { createAccessControl, createPolicyEvaluator, type LocalAccessControl } from "../../../../local/cloud/iam";
import type { RoleRecord } from "../../../../local/cloud/iam/registry";

const account = "123456789012";
const roleArn = `arn:aws:iam::${account}:role/app`;
const trusting = (service: string, condition?: object): PolicyDocument => ({
  Version: "2012-10-17",
  Statement: {
    Effect: "Allow",
    Principal: { Service: service },
    Action: "sts:AssumeRole",
    ...(condition && { Condition: condition as never }),
  },
});

function addRole(access: LocalAccessControl, changes: Partial<RoleRecord> = {}): RoleRecord {
  const role: RoleRecord = {
    arn: roleArn,
    name: "app",
    accountId: account,
    uniqueId: "AROAAPP",
    trustPolicy: trusting("lambda.amazonaws.com"),
    maxSessionDurationSeconds: 3600,
    inline: new Map(),
    attached: new Map(),
    ...changes,
  };
  access.roles.add(role);
  return role;
}

const refused = (message: RegExp, statusCode = 403, code = "AccessDenied") => ({ code, statusCode, message });

describe("access control", () => {
  let clock: VirtualClock;
  let access: LocalAccessControl;
  beforeEach(() => {
    clock = new VirtualClock();
    access = createAccessControl({ clock, seed: "test" });
  });

  it("gives the administrator the same long-lived keys for the whole run, and others in another run", () => {
    const keys = access.rootCredentials(account);

    assert.match(keys.accessKeyId, /^AKIA[A-Z2-7]{16}$/);
    assert.equal(keys.secretAccessKey.length, 40);
    assert.equal(keys.sessionToken, undefined);
    assert.equal(access.rootCredentials(account), keys);
    assert.notEqual(access.rootCredentials("000000000000").accessKeyId, keys.accessKeyId);
    assert.deepEqual(access.find(keys.accessKeyId)?.principal, accountRoot(account));
    assert.notEqual(createAccessControl({ clock }).rootCredentials(account).secretAccessKey, keys.secretAccessKey);
  });

  it("issues sessions of a role to the service that it trusts", () => {
    addRole(access);

    const credentials = access.assumeRole(roleArn, "fn-1", "lambda.amazonaws.com");

    assert.match(credentials.accessKeyId, /^ASIA[A-Z2-7]{16}$/);
    assert.ok((credentials.sessionToken ?? "").length >= 400);
    assert.equal(credentials.expiresAt, clock.now() + 3600_000);
    assert.deepEqual(access.find(credentials.accessKeyId)?.principal, {
      kind: "assumed-role",
      arn: `arn:aws:sts::${account}:assumed-role/app/fn-1`,
      accountId: account,
      roleArn,
      userId: "AROAAPP:fn-1",
    });
    assert.notEqual(access.assumeRole(roleArn, "fn-1", "lambda.amazonaws.com").accessKeyId, credentials.accessKeyId);
  });

  it("rejects a service that the role does not trust, and a role that does not exist", () => {
    addRole(access);

    assert.throws(
      () => access.assumeRole(roleArn, "x", "states.amazonaws.com"),
      refused(
        /^Service: states.amazonaws.com is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role\/app$/,
      ),
    );
    assert.throws(() => access.assumeRole(`${roleArn}2`, "x", "lambda.amazonaws.com"), refused(/not authorized/));
  });

  it("A2: rejects a service that acts for another resource than the trust policy names", () => {
    const condition = {
      ArnLike: { "aws:SourceArn": "arn:aws:states:*:*:stateMachine:jobs" },
      StringEquals: { "aws:SourceAccount": account },
    };
    addRole(access, { trustPolicy: trusting("states.amazonaws.com", condition) });
    const assume = (sourceArn?: string) =>
      access.assumeRole(
        roleArn,
        "x",
        "states.amazonaws.com",
        undefined,
        sourceArn === undefined ? undefined : { sourceArn },
      );

    assert.ok(assume("arn:aws:states:eu-west-1:1:stateMachine:jobs"));
    assert.throws(() => assume("arn:aws:states:eu-west-1:1:stateMachine:other"), refused(/not authorized/));
    assert.throws(() => assume(), refused(/not authorized/));
  });

  it("rejects sessions shorter than 15 minutes or longer than the role allows", () => {
    addRole(access);
    const assume = (seconds: number) => access.assumeRole(roleArn, "x", "lambda.amazonaws.com", seconds);

    assert.equal(assume(900).expiresAt, clock.now() + 900_000);
    assert.throws(() => assume(899), refused(/greater than or equal to 900/, 400, "ValidationError"));
    assert.throws(() => assume(3601), refused(/exceeds the MaxSessionDuration/, 400, "ValidationError"));
  });

  it("rejects roles that the administrator wants to assume, and chained sessions over an hour", () => {
    addRole(access, {
      maxSessionDurationSeconds: 43_200,
      trustPolicy: { Statement: { Effect: "Allow", Principal: { AWS: roleArn }, Action: "sts:AssumeRole" } },
    });
    const caller = {
      kind: "assumed-role",
      arn: `arn:aws:sts::${account}:assumed-role/app/a`,
      accountId: account,
      roleArn,
      userId: "x",
    } as const;

    assert.throws(
      () => access.assumeRoleAs({ caller: accountRoot(account), roleArn, sessionName: "x" }),
      refused(/Roles may not be assumed by root accounts/),
    );
    assert.throws(
      () => access.assumeRoleAs({ caller, roleArn, sessionName: "x", durationSeconds: 3601 }),
      refused(/1 hour session limit/, 400, "ValidationError"),
    );
    assert.ok(access.assumeRoleAs({ caller, roleArn, sessionName: "xx", durationSeconds: 3600 }));
  });

  it("applies the role's own policies and its boundary", () => {
    const role = addRole(access);
    const { principal } =
      access.find(access.assumeRole(roleArn, "x", "lambda.amazonaws.com").accessKeyId) ?? assert.fail();
    const question = { principal, action: "s3:GetObject", resource: "arn:aws:s3:::b/k", resourceAccountId: account };
    const allow = (action: string) =>
      ({ name: action, document: { Statement: { Effect: "Allow", Action: action, Resource: "*" } } }) as const;

    assert.equal(access.decide(question).allowed, false);
    role.inline.set("read", { policy: allow("s3:GetObject"), size: 1 });
    assert.equal(access.decide(question).allowed, true);
    role.permissionsBoundary = allow("sqs:*");
    assert.equal(access.decide(question).allowed, false);
    role.permissionsBoundary = undefined;
    access.roles.remove(roleArn);
    assert.equal(access.decide(question).allowed, false);
  });

  it("remembers expired credentials for a day, then forgets them", async () => {
    const { accessKeyId } = access.issue(anonymous, 900);

    await clock.advance(24 * 3600_000);
    for (let index = 0; index < 1001; index++) access.issue(anonymous);
    assert.ok(access.find(accessKeyId));
    await clock.advance(3600_000);
    for (let index = 0; index < 1001; index++) access.issue(anonymous);
    assert.equal(access.find(accessKeyId), undefined);
  });

  it("adds the global condition keys of caller and time", () => {
    const seen: AuthorizationRequest["context"][] = [];
    const evaluator = createPolicyEvaluator();
    access = createAccessControl({
      clock,
      evaluator: { evaluate: (request) => (seen.push(request.context), evaluator.evaluate(request)) },
    });
    addRole(access);
    const session =
      access.find(access.assumeRole(roleArn, "fn", "lambda.amazonaws.com").accessKeyId)?.principal ?? assert.fail();
    const user = {
      kind: "user",
      arn: `arn:aws:iam::${account}:user/team/ann`,
      accountId: account,
      userId: "AIDA",
    } as const;
    seen.length = 0;

    for (const principal of [
      session,
      user,
      servicePrincipal("sns.amazonaws.com", "arn:aws:sns:::t", account),
      anonymous,
    ]) {
      access.decide({
        principal,
        action: "s3:GetObject",
        resource: "*",
        resourceAccountId: account,
        context: { "aws:ViaAWSService": "true" },
      });
    }

    const common = {
      "aws:CurrentTime": "2026-01-01T00:00:00.000Z",
      "aws:EpochTime": "1767225600",
      "aws:SecureTransport": "true",
      "aws:ViaAWSService": "true",
    };
    assert.deepEqual(seen, [
      {
        ...common,
        "aws:PrincipalType": "AssumedRole",
        "aws:PrincipalIsAWSService": "false",
        "aws:PrincipalArn": roleArn,
        "aws:PrincipalAccount": account,
        "aws:userid": "AROAAPP:fn",
      },
      {
        ...common,
        "aws:PrincipalType": "User",
        "aws:PrincipalIsAWSService": "false",
        "aws:PrincipalArn": user.arn,
        "aws:PrincipalAccount": account,
        "aws:userid": "AIDA",
        "aws:username": "ann",
      },
      {
        ...common,
        "aws:PrincipalType": "Service",
        "aws:PrincipalIsAWSService": "true",
        "aws:PrincipalServiceName": "sns.amazonaws.com",
        "aws:SourceArn": "arn:aws:sns:::t",
        "aws:SourceAccount": account,
      },
      { ...common, "aws:PrincipalType": "Anonymous", "aws:PrincipalIsAWSService": "false" },
    ]);
  });
});
