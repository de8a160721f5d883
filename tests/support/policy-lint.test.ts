// Proves that the policy lint finds each kind of mistake, and leaves exact policies alone.
import assert from "node:assert/strict";
import type { PolicyStatement } from "../../local/cloud/core/access";
import { lintPolicy } from "./policy-lint";

const account = "123456789012";
const table = `arn:aws:dynamodb:eu-west-1:${account}:table/t`;
const lint = (...statements: readonly Partial<PolicyStatement>[]) =>
  lintPolicy({ Version: "2012-10-17", Statement: statements.map((each) => ({ Effect: "Allow" as const, ...each })) });

describe("policy lint", function () {
  this.timeout(20_000);

  const clean: readonly [string, Partial<PolicyStatement>][] = [
    ["object actions on objects", { Action: ["s3:GetObject", "s3:PutObject"], Resource: "arn:aws:s3:::b/uploads/*" }],
    ["bucket actions on a bucket", { Action: "s3:ListBucketMultipartUploads", Resource: "arn:aws:s3:::b" }],
    [
      "table and index actions",
      {
        Action: "dynamodb:Query",
        Resource: [table, `${table}/index/*`],
        Condition: { "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": "u" } },
      },
    ],
    [
      "actions without resources on *",
      { Action: ["xray:PutTraceSegments", "cloudwatch:PutMetricData"], Resource: "*" },
    ],
    [
      "log streams of a function",
      {
        Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
        Resource: `arn:aws:logs:eu-west-1:${account}:log-group:/aws/lambda/f:*`,
      },
    ],
    [
      "connections of one stage",
      {
        Action: "execute-api:ManageConnections",
        Resource: `arn:aws:execute-api:eu-west-1:${account}:abc/dev/POST/@connections/*`,
      },
    ],
    [
      "global keys in any case and with tag names",
      {
        Action: "s3:GetObject",
        Resource: "arn:aws:s3:::b/*",
        Condition: { ArnLike: { "AWS:SourceArn": "arn:aws:s3:::b" }, StringEquals: { "aws:PrincipalTag/team": "x" } },
      },
    ],
    [
      "a Deny with wildcards",
      {
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
        Condition: { NumericGreaterThan: { "s3:signatureAge": "300000" } },
      },
    ],
    [
      "a trust policy",
      {
        Principal: { Service: "lambda.amazonaws.com" },
        Action: "sts:AssumeRole",
        Condition: { StringEquals: { "aws:SourceAccount": account } },
      },
    ],
    ["a key policy", { Principal: { AWS: account }, Action: "kms:Decrypt", Resource: "*" }],
  ];
  for (const [what, statement] of clean) {
    it(`finds nothing in ${what}`, async () => {
      assert.deepEqual(await lint(statement), []);
    });
  }

  const findings: readonly [string, Partial<PolicyStatement>, readonly string[]][] = [
    ["an unknown service", { Action: "dynamo:GetItem", Resource: table }, ["unknown service dynamo"]],
    ["an unknown action", { Action: "s3:GetObjet", Resource: "arn:aws:s3:::b/*" }, ["unknown action s3:GetObjet"]],
    [
      "a wildcard that fits no action",
      { Effect: "Deny", Action: "s3:Fetch*", Resource: "arn:aws:s3:::b/*" },
      ["unknown action s3:Fetch*"],
    ],
    ["every action", { Action: "*", Resource: "arn:aws:s3:::b/*" }, ["wildcard action *"]],
    ["a wildcard action", { Action: "s3:Get*", Resource: "arn:aws:s3:::b/*" }, ["wildcard action s3:Get*"]],
    [
      "NotAction in Allow",
      { NotAction: "iam:PassRole", Resource: `arn:aws:iam::${account}:role/r` },
      ["NotAction in an Allow allows every other action"],
    ],
    [
      "NotResource in Allow",
      { Action: "s3:GetObject", NotResource: "arn:aws:s3:::b/*" },
      ["NotResource in an Allow allows every other resource"],
    ],
    [
      "a bucket action on objects",
      { Action: "s3:ListBucket", Resource: "arn:aws:s3:::b/*" },
      ["s3:ListBucket does not apply to any of arn:aws:s3:::b/*"],
    ],
    [
      "an object action on a bucket",
      { Action: "s3:GetObject", Resource: "arn:aws:s3:::b" },
      ["s3:GetObject does not apply to any of arn:aws:s3:::b"],
    ],
    [
      "an ARN of another service",
      { Action: "sqs:SendMessage", Resource: `arn:aws:sns:eu-west-1:${account}:t` },
      [`sqs:SendMessage does not apply to any of arn:aws:sns:eu-west-1:${account}:t`],
    ],
    [
      "a resource for an action that has none",
      { Action: "xray:PutTraceSegments", Resource: table },
      [`xray:PutTraceSegments knows no resources; its Resource must be "*"`],
    ],
    [
      "a needless *",
      { Action: "sqs:SendMessage", Resource: "*" },
      ['sqs:SendMessage supports resource-level permissions but Resource is "*"'],
    ],
    [
      "a global key that does not exist",
      { Action: "s3:GetObject", Resource: "arn:aws:s3:::b/*", Condition: { StringEquals: { "aws:SourceVpceX": "v" } } },
      ["unknown global condition key aws:SourceVpceX"],
    ],
    [
      "a key of another action",
      { Action: "s3:GetObject", Resource: "arn:aws:s3:::b/*", Condition: { StringEquals: { "s3:prefix": "x" } } },
      ["s3:prefix is not a condition key of s3:GetObject"],
    ],
  ];
  for (const [what, statement, expected] of findings) {
    it(`finds ${what}`, async () => {
      assert.deepEqual(
        await lint(statement),
        expected.map((finding) => `Statement[0]: ${finding}`),
      );
    });
  }

  it("reads JSON, single statements and Sids", async () => {
    const json = JSON.stringify({ Statement: { Sid: "Read", Effect: "Allow", Action: "s3:Nope", Resource: "*" } });

    assert.deepEqual(await lintPolicy(json), ["Statement[Read]: unknown action s3:Nope"]);
  });
});
