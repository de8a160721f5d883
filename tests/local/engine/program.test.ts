// Proves how values and failures travel between program and engine: secrets, unknowns, transforms, functions, logs,
// cancellation, and evaluations that are asked for at the same time.
import * as assert from "node:assert/strict";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { assertSucceeded, EvaluationFailedError, UNKNOWN } from "../../../local/engine";
import { evaluateProgram } from "../../support/engine-run";
import { fakeAws } from "../../support/fake-aws";

describe("secrets", () => {
  it("stay secret from configuration and inputs to outputs, and are plain for the provider", async () => {
    const seen: unknown[] = [];
    const base = fakeAws();
    const provider = fakeAws({ create: (request) => (seen.push(request.inputs.displayName), base.create(request)) });
    const { errors, outputs, byName } = await evaluateProgram(
      () => {
        const topic = new aws.sns.Topic("t", { displayName: new pulumi.Config().requireSecret("word") });
        const marked = new aws.sns.Topic("u", {}, { additionalSecretOutputs: ["arn"] });
        return { word: topic.displayName, arn: marked.arn, open: topic.arn };
      },
      { config: { "test:word": "sesame" }, secretConfigKeys: ["test:word"], provider },
    );

    assert.deepEqual(errors, []);
    assert.ok(seen.includes("sesame"));
    assert.deepEqual(outputs.word, { value: "sesame", secret: true });
    assert.deepEqual([outputs.arn?.secret, outputs.open?.secret], [true, false]);
    assert.deepEqual([byName("t").secretInputs, byName("u").secretOutputs], [["displayName"], ["arn"]]);
  });
});

describe("a preview", () => {
  it("leaves unknown what only a deployment knows, also inside computed text", async () => {
    const { errors, byName, output } = await evaluateProgram(
      () => {
        const topic = new aws.sns.Topic("t");
        new aws.sns.TopicPolicy("p", { arn: topic.arn, policy: pulumi.jsonStringify({ Resource: topic.arn }) });
        return { id: topic.id, name: topic.name };
      },
      { preview: true },
    );

    assert.deepEqual(errors, []);
    assert.deepEqual(byName("p").inputs, { arn: UNKNOWN, policy: UNKNOWN });
    assert.equal(output("id"), UNKNOWN);
    assert.equal(output("name"), byName("t").inputs.name);
  });

  it("does not call a function that depends on something still to be created, and an update does", async () => {
    const program = () => {
      const topic = new aws.sns.Topic("t");
      return { account: aws.getCallerIdentityOutput({}, { dependsOn: [topic] }).accountId };
    };
    const [preview, update] = [await evaluateProgram(program, { preview: true }), await evaluateProgram(program)];

    assert.equal(preview.output("account"), UNKNOWN);
    assert.equal(preview.invokes[0]?.result, undefined);
    assert.equal(update.output("account"), "111111111111");
  });
});

describe("transforms", () => {
  it("of a resource, its parents and the stack change inputs and options, in this order", async () => {
    const order: string[] = [];
    const mark =
      (name: string): pulumi.ResourceTransform =>
      (args) => {
        if (args.type !== "aws:sns/topic:Topic") return undefined;
        order.push(name);
        const tags = { ...(args.props.tags as Record<string, string> | undefined), [name]: "yes" };
        return { props: { ...args.props, tags }, opts: { ...args.opts, protect: true } };
      };
    const { errors, byName } = await evaluateProgram(() => {
      pulumi.runtime.registerResourceTransform(mark("stack"));
      const parent = new pulumi.ComponentResource("test:index:C", "c", {}, { transforms: [mark("parent")] });
      new aws.sns.Topic("t", {}, { parent, transforms: [mark("own")] });
    });

    assert.deepEqual(errors, []);
    assert.deepEqual(order, ["own", "parent", "stack"]);
    assert.deepEqual(byName("t").inputs.tags, { own: "yes", parent: "yes", stack: "yes" });
    assert.equal(byName("t").protect, true);
  });

  it("of functions change their arguments", async () => {
    const invoke = fakeAws().invoke;
    const { invokes } = await evaluateProgram(
      () => {
        pulumi.runtime.registerInvokeTransform(({ args, opts }) => ({ args: { ...args, changed: true }, opts }));
        return { region: aws.getRegionOutput().region };
      },
      { provider: fakeAws({ invoke }) },
    );

    assert.equal(invokes[0]?.args.changed, true);
  });

  it("reject the resource when they throw", async () => {
    const transforms = [
      () => {
        throw new Error("no way");
      },
    ];
    const { errors } = await evaluateProgram(() => void new aws.sns.Topic("t", {}, { transforms }));

    assert.equal(errors.length, 1);
    assert.deepEqual([errors[0]?.kind, errors[0]?.name], ["transform", "t"]);
    assert.match(errors[0]?.message ?? "", /no way/);
  });
});

describe("a failing program", () => {
  it("rejects what the module body throws", async () => {
    const { errors } = await evaluateProgram(() => {
      throw new Error("boom");
    });

    assert.deepEqual(
      errors.map(({ kind, message }) => [kind, message]),
      [["program", "boom"]],
    );
    assert.match(errors[0]?.stack ?? "", /program\.test/);
  });

  it("rejects a provider function that fails, unless the program catches it", async () => {
    const escaped = await evaluateProgram(() => ({ zone: aws.route53.getZoneOutput({ name: "x" }).zoneId }));
    const caught = await evaluateProgram(async () => ({
      zone: await aws.route53.getZone({ name: "x" }).then(
        ({ zoneId }) => zoneId,
        () => "none",
      ),
    }));

    assert.deepEqual(
      escaped.errors.map(({ kind }) => kind),
      ["invoke"],
    );
    assert.match(escaped.errors[0]?.message ?? "", /^aws:route53\/getZone:getZone: unknown function/);
    assert.deepEqual(caught.errors, []);
    assert.equal(caught.output("zone"), "none");
  });

  it("rejects invalid inputs of a component with the properties it names", async () => {
    const { errors } = await evaluateProgram(() => {
      throw new pulumi.InputPropertiesError({
        message: "invalid site",
        errors: [{ propertyPath: "domain", reason: "is empty" }],
      });
    });

    assert.equal(errors[0]?.kind, "input");
    assert.equal(errors[0].message, "invalid site; domain: is empty");
    assert.deepEqual(errors[0].problems, [{ property: "domain", reason: "is empty" }]);
  });

  it("reports every failure, and `assertSucceeded` throws them together", async () => {
    const result = await evaluateProgram(() => {
      class Unknown extends pulumi.CustomResource {}
      new Unknown("aws:nope/one:One", "one");
      new Unknown("aws:nope/two:Two", "two");
    });

    assert.deepEqual(result.errors.map(({ name }) => name).sort(), ["one", "two"]);
    assert.throws(
      () => assertSucceeded(result),
      (thrown) => {
        assert.ok(thrown instanceof EvaluationFailedError);
        assert.match(thrown.message, /^2 errors:\n- aws:nope\/one:One "one": .*\n- aws:nope\/two:Two "two": /);
        return true;
      },
    );
    const fine = await evaluateProgram(() => undefined);
    assert.equal(assertSucceeded(fine), fine);
  });

  it("rejects plugin components, which only the CLI can run", async () => {
    const { errors } = await evaluateProgram(
      () => void new pulumi.ComponentResource("awsx:ec2:Vpc", "vpc", {}, {}, true),
    );

    assert.deepEqual(
      errors.map(({ kind, name }) => [kind, name]),
      [["unsupported", "vpc"]],
    );
  });
});

describe("an evaluation", () => {
  it("records the program's log with the resource it is about", async () => {
    const { logs, byName } = await evaluateProgram(async () => {
      await pulumi.log.warn("careful", new aws.sns.Topic("t"));
    });

    assert.deepEqual(logs, [{ severity: "warning", message: "careful", urn: byName("t").urn }]);
  });

  it("queues behind another one: neither sees the other's resources or failures", async () => {
    const [one, two, three] = await Promise.all([
      evaluateProgram(() => void new aws.sns.Topic("one")),
      evaluateProgram(() => {
        throw new Error("two");
      }),
      evaluateProgram(() => void new aws.sns.Topic("three"), { stack: "other" }),
    ]);

    assert.deepEqual(
      [one, two, three].map(({ errors }) => errors.length),
      [0, 1, 0],
    );
    assert.deepEqual(
      [one, three].map(({ table }) => table().map(([, name, parent]) => [name, parent])),
      [[["one", "test-dev"]], [["three", "test-other"]]],
    );
  });

  it("leaves the process's own listeners for rejections in place", async () => {
    const before = process.listeners("unhandledRejection");
    await evaluateProgram(() => {
      throw new Error("boom");
    });

    assert.deepEqual(process.listeners("unhandledRejection"), before);
  });

  it("rejects with `cancelled` when the signal aborts, without waiting for the provider", async () => {
    const controller = new AbortController();
    const create = () => (controller.abort(), new Promise<never>(() => undefined));
    const { errors } = await evaluateProgram(() => void new aws.sns.Topic("t"), {
      signal: controller.signal,
      provider: fakeAws({ create }),
    });

    assert.deepEqual(
      errors.map(({ kind }) => kind),
      ["cancelled"],
    );
  });

  it("keeps to the number of provider operations at a time", async () => {
    let [running, most] = [0, 0];
    const create = async ({ name }: { name: string }) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return { id: name, outputs: {} };
    };
    const program = () => void Array.from({ length: 9 }, (_, index) => new aws.sns.Topic(`t${index}`));
    await evaluateProgram(program, { parallel: 3, provider: fakeAws({ create }) });

    assert.equal(most, 3);
  });

  it("rejects a `parallel` that is no positive whole number", async () => {
    await assert.rejects(
      evaluateProgram(() => undefined, { parallel: 0 }),
      /parallel must be a whole number of 1 or more, not 0/,
    );
  });

  it("A5: takes at most 6 ms per resource, and grows linearly", async function () {
    this.timeout(60_000);
    const perResource = async (count: number): Promise<number> => {
      const program = () => {
        const first = new aws.sns.Topic("first");
        for (let index = 1; index < count; index++) new aws.sns.Topic(`t${index}`, { displayName: first.name });
      };
      const start = performance.now();
      assertSucceeded(await evaluateProgram(program));
      return (performance.now() - start) / count;
    };
    const best = async (count: number): Promise<number> => Math.min(await perResource(count), await perResource(count));
    const [few, many] = [await best(100), await best(800)];

    assert.ok(many <= 6, `${many} ms per resource`);
    assert.ok(many <= few * 3, `${few} ms per resource in a small program, ${many} ms in a large one`);
  });
});
