// Proves what happens to a resource: create, same, update, replace, delete; their options, hooks and failures.
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { evaluateProgram } from "../../support/engine-run";
import { fakeAws } from "../../support/fake-aws";
import type { Operation, ResourceProvider } from "../../../local/engine";
import type { ProgramEvaluation } from "../../support/engine-run";

const topic =
  (displayName: string, opts: pulumi.CustomResourceOptions = {}) =>
  () =>
    void new aws.sns.Topic("topic", { displayName }, opts);
const opOf = ({ steps }: ProgramEvaluation, name = "topic"): Operation | undefined =>
  steps.find((step) => step.name === name)?.op;

/** A provider that records its calls. */
function recording(overrides: Partial<ResourceProvider> = {}): { provider: ResourceProvider; calls: string[] } {
  const calls: string[] = [];
  const base = fakeAws(overrides);
  const provider: ResourceProvider = {
    ...base,
    create: (request) => (calls.push(`create ${request.name}`), base.create(request)),
    update: (request) => (calls.push(`update ${request.name}`), base.update?.(request) ?? { outputs: {} }),
    delete: (request) => (calls.push(`delete ${request.name} ${request.id}`), base.delete?.(request)),
  };
  return { provider, calls };
}

describe("a changed resource", () => {
  it("is updated in place when the provider can, and keeps its id and generated name", async () => {
    const { provider, calls } = recording();
    const first = await evaluateProgram(topic("one"), { provider });
    const second = await evaluateProgram(topic("two"), { provider, previous: first.snapshot });

    assert.deepEqual(second.errors, []);
    assert.deepEqual(calls, ["create topic", "update topic"]);
    assert.deepEqual(second.steps.find(({ name }) => name === "topic")?.changed, ["displayName"]);
    assert.equal(second.byName("topic").id, first.byName("topic").id);
    assert.equal(second.byName("topic").outputs.displayName, "two");
  });

  for (const [title, overrides] of [
    ["the provider has no update", { update: undefined }],
    ["the provider's diff says so", { diff: () => "replace" as const }],
  ] as const) {
    it(`is replaced when ${title}: created first, deleted last`, async () => {
      const { provider, calls } = recording();
      const first = await evaluateProgram(topic("one"), { provider });
      const { update: _, ...rest } = provider;
      const second = {
        ...rest,
        ...("diff" in overrides && { update: provider.update, ...overrides }),
      } as ResourceProvider;
      const replaced = await evaluateProgram(topic("two"), { provider: second, previous: first.snapshot });

      assert.deepEqual(replaced.errors, []);
      assert.equal(opOf(replaced), "replace");
      assert.deepEqual(
        calls.map((call) => call.split(" ")[0]),
        ["create", "create", "delete"],
      );
    });
  }

  it("is deleted before it is replaced with `deleteBeforeReplace`", async () => {
    const { provider, calls } = recording({ diff: () => "replace" });
    const first = await evaluateProgram(topic("one"), { provider });
    await evaluateProgram(topic("two", { deleteBeforeReplace: true }), { provider, previous: first.snapshot });

    assert.deepEqual(
      calls.map((call) => call.split(" ")[0]),
      ["create", "delete", "create"],
    );
  });

  it("is replaced with `replaceOnChanges`, though it could be updated", async () => {
    const first = await evaluateProgram(topic("one"));
    const options = { previous: first.snapshot, preview: true };

    assert.equal(opOf(await evaluateProgram(topic("two", { replaceOnChanges: ["displayName"] }), options)), "replace");
    assert.equal(opOf(await evaluateProgram(topic("two", { replaceOnChanges: ["tags"] }), options)), "update");
  });

  it("rejects the replacement of a protected resource", async () => {
    const first = await evaluateProgram(topic("one", { protect: true }));
    const { errors } = await evaluateProgram(topic("two", { protect: true }), {
      previous: first.snapshot,
      provider: fakeAws({ diff: () => "replace" }),
    });

    assert.deepEqual(
      errors.map(({ kind, message }) => [kind, message]),
      [["protected", 'aws:sns/topic:Topic "topic": it would have to be replaced, but it is protected']],
    );
  });

  it("is the same when what changed is in `ignoreChanges`, nested paths too", async () => {
    const program = (team: string, kind: string, ignoreChanges: string[]) => () =>
      void new aws.sns.Topic("topic", { tags: { team, kind } }, { ignoreChanges });
    const first = await evaluateProgram(program("a", "x", []));
    const options = { previous: first.snapshot };

    assert.equal(opOf(await evaluateProgram(program("b", "x", ["tags"]), options)), "same");
    assert.equal(opOf(await evaluateProgram(program("b", "x", ["tags.team"]), options)), "same");
    assert.equal(opOf(await evaluateProgram(program("b", "y", ["tags.team"]), options)), "update");
    assert.equal(opOf(await evaluateProgram(program("b", "y", ['tags["team"]', "tags.*"]), options)), "same");
  });

  it("is updated when the content of a file asset changes and its path does not", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "engine-asset-"));
    try {
      const file = path.join(folder, "page.html");
      const program = () =>
        void new aws.s3.BucketObjectv2("page", { bucket: "b", key: "k", source: new pulumi.asset.FileAsset(file) });
      fs.writeFileSync(file, "one");
      const first = await evaluateProgram(program);
      const same = await evaluateProgram(program, { previous: first.snapshot });
      fs.writeFileSync(file, "two");
      const changed = await evaluateProgram(program, { previous: first.snapshot });

      assert.deepEqual(
        [same, changed].map((one) => opOf(one, "page")),
        ["same", "update"],
      );
      assert.deepEqual(first.byName("page").inputs.source, { kind: "asset", path: file });
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });

  it("rejects an asset whose file does not exist, naming resource and path", async () => {
    const source = new pulumi.asset.FileAsset("/nowhere/page.html");
    const { errors } = await evaluateProgram(() => void new aws.s3.BucketObjectv2("page", { bucket: "b", source }));

    assert.match(
      errors[0]?.message ?? "",
      /"page": the file or folder \/nowhere\/page\.html of an asset does not exist/,
    );
  });
});

describe("a resource the program no longer declares", () => {
  const pair = () => {
    const one = new aws.sns.Topic("one");
    new aws.sns.TopicPolicy("two", { arn: one.arn, policy: "{}" });
  };

  it("is deleted after all else, dependents first, and is gone from the snapshot", async () => {
    const { provider, calls } = recording();
    const first = await evaluateProgram(pair, { provider });
    const second = await evaluateProgram(() => void new aws.sns.Topic("new"), { provider, previous: first.snapshot });

    assert.deepEqual(second.errors, []);
    assert.deepEqual(
      calls.slice(2).map((call) => call.split(" ", 2).join(" ")),
      ["create new", "delete two", "delete one"],
    );
    assert.ok(!second.snapshot.resources.some(({ name }) => name === "one"));
  });

  it("is only planned to go in a preview", async () => {
    const { provider, calls } = recording();
    const first = await evaluateProgram(pair, { provider });
    const second = await evaluateProgram(() => undefined, { provider, previous: first.snapshot, preview: true });

    const gone = second.steps.filter(({ op, type }) => op === "delete" && type.startsWith("aws:"));
    assert.deepEqual(
      gone.map(({ name }) => name),
      ["two", "one"],
    );
    assert.equal(calls.length, 2);
    assert.deepEqual(second.snapshot, first.snapshot);
  });

  it("rejects the deletion of a protected one and keeps it, and removes its neighbours", async () => {
    const first = await evaluateProgram(() => {
      new aws.sns.Topic("kept", {}, { protect: true });
      new aws.sns.Topic("gone");
    });
    const { errors, snapshot } = await evaluateProgram(() => undefined, { previous: first.snapshot });

    assert.deepEqual(
      errors.map(({ kind, name }) => [kind, name]),
      [["protected", "kept"]],
    );
    const topics = snapshot.resources.filter(({ type }) => type === "aws:sns/topic:Topic");
    assert.deepEqual(
      topics.map(({ name }) => name),
      ["kept"],
    );
  });

  it("is left alone in the cloud with `retainOnDelete`, or when what it lives in goes too (`deletedWith`)", async () => {
    const { provider, calls } = recording();
    const first = await evaluateProgram(
      () => {
        new aws.sns.Topic("retained", {}, { retainOnDelete: true });
        const home = new aws.sns.Topic("home");
        new aws.sns.TopicPolicy("inside", { arn: home.arn, policy: "{}" }, { deletedWith: home });
      },
      { provider },
    );
    calls.length = 0;
    const second = await evaluateProgram(() => undefined, { provider, previous: first.snapshot });

    assert.deepEqual(second.errors, []);
    assert.deepEqual(
      calls.map((call) => call.split(" ", 2).join(" ")),
      ["delete home"],
    );
  });

  it("is kept when something else failed", async () => {
    const first = await evaluateProgram(pair);
    const { provider, calls } = recording();
    const second = await evaluateProgram(
      () => {
        throw new Error("boom");
      },
      { provider, previous: first.snapshot },
    );

    assert.deepEqual(calls, []);
    assert.deepEqual(
      second.snapshot.resources.map(({ name }) => name).sort(),
      first.snapshot.resources.map(({ name }) => name).sort(),
    );
  });
});

describe("a failed evaluation", () => {
  const names = ({ snapshot }: ProgramEvaluation): string[] => snapshot.resources.map(({ name }) => name).sort();

  it("keeps a resource that could not even be registered, and those it never came to", async () => {
    const program = (source: string) => () => {
      const asset = new pulumi.asset.FileAsset(source);
      const page = new aws.s3.BucketObjectv2("page", { bucket: "b", source: asset });
      new aws.sns.Topic("topic", { displayName: page.key });
    };
    const first = await evaluateProgram(program(__filename));
    const second = await evaluateProgram(program("/nowhere"), { previous: first.snapshot });

    assert.equal(second.errors.length, 1);
    assert.deepEqual(names(second), names(first));
  });

  it("keeps everything when it is cancelled", async () => {
    const first = await evaluateProgram(topic("one"));
    const second = await evaluateProgram(topic("two"), { previous: first.snapshot, signal: AbortSignal.abort() });

    assert.deepEqual(
      second.errors.map(({ kind }) => kind),
      ["cancelled"],
    );
    assert.deepEqual(names(second), names(first));
    assert.equal(second.snapshot.resources.find(({ name }) => name === "topic")?.inputs.displayName, "one");
  });
});

describe("a failing provider", () => {
  it("rejects the create, once, and leaves the resource and its dependents out of the snapshot", async () => {
    const create = (): never => {
      throw new Error("TooManyTopics");
    };
    const { errors, snapshot } = await evaluateProgram(
      () => {
        const one = new aws.sns.Topic("one");
        new aws.sns.TopicPolicy("two", { arn: one.arn, policy: "{}" });
        return { arn: one.arn };
      },
      { provider: fakeAws({ create }) },
    );

    assert.deepEqual(
      errors.map(({ message }) => message),
      ['aws:sns/topic:Topic "one": TooManyTopics'],
    );
    assert.ok(!snapshot.resources.some(({ type }) => type.startsWith("aws:")));
  });

  it("rejects the update and keeps the resource as it was", async () => {
    const first = await evaluateProgram(topic("one"));
    const update = (): never => {
      throw new Error("Throttled");
    };
    const second = await evaluateProgram(topic("two"), { previous: first.snapshot, provider: fakeAws({ update }) });

    assert.equal(second.errors[0]?.message, 'aws:sns/topic:Topic "topic": Throttled');
    assert.equal(second.snapshot.resources.find(({ name }) => name === "topic")?.inputs.displayName, "one");
  });

  it("rejects a resource without an id, and one whose outputs are unknown after an update", async () => {
    const create = ({ name }: { name: string }) => (name === "topic" ? { outputs: {} } : { id: "x", outputs: {} });
    const { errors } = await evaluateProgram(topic("one"), { provider: fakeAws({ create }) });

    assert.deepEqual(
      errors.map(({ message }) => message),
      ['aws:sns/topic:Topic "topic": the provider returned no id'],
    );
  });
});

describe("hooks", () => {
  const runs: string[] = [];
  const hook = (name: string, onDryRun = false): pulumi.ResourceHook =>
    new pulumi.ResourceHook(
      name,
      (args) => {
        const outputs = args.newOutputs as { arn?: string } | undefined;
        runs.push(`${name} ${args.name} ${args.id ?? ""} ${outputs?.arn ?? "-"}`);
        return Promise.resolve();
      },
      { onDryRun },
    );
  const hooked = (displayName: string) => () => {
    const hooks = {
      beforeCreate: [hook("before-create", true)],
      afterCreate: [hook("after-create")],
      beforeUpdate: [hook("before-update")],
      afterDelete: [hook("after-delete")],
    };
    new aws.sns.Topic("topic", { displayName }, { hooks });
  };
  const ARN = "arn:aws:sns:eu-west-1:111111111111:topic-1fd4efb";

  beforeEach(() => void (runs.length = 0));

  it("run before and after a create, in a preview only those that ask for it", async () => {
    const preview = await evaluateProgram(hooked("one"), { preview: true });
    const inPreview = runs.splice(0);
    const update = await evaluateProgram(hooked("one"));

    assert.deepEqual([preview.errors, update.errors], [[], []]);
    const { id } = update.byName("topic");
    assert.deepEqual(
      inPreview.map((run) => run.split(" ")[0]),
      ["before-create"],
    );
    assert.deepEqual(runs, [`before-create topic  -`, `after-create topic ${id} ${id}`]);
    assert.match(id ?? "", new RegExp(ARN.replace(/\w{7}$/, "\\w{7}$")));
  });

  it("run before an update, and after the delete of a resource that is gone", async () => {
    const first = await evaluateProgram(hooked("one"));
    runs.length = 0;
    const second = await evaluateProgram(hooked("two"), { previous: first.snapshot });
    const third = await evaluateProgram(() => void hook("after-delete"), { previous: second.snapshot });

    assert.deepEqual(third.errors, []);
    assert.deepEqual(
      runs.map((run) => run.split(" ")[0]),
      ["before-update", "after-delete"],
    );
  });

  it("with `ignoreErrors` only warn", async () => {
    const { errors, logs } = await evaluateProgram(() => {
      const lenient = new pulumi.ResourceHook("b", () => Promise.reject(new Error("not today")), {
        ignoreErrors: true,
      });
      new aws.sns.Topic("t", {}, { hooks: { beforeCreate: [lenient] } });
    });

    assert.deepEqual(errors, []);
    assert.match(logs[0]?.message ?? "", /hook "b" failed, which it allows: .*not today/);
  });

  it("reject the resource when a hook before it fails; one after it only warns", async () => {
    const failing = (name: string) => new pulumi.ResourceHook(name, () => Promise.reject(new Error("not today")));
    const before = await evaluateProgram(
      () => void new aws.sns.Topic("t", {}, { hooks: { beforeCreate: [failing("b")] } }),
    );
    const after = await evaluateProgram(
      () => void new aws.sns.Topic("t", {}, { hooks: { afterCreate: [failing("a")] } }),
    );

    assert.equal(before.errors[0]?.kind, "hook");
    assert.match(before.errors[0].message, /"t": hook "b" \(beforeCreate\) failed: .*not today/);
    assert.deepEqual(after.errors, []);
    assert.match(after.logs[0]?.message ?? "", /hook "a" \(afterCreate\) failed: .*not today/);
  });
});
