// Proves that the program runs as `pulumi up` would start it, with Pulumi's own executor, for every stack in the repository; and that a second
// evaluation changes nothing. The provider is a stand-in: what AWS says to it is not proven here.
import assert from "node:assert/strict";
import * as path from "node:path";
import { listStacks, readProject } from "../../local/cli/project";
import { evaluate, runWithExecutor, type Evaluation } from "../../local/engine";
import { fakeAws } from "../support/fake-aws";

const root = path.join(__dirname, "..", "..");

const OUTPUTS = [
  "progressClientSettings",
  "progressPage",
  "uploadApiUrl",
  "uploadBucketName",
  "uploadClientConfiguration",
  "uploadPageUrl",
  "userPoolId",
  "workDeadLetterQueueUrl",
  "workQueueUrl",
];

describe("the program", function () {
  this.timeout(120_000);

  it("has the stacks dev and prod", () => {
    assert.deepEqual(listStacks(root), ["dev", "prod"]);
  });

  /** Without errors, only creations, and the outputs that commands and pages rely on. */
  const assertWhole = ({ errors, steps, outputs }: Evaluation): void => {
    assert.deepEqual(
      errors.map(({ message }) => message),
      [],
    );
    assert.ok(steps.every(({ op }) => op === "create"));
    assert.deepEqual(Object.keys(outputs).sort(), OUTPUTS);
  };

  it("finds nothing to change when it is evaluated again", async () => {
    const { name: project, program, config } = readProject(root, "dev");
    const options = { project, stack: "dev", program, config };
    const first = await evaluate({ ...options, provider: fakeAws() });
    assertWhole(first);

    const second = await evaluate({ ...options, provider: fakeAws(), previous: first.snapshot });

    assert.deepEqual(
      second.steps.filter(({ op }) => op !== "same").map(({ op, name }) => `${op} ${name}`),
      [],
    );
  });

  // The stacks differ in values only; that the executor's results are those of this process is proven by tests/local/engine/ways.test.ts.
  it("deploys stack prod with Pulumi's executor", async () => {
    const { name: project, program, config } = readProject(root, "prod");
    assertWhole(await runWithExecutor({ project, stack: "prod", program, config, provider: fakeAws() }));
  });

  it("refuses a wrong setting before anything is declared", async () => {
    const { name: project, program, config } = readProject(root, "dev");
    const { errors, resources } = await evaluate({
      project,
      stack: "dev",
      program,
      config: { ...config, [`${project}:urlExpiry`]: "1" },
      provider: fakeAws(),
    });

    assert.match(
      errors[0]?.message ?? "",
      /urlExpiry must be a known key, got "a value"; did you mean "urlExpirySeconds"\?/,
    );
    assert.deepEqual(
      resources.filter(({ type }) => type.startsWith("aws:")),
      [],
    );
  });
});
