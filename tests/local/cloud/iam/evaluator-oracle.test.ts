// Proves that our evaluator decides as @cloud-copilot/iam-simulate does, over generated policies and requests. Does not prove that
// both are right where they share a misreading of the documentation: the tables in evaluator.test.ts follow AWS's own pages.
import assert from "node:assert/strict";
import fc from "fast-check";
import type {
  AuthorizationRequest,
  ConditionValue,
  NamedPolicy,
  PolicyDocument,
  PolicyStatement,
} from "../../../../local/cloud/core/access";
import { anonymous, type Principal, servicePrincipal } from "../../../../local/cloud/core/principal";
import { createPolicyEvaluator } from "../../../../local/cloud/iam/evaluator";
import { askOracle } from "../../../support/policy-oracle";

const account = "123456789012";
const other = "999999999999";
const session = (accountId: string, role = "app", name = "s1"): Principal => ({
  kind: "assumed-role",
  arn: `arn:aws:sts::${accountId}:assumed-role/${role}/${name}`,
  accountId,
  roleArn: `arn:aws:iam::${accountId}:role/${role}`,
  userId: `AROA:${name}`,
});
const user: Principal = { kind: "user", arn: `arn:aws:iam::${account}:user/ann`, accountId: account, userId: "AIDA" };

const principals = fc.constantFrom<Principal>(
  session(account),
  session(account, "app", "s2"),
  session(account, "admin"),
  session(other),
  user,
  servicePrincipal("sns.amazonaws.com", "arn:aws:sns:eu-west-1:123456789012:t", account),
  anonymous,
);

const queue = `arn:aws:sqs:eu-west-1:${account}:jobs`;
const questions = fc.constantFrom(
  { action: "s3:GetObject", resource: "arn:aws:s3:::media/uploads/a.bin" },
  { action: "s3:PutObject", resource: "arn:aws:s3:::media/uploads/ann/x" },
  { action: "s3:ListBucket", resource: "arn:aws:s3:::media" },
  { action: "sqs:SendMessage", resource: queue },
  { action: "sqs:ReceiveMessage", resource: queue },
  { action: "lambda:InvokeFunction", resource: `arn:aws:lambda:eu-west-1:${account}:function:f` },
);

const actions = fc.constantFrom(
  "s3:GetObject",
  "s3:Get*",
  "S3:put?bject",
  "s3:*",
  "*",
  "sqs:SendMessage",
  "sqs:*Message",
  "lambda:Invoke*",
);
const resources = fc.constantFrom(
  "*",
  "arn:aws:s3:::media/*",
  "arn:aws:s3:::media",
  "arn:aws:s3:::media/uploads/?.bin",
  "arn:aws:s3:::media/uploads/${aws:PrincipalTag/team}/*",
  "arn:aws:s3:::media/uploads/${aws:PrincipalTag/none, 'ann'}/*",
  "arn:aws:s3:::media/uploads/${aws:PrincipalTag/none}/*",
  "arn:aws:sqs:*:*:jobs",
  `arn:aws:sqs:eu-west-1:${account}:*`,
  `arn:aws:lambda:*:${account}:function:f`,
);
const someOf = <T>(items: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(items, { minLength: 1, maxLength: 2 });

type Condition = NonNullable<PolicyStatement["Condition"]>;
const condition = (operator: string, key: string, value: ConditionValue): Condition => ({
  [operator]: { [key]: value },
});
const conditions = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringNotLike",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
      ),
      fc.constantFrom("", "IfExists"),
      fc.constantFrom("aws:PrincipalTag/team", "aws:principaltag/TEAM", "aws:PrincipalTag/none", "aws:SourceVpce"),
      fc.constantFrom<ConditionValue>("ann", "Ann", "a*", ["x", "an?"], "vpce-1", "${aws:PrincipalTag/team}"),
    )
    .map(([operator, suffix, key, value]) => condition(operator + suffix, key, value)),
  fc
    .tuple(
      fc.constantFrom("IpAddress", "NotIpAddress"),
      fc.constantFrom<ConditionValue>("10.0.0.0/8", "10.1.2.3", ["192.168.0.0/16", "10.1.0.0/16"]),
    )
    .map(([operator, value]) => condition(operator, "aws:SourceIp", value)),
  fc
    .tuple(
      fc.constantFrom("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"),
      fc.constantFrom<ConditionValue>(
        "arn:aws:sns:eu-west-1:123456789012:t",
        "arn:aws:sns:*:123456789012:*",
        "arn:aws:sns:eu-west-1:999999999999:t",
      ),
    )
    .map(([operator, value]) => condition(operator, "aws:SourceArn", value)),
  fc
    .tuple(fc.constantFrom("Bool", "BoolIfExists"), fc.constantFrom<ConditionValue>("true", "false"))
    .map(([operator, value]) => condition(operator, "aws:SecureTransport", value)),
  fc
    .tuple(
      fc.constantFrom("DateLessThan", "DateGreaterThan", "DateGreaterThanEquals", "DateEquals"),
      fc.constantFrom<ConditionValue>("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z"),
    )
    .map(([operator, value]) => condition(operator, "aws:CurrentTime", value)),
  fc
    .tuple(
      fc.constantFrom("NumericLessThan", "NumericGreaterThanEquals", "NumericEquals", "NumericNotEquals"),
      fc.constantFrom<ConditionValue>("300", "900000"),
    )
    .map(([operator, value]) => condition(operator, "aws:MultiFactorAuthAge", value)),
  fc
    .tuple(
      fc.constantFrom<ConditionValue>("true", "false"),
      fc.constantFrom("aws:SourceVpce", "aws:PrincipalTag/none", "aws:SourceIp"),
    )
    .map(([value, key]) => condition("Null", key, value)),
  fc
    .tuple(
      fc.constantFrom("ForAllValues:StringEquals", "ForAnyValue:StringLike", "ForAnyValue:StringEquals"),
      fc.constantFrom<ConditionValue>("a", ["a", "b"], "c*"),
    )
    .map(([operator, value]) => condition(operator, "aws:TagKeys", value)),
);

const principalElements = fc.constantFrom<NonNullable<PolicyStatement["Principal"]>>(
  "*",
  { AWS: "*" },
  { AWS: `arn:aws:iam::${account}:root` },
  { AWS: account },
  { AWS: `arn:aws:iam::${account}:role/app` },
  { AWS: [`arn:aws:sts::${account}:assumed-role/app/s1`, `arn:aws:iam::${account}:user/ann`] },
  { AWS: `arn:aws:iam::${other}:root` },
  { AWS: `arn:aws:iam::${other}:role/app` },
  { Service: "sns.amazonaws.com" },
  { Service: ["events.amazonaws.com", "s3.amazonaws.com"] },
);

const identityStatement = fc
  .record({
    effect: fc.constantFrom<"Allow" | "Deny">("Allow", "Allow", "Deny"),
    not: fc.constantFrom("", "", "", "action", "resource"),
    action: someOf(actions),
    resource: someOf(resources),
    // The oracle decides NotResource with a variable that cannot be filled by the rest of the ARN; ours lets it never apply.
    excluded: someOf(resources.filter((each) => !/(none|team)}/.test(each))),
    condition: fc.option(conditions, { nil: undefined, freq: 1 }),
  })
  .map(({ effect, not, action, resource, excluded, condition: given }): PolicyStatement => ({
    Effect: effect,
    ...(not === "action" ? { NotAction: action } : { Action: action }),
    ...(not === "resource" ? { NotResource: excluded } : { Resource: resource }),
    ...(given && { Condition: given }),
  }));
const resourceStatement = fc
  .tuple(identityStatement, principalElements, fc.constantFrom(true, true, true, false))
  .map(([statement, principal, positive]): PolicyStatement => ({
    ...statement,
    ...(positive || statement.Effect === "Allow"
      ? { Principal: principal }
      : { NotPrincipal: principal === "*" ? { AWS: account } : principal }),
  }));
const policyOf = (name: string, statement: fc.Arbitrary<PolicyStatement>, minLength = 1): fc.Arbitrary<NamedPolicy> =>
  fc.array(statement, { minLength, maxLength: 3 }).map((statements): NamedPolicy => {
    const document: PolicyDocument = { Version: "2012-10-17", Statement: statements };
    return { name, document };
  });

const contexts = fc.record(
  {
    "aws:PrincipalTag/team": fc.constantFrom("ann", "blue"),
    "aws:SourceVpce": fc.constantFrom("vpce-1", "vpce-2"),
    "aws:SourceIp": fc.constantFrom("10.1.2.3", "192.168.1.1", "8.8.8.8"),
    "aws:SourceArn": fc.constant("arn:aws:sns:eu-west-1:123456789012:t"),
    "aws:SecureTransport": fc.constantFrom("true", "false"),
    "aws:CurrentTime": fc.constantFrom("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"),
    "aws:MultiFactorAuthAge": fc.constantFrom("10", "300", "1000000"),
    "aws:TagKeys": fc.constantFrom(["a"], ["a", "b"], ["b", "c"]),
  },
  { requiredKeys: ["aws:CurrentTime"] },
);

const requests = fc
  .record({
    principal: principals,
    question: questions,
    context: contexts,
    identity: fc.array(policyOf("identity", identityStatement), { maxLength: 2 }),
    boundary: fc.option(policyOf("boundary", identityStatement), { nil: undefined, freq: 3 }),
    resource: fc.option(policyOf("resource", resourceStatement), { nil: undefined }),
  })
  .map(({ principal, question, context, identity, boundary, resource }): AuthorizationRequest => {
    const hasPolicies = principal.kind === "user" || principal.kind === "assumed-role";
    return {
      principal,
      ...question,
      resourceAccountId: account,
      context,
      identityPolicies: hasPolicies ? identity : [],
      ...(boundary && hasPolicies && { permissionsBoundary: boundary }),
      ...(resource && { resourcePolicy: resource }),
    };
  });

describe("policy evaluator against iam-simulate", () => {
  it("decides as the oracle over generated policies and requests", async function () {
    this.timeout(60_000);
    const evaluator = createPolicyEvaluator();
    let allowed = 0;
    let asked = 0;
    const property = fc.asyncProperty(requests, async (request) => {
      const expected = await askOracle(request);
      if (expected === "invalid") return;
      const decision = evaluator.evaluate(request);

      asked++;
      if (decision.allowed) allowed++;
      assert.equal(decision.allowed, expected === "Allowed", `${expected} expected, got: ${decision.reason}`);
      assert.equal(decision.reason.startsWith("explicit deny"), expected === "ExplicitlyDenied", decision.reason);
    });

    await fc.assert(property, { numRuns: Number(process.env.ORACLE_RUNS ?? 400) });

    // Guards against generators that never reach an Allow, or questions that the oracle refuses.
    assert.ok(asked > 300, `only ${asked} questions were answered`);
    assert.ok(allowed > 20, `only ${allowed} requests were allowed`);
  });
});
