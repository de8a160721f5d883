// Proves the models of roles and policies: outputs, every input that IAM refuses, and that declared policies really decide.
import assert from "node:assert/strict";
import { VirtualClock } from "../../../../local/cloud/core/clock";
import type { PropertyMap, ResourceContext, ResourceModel } from "../../../../local/cloud/core/resource-model";
import { createAccessControl, createIamService, type LocalAccessControl } from "../../../../local/cloud/iam";

const account = "123456789012";
const context: ResourceContext = {
  urn: "urn:pulumi:dev::p::t::n",
  type: "t",
  name: "n",
  accountId: account,
  region: "eu-west-1",
  defaultTags: { owner: "team" },
  autoname: (maxLength) => "n-1234567".slice(0, maxLength),
};
const json = (document: object): string => JSON.stringify({ Version: "2012-10-17", ...document });
const trust = json({
  Statement: { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" },
});
const allow = (action: string, sid = "S"): string =>
  json({ Statement: { Sid: sid, Effect: "Allow", Action: action, Resource: "*" } });
const basicExecution = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";

describe("IAM resources", () => {
  let access: LocalAccessControl;
  let models: Record<string, ResourceModel>;
  beforeEach(() => {
    const clock = new VirtualClock();
    access = createAccessControl({ clock, seed: "test" });
    let serial = 0;
    const service = createIamService({ clock, uniqueId: (length) => `${serial++}`.padEnd(length, "x") }, access);
    models = Object.fromEntries(service.models.map((model) => [model.type.split(":").at(-1) ?? "", model]));
  });

  const model = (name: string): ResourceModel => models[name] ?? assert.fail(`no model ${name}`);
  const check = (name: string, inputs: PropertyMap) =>
    model(name)
      .check(inputs, context)
      .map(({ property, reason }) => `${property}: ${reason}`);
  const create = (name: string, inputs: PropertyMap) => {
    assert.deepEqual(check(name, inputs), []);
    return model(name).create(inputs, context);
  };
  const role = (more: PropertyMap = {}) => create("Role", { assumeRolePolicy: trust, ...more });
  const may = (action: string, roleArn = `arn:aws:iam::${account}:role/n-1234567`): boolean => {
    const { accessKeyId } = access.assumeRole(roleArn, "s", "lambda.amazonaws.com");
    const principal = access.find(accessKeyId)?.principal ?? assert.fail();
    return access.decide({ principal, action, resource: "*", resourceAccountId: account }).allowed;
  };

  describe("role", () => {
    it("has the outputs of the provider", async () => {
      const { id, outputs } = await role({ tags: { a: "b" }, description: "d" });

      assert.equal(id, "n-1234567");
      assert.deepEqual(outputs, {
        arn: `arn:aws:iam::${account}:role/n-1234567`,
        assumeRolePolicy: trust,
        createDate: "2026-01-01T00:00:00Z",
        description: "d",
        forceDetachPolicies: false,
        inlinePolicies: [],
        managedPolicyArns: [],
        maxSessionDuration: 3600,
        name: "n-1234567",
        namePrefix: "",
        path: "/",
        tags: { a: "b" },
        tagsAll: { owner: "team", a: "b" },
        uniqueId: outputs.uniqueId,
      });
      assert.match(outputs.uniqueId as string, /^AROA[0-9A-Z]{17}$/);
    });

    it("takes names, prefixes and paths", async () => {
      assert.equal((await role({ name: "r", path: "/a/b/" })).outputs.arn, `arn:aws:iam::${account}:role/a/b/r`);
      assert.match((await role({ namePrefix: "pre-" })).outputs.name as string, /^pre-.{12}$/);
    });

    it("takes a trust policy given as an object", async () => {
      const { outputs } = await role({ assumeRolePolicy: JSON.parse(trust) as PropertyMap });

      assert.equal(outputs.assumeRolePolicy, trust);
    });

    it("lives under its inline and managed policies and its boundary", async () => {
      const { outputs } = await create("Policy", { policy: allow("s3:*"), name: "boundary" });
      await role({
        inlinePolicies: [{ name: "i", policy: allow("s3:GetObject") }],
        managedPolicyArns: [basicExecution],
        permissionsBoundary: outputs.arn,
      });

      assert.deepEqual([may("s3:GetObject"), may("s3:PutObject"), may("logs:PutLogEvents")], [true, false, false]);
    });

    it("changes trust, duration and policies in place", async () => {
      const first = await role({ inlinePolicies: [{ name: "i", policy: allow("s3:GetObject") }] });
      const inputs = {
        assumeRolePolicy: trust,
        maxSessionDuration: 7200,
        inlinePolicies: [{ name: "j", policy: allow("s3:PutObject") }],
      };

      const second = await model("Role").update?.(first.id, inputs, first.outputs, context);

      assert.equal(second?.outputs.maxSessionDuration, 7200);
      assert.equal(second.outputs.uniqueId, first.outputs.uniqueId);
      assert.deepEqual([may("s3:GetObject"), may("s3:PutObject")], [false, true]);
      await assert.rejects(
        async () => model("Role").update?.(first.id, { ...inputs, name: "other" }, first.outputs, context),
        { code: "NotSimulated" },
      );
    });

    const longTrust = json({
      Statement: {
        Effect: "Allow",
        Principal: { AWS: Array.from({ length: 150 }, (_, index) => String(100000000000 + index)) },
        Action: "sts:AssumeRole",
      },
    });
    const refusals: readonly [string, PropertyMap, RegExp][] = [
      ["a missing trust policy", { assumeRolePolicy: undefined }, /^assumeRolePolicy: is required/],
      ["a malformed trust policy", { assumeRolePolicy: "{" }, /^assumeRolePolicy: MalformedPolicyDocument/],
      [
        "a trust policy over 2,048 characters",
        { assumeRolePolicy: longTrust },
        /^assumeRolePolicy: LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048/,
      ],
      [
        "a trust policy that names a role which does not exist",
        {
          assumeRolePolicy: trust.replace(
            '"Service":"lambda.amazonaws.com"',
            `"AWS":"arn:aws:iam::${account}:role/gone"`,
          ),
        },
        /Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:role\/gone"/,
      ],
      ["a name over 64 characters", { name: "x".repeat(65) }, /^name: must be at most 64 characters, got 65/],
      ["a name with spaces", { name: "a b" }, /^name: must use only letters/],
      ["name and prefix at once", { name: "a", namePrefix: "b" }, /^namePrefix: must not be given together with name/],
      ["a path without slashes", { path: "team" }, /^path: must begin and end with "\/"/],
      [
        "a session under an hour",
        { maxSessionDuration: 3599 },
        /^maxSessionDuration: must be between 3600 and 43200 seconds, got 3599/,
      ],
      ["a session over twelve hours", { maxSessionDuration: 43_201 }, /^maxSessionDuration/],
      ["a description over 1,000 characters", { description: "x".repeat(1001) }, /^description: must be at most 1000/],
      [
        "51 tags",
        { tags: Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, "v"])) },
        /^tags: must be at most 50, got 51/,
      ],
      ["a tag of AWS's own", { tags: { "aws:x": "v" } }, /^tags: key aws:x must not start/],
      ["a tag that is too long", { tags: { k: "v".repeat(257) } }, /^tags: key k is longer/],
      [
        "a malformed inline policy",
        { inlinePolicies: [{ name: "i", policy: allow("GetObject") }] },
        /^inlinePolicies\[0\]\.policy: .*prefaced by a vendor/,
      ],
      [
        "an AWS managed policy that is not known here",
        { managedPolicyArns: ["arn:aws:iam::aws:policy/AdministratorAccess"] },
        /^managedPolicyArns\[0\]: .*AdministratorAccess is not simulated/,
      ],
      [
        "a managed policy that does not exist",
        { managedPolicyArns: [`arn:aws:iam::${account}:policy/x`] },
        /^managedPolicyArns\[0\]: NoSuchEntity/,
      ],
      ["a boundary that is no ARN", { permissionsBoundary: "x" }, /^permissionsBoundary: ARN x is not valid/],
      ["an input that is not known", { assumePolicy: trust }, /^assumePolicy: is not simulated/],
    ];
    for (const [what, inputs, message] of refusals) {
      it(`rejects ${what}`, () => {
        const problems = check("Role", { assumeRolePolicy: trust, ...inputs });

        assert.equal(problems.length, 1, problems.join("\n"));
        assert.match(problems[0] ?? "", message);
      });
    }

    it("rejects a second role of the same name in the account only", async () => {
      await role({ name: "r" });

      await assert.rejects(role({ name: "r", path: "/x/" }), { code: "EntityAlreadyExists", statusCode: 409 });
      assert.ok(
        await model("Role").create({ assumeRolePolicy: trust, name: "r" }, { ...context, accountId: "999999999999" }),
      );
    });

    it("rejects its deletion while other resources' policies are on it", async () => {
      const { id, outputs } = await role({
        name: "r",
        inlinePolicies: [{ name: "own", policy: allow("s3:GetObject") }],
        managedPolicyArns: [basicExecution],
      });
      const inline = await create("RolePolicy", { role: "r", name: "p", policy: allow("s3:PutObject") });
      const remove = () => model("Role").delete?.(id, outputs, context);

      await assert.rejects(async () => remove(), { code: "DeleteConflict", message: /must delete policies first/ });
      await model("RolePolicy").delete?.(inline.id, inline.outputs, context);
      await remove();
      await remove();
      assert.equal(access.roles.byName(account, "r"), undefined);
    });

    it("rejects its deletion while policies are attached, unless that is forced", async () => {
      const { id, outputs } = await role({ name: "r", forceDetachPolicies: true });
      await create("RolePolicyAttachment", { role: "r", policyArn: basicExecution });

      await assert.rejects(
        async () => model("Role").delete?.(id, { ...outputs, forceDetachPolicies: false }, context),
        { code: "DeleteConflict", message: /must detach all policies first/ },
      );
      await model("Role").delete?.(id, outputs, context);
      assert.equal(access.roles.byName(account, "r"), undefined);
    });
  });

  describe("inline policy", () => {
    it("decides calls, is replaced in place and ends with its deletion", async () => {
      await role();
      const { id, outputs } = await create("RolePolicy", { role: "n-1234567", policy: allow("s3:GetObject") });

      assert.equal(id, "n-1234567:n-1234567");
      assert.equal(may("s3:GetObject"), true);
      await model("RolePolicy").update?.(id, { role: "n-1234567", policy: allow("s3:PutObject") }, outputs, context);
      assert.deepEqual([may("s3:GetObject"), may("s3:PutObject")], [false, true]);
      await assert.rejects(
        async () =>
          model("RolePolicy").update?.(id, { role: "other", policy: allow("s3:PutObject") }, outputs, context),
        { code: "NotSimulated" },
      );
      await model("RolePolicy").delete?.(id, outputs, context);
      assert.equal(may("s3:PutObject"), false);
    });

    it("rejects policies that are together over 10,240 characters", async () => {
      await role({ name: "r" });
      const big = json({
        Statement: {
          Effect: "Allow",
          Action: "s3:GetObject",
          Resource: Array.from({ length: 120 }, (_, index) => `arn:aws:s3:::bucket-${1000 + index}/${"x".repeat(20)}`),
        },
      });
      await create("RolePolicy", { role: "r", name: "one", policy: big });

      await assert.rejects(create("RolePolicy", { role: "r", name: "two", policy: big }), {
        code: "LimitExceeded",
        message: "Maximum policy size of 10240 bytes exceeded for role r",
      });
      await create("RolePolicy", { role: "r", name: "one", policy: big });
    });

    it("rejects a role that does not exist", async () => {
      await assert.rejects(create("RolePolicy", { role: "gone", policy: allow("s3:GetObject") }), {
        code: "NoSuchEntity",
        statusCode: 404,
      });
    });

    const refusals: readonly [string, PropertyMap, RegExp][] = [
      ["a missing role", { role: undefined }, /^role: is required/],
      [
        "a role's ARN",
        { role: "arn:aws:iam::1:role/r" },
        /^role: ValidationError: The specified value for roleName is invalid/,
      ],
      ["a missing policy", { policy: undefined }, /^policy: is required/],
      [
        "a malformed policy",
        { policy: json({ Statement: [] }) },
        /^policy: MalformedPolicyDocument: Missing required field Statement/,
      ],
      ["a policy with a principal", { policy: trust }, /^policy: .*prohibited field Principal/],
      ["a name over 128 characters", { name: "x".repeat(129) }, /^name: must be at most 128/],
      [
        "a policy over 10,240 characters",
        { policy: allow("s3:GetObject", "S".repeat(10_300)) },
        /^policy: LimitExceeded: must be at most 10240/,
      ],
      ["an input that is not known", { user: "x" }, /^user: is not simulated/],
    ];
    for (const [what, inputs, message] of refusals) {
      it(`rejects ${what}`, () => {
        assert.match(check("RolePolicy", { role: "r", policy: allow("s3:GetObject"), ...inputs })[0] ?? "", message);
      });
    }
  });

  describe("managed policy", () => {
    it("decides calls of the roles to which it is attached", async () => {
      await role();
      const { id, outputs } = await create("Policy", { name: "p", path: "/x/", policy: allow("s3:GetObject") });
      const attachment = await create("RolePolicyAttachment", { role: "n-1234567", policyArn: id });

      assert.deepEqual(
        [outputs.arn, outputs.name, outputs.path, outputs.tagsAll],
        [`arn:aws:iam::${account}:policy/x/p`, "p", "/x/", { owner: "team" }],
      );
      assert.equal(attachment.id, `n-1234567/${id}`);
      assert.equal(may("s3:GetObject"), true);
      await model("Policy").update?.(id, { name: "p", path: "/x/", policy: allow("s3:PutObject") }, outputs, context);
      assert.deepEqual([may("s3:GetObject"), may("s3:PutObject")], [false, true]);
      await assert.rejects(async () => model("Policy").delete?.(id, outputs, context), { code: "DeleteConflict" });
      await model("RolePolicyAttachment").delete?.(attachment.id, attachment.outputs, context);
      await model("Policy").delete?.(id, outputs, context);
      assert.equal(may("s3:PutObject"), false);
    });

    it("bounds roles by its newest document, and only those that use it", async () => {
      const inputs = { name: "p", policy: allow("s3:GetObject") };
      const { id, outputs } = await create("Policy", inputs);
      const { id: namesake } = await create("Policy", { ...inputs, path: "/x/" });
      const everything = [{ name: "i", policy: allow("*") }];
      const bounded = await role({ inlinePolicies: everything, permissionsBoundary: id, name: "a" });
      const other = await role({ inlinePolicies: everything, permissionsBoundary: namesake, name: "b" });

      await model("Policy").update?.(id, { ...inputs, policy: allow("s3:PutObject") }, outputs, context);

      const mayPut = [bounded, other].map(({ outputs: { arn } }) => may("s3:PutObject", arn as string));
      assert.deepEqual(mayPut, [true, false]);
    });

    it("rejects a second policy of the same name, a rename and more than ten on one role", async () => {
      const { id, outputs } = await create("Policy", { name: "p", policy: allow("s3:GetObject") });
      await role({ name: "r" });
      for (let index = 0; index < 10; index++) {
        const { id: arn } = await create("Policy", { name: `p${index}`, policy: allow("s3:GetObject") });
        await create("RolePolicyAttachment", { role: "r", policyArn: arn });
      }

      await assert.rejects(create("Policy", { name: "p", policy: allow("s3:GetObject") }), {
        code: "EntityAlreadyExists",
      });
      await assert.rejects(create("RolePolicyAttachment", { role: "r", policyArn: id }), {
        code: "LimitExceeded",
        message: "Cannot exceed quota for PoliciesPerRole: 10",
      });
      await assert.rejects(
        async () => model("Policy").update?.(id, { name: "q", policy: allow("s3:GetObject") }, outputs, context),
        { code: "NotSimulated" },
      );
    });

    it("rejects a policy over 6,144 characters and attachments of nothing", () => {
      assert.match(
        check("Policy", { policy: allow("s3:GetObject", "S".repeat(6200)) })[0] ?? "",
        /^policy: LimitExceeded: must be at most 6144/,
      );
      assert.match(check("RolePolicyAttachment", { role: "r" })[0] ?? "", /^policyArn: is required/);
      assert.match(
        check("RolePolicyAttachment", { role: "r", policyArn: `arn:aws:iam::${account}:policy/gone` })[0] ?? "",
        /^policyArn: NoSuchEntity/,
      );
      assert.match(check("RolePolicyAttachment", { policyArn: basicExecution })[0] ?? "", /^role: is required/);
    });
  });

  it("knows the AWS managed policies that the components may use", async () => {
    await role({
      managedPolicyArns: [
        basicExecution,
        "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess",
        "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs",
      ],
    });

    assert.deepEqual(
      [may("logs:PutLogEvents"), may("xray:PutTraceSegments"), may("logs:FilterLogEvents"), may("s3:GetObject")],
      [true, true, true, false],
    );
  });
});
