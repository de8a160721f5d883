// Proves the evaluation rules that AWS documents, rule by rule; evaluator-oracle.test.ts compares with another implementation.
import assert from "node:assert/strict";
import type {
  AuthorizationRequest,
  ConditionValue,
  PolicyDocument,
  PolicyStatement,
} from "../../../../local/cloud/core/access";
import { accountRoot, anonymous, type Principal, servicePrincipal } from "../../../../local/cloud/core/principal";
import { createPolicyEvaluator } from "../../../../local/cloud/iam/evaluator";

const account = "123456789012";
const other = "999999999999";
const session: Principal = {
  kind: "assumed-role",
  arn: `arn:aws:sts::${account}:assumed-role/app/s1`,
  accountId: account,
  roleArn: `arn:aws:iam::${account}:role/app`,
  userId: "AROA:s1",
};
const foreign: Principal = {
  ...session,
  arn: `arn:aws:sts::${other}:assumed-role/app/s1`,
  accountId: other,
  roleArn: `arn:aws:iam::${other}:role/app`,
};
const service = servicePrincipal("sns.amazonaws.com", `arn:aws:sns:eu-west-1:${account}:t`, account);

type Part = Partial<PolicyStatement>;
const policy = (...statements: Part[]): { name: string; document: PolicyDocument } => ({
  name: "p",
  document: {
    Version: "2012-10-17",
    Statement: statements.map((statement) => ({
      Effect: "Allow",
      Action: "*",
      ...("NotResource" in statement ? {} : { Resource: "*" }),
      ...statement,
    })),
  },
});

interface Question {
  principal?: Principal;
  action?: string;
  resource?: string;
  context?: AuthorizationRequest["context"];
  identity?: ReturnType<typeof policy>;
  boundary?: ReturnType<typeof policy>;
  bucket?: ReturnType<typeof policy>;
}

const evaluator = createPolicyEvaluator();
const decide = ({
  principal = session,
  action = "s3:GetObject",
  resource = "arn:aws:s3:::b/k",
  context = {},
  identity,
  boundary,
  bucket,
}: Question) =>
  evaluator.evaluate({
    principal,
    action,
    resource,
    resourceAccountId: account,
    context,
    identityPolicies: identity ? [identity] : [],
    ...(boundary && { permissionsBoundary: boundary }),
    ...(bucket && { resourcePolicy: bucket }),
  });

const anyone = { Principal: "*" } as const;
const toRole = { Principal: { AWS: `arn:aws:iam::${account}:role/app` } };
const toSession = { Principal: { AWS: session.arn } };
const toAccount = { Principal: { AWS: `arn:aws:iam::${account}:root` } };
const kms = { action: "kms:Decrypt", resource: `arn:aws:kms:eu-west-1:${account}:key/k` };
const trust = { action: "sts:AssumeRole", resource: `arn:aws:iam::${account}:role/app` };

describe("policy evaluator", () => {
  const cases: readonly [string, boolean, Question][] = [
    ["allows what an identity policy allows", true, { identity: policy({ Action: "s3:Get*" }) }],
    ["rejects what no policy allows", false, { identity: policy({ Action: "s3:Put*" }) }],
    ["rejects a caller without any policy", false, {}],
    ["compares actions without regard to case", true, { identity: policy({ Action: "S3:getobject" }) }],
    ["compares resources with regard to case", false, { identity: policy({ Resource: "arn:aws:s3:::B/k" }) }],
    ["lets ? stand for one character", true, { identity: policy({ Resource: "arn:aws:s3:::b/?" }) }],
    [
      "rejects when ? would have to stand for two characters",
      false,
      { identity: policy({ Resource: "arn:aws:s3:::b/?" }), resource: "arn:aws:s3:::b/kk" },
    ],
    ["treats regular expression characters as text", false, { identity: policy({ Resource: "arn:aws:s3:::b/.*" }) }],
    [
      "does not let a wildcard reach over a colon inside an ARN",
      false,
      {
        identity: policy({ Resource: "arn:aws:*:x" }),
        resource: "arn:aws:sqs:eu-west-1:1:x",
        action: "sqs:SendMessage",
      },
    ],
    [
      "lets a final * reach over colons",
      true,
      {
        identity: policy({ Resource: "arn:aws:sqs:*" }),
        resource: "arn:aws:sqs:eu-west-1:1:x",
        action: "sqs:SendMessage",
      },
    ],
    [
      "applies NotAction to all other actions",
      true,
      { identity: policy({ Action: undefined as never, NotAction: "iam:*" }) },
    ],
    [
      "rejects the actions of NotAction",
      false,
      { identity: policy({ Action: undefined as never, NotAction: "s3:*" }) },
    ],
    [
      "applies NotResource to all other resources",
      true,
      { identity: policy({ NotResource: "arn:aws:s3:::b/secret" }) },
    ],
    ["rejects the resources of NotResource", false, { identity: policy({ NotResource: "arn:aws:s3:::b/*" }) }],
    [
      "rejects what an identity policy denies, whatever allows it",
      false,
      { identity: policy({}, { Effect: "Deny" }), bucket: policy(toSession) },
    ],
    [
      "rejects what a resource policy denies",
      false,
      { identity: policy({}), bucket: policy({ Effect: "Deny", ...anyone }) },
    ],
    [
      "rejects what a permissions boundary does not allow",
      false,
      { identity: policy({}), boundary: policy({ Action: "sqs:*" }) },
    ],
    [
      "rejects what a permissions boundary denies",
      false,
      { identity: policy({}), boundary: policy({}, { Effect: "Deny", Action: "s3:GetObject" }) },
    ],
    [
      "keeps a grant to the role inside its boundary",
      false,
      { bucket: policy(toRole), boundary: policy({ Action: "sqs:*" }) },
    ],
    [
      "lets a grant to the session go beyond the boundary",
      true,
      { bucket: policy(toSession), boundary: policy({ Action: "sqs:*" }) },
    ],
    ["allows the role that a resource policy names", true, { bucket: policy(toRole) }],
    [
      "rejects another role than the one named",
      false,
      { bucket: policy({ Principal: { AWS: `arn:aws:iam::${account}:role/other` } }) },
    ],
    ["takes the account principal as delegation only", false, { bucket: policy(toAccount) }],
    [
      "rejects everybody whom NotPrincipal does not list in a Deny",
      false,
      {
        identity: policy({}),
        bucket: policy({ Effect: "Deny", NotPrincipal: { AWS: `arn:aws:iam::${account}:role/other` } }),
      },
    ],
    [
      "spares whom NotPrincipal lists in a Deny",
      true,
      {
        identity: policy({}),
        bucket: policy({ Effect: "Deny", NotPrincipal: { AWS: [`arn:aws:iam::${account}:role/app`] } }),
      },
    ],
    [
      "rejects callers with a boundary under NotPrincipal with Deny",
      false,
      {
        identity: policy({}),
        boundary: policy({}),
        bucket: policy({ Effect: "Deny", NotPrincipal: toRole.Principal }),
      },
    ],

    ["rejects other accounts with their own permission only", false, { principal: foreign, identity: policy({}) }],
    [
      "rejects other accounts with the resource's permission only",
      false,
      { principal: foreign, bucket: policy({ Principal: { AWS: foreign.roleArn ?? "" } }) },
    ],
    [
      "allows other accounts with permission on both sides",
      true,
      { principal: foreign, identity: policy({}), bucket: policy({ Principal: { AWS: other } }) },
    ],
    [
      "rejects other accounts outside their boundary",
      false,
      { principal: foreign, identity: policy({}), boundary: policy({ Action: "sqs:*" }), bucket: policy(anyone) },
    ],

    ["allows anonymous callers where everyone is allowed", true, { principal: anonymous, bucket: policy(anyone) }],
    [
      "rejects anonymous callers where only an account is allowed",
      false,
      { principal: anonymous, bucket: policy(toAccount) },
    ],
    ["ignores identity policies of anonymous callers", false, { principal: anonymous, identity: policy({}) }],
    [
      "allows the service that a resource policy names",
      true,
      { principal: service, bucket: policy({ Principal: { Service: "sns.amazonaws.com" } }) },
    ],
    [
      "rejects another service",
      false,
      { principal: service, bucket: policy({ Principal: { Service: "s3.amazonaws.com" } }) },
    ],
    ["rejects services where nothing is said", false, { principal: service }],

    ["allows the account's administrator everything in it", true, { principal: accountRoot(account) }],
    [
      "rejects the administrator what a resource policy denies",
      false,
      { principal: accountRoot(account), bucket: policy({ Effect: "Deny", ...anyone }) },
    ],
    ["rejects the administrator of another account", false, { principal: accountRoot(other) }],
    [
      "allows the administrator of another account what it is granted",
      true,
      { principal: accountRoot(other), bucket: policy({ Principal: { AWS: other } }) },
    ],

    [
      "rejects keys whose policy is silent",
      false,
      { ...kms, identity: policy({}), bucket: policy({ Principal: { AWS: other } }) },
    ],
    [
      "allows keys whose policy delegates to the account",
      true,
      { ...kms, identity: policy({}), bucket: policy(toAccount) },
    ],
    ["rejects keys whose policy delegates while the role says nothing", false, { ...kms, bucket: policy(toAccount) }],
    [
      "rejects the administrator a key whose policy is silent",
      false,
      { ...kms, principal: accountRoot(account), bucket: policy(toRole) },
    ],
    [
      "allows a service to assume a role that trusts it",
      true,
      { ...trust, principal: service, bucket: policy({ Principal: { Service: "sns.amazonaws.com" } }) },
    ],
    ["rejects assuming a role that trusts nobody", false, { ...trust, identity: policy({}) }],
    [
      "expands the execute-api shorthand",
      true,
      {
        principal: anonymous,
        action: "execute-api:Invoke",
        resource: `arn:aws:execute-api:eu-west-1:${account}:abc/prod/GET/x`,
        bucket: policy({ ...anyone, Resource: "execute-api:/prod/*" }),
      },
    ],
    [
      "rejects another stage than the shorthand's",
      false,
      {
        principal: anonymous,
        action: "execute-api:Invoke",
        resource: `arn:aws:execute-api:eu-west-1:${account}:abc/dev/GET/x`,
        bucket: policy({ ...anyone, Resource: "execute-api:/prod/*" }),
      },
    ],
  ];
  for (const [title, allowed, question] of cases) {
    it(title, () => {
      const decision = decide(question);

      assert.equal(decision.allowed, allowed, decision.reason);
    });
  }

  it("fills in policy variables, with defaults, and takes wildcards in their values literally", () => {
    const own = policy({ Resource: "arn:aws:s3:::b/${aws:PrincipalTag/team, 'common'}/*" });
    const ask = (team: string | undefined, key: string) =>
      decide({
        identity: own,
        resource: `arn:aws:s3:::b/${key}`,
        context: team === undefined ? {} : { "aws:PrincipalTag/team": team },
      }).allowed;

    assert.deepEqual(
      [ask("blue", "blue/x"), ask("blue", "red/x"), ask(undefined, "common/x"), ask("*", "red/x")],
      [true, false, true, false],
    );
  });

  it("takes ${*} and ${?} literally, and variables as plain text in old policies", () => {
    const star = policy({ Resource: "arn:aws:s3:::b/${*}" });
    const old = {
      name: "old",
      document: {
        Version: "2008-10-17",
        Statement: { Effect: "Allow", Action: "*", Resource: "arn:aws:s3:::b/${aws:username}" },
      },
    } as const;

    assert.equal(decide({ identity: star, resource: "arn:aws:s3:::b/*" }).allowed, true);
    assert.equal(decide({ identity: star }).allowed, false);
    assert.equal(
      decide({ identity: old, resource: "arn:aws:s3:::b/ann", context: { "aws:username": "ann" } }).allowed,
      false,
    );
  });

  it("does not apply a statement whose variable cannot be filled", () => {
    const identity = policy({ Resource: "arn:aws:s3:::b/${aws:username}" });

    assert.equal(decide({ identity, resource: "arn:aws:s3:::b/" }).allowed, false);
    assert.equal(decide({ identity: policy({ NotResource: "arn:aws:s3:::b/${aws:username}" }) }).allowed, false);
  });

  const conditions: readonly [string, string, ConditionValue, string | readonly string[] | undefined, boolean][] = [
    ["StringEquals", "k", "a", "a", true],
    ["StringEquals", "k", ["b", "a"], "a", true],
    ["StringEquals", "k", "a*", "ab", false],
    ["StringEquals", "k", "a", undefined, false],
    ["StringEqualsIfExists", "k", "a", undefined, true],
    ["StringEqualsIfExists", "k", "a", "b", false],
    ["StringNotEquals", "k", "a", "b", true],
    ["StringNotEquals", "k", ["a", "b"], "b", false],
    ["StringNotEquals", "k", "a", undefined, true],
    ["StringEqualsIgnoreCase", "k", "A", "a", true],
    ["StringNotEqualsIgnoreCase", "k", "A", "a", false],
    ["StringLike", "k", "a?c*", "abcd", true],
    ["StringNotLike", "k", "a*", "abc", false],
    ["NumericEquals", "k", "10", "10.0", true],
    ["NumericNotEquals", "k", 10, "11", true],
    ["NumericLessThan", "k", "10", "9", true],
    ["NumericLessThan", "k", "10", "10", false],
    ["NumericLessThanEquals", "k", "10", "10", true],
    ["NumericGreaterThan", "k", "10", "11", true],
    ["NumericGreaterThanEquals", "k", "10", "9", false],
    ["NumericLessThan", "k", "10", "", false],
    ["NumericLessThan", "k", "10", "x", false],
    ["DateLessThan", "k", "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", true],
    ["DateGreaterThanEquals", "k", "2026-01-01T00:00:00Z", "1767225600", true],
    ["DateLessThanEquals", "k", "2026-01-01", "2026-01-01T00:00:01Z", false],
    ["DateEquals", "k", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z", true],
    ["DateNotEquals", "k", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", false],
    ["DateGreaterThan", "k", "never", "2026-01-01T00:00:00Z", false],
    ["Bool", "k", "true", "true", true],
    ["Bool", "k", true, "TRUE", true],
    ["Bool", "k", "false", "true", false],
    ["BinaryEquals", "k", "QmluYXJ5", "QmluYXJ5", true],
    ["IpAddress", "k", "10.0.0.0/8", "10.1.2.3", true],
    ["IpAddress", "k", "10.0.0.0/8", "11.0.0.1", false],
    ["IpAddress", "k", "2001:db8::/32", "2001:db8:1::1", true],
    ["IpAddress", "k", "2001:db8::/32", "10.1.2.3", false],
    ["IpAddress", "k", "10.0.0.0/33", "10.1.2.3", false],
    ["NotIpAddress", "k", ["10.0.0.0/8", "2001:db8::1"], "2001:db8::1", false],
    ["NotIpAddress", "k", "10.0.0.0/8", "11.0.0.1", true],
    ["ArnLike", "k", "arn:aws:sns:*:1:*", "arn:aws:sns:eu-west-1:1:t:sub", true],
    ["ArnEquals", "k", "arn:aws:sns:*:t", "arn:aws:sns:eu-west-1:1:t", false],
    ["ArnNotLike", "k", "arn:aws:sns:*:1:*", "arn:aws:sns:eu-west-1:2:t", true],
    ["ArnNotEquals", "k", "arn:aws:s3:::b", undefined, true],
    ["Null", "k", "true", undefined, true],
    ["Null", "k", "false", undefined, false],
    ["Null", "k", false, "x", true],
    ["ForAllValues:StringEquals", "k", ["a", "b"], ["a", "b"], true],
    ["ForAllValues:StringEquals", "k", ["a"], ["a", "b"], false],
    ["ForAllValues:StringEquals", "k", ["a"], undefined, true],
    ["ForAllValues:StringNotEquals", "k", ["c"], ["a", "b"], true],
    ["ForAnyValue:StringEquals", "k", ["b", "c"], ["a", "b"], true],
    ["ForAnyValue:StringEquals", "k", ["c"], ["a", "b"], false],
    ["ForAnyValue:StringEquals", "k", ["a"], undefined, false],
    ["ForAnyValue:StringEqualsIfExists", "k", ["a"], undefined, true],
    ["StringMatches", "k", "a", "a", false],
  ];
  for (const [operator, , wanted, actual, expected] of conditions) {
    it(`${expected ? "holds" : "fails when"} ${operator} ${JSON.stringify(wanted)} meets ${JSON.stringify(actual)}`, () => {
      const identity = policy({ Condition: { [operator]: { "My:Key": wanted } } });

      const decision = decide({ identity, context: actual === undefined ? {} : { "my:key": actual } });

      assert.equal(decision.allowed, expected);
    });
  }

  it("demands all keys and operators of a condition", () => {
    const identity = policy({ Condition: { StringEquals: { "x:a": "1", "x:b": "2" }, Bool: { "x:c": "true" } } });

    assert.equal(decide({ identity, context: { "x:a": "1", "x:b": "2", "x:c": "true" } }).allowed, true);
    for (const missing of ["x:a", "x:b", "x:c"]) {
      const context = Object.fromEntries(
        Object.entries({ "x:a": "1", "x:b": "2", "x:c": "true" }).filter(([key]) => key !== missing),
      );
      assert.equal(decide({ identity, context }).allowed, false);
    }
  });

  it("says for humans what decided", () => {
    const explain = (question: Question) => {
      const { reason, statements } = decide(question);
      return [reason, statements];
    };

    assert.deepEqual(explain({ identity: policy({ Sid: "Read" }) }), ["allowed by p#Read", ["p#Read"]]);
    assert.deepEqual(explain({ identity: policy({ Effect: "Deny" }) }), [
      "explicit deny in an identity-based policy: p#0",
      ["p#0"],
    ]);
    assert.deepEqual(explain({ bucket: policy({ Effect: "Deny", Sid: "Tls", ...anyone }) }), [
      "explicit deny in a resource-based policy: p#Tls",
      ["p#Tls"],
    ]);
    assert.deepEqual(explain({}), ["no identity-based policy allows the s3:GetObject action", []]);
    assert.deepEqual(explain({ principal: service }), ["no resource-based policy allows the s3:GetObject action", []]);
    assert.deepEqual(explain({ identity: policy({}), boundary: policy({ Action: "sqs:*" }) }), [
      "no permissions boundary allows the s3:GetObject action",
      [],
    ]);
    assert.deepEqual(explain({ principal: accountRoot(account) }), ["allowed by the account's root user", []]);
  });

  it("decides in less than 50 microseconds", () => {
    const identity = policy(
      { Action: ["s3:GetObject", "s3:PutObject"], Resource: "arn:aws:s3:::media/uploads/*" },
      {
        Action: ["dynamodb:*Item"],
        Resource: `arn:aws:dynamodb:*:${account}:table/t`,
        Condition: { "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["u"] } },
      },
      {
        Action: "s3:ListBucket",
        Resource: "arn:aws:s3:::media",
        Condition: { StringLike: { "s3:prefix": "uploads/*" } },
      },
    );
    const bucket = policy({
      Effect: "Deny",
      ...anyone,
      Action: "s3:*",
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    });
    const context = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`aws:Key${index}`, "value"]));
    const rounds = 2000;
    const measure = (): number => {
      const started = process.hrtime.bigint();
      for (let index = 0; index < rounds; index++)
        decide({ identity, bucket, context, resource: "arn:aws:s3:::media/uploads/x" });
      return Number(process.hrtime.bigint() - started) / rounds / 1000;
    };

    measure();
    const best = Math.min(measure(), measure(), measure());

    assert.ok(best < 50, `${best.toFixed(1)} microseconds`);
  });
});
