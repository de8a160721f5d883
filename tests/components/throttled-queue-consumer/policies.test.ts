// Proves each policy document of ThrottledQueueConsumer word for word, that it is valid IAM, and what it decides. AWS's own decision is
// not proven here.
import assert from "node:assert/strict";
import { ThrottledQueueConsumer } from "../../../components";
import {
  buildBreakerStatements,
  buildClaimCheckBucketPolicy,
  buildConsumerStatements,
  buildProducerPolicy,
  buildQueuePolicy,
} from "../../../components/throttled-queue-consumer/policies";
import { createPolicyEvaluator } from "../../../local/cloud/iam";
import type { PolicyDocument } from "../../../local/cloud/core/access";
import { evaluateProgram } from "../../support/engine-run";
import { lintPolicy } from "../../support/policy-lint";
import { MINIMAL_QUEUE_ARGS } from "../../support/queue-component";

const QUEUE = "arn:aws:sqs:eu-west-1:111111111111:orders";
const DEAD_LETTERS = "arn:aws:sqs:eu-west-1:111111111111:orders-dead";
const TABLE = "arn:aws:dynamodb:eu-west-1:111111111111:table/orders";
const BUCKET = "arn:aws:s3:::orders-claims";
const KEY = "arn:aws:kms:eu-west-1:111111111111:key/1";
const MAPPING = "arn:aws:lambda:eu-west-1:111111111111:event-source-mapping:1";
const ORGANIZATION = "o-a1b2c3d4e5";
const PARTS = {
  region: "eu-west-1",
  queueArn: QUEUE,
  deadLetterQueueArn: DEAD_LETTERS,
  stateTableArn: undefined,
  claimCheckBucketArn: undefined,
  kmsKeyArn: undefined,
};
const DENY_PLAIN = {
  Sid: "DenyInsecureTransport",
  Effect: "Deny",
  Principal: "*",
  Action: "sqs:*",
  Resource: QUEUE,
  Condition: { Bool: { "aws:SecureTransport": "false" } },
};
const allow = (Sid: string, Action: string[], Resource: string): object => ({ Sid, Effect: "Allow", Action, Resource });
const through = (...services: string[]): object => ({
  Condition: { StringEquals: { "kms:ViaService": services.map((service) => `${service}.eu-west-1.amazonaws.com`) } },
});

describe("ThrottledQueueConsumer: policies", () => {
  it("Q18: without producers a queue's policy only denies plain HTTP", () => {
    assert.deepEqual(buildQueuePolicy(QUEUE, {}, "aws"), { Version: "2012-10-17", Statement: [DENY_PLAIN] });
  });

  it("Q18: services and other accounts send only from their source, account or organization", () => {
    const policy = buildQueuePolicy(
      QUEUE,
      {
        topic: { serviceName: "sns.amazonaws.com", sourceArn: "arn:aws:sns:eu-west-1:111111111111:orders" },
        rules: { serviceName: "events.amazonaws.com", sourceAccount: "111111111111" },
        buckets: { serviceName: "s3.amazonaws.com", organizationId: ORGANIZATION },
        shop: { roleArn: "arn:aws:iam::222222222222:role/shop", organizationId: ORGANIZATION },
        partner: { accountId: "333333333333", organizationId: ORGANIZATION },
      },
      "aws",
    );

    const statement = (Sid: string, Principal: object, Condition: object): object => ({
      Sid,
      Effect: "Allow",
      Principal,
      Action: "sqs:SendMessage",
      Resource: QUEUE,
      Condition,
    });
    assert.deepEqual(policy.Statement, [
      DENY_PLAIN,
      statement(
        "AllowSendTopic",
        { Service: "sns.amazonaws.com" },
        { ArnLike: { "aws:SourceArn": "arn:aws:sns:eu-west-1:111111111111:orders" } },
      ),
      statement(
        "AllowSendRules",
        { Service: "events.amazonaws.com" },
        { StringEquals: { "aws:SourceAccount": "111111111111" } },
      ),
      statement(
        "AllowSendBuckets",
        { Service: "s3.amazonaws.com" },
        { StringEquals: { "aws:SourceOrgID": ORGANIZATION } },
      ),
      statement(
        "AllowSendShop",
        { AWS: "arn:aws:iam::222222222222:role/shop" },
        { StringEquals: { "aws:PrincipalOrgID": ORGANIZATION } },
      ),
      statement(
        "AllowSendPartner",
        { AWS: "arn:aws:iam::333333333333:root" },
        { StringEquals: { "aws:PrincipalOrgID": ORGANIZATION } },
      ),
    ]);
  });

  it("A1: the consumer may use its queue and what it was given, and nothing else", () => {
    const source = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"];
    const state = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"];
    const tableKey = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"];

    assert.deepEqual(buildConsumerStatements(PARTS, false), [allow("ConsumeQueue", source, QUEUE)]);
    assert.deepEqual(buildConsumerStatements({ ...PARTS, kmsKeyArn: KEY }, false), [
      allow("ConsumeQueue", source, QUEUE),
      { ...allow("UseKeyForMessages", ["kms:Decrypt"], KEY), ...through("sqs") },
    ]);
    assert.deepEqual(
      buildConsumerStatements({ ...PARTS, stateTableArn: TABLE, claimCheckBucketArn: BUCKET, kmsKeyArn: KEY }, true),
      [
        allow("ConsumeQueue", source, QUEUE),
        allow("RejectMessages", ["sqs:SendMessage"], DEAD_LETTERS),
        allow("UseState", state, TABLE),
        allow("ReadClaimChecks", ["s3:GetObject"], `${BUCKET}/claim-checks/*`),
        { ...allow("UseKeyForMessages", ["kms:Decrypt", "kms:GenerateDataKey"], KEY), ...through("sqs") },
        { ...allow("UseKeyForState", tableKey, KEY), ...through("dynamodb") },
        { ...allow("UseKeyForClaimChecks", ["kms:Decrypt"], KEY), ...through("s3") },
      ],
    );
  });

  it("Q18: a producer's role may send, and put claim checks where there are any", () => {
    assert.deepEqual(buildProducerPolicy(PARTS).Statement, [allow("SendMessages", ["sqs:SendMessage"], QUEUE)]);
    assert.deepEqual(buildProducerPolicy({ ...PARTS, claimCheckBucketArn: BUCKET, kmsKeyArn: KEY }).Statement, [
      allow("SendMessages", ["sqs:SendMessage"], QUEUE),
      allow("WriteClaimChecks", ["s3:PutObject"], `${BUCKET}/claim-checks/*`),
      { ...allow("UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], KEY), ...through("sqs", "s3") },
    ]);
  });

  it("Q31: the circuit breaker may switch one mapping and keep its state", () => {
    const parts = { region: "eu-west-1", mappingArn: MAPPING, stateTableArn: TABLE };

    assert.deepEqual(buildBreakerStatements({ ...parts, kmsKeyArn: undefined }), [
      allow("SwitchMapping", ["lambda:GetEventSourceMapping", "lambda:UpdateEventSourceMapping"], MAPPING),
      allow("ReadAlarm", ["cloudwatch:DescribeAlarms"], "*"),
      allow("UseState", ["dynamodb:GetItem", "dynamodb:PutItem"], TABLE),
    ]);
    assert.deepEqual(buildBreakerStatements({ ...parts, kmsKeyArn: KEY }).at(-1), {
      ...allow("UseKeyForState", ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"], KEY),
      ...through("dynamodb"),
    });
  });

  it("Q24: claim checks are reached over TLS only, and services put none", () => {
    const rules = { serviceName: "events.amazonaws.com", sourceAccount: "111111111111" };

    assert.deepEqual(buildClaimCheckBucketPolicy(BUCKET, { rules }, "aws").Statement, [
      { ...DENY_PLAIN, Action: "s3:*", Resource: [BUCKET, `${BUCKET}/*`] },
    ]);
  });

  it("Q18, Q24: producers of other accounts put claim checks as they send: within their organization, and nothing else", () => {
    const bucketPolicy = buildClaimCheckBucketPolicy(
      BUCKET,
      {
        shop: { roleArn: "arn:aws:iam::222222222222:role/shop", organizationId: ORGANIZATION },
        partner: { accountId: "333333333333", organizationId: ORGANIZATION },
      },
      "aws",
    );
    const puts = (account: string, role: string, more: { action?: string; key?: string; organization?: string } = {}) =>
      createPolicyEvaluator().evaluate({
        principal: {
          kind: "assumed-role",
          arn: `arn:aws:sts::${account}:assumed-role/${role}/session`,
          accountId: account,
          roleArn: `arn:aws:iam::${account}:role/${role}`,
          userId: "AROA:session",
        },
        action: more.action ?? "s3:PutObject",
        resource: `${BUCKET}/${more.key ?? "claim-checks/1"}`,
        resourceAccountId: "111111111111",
        context: { "aws:PrincipalOrgID": more.organization ?? ORGANIZATION, "aws:SecureTransport": "true" },
        identityPolicies: [
          { name: "producer", document: buildProducerPolicy({ ...PARTS, claimCheckBucketArn: BUCKET }) },
          { name: "anything", document: { Statement: { Effect: "Allow", Action: "s3:*", Resource: "*" } } },
        ],
        resourcePolicy: { name: "bucket", document: bucketPolicy },
      }).allowed;

    assert.equal(puts("222222222222", "shop"), true);
    assert.equal(puts("333333333333", "anyone"), true);
    assert.equal(puts("222222222222", "other"), false);
    assert.equal(puts("444444444444", "shop"), false);
    assert.equal(puts("222222222222", "shop", { organization: "o-zzzzzzzzzz" }), false);
    assert.equal(puts("222222222222", "shop", { key: "other/1" }), false);
    assert.equal(puts("222222222222", "shop", { action: "s3:GetObject" }), false);
  });

  it("Q18: decides for the topic over TLS, against another topic, and against plain HTTP", () => {
    const topic = "arn:aws:sns:eu-west-1:111111111111:orders";
    const policy = buildQueuePolicy(QUEUE, { topic: { serviceName: "sns.amazonaws.com", sourceArn: topic } }, "aws");
    const decide = (sourceArn: string, secure: boolean): boolean =>
      createPolicyEvaluator().evaluate({
        principal: { kind: "service", service: "sns.amazonaws.com" } as never,
        action: "sqs:SendMessage",
        resource: QUEUE,
        resourceAccountId: "111111111111",
        context: { "aws:SourceArn": sourceArn, "aws:SecureTransport": String(secure) },
        identityPolicies: [],
        resourcePolicy: { name: "queue", document: policy },
      }).allowed;

    assert.equal(decide(topic, true), true);
    assert.equal(decide("arn:aws:sns:eu-west-1:999999999999:orders", true), false);
    assert.equal(decide(topic, false), false);
  });

  it("A1, A2: every rendered policy is valid IAM without a wildcard, but for the denial of plain HTTP", async () => {
    const { resources, errors } = await evaluateProgram(() => {
      new ThrottledQueueConsumer("orders", {
        ...MINIMAL_QUEUE_ARGS,
        kmsKeyArn: KEY,
        claimCheck: {},
        circuitBreaker: { alarmArn: "arn:aws:cloudwatch:eu-west-1:111111111111:alarm:slow" },
        producers: {
          rules: { serviceName: "events.amazonaws.com", sourceAccount: "111111111111" },
          shop: { roleArn: "arn:aws:iam::222222222222:role/shop", organizationId: ORGANIZATION },
        },
        statements: [{ sid: "Notify", actions: ["sns:Publish"], resources: ["arn:aws:sns:eu-west-1:111111111111:a"] }],
      });
    });
    assert.deepEqual(errors, []);

    const complaints: string[] = [];
    let linted = 0;
    for (const { name, inputs } of resources) {
      if (typeof inputs.policy !== "string") continue;
      linted++;
      const found = await lintPolicy(JSON.parse(inputs.policy) as PolicyDocument);
      complaints.push(...found.map((complaint) => `${name}: ${complaint}`));
    }
    assert.equal(linted, 5);
    assert.deepEqual(
      complaints.filter((complaint) => !complaint.includes("DenyInsecureTransport")),
      [],
    );
  });
});
