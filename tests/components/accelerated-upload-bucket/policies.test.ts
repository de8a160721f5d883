// Proves each policy document of AcceleratedUploadBucket word for word, that it is valid IAM, and what it decides. AWS's own decision
// is not proven here.
import assert from "node:assert/strict";
import { AcceleratedUploadBucket } from "../../../components";
import {
  buildApiPolicy,
  buildBucketPolicy,
  buildHandlerStatements,
  buildScannerPolicy,
} from "../../../components/accelerated-upload-bucket/policies";
import { buildPolicy } from "../../../components/shared/iam";
import { UPLOAD_HANDLERS, type UploadHandlerName } from "../../../handlers/upload/contract";
import { createPolicyEvaluator } from "../../../local/cloud/iam";
import type { PolicyDocument } from "../../../local/cloud/core/access";
import { evaluateProgram } from "../../support/engine-run";
import { lintPolicy } from "../../support/policy-lint";
import { MINIMAL_ARGS } from "../../support/upload-component";

const BUCKET = "arn:aws:s3:::media";
const OBJECTS = `${BUCKET}/uploads/*`;
const TABLE = "arn:aws:dynamodb:eu-west-1:111111111111:table/media";
const BUS = "arn:aws:events:eu-west-1:111111111111:event-bus/default";
const KEY = "arn:aws:kms:eu-west-1:111111111111:key/1";
const PARTS = {
  bucketArn: BUCKET,
  keyPrefix: "uploads/",
  tableArn: TABLE,
  eventBusArn: BUS,
  kmsKeyArn: undefined,
  region: "eu-west-1",
};

describe("AcceleratedUploadBucket: policies", () => {
  it("U14, U19: the bucket denies plain HTTP and signatures older than the expiry", () => {
    assert.deepEqual(
      buildBucketPolicy({ bucketArn: BUCKET, keyPrefix: "uploads/", urlExpirySeconds: 300, scan: undefined }),
      {
        Version: "2012-10-17",
        Statement: [
          {
            Sid: "DenyInsecureTransport",
            Effect: "Deny",
            Principal: "*",
            Action: "s3:*",
            Resource: [BUCKET, `${BUCKET}/*`],
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
          {
            Sid: "DenyOldSignatures",
            Effect: "Deny",
            Principal: "*",
            Action: "s3:PutObject",
            Resource: OBJECTS,
            Condition: { NumericGreaterThan: { "s3:signatureAge": "300000" } },
          },
        ],
      },
    );
  });

  it("U17: each handler may do exactly this", () => {
    const allow = (Sid: string, Action: string[], Resource: string): object => ({
      Sid,
      Effect: "Allow",
      Action,
      Resource,
    });
    const events = {
      ...allow("PutEvents", ["events:PutEvents"], BUS),
      Condition: { StringEquals: { "events:source": "serverless-patterns.uploads" } },
    };
    const expected: Readonly<Record<UploadHandlerName, readonly object[]>> = {
      start: [
        allow("UseUploads", ["s3:PutObject", "s3:AbortMultipartUpload"], OBJECTS),
        allow("UseTable", ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], TABLE),
      ],
      sign: [allow("UseUploads", ["s3:PutObject"], OBJECTS), allow("UseTable", ["dynamodb:GetItem"], TABLE)],
      describe: [
        allow("UseUploads", ["s3:ListMultipartUploadParts"], OBJECTS),
        allow("UseTable", ["dynamodb:GetItem"], TABLE),
      ],
      complete: [
        allow("UseUploads", ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"], OBJECTS),
        allow("UseTable", ["dynamodb:GetItem", "dynamodb:UpdateItem"], TABLE),
        events,
      ],
      abort: [
        allow("UseUploads", ["s3:AbortMultipartUpload"], OBJECTS),
        allow("UseTable", ["dynamodb:GetItem", "dynamodb:UpdateItem"], TABLE),
      ],
      list: [allow("UseTable", ["dynamodb:Query"], TABLE)],
      sweep: [
        allow("UseUploads", ["s3:AbortMultipartUpload", "s3:GetObject"], OBJECTS),
        allow("UseTable", ["dynamodb:GetItem", "dynamodb:UpdateItem"], TABLE),
        allow("UseIndex", ["dynamodb:Query"], `${TABLE}/index/dueUploads`),
        events,
      ],
      release: [allow("UseTable", ["dynamodb:GetItem", "dynamodb:UpdateItem"], TABLE)],
    };

    for (const handlerName of Object.keys(UPLOAD_HANDLERS) as UploadHandlerName[]) {
      assert.deepEqual(buildHandlerStatements(handlerName, PARTS), expected[handlerName], handlerName);
    }
  });

  it("U17: no handler may delete objects, list the bucket, or do anything by wildcard", () => {
    const statements = (Object.keys(UPLOAD_HANDLERS) as UploadHandlerName[]).flatMap((handlerName) =>
      buildHandlerStatements(handlerName, { ...PARTS, kmsKeyArn: KEY }),
    );

    const actions = statements.flatMap(({ Action }) => Action);
    assert.ok(actions.length > 0);
    for (const action of actions) assert.doesNotMatch(action, /\*|s3:Delete|s3:ListBucket$/);
    for (const { Resource } of statements) assert.notEqual(Resource, "*");
  });

  it("U17: names the key only where a handler needs it", () => {
    const withKey = (Object.keys(UPLOAD_HANDLERS) as UploadHandlerName[]).filter((handlerName) =>
      buildHandlerStatements(handlerName, { ...PARTS, kmsKeyArn: KEY }).some(({ Sid }) => Sid === "UseKey"),
    );

    assert.deepEqual(withKey, ["start", "sign", "describe", "complete", "sweep"]);
  });

  it("U17: uses the key through S3 only", () => {
    const statements = buildHandlerStatements("sign", { ...PARTS, kmsKeyArn: KEY });

    assert.deepEqual(
      statements.find(({ Sid }) => Sid === "UseKey"),
      {
        Sid: "UseKey",
        Effect: "Allow",
        Action: ["kms:GenerateDataKey", "kms:Decrypt"],
        Resource: KEY,
        Condition: { StringEquals: { "kms:ViaService": "s3.eu-west-1.amazonaws.com" } },
      },
    );
  });

  it("U17: uses the key through S3 under the name that it has in China", () => {
    const statements = buildHandlerStatements("sign", { ...PARTS, region: "cn-north-1", kmsKeyArn: KEY });

    assert.deepEqual(statements.find(({ Sid }) => Sid === "UseKey")?.Condition, {
      StringEquals: { "kms:ViaService": "s3.cn-north-1.amazonaws.com.cn" },
    });
  });

  it("U1: with IAM, source ranges allow nobody who has no permission of its own", () => {
    const allowed = (mode: "iam" | "cognito"): unknown => buildApiPolicy(["192.0.2.0/24"], mode).Statement[0]?.Resource;

    assert.equal(allowed("iam"), "execute-api:/*/OPTIONS/*");
    assert.equal(allowed("cognito"), "execute-api:/*");
  });

  it("U14: decides against a part URL older than the expiry, and for a younger one", () => {
    const age = (milliseconds: number): boolean =>
      decide({
        action: "s3:PutObject",
        roleStatements: buildPolicy(buildHandlerStatements("sign", PARTS)),
        bucketPolicy: buildBucketPolicy({
          bucketArn: BUCKET,
          keyPrefix: "uploads/",
          urlExpirySeconds: 300,
          scan: undefined,
        }),
        context: { "s3:signatureAge": String(milliseconds), "aws:SecureTransport": "true" },
      });

    assert.equal(age(299_000), true);
    assert.equal(age(301_000), false);
  });

  it("U20: with scanning on, an object is readable only once its tag says clean", () => {
    const read = (roleArn: string, context: Record<string, string>): boolean =>
      decide({
        action: "s3:GetObject",
        roleArn,
        roleStatements: buildPolicy([{ Sid: "Read", Effect: "Allow", Action: "s3:GetObject", Resource: OBJECTS }]),
        bucketPolicy: buildBucketPolicy({
          bucketArn: BUCKET,
          keyPrefix: "uploads/",
          urlExpirySeconds: 300,
          scan: {
            scannerRoleArn: "arn:aws:iam::111111111111:role/scanner",
            exemptRoleArns: ["arn:aws:iam::111111111111:role/complete"],
          },
        }),
        context: { "aws:SecureTransport": "true", ...context },
      });
    const tag = "s3:ExistingObjectTag/GuardDutyMalwareScanStatus";

    const consumer = "arn:aws:iam::111111111111:role/consumer";
    assert.equal(read(consumer, {}), false);
    assert.equal(read(consumer, { [tag]: "THREATS_FOUND" }), false);
    assert.equal(read(consumer, { [tag]: "NO_THREATS_FOUND" }), true);
    assert.equal(read("arn:aws:iam::111111111111:role/scanner", {}), true);
    assert.equal(read("arn:aws:iam::111111111111:role/complete", {}), true);
  });

  it("A2: only malware protection plans of this account may assume the scanner's role", async () => {
    const { byName } = await evaluateProgram(() => {
      new AcceleratedUploadBucket("media", { ...MINIMAL_ARGS, malwareProtection: {} });
    });

    assert.deepEqual(JSON.parse(byName("media-scanner-role").inputs.assumeRolePolicy as string), {
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "AllowService",
          Effect: "Allow",
          Principal: { Service: "malware-protection-plan.guardduty.amazonaws.com" },
          Action: "sts:AssumeRole",
          Condition: {
            StringEquals: { "aws:SourceAccount": "111111111111" },
            ArnLike: { "aws:SourceArn": "arn:aws:guardduty:eu-west-1:111111111111:malware-protection-plan/*" },
          },
        },
      ],
    });
  });

  it("A1: every rendered policy is valid IAM without a wildcard, but for the denial of plain HTTP", async () => {
    const { resources } = await evaluateProgram(() => {
      new AcceleratedUploadBucket("media", { ...MINIMAL_ARGS, kmsKeyArn: KEY, malwareProtection: {} });
    });

    const complaints: string[] = [];
    for (const { name, type, inputs } of resources) {
      if (type !== "aws:iam/rolePolicy:RolePolicy" && type !== "aws:s3/bucketPolicy:BucketPolicy") continue;
      const found = await lintPolicy(JSON.parse(inputs.policy as string) as PolicyDocument);
      complaints.push(...found.map((complaint) => `${name}: ${complaint}`));
    }
    const allowed = complaints.filter((complaint) => complaint.includes("DenyInsecureTransport"));
    assert.deepEqual(
      complaints.filter((complaint) => !allowed.includes(complaint)),
      [],
    );
  });

  it("gives the scanner a valid policy without a key as well", async () => {
    const policy = buildScannerPolicy({
      bucketArn: BUCKET,
      keyPrefix: "uploads/",
      accountId: "111111111111",
      region: "eu-west-1",
      partition: "aws",
      kmsKeyArn: undefined,
    });

    assert.deepEqual(await lintPolicy(policy as PolicyDocument), []);
  });
});

function decide(question: {
  action: string;
  roleArn?: string;
  roleStatements: object;
  bucketPolicy: object;
  context: Record<string, string>;
}): boolean {
  const roleArn = question.roleArn ?? "arn:aws:iam::111111111111:role/sign";
  return createPolicyEvaluator().evaluate({
    principal: {
      kind: "assumed-role",
      arn: `${roleArn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")}/session`,
      accountId: "111111111111",
      roleArn,
      userId: "AROA:session",
    },
    action: question.action,
    resource: `${BUCKET}/uploads/default/user/1/file.bin`,
    resourceAccountId: "111111111111",
    context: { "aws:PrincipalArn": roleArn, ...question.context },
    identityPolicies: [{ name: "role", document: question.roleStatements as PolicyDocument }],
    resourcePolicy: { name: "bucket", document: question.bucketPolicy as PolicyDocument },
  }).allowed;
}
