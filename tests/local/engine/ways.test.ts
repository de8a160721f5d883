// Proves that one program evaluates alike in this process, in a child and through Pulumi's own executor, as preview and
// as update, and that each way reports failures in the same result.
import * as assert from "node:assert/strict";
import * as path from "node:path";
import { evaluate, evaluateInChild, runWithExecutor, UNKNOWN } from "../../../local/engine";
import { fakeAws } from "../../support/fake-aws";
import type { EngineEvent, EngineOptions, Evaluation, EvaluatedResource } from "../../../local/engine";

const OPTIONS = {
  project: "site",
  stack: "dev",
  config: { "aws:region": "eu-west-1", "site:domain": "example.test", "site:token": "t0k" },
  secretConfigKeys: ["site:token"],
  provider: fakeAws(),
};
const program = (name: string): string => path.join(__dirname, "programs", `${name}.ts`);
const executorOptions = (name: string) => ({ program: program(name), cwd: path.resolve(__dirname, "../../..") });

type Way = (name: string, options: EngineOptions) => Promise<Evaluation>;
const inThisProcess: Way = (name, options) => evaluate({ ...options, program: program(name) });
const inChild: Way = (name, options) => evaluateInChild({ ...options, program: program(name) });
const withExecutor: Way = (name, { idleTimeout: _, ...options }) =>
  runWithExecutor({ ...options, ...executorOptions(name) });
const WAYS: Readonly<Record<string, Way>> = {
  "in this process": inThisProcess,
  "in a child": inChild,
  "with Pulumi's executor": withExecutor,
};

/** What must not depend on the way. Registration order may: it is that of promises. */
function comparable({ resources, outputs, errors }: Evaluation): unknown {
  const sorted = resources.map(({ sourcePosition: _, ...rest }) => rest).sort((a, b) => (a.urn < b.urn ? -1 : 1));
  return { resources: sorted, outputs, errors };
}

const byName = ({ resources }: Evaluation, name: string): EvaluatedResource => {
  const found = resources.find((one) => one.name === name);
  assert.ok(found, `no resource "${name}"`);
  return found;
};

/** One update per way and program: a process takes a second or two to start, and several tests look at the same result. */
const updates = new Map<Way, Map<string, Promise<Evaluation>>>();
/** What the shared updates told of their progress. */
const events = new Map<Way, EngineEvent[]>();
function updateOf(way: Way, name = "site"): Promise<Evaluation> {
  const known = updates.get(way) ?? new Map<string, Promise<Evaluation>>();
  updates.set(way, known);
  const told: EngineEvent[] = [];
  if (name === "site" && !known.has(name)) events.set(way, told);
  const onEvent = (event: EngineEvent): void => void told.push(event);
  const update = known.get(name) ?? way(name, { ...OPTIONS, idleTimeout: 1_000, onEvent });
  known.set(name, update);
  return update;
}

for (const [title, way] of Object.entries(WAYS)) {
  describe(`a program evaluated ${title}`, function () {
    this.timeout(60_000);

    it("has the resources and outputs of an update", async () => {
      const update = await updateOf(way);

      assert.deepEqual(update.errors, []);
      const far = byName(update, "far-bucket");
      assert.equal(far.urn, "urn:pulumi:dev::site::site:index:Site$aws:s3/bucket:Bucket::far-bucket");
      assert.deepEqual(far.provider.inputs.assumeRoles, [{ roleArn: "arn:aws:iam::222222222222:role/deploy" }]);
      assert.equal(far.provider.inputs.region, "us-east-1");
      assert.equal(far.protect, true);
      assert.match(far.sourcePosition ?? "", /programs\/site\.ts:\d+$/);
      assert.deepEqual(byName(update, "fn").inputs.code, {
        kind: "archive",
        assets: { "index.js": { kind: "asset", text: "exports.handler = 1;" } },
      });
      assert.deepEqual(update.outputs.token, { value: "t0k", secret: true });
      assert.deepEqual(update.outputs.account, { value: "111111111111", secret: false });
    });

    it("is the same as in this process", async () => {
      const [own, update] = await Promise.all([updateOf(inThisProcess), updateOf(way)]);

      assert.deepEqual(comparable(update), comparable(own));
    });

    it("has the unknowns of a preview, and known names", async () => {
      const preview = await way("site", { ...OPTIONS, preview: true });

      assert.deepEqual(preview.errors, []);
      assert.equal(preview.outputs.bucketArn?.value, UNKNOWN);
      assert.deepEqual(byName(preview, "fn").inputs.environment, {
        variables: { BUCKET: byName(preview, "site-bucket").inputs.bucket, TOKEN: "t0k" },
      });
      assert.deepEqual(byName(preview, "fn").secretInputs, ["environment"]);
      assert.equal(byName(preview, "role").id, undefined);
      assert.deepEqual(preview.snapshot.resources, []);
    });

    // Pulumi's executor knows nothing of what was before: for it, see "deletes what the program no longer declares".
    if (way !== withExecutor) {
      it("is all the same when it is evaluated again, and nothing is created", async () => {
        const first = await updateOf(way);
        const create = (): never => assert.fail("create was called");
        const second = await way("site", { ...OPTIONS, previous: first.snapshot, provider: fakeAws({ create }) });

        assert.deepEqual(second.errors, []);
        assert.deepEqual([...new Set(second.steps.map(({ op }) => op))], ["same"]);
        assert.equal(second.steps.length, first.steps.length);
        assert.deepEqual(second.outputs, first.outputs);
      });
    }

    it("rejects an input that never resolves, naming resource and property", async () => {
      const { errors } = await updateOf(way, "never");

      assert.equal(errors.length, 1);
      assert.deepEqual([errors[0]?.kind, errors[0]?.name], ["unresolved", "stuck"]);
      assert.deepEqual(errors[0]?.problems, [{ property: "bucket", reason: "does not resolve" }]);
    });

    it("rejects what the provider refuses, naming resource and property", async () => {
      const check = (): never => {
        throw Object.assign(new Error("invalid"), { problems: [{ property: "tags", reason: "must not be empty" }] });
      };
      const { errors, snapshot } = await way("throws", { ...OPTIONS, provider: fakeAws({ check }) });

      assert.deepEqual(
        errors.map(({ kind, message, name, problems }) => ({ kind, message, name, problems })),
        [
          {
            kind: "provider",
            message: 'aws:s3/bucket:Bucket "x": tags: must not be empty',
            name: "x",
            problems: [{ property: "tags", reason: "must not be empty" }],
          },
        ],
      );
      assert.ok(!snapshot.resources.some(({ name }) => name === "x"));
    });
  });
}

// A child runs the in-process code, so these need no third process.
for (const [title, way] of Object.entries(WAYS).filter(([, one]) => one !== inChild)) {
  describe(`a failing program evaluated ${title}`, function () {
    this.timeout(60_000);

    it("rejects a duplicate URN once, naming the resource", async () => {
      const { errors, resources } = await way("duplicate", OPTIONS);

      assert.equal(errors.length, 1);
      assert.equal(errors[0]?.kind, "duplicate-urn");
      assert.match(errors[0].message, /^aws:s3\/bucket:Bucket "twice": Duplicate resource URN/);
      assert.equal(resources.filter(({ name }) => name === "twice").length, 1);
    });

    it("rejects a throwing apply once", async () => {
      const { errors } = await updateOf(way, "throws");

      assert.equal(errors.length, 1);
      assert.match(errors[0]?.message ?? "", /boom in apply/);
    });

    it("rejects missing configuration, naming the key", async () => {
      const { errors } = await way("site", { ...OPTIONS, config: {}, secretConfigKeys: [] });

      assert.equal(errors.length, 1, JSON.stringify(errors));
      assert.equal(errors[0]?.kind, "config");
      assert.match(errors[0].message, /site:domain/);
    });
  });
}

describe("Pulumi's executor", function () {
  this.timeout(60_000);

  it("ends with the exit codes Pulumi documents, and waits for resources that timers create", async () => {
    const ends = [];
    for (const name of ["late", "throws", "never"]) ends.push(await updateOf(withExecutor, name));

    assert.deepEqual(
      ends.map((end) => "exitCode" in end && end.exitCode),
      [0, 32, 1],
    );
    const [late] = ends;
    assert.ok(late?.resources.some(({ name }) => name === "late"));
  });

  it("rejects a program that does not end in time", async () => {
    const { errors, exitCode } = await runWithExecutor({ ...OPTIONS, ...executorOptions("hangs"), timeout: 1_500 });

    assert.equal(exitCode, null);
    assert.deepEqual([errors[0]?.kind, errors[0]?.message], ["unresolved", "the executor did not finish in time"]);
  });

  it("deletes what the program no longer declares", async () => {
    const deleted: string[] = [];
    const provider = fakeAws({ delete: ({ name }) => void deleted.push(name) });
    const late = await updateOf(withExecutor, "late");
    const { errors } = await runWithExecutor({
      ...OPTIONS,
      ...executorOptions("environment"),
      provider,
      previous: late.snapshot,
    });

    assert.deepEqual(errors, []);
    assert.deepEqual(deleted, ["late"]);
  });
});

describe("a child", function () {
  this.timeout(60_000);

  it("waits for resources that timers create", async () => {
    const { errors, resources } = await evaluateInChild({ ...OPTIONS, program: program("late") });

    assert.deepEqual(errors, []);
    assert.ok(resources.some(({ name }) => name === "late"));
  });

  it("loads the TypeScript compiler only for a program that serializes a function", async () => {
    const { errors, outputs } = await evaluateInChild({ ...OPTIONS, program: program("serializes") });

    assert.deepEqual(errors, []);
    assert.equal(outputs.before?.value, false);
    assert.match(String(outputs.text?.value), /=>\s*one ?\+ ?1/);
  });

  it("sees neither the developer's credentials nor settings of this process", async () => {
    const leftovers = { AWS_ACCESS_KEY_ID: "AKIA", AWS_PROFILE: "prod", TS_NODE_PROJECT: "x", PULUMI_CONFIG: "{}" };
    Object.assign(process.env, leftovers);
    try {
      const { errors, outputs } = await evaluateInChild({
        ...OPTIONS,
        program: program("environment"),
        env: { EXTRA: "1" },
      });

      assert.deepEqual(errors, []);
      const names = outputs.names?.value as readonly string[];
      assert.deepEqual(
        names.filter((name) => name in leftovers),
        [],
      );
      assert.ok(names.includes("EXTRA") && names.includes("PATH"));
      assert.equal(outputs.cwd?.value, path.join(__dirname, "programs"));
    } finally {
      for (const name of Object.keys(leftovers)) delete process.env[name];
    }
  });

  it("runs beside others", async () => {
    const stacks = ["a", "b"];
    const results = await Promise.all(
      stacks.map((stack) => evaluateInChild({ ...OPTIONS, stack, program: program("environment") })),
    );

    assert.deepEqual(
      results.flatMap(({ errors }) => errors),
      [],
    );
    assert.equal(new Set(results.map(({ outputs }) => outputs.pid?.value)).size, stacks.length);
    for (const [index, { resources }] of results.entries()) {
      assert.ok(resources.every(({ urn }) => urn.startsWith(`urn:pulumi:${stacks[index]}::`)));
    }
  });

  it("rejects a program that ends its own process, with its last words", async () => {
    const printed: string[] = [];
    const onOutput = (text: string): void => void printed.push(text);
    const { errors } = await evaluateInChild({ ...OPTIONS, program: program("exits"), onOutput });

    assert.equal(errors[0]?.kind, "process");
    assert.match(errors[0].message, /exit code 7 before the evaluation was finished\ngiving up/);
    assert.match(printed.join(""), /giving up/);
  });

  it("rejects an exception that a timer throws", async () => {
    const { errors } = await evaluateInChild({ ...OPTIONS, program: program("crashes") });

    assert.deepEqual(
      errors.map(({ message }) => message),
      ["boom in timer"],
    );
  });

  it("rejects a program that never yields when the signal aborts, and kills it", async () => {
    const controller = new AbortController();
    const started = evaluateInChild({ ...OPTIONS, program: program("hangs"), signal: controller.signal });
    setImmediate(() => controller.abort());

    assert.deepEqual(
      (await started).errors.map(({ kind }) => kind),
      ["cancelled"],
    );
  });

  it("reports progress with counts", async () => {
    await updateOf(inChild);

    const done = (events.get(inChild) ?? []).filter(({ kind }) => kind === "done");
    const last = done.at(-1);
    assert.ok(last?.kind === "done");
    assert.deepEqual(last.counts, { registered: done.length, done: done.length, failed: 0 });
  });
});
