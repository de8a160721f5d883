// Proves that provider functions answer as the AWS provider does: policy documents to the byte, account, Region, partition, zones.
import assert from "node:assert/strict";
import type { PropertyMap } from "../../../../local/cloud/core/resource-model";
import { iamInvokes } from "../../../../local/cloud/iam/invokes";

const where = { accountId: "123456789012", region: "eu-west-1" };
const invoke = async (token: string, args: PropertyMap = {}) => {
  const name = token.split("/")[1];
  return (iamInvokes[`aws:${token}:${name}`] ?? assert.fail(`no ${token}`))(args, where);
};
const render = async (args: PropertyMap) =>
  (await invoke("iam/getPolicyDocument", args)) as { json: string; minifiedJson: string; id: string };

describe("getPolicyDocument", () => {
  it("renders a statement as the provider does: two spaces, lists sorted backwards, single values by themselves", async () => {
    const { json, minifiedJson, id } = await render({
      policyId: "p",
      statements: [
        {
          sid: "Read",
          actions: ["s3:GetObject", "s3:PutObject"],
          resources: ["arn:aws:s3:::b/&{aws:username}/*"],
          principals: [
            { type: "Service", identifiers: ["lambda.amazonaws.com"] },
            { type: "AWS", identifiers: ["111111111111", "222222222222"] },
          ],
          conditions: [
            { test: "StringLike", variable: "s3:prefix", values: ["a", "b"] },
            { test: "Bool", variable: "aws:SecureTransport", values: ["true"] },
            { test: "StringLike", variable: "aws:userid", values: ["x"] },
            { test: "StringLike", variable: "aws:userid", values: ["y"] },
          ],
        },
      ],
    });

    assert.equal(
      json,
      `{
  "Version": "2012-10-17",
  "Id": "p",
  "Statement": [
    {
      "Sid": "Read",
      "Effect": "Allow",
      "Action": [
        "s3:PutObject",
        "s3:GetObject"
      ],
      "Resource": "arn:aws:s3:::b/\${aws:username}/*",
      "Principal": {
        "AWS": [
          "222222222222",
          "111111111111"
        ],
        "Service": "lambda.amazonaws.com"
      },
      "Condition": {
        "Bool": {
          "aws:SecureTransport": "true"
        },
        "StringLike": {
          "aws:userid": [
            "x",
            "y"
          ],
          "s3:prefix": [
            "a",
            "b"
          ]
        }
      }
    }
  ]
}`,
    );
    assert.equal(minifiedJson, JSON.stringify(JSON.parse(json)));
    assert.match(id, /^\d+$/);
  });

  it("renders the star principal, negated elements and Deny", async () => {
    const { minifiedJson } = await render({
      version: "2008-10-17",
      statements: [
        { effect: "Deny", notActions: ["iam:*"], notResources: ["*"], principals: [{ type: "*", identifiers: ["*"] }] },
        { actions: ["s3:*"], resources: ["*"], notPrincipals: [{ type: "AWS", identifiers: ["*"] }] },
      ],
    });

    assert.equal(
      minifiedJson,
      '{"Version":"2008-10-17","Statement":[{"Effect":"Deny","NotAction":"iam:*","NotResource":"*","Principal":"*"},{"Effect":"Allow","Action":"s3:*","Resource":"*","NotPrincipal":{"AWS":"*"}}]}',
    );
  });

  it("merges source documents below and override documents above its own statements", async () => {
    const statement = (Sid: string, Action: string) => ({ Sid, Effect: "Allow", Action, Resource: "*" });
    const document = (...Statement: object[]) => JSON.stringify({ Version: "2012-10-17", Statement });

    const { minifiedJson } = await render({
      sourcePolicyDocuments: [document(statement("A", "s3:GetObject"), statement("B", "s3:PutObject"))],
      statements: [{ sid: "A", actions: ["sqs:SendMessage"], resources: ["*"] }],
      overridePolicyDocuments: [document(statement("B", "sns:Publish"), statement("C", "sns:Subscribe"))],
    });

    const { Statement } = JSON.parse(minifiedJson) as { Statement: { Sid: string; Action: string }[] };
    assert.deepEqual(
      Statement.map(({ Sid, Action }) => [Sid, Action]),
      [
        ["A", "sqs:SendMessage"],
        ["B", "sns:Publish"],
        ["C", "sns:Subscribe"],
      ],
    );
  });

  it("gives equal text and id for equal arguments", async () => {
    const args = { statements: [{ actions: ["s3:GetObject"], resources: ["*"] }] };

    assert.deepEqual(await render(args), await render(structuredClone(args)));
  });

  it("rejects two statements with one Sid and arguments it does not know", async () => {
    const twice = [
      { sid: "A", actions: ["s3:*"], resources: ["*"] },
      { sid: "A", actions: ["s3:*"], resources: ["*"] },
    ];

    await assert.rejects(render({ statements: twice }), /duplicate Sid \(A\)/);
    await assert.rejects(render({ statement: [] }), /does not know statement/);
  });
});

describe("provider functions", () => {
  it("names account, Region, partition and zones", async () => {
    const zones = await invoke("index/getAvailabilityZones", { state: "available" });

    assert.deepEqual(await invoke("index/getCallerIdentity"), {
      accountId: "123456789012",
      arn: "arn:aws:iam::123456789012:root",
      id: "123456789012",
      userId: "123456789012",
    });
    assert.deepEqual(await invoke("index/getRegion"), {
      id: "eu-west-1",
      name: "eu-west-1",
      region: "eu-west-1",
      endpoint: "ec2.eu-west-1.amazonaws.com",
      description: "Europe (Ireland)",
    });
    assert.equal((await invoke("index/getRegion", { region: "us-east-1" })).region, "us-east-1");
    assert.deepEqual((await invoke("index/getAvailabilityZones", { region: "ap-southeast-1" })).zoneIds, [
      "apse1-az1",
      "apse1-az2",
      "apse1-az3",
    ]);
    assert.deepEqual(await invoke("index/getPartition"), {
      id: "aws",
      partition: "aws",
      dnsSuffix: "amazonaws.com",
      reverseDnsPrefix: "com.amazonaws",
    });
    assert.deepEqual(
      [zones.names, zones.zoneIds],
      [
        ["eu-west-1a", "eu-west-1b", "eu-west-1c"],
        ["euw1-az1", "euw1-az2", "euw1-az3"],
      ],
    );
  });

  it("rejects arguments that would change the answer", async () => {
    await assert.rejects(invoke("index/getAvailabilityZones", { filters: [] }), { code: "NotSimulated" });
    await assert.rejects(invoke("index/getAvailabilityZones", { state: "impaired" }), { code: "NotSimulated" });
    await assert.rejects(invoke("index/getCallerIdentity", { x: 1 }), { code: "NotSimulated" });
  });
});
