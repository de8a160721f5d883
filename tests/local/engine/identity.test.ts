// Proves who a resource is: URNs, parents, aliases, providers and what the previous evaluation makes of it.
import * as assert from "node:assert/strict";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { evaluateProgram } from "../../support/engine-run";
import type { ResourceRequest } from "../../../local/engine";
import { fakeAws } from "../../support/fake-aws";

class Part extends pulumi.ComponentResource {
  readonly bucket: aws.s3.Bucket;
  constructor(name: string, opts?: pulumi.ComponentResourceOptions, type = "test:index:Part") {
    super(type, name, {}, opts);
    this.bucket = new aws.s3.Bucket(`${name}-bucket`, {}, { parent: this });
  }
}

describe("a resource's URN", () => {
  it("carries the types of all parents but the stack", async () => {
    const { errors, byName } = await evaluateProgram(() => {
      const outer = new Part("outer");
      new Part("inner", { parent: outer });
    });

    assert.deepEqual(errors, []);
    const type = "test:index:Part$test:index:Part$aws:s3/bucket:Bucket";
    assert.equal(byName("inner-bucket").urn, `urn:pulumi:dev::test::${type}::inner-bucket`);
    assert.equal(byName("inner").parent, byName("outer").urn);
    assert.equal(byName("outer").parent, byName("test-dev").urn);
  });

  it("lets two resources share a name if their types or parents differ", async () => {
    const { errors } = await evaluateProgram(() => {
      new aws.s3.Bucket("same");
      new aws.sns.Topic("same");
      const part = new Part("part");
      new aws.s3.Bucket("same", {}, { parent: part });
    });

    assert.deepEqual(errors, []);
  });

  it("rejects the second of two that register in the same turn, of reads too", async () => {
    const two = await evaluateProgram(() => {
      new aws.s3.Bucket("same");
      aws.s3.Bucket.get("same", "existing");
    });

    assert.deepEqual(
      two.errors.map(({ kind, name }) => [kind, name]),
      [["duplicate-urn", "same"]],
    );
    assert.equal(two.byType("aws:s3/bucket:Bucket").length, 1);
  });
});

describe("aliases", () => {
  const before = () => {
    const old = new Part("store", {}, "test:index:Old");
    new aws.sns.Topic("store-topic", {}, { parent: old });
    new aws.sns.Topic("moved");
  };
  const after = (aliased: boolean) => () => {
    const alias = aliased ? { aliases: [{ type: "test:index:Old", name: "store" }] } : {};
    const storage = new Part("storage", alias);
    new aws.sns.Topic("storage-topic", {}, { parent: storage });
    new aws.sns.Topic(
      "moved",
      {},
      { parent: storage, ...(aliased && { aliases: [{ parent: pulumi.rootStackResource }] }) },
    );
  };
  const moved = ["moved", "storage", "storage-bucket", "storage-topic"];

  it("carry a renamed component and its children over, without a create or delete", async () => {
    const old = await evaluateProgram(before);
    const { errors, steps } = await evaluateProgram(after(true), { previous: old.snapshot });

    assert.deepEqual(errors, []);
    assert.deepEqual(
      steps.filter(({ op }) => op !== "same" && op !== "update"),
      [],
    );
    assert.deepEqual(
      steps
        .filter(({ aliasedFrom }) => aliasedFrom)
        .map(({ name }) => name)
        .sort(),
      moved,
    );
  });

  it("are what prevents replacement: without them everything is created and deleted", async () => {
    const old = await evaluateProgram(before);
    const { steps } = await evaluateProgram(after(false), { previous: old.snapshot });

    const of = (op: string): string[] =>
      steps
        .filter((step) => step.op === op)
        .map(({ name }) => name)
        .sort();
    assert.deepEqual(of("create"), moved);
    assert.deepEqual(of("delete"), ["moved", "store", "store-bucket", "store-topic"]);
  });

  it("rejects two resources that continue the same old one", async () => {
    const old = await evaluateProgram(() => void new aws.sns.Topic("a"));
    const { errors } = await evaluateProgram(
      () => {
        new aws.sns.Topic("b", {}, { aliases: [{ name: "a" }] });
        new aws.sns.Topic("c", {}, { aliases: [{ name: "a" }] });
      },
      { previous: old.snapshot },
    );

    assert.equal(errors.length, 1);
    assert.match(
      errors[0]?.message ?? "",
      /"c": the resource .*::a of the previous evaluation is already continued by .*::b/,
    );
  });
});

describe("the provider of a resource", () => {
  it("is the one it names, the one of its component, or the default one with the package's configuration", async () => {
    const { errors, byName } = await evaluateProgram(() => {
      const far = new aws.Provider("far", { region: "us-east-1" });
      new Part("inherits", { providers: { aws: far } });
      new aws.sns.Topic("explicit", {}, { provider: far });
      new aws.sns.Topic("default");
    });

    assert.deepEqual(errors, []);
    const region = (name: string): unknown => byName(name).provider.inputs.region;
    assert.deepEqual(["inherits-bucket", "explicit", "default"].map(region), ["us-east-1", "us-east-1", "eu-west-1"]);
    assert.match(byName("default").provider.urn, /^urn:pulumi:dev::test::pulumi:providers:aws::default_\d+_\d+_\d+$/);
  });

  it("is resolved in every request, with decoded configuration and the chain of parents", async () => {
    const requests: ResourceRequest[] = [];
    const provider = fakeAws({ create: (request) => (requests.push(request), { id: request.name, outputs: {} }) });
    const result = await evaluateProgram(
      () => {
        const tagged = new aws.Provider("tagged", { region: "eu-west-1", defaultTags: { tags: { team: "core" } } });
        new Part("part", { providers: [tagged] });
      },
      { provider },
    );

    assert.deepEqual(requests[0]?.provider.inputs.defaultTags, { tags: { team: "core" } });
    assert.deepEqual(requests[0]?.parents, [result.byName("part").urn, result.byName("test-dev").urn]);
  });

  it("rejects one of another package", async () => {
    // The SDK itself refuses this for a provider that tells the truth about its package.
    class Other extends pulumi.ProviderResource {
      getPackage = (): string => "aws";
    }
    const { errors } = await evaluateProgram(
      () => void new aws.sns.Topic("t", {}, { provider: new Other("other", "p", {}) }),
    );

    assert.equal(
      errors[0]?.message,
      'aws:sns/topic:Topic "t": provider urn:pulumi:dev::test::pulumi:providers:other::p manages "other", not "aws"',
    );
  });

  it("makes a replacement when it changes to another one", async () => {
    const program = (explicit: boolean) => () => {
      const far = new aws.Provider("far", { region: "us-east-1" });
      new aws.sns.Topic("topic", {}, explicit ? { provider: far } : {});
    };
    const first = await evaluateProgram(program(false));
    const { steps } = await evaluateProgram(program(true), { previous: first.snapshot });

    assert.equal(steps.find(({ name }) => name === "topic")?.op, "replace");
  });

  it("is deleted in the next evaluation when the program drops it", async () => {
    const first = await evaluateProgram(() => void new aws.Provider("far", { region: "us-east-1" }));
    const { errors, steps } = await evaluateProgram(() => undefined, { previous: first.snapshot });

    assert.deepEqual(errors, []);
    assert.deepEqual(
      steps.filter(({ op }) => op === "delete").map(({ name }) => name),
      ["far"],
    );
  });
});

describe("reads", () => {
  it("give the existing resource's outputs and are never deleted", async () => {
    const program = () => ({ arn: aws.s3.Bucket.get("existing", "media").arn });
    const first = await evaluateProgram(program);
    const second = await evaluateProgram(program, { previous: first.snapshot });
    const third = await evaluateProgram(() => undefined, { previous: second.snapshot });

    assert.deepEqual([first.errors, second.errors, third.errors], [[], [], []]);
    assert.equal(first.output("arn"), "arn:aws:s3:::media");
    assert.equal(first.byName("existing").external, true);
    for (const { steps } of [second, third])
      assert.ok(steps.every(({ name, op }) => name !== "existing" && op !== "create"));
  });

  it("of other stacks give the outputs the caller supplied", async () => {
    const { errors, output } = await evaluateProgram(
      () => ({ vpc: new pulumi.StackReference("acme/network/dev").getOutput("vpcId") }),
      { stackReferences: { "acme/network/dev": { vpcId: "vpc-1" } } },
    );

    assert.deepEqual(errors, []);
    assert.equal(output("vpc"), "vpc-1");
  });

  it("rejects an unknown stack, naming those that are known", async () => {
    const { errors } = await evaluateProgram(() => void new pulumi.StackReference("acme/nowhere/dev"), {
      stackReferences: { "acme/network/dev": {} },
    });

    assert.deepEqual(
      errors.map(({ message }) => message),
      [
        'pulumi:pulumi:StackReference "acme/nowhere/dev": unknown stack "acme/nowhere/dev"; known to this evaluation: acme/network/dev',
      ],
    );
  });
});
