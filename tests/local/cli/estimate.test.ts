// Proves `npm run estimate`: the component's own arithmetic, with the sums written out.
import assert from "node:assert/strict";
import { EXIT } from "../../../local/cli/command";
import { runEstimate } from "../../../local/cli/estimate-command";
import { runInTest } from "../../support/command-run";

describe("npm run estimate", () => {
  it("Q25: prints time and cost of a backlog, with the sums", async () => {
    const { code, out, err } = await runInTest(
      runEstimate,
      "--messages 1000000 --duration 2s --concurrency 50".split(" "),
    );

    assert.equal(code, EXIT.done, err);
    // 1,000,000 × 2 s ÷ 50 is 40,000 s; the ramp from 5 to 50 workers adds some seconds.
    assert.match(out, /Drains in 11 h 6 min for \$\d+\.\d\d/);
    assert.match(out, /1000000 messages ÷ 1 per batch = 1000000 invocations/);
  });

  it("Q27: derives the concurrency that a target rate needs, and shows the sum", async () => {
    const { out } = await runInTest(runEstimate, "--target-rate 100 --duration 2s".split(" "));

    assert.match(out, /maximumConcurrency: 200\n {2}100 messages\/s × 2 s per batch ÷ 1 per batch = 200/);
  });

  it("Q29: proposes pollers by the ramp, standard or provisioned", async () => {
    const calm = await runInTest(runEstimate, "--target-rate 100 --duration 2s --ramp 3m".split(" "));
    const steep = await runInTest(runEstimate, "--target-rate 100 --duration 2s --ramp 5s --json".split(" "));
    const { pollers } = JSON.parse(steep.out) as {
      readonly pollers: { readonly mode: string; readonly minimum: number };
    };

    assert.match(calm.out, /Pollers: standard/);
    assert.equal(pollers.mode, "provisioned");
    assert.ok(pollers.minimum >= 2);
  });

  it("drains with the derived concurrency when none is given", async () => {
    const argv = "--messages 1000 --target-rate 5 --duration 2s --json".split(" ");
    const { drain } = JSON.parse((await runInTest(runEstimate, argv)).out) as {
      readonly drain: { readonly maximumConcurrency: number; readonly seconds: number };
    };

    assert.equal(drain.maximumConcurrency, 10);
    assert.ok(drain.seconds >= 200 && drain.seconds < 210, String(drain.seconds));
  });

  const wrong: readonly [what: string, argv: string, message: RegExp][] = [
    ["a missing duration", "--messages 5", /--duration is missing/],
    ["nothing to estimate", "--duration 1s", /--messages N.*--target-rate N/],
    ["a backlog without workers", "--duration 1s --messages 5", /needs --concurrency N/],
    ["a concurrency of 1", "--duration 1s --messages 5 --concurrency 1", /--concurrency must be a whole number from 2/],
    ["a duration beyond Lambda's", "--duration 16m --target-rate 1", /--duration must be a time from 1 ms to 15 min/],
  ];
  for (const [what, argv, message] of wrong) {
    it(`rejects ${what}`, async () => {
      const { code, err } = await runInTest(runEstimate, argv.split(" "));

      assert.equal(code, EXIT.usage);
      assert.match(err, message);
    });
  }
});
