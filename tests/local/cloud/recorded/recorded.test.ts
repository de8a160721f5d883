// Proves that recorded types say so, check their inputs and return outputs that other resources can refer to.
import assert from "node:assert/strict";
import { textIn } from "../../../../local/cloud/core/input-reader";
import type { PropertyMap } from "../../../../local/cloud/core/resource-model";
import { createRecordedService } from "../../../../local/cloud/recorded/service";
import { declare, modelOf, problemsOf, resourceContext, testContext } from "../../../support/json-service-stub";

const ACCOUNT = "aws:apigateway/account:Account";
const PLAN = "aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan";
const ALIAS = "aws:kms/alias:Alias";
const KEY = "aws:kms/key:Key";
const TOPIC = "aws:sns/topic:Topic";
const TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy";
const ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation";
const role = "arn:aws:iam::123456789012:role/scanner";
const plan: PropertyMap = { role, protectedResource: { s3Bucket: { bucketName: "media", objectPrefixes: ["in/"] } } };
const association: PropertyMap = {
  resourceArn: "arn:aws:apigateway:eu-west-1::/restapis/abc/stages/dev",
  webAclArn: "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/main/1234",
};

describe("Recorded types", () => {
  const service = createRecordedService(testContext());

  it("are these, and each says that nothing happens", () => {
    assert.deepEqual(
      service.models.map(({ type, fidelity }) => [type, fidelity]),
      [ALIAS, ACCOUNT, KEY, PLAN, TOPIC, TOPIC_POLICY, ASSOCIATION].map((type) => [type, "recorded"]),
    );
  });

  it("give a topic its ARN", async () => {
    const { id, outputs } = await declare(service, TOPIC, {}, "ops");
    const fifo = await declare(service, TOPIC, { fifoTopic: true }, "ordered");

    assert.equal(id, "arn:aws:sns:eu-west-1:123456789012:ops-1234567");
    assert.equal(outputs.arn, id);
    assert.equal(outputs.name, "ops-1234567");
    assert.equal(fifo.outputs.name, "ordered-1234567.fifo");
  });

  it("give a key an id that survives updates, and an alias its key's ARN", async () => {
    const { id, outputs } = await declare(service, KEY, { description: "a" }, "key");
    const updated = await modelOf(service, KEY).update?.(id, { description: "b" }, outputs, resourceContext(KEY));
    const alias = await declare(service, ALIAS, { name: "alias/media", targetKeyId: outputs.arn });

    assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.equal(updated?.outputs.arn, outputs.arn);
    assert.equal(alias.outputs.targetKeyArn, outputs.arn);
    assert.equal(alias.outputs.arn, "arn:aws:kms:eu-west-1:123456789012:alias/media");
  });

  it("give a malware protection plan its ARN and status", async () => {
    const { id, outputs } = await declare(service, PLAN, plan);

    assert.equal(outputs.arn, `arn:aws:guardduty:eu-west-1:123456789012:malware-protection-plan/${id}`);
    assert.equal(outputs.status, "ACTIVE");
  });

  it("name an association after both ends, and the account's settings once", async () => {
    const { id } = await declare(service, ASSOCIATION, association);
    const account = await declare(service, ACCOUNT, { cloudwatchRoleArn: role });

    assert.equal(id, `${textIn(association, "webAclArn")},${textIn(association, "resourceArn")}`);
    assert.equal(account.id, "api-gateway-account");
  });

  const refusals: readonly [string, string, PropertyMap, RegExp][] = [
    ["a topic name with dots", TOPIC, { name: "a.b" }, /^name: must be/],
    ["deduplication without FIFO", TOPIC, { contentBasedDeduplication: true }, /needs fifoTopic: true/],
    ["delivery feedback, which is not simulated", TOPIC, { httpSuccessFeedbackRoleArn: role }, /is not simulated/],
    [
      "a topic policy that is no policy",
      TOPIC_POLICY,
      { arn: "arn:aws:sns:eu-west-1:123456789012:a", policy: "{}" },
      /^policy: must be/,
    ],
    ["a deletion window of a day", KEY, { deletionWindowInDays: 1 }, /between 7 and 30, got 1/],
    ["a rotation period without rotation", KEY, { rotationPeriodInDays: 100 }, /needs enableKeyRotation: true/],
    ["an alias without its prefix", ALIAS, { name: "media", targetKeyId: "k" }, /^name: must be "alias\/"/],
    ["an alias of AWS", ALIAS, { name: "alias/aws/s3", targetKeyId: "k" }, /must not begin with alias\/aws\//],
    ["a plan without a bucket", PLAN, { role, protectedResource: {} }, /^protectedResource.s3Bucket: is required$/],
    ["a plan with a role that is no ARN", PLAN, { ...plan, role: "scanner" }, /^role: must be the ARN of a role/],
    [
      "a plan with six prefixes",
      PLAN,
      {
        role,
        protectedResource: { s3Bucket: { bucketName: "media", objectPrefixes: ["a", "b", "c", "d", "e", "f"] } },
      },
      /objectPrefixes: must be at most 5, got 6/,
    ],
    [
      "a global web ACL",
      ASSOCIATION,
      { ...association, webAclArn: "arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/b" },
      /^webAclArn: must be the ARN of a regional web ACL/,
    ],
    [
      "a bucket behind a web ACL",
      ASSOCIATION,
      { ...association, resourceArn: "arn:aws:s3:::media" },
      /^resourceArn: must be/,
    ],
    ["a log role that is no ARN", ACCOUNT, { cloudwatchRoleArn: "role" }, /^cloudwatchRoleArn: must be/],
  ];
  for (const [what, type, inputs, problem] of refusals) {
    it(`rejects ${what}`, () => {
      assert.match(problemsOf(service, type, inputs).join("; "), problem);
    });
  }
});
