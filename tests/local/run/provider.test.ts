// Proves how registered resources find their models: types, accounts, Regions, tags, names, localised inputs, problems.
import assert from "node:assert/strict";
import { InvalidInputsError } from "../../../local/cloud/core/errors";
import type { PropertyMap } from "../../../local/cloud/core/resource-model";
import { createCloudProvider } from "../../../local/run/provider";
import { UNKNOWN } from "../../../local/engine";
import type { ResourceProvider, UpdateRequest } from "../../../local/engine";
import { requestOf, startTestCloud } from "../../support/running-cloud";
import type { RunningCloud } from "../../support/running-cloud";

const poolType = "aws:cognito/userPool:UserPool";

describe("the provider between engine and cloud", () => {
  let running: RunningCloud;
  let provider: ResourceProvider;
  before(async () => {
    running = await startTestCloud({ allowedTypes: [poolType, "aws:cloudfront/cachePolicy:CachePolicy"] });
    provider = createCloudProvider(() => Promise.resolve(running.cloud));
  });
  after(() => running.cloud.stop());

  async function arnOf(inputs: PropertyMap, configuration: PropertyMap): Promise<string> {
    const { outputs } = await provider.create(requestOf(poolType, inputs, "people", configuration));
    return String(outputs.arn);
  }

  it("places resources in the account and Region of their provider", async () => {
    const roleArn = "arn:aws:iam::111122223333:role/deploy";

    assert.match(await arnOf({}, {}), /^arn:aws:cognito-idp:eu-west-1:000000000000:userpool\//);
    assert.match(await arnOf({}, { assumeRoles: [{ roleArn }], region: "us-east-1" }), /:us-east-1:111122223333:/);
    assert.match(await arnOf({}, { allowedAccountIds: ["444455556666"] }), /:444455556666:/);
    assert.match(await arnOf({ region: "eu-north-1" }, { region: "us-east-1" }), /:eu-north-1:/);
  });

  it("gives automatic names and default tags", async () => {
    const configuration = { defaultTags: { tags: { team: "media" } } };
    const { outputs } = await provider.create(requestOf(poolType, { tags: { tier: "one" } }, "people", configuration));

    assert.match(String(outputs.name), /^people-[0-9a-f]{7}$/);
    assert.deepEqual(outputs.tagsAll, { team: "media", tier: "one" });
  });

  it("translates AWS URLs in inputs to local ones", async () => {
    running.cloud.hosts.add("https://d1.cloudfront.net", "http://127.0.0.1:1");

    const inputs = await provider.check?.(requestOf(poolType, { tags: { site: "https://d1.cloudfront.net/x" } }));

    assert.deepEqual(inputs, { tags: { site: "http://127.0.0.1:1/x" } });
  });

  it("rejects wrong inputs with all problems", async () => {
    const checking = Promise.resolve(
      provider.check?.(requestOf(poolType, { userPoolTier: "GOLD", mfaConfiguration: "ON" })),
    );

    await assert.rejects(checking, (error) => {
      assert.ok(error instanceof InvalidInputsError);
      assert.deepEqual(
        error.problems.map(({ property }) => property),
        ["userPoolTier", "mfaConfiguration"],
      );
      return true;
    });
  });

  it("rejects unknown and forbidden types and functions, and names the folder to add them in", async () => {
    const check = (type: string) => Promise.resolve(provider.check?.(requestOf(type, {})));
    const invoke = Promise.resolve(
      provider.invoke({
        token: "aws:ec2/getVpc:getVpc",
        args: {},
        preview: false,
        provider: requestOf(poolType, {}).provider,
      }),
    );

    await assert.rejects(check("aws:sqs/queue:Queue"), /aws:sqs\/queue:Queue is not simulated .* local\/cloud\/sqs\//);
    await assert.rejects(check("random:index/randomId:RandomId"), /local\/cloud\/random\//);
    await assert.rejects(check("aws:cognito/userPoolClient:UserPoolClient"), /not simulated/);
    await assert.rejects(
      invoke,
      /The provider function aws:ec2\/getVpc:getVpc is not simulated .* local\/cloud\/ec2\//,
    );
  });

  it("answers provider functions for the account and Region of the provider", async () => {
    const configuration = { allowedAccountIds: ["444455556666"] };
    const token = "aws:index/getCallerIdentity:getCallerIdentity";
    const resolved = requestOf(poolType, {}, "x", configuration).provider;

    const answer = await provider.invoke({ token, args: {}, preview: false, provider: resolved });

    assert.equal(answer.accountId, "444455556666");
  });

  it("makes nothing in a preview, and does not judge what it cannot know", async () => {
    const before = running.cloud.demoUsers().length;
    const request = { ...requestOf(poolType, { userPoolTier: UNKNOWN }), preview: true };

    assert.deepEqual(await provider.check?.(request), { userPoolTier: UNKNOWN });
    assert.deepEqual(await provider.create(request), { outputs: {} });
    assert.equal(running.cloud.demoUsers().length, before);
  });

  it("updates in place, keeps automatic names, and deletes", async () => {
    const request = requestOf(poolType, {}, "people");
    const created = await provider.create(request);
    const update: UpdateRequest = {
      ...request,
      inputs: { tags: { a: "b" } },
      id: created.id ?? "",
      oldInputs: {},
      oldOutputs: created.outputs,
    };

    assert.equal(await provider.diff?.({ ...update, changed: ["tags"] }), "update");
    const updated = await provider.update?.(update);
    assert.equal(updated?.outputs.name, created.outputs.name);
    await provider.delete?.({ ...request, id: created.id ?? "", outputs: created.outputs });
    assert.ok(!running.cloud.demoUsers().some(({ userPoolId }) => userPoolId === created.id));
  });
});
