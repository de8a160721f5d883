// Proves `npm run demo -- throttling` on the virtual clock: the post's demonstration, with numbers from queues and metrics.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { XMLValidator } from "fast-xml-parser";
import { EXIT } from "../../../../local/cli/command";
import { type DemoContext, runDemoCommand } from "../../../../local/cli/demo/command";
import type { Reading } from "../../../../local/cli/demo/systems";
import { type CommandResult, runInTest } from "../../../support/command-run";

/** Numbers of a system's sentence in the summary. */
function readSummary(out: string, name: string): Omit<Reading, "left"> | undefined {
  const sentence = new RegExp(
    `^${name} concurrency: (\\d+) of 25 processed, (\\d+) throttles, (\\d+) in the dead-letter queue, at most (\\d+) at a time`,
    "m",
  );
  const found = sentence.exec(out);
  if (!found) return undefined;
  const [processed = 0, throttles = 0, deadLetters = 0, concurrency = 0] = found.slice(1).map(Number);
  return { processed, throttles, deadLetters, concurrency };
}

describe("npm run demo", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), "demo-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const demo = (argv: string, context: Partial<DemoContext> = {}): Promise<CommandResult> =>
    runInTest(runDemoCommand, argv.split(" "), { folder, open: () => undefined, ...context });

  it("Q14, Q16: 25 messages of 10 s throttle and are lost with reserved concurrency 5, not with maximum concurrency 5", async function () {
    // The program is evaluated in a process of its own, which takes its time on a busy machine.
    this.timeout(60_000);
    const opened: string[] = [];
    const { code, out, err } = await demo("throttling --fast --open", { open: (file) => opened.push(file) });
    assert.equal(code, EXIT.done, err);
    const [reserved, maximum] = ["reserved", "maximum"].map((name) => readSummary(out, name));

    assert.ok(reserved && maximum, out);
    assert.ok(reserved.throttles > 0 && reserved.deadLetters > 0, out);
    assert.deepEqual([maximum.throttles, maximum.deadLetters], [0, 0]);
    assert.deepEqual([reserved.processed + reserved.deadLetters, maximum.processed], [25, 25]);
    assert.deepEqual([reserved.concurrency, maximum.concurrency], [5, 5]);

    assert.match(out, /^time +processed {2}running {2}throttles {2}dead letters {3}│ processed/m);
    assert.match(out, /^Throttled invocations \(0 to \d+\)\n {2}reserved concurrency +[▁-█ ]+ \d+\n/m);
    const file = path.join(folder, ".local", "throttling-demo.svg");
    assert.deepEqual(opened, [file]);
    assert.equal(XMLValidator.validate(readFileSync(file, "utf8")), true);
  });

  it("ends in order on Ctrl-C", async () => {
    const { code, err } = await demo("throttling --fast", { interrupt: AbortSignal.abort(new Error("interrupted")) });

    assert.deepEqual([code, err], [EXIT.interrupted, ""]);
  });

  const wrong: readonly [what: string, argv: string, message: RegExp][] = [
    ["an unknown demonstration", "throtling", /there is no demonstration throtling; there is: throttling/],
    ["work beyond the function's timeout", "throttling --duration 20s", /--duration must be a time from 1 s to 14 s/],
    ["no messages", "throttling --messages 0", /--messages must be a whole number from 1 to 1000/],
  ];
  for (const [what, argv, message] of wrong) {
    it(`rejects ${what}`, async () => {
      const { code, err } = await demo(argv);

      assert.equal(code, EXIT.usage);
      assert.match(err, message);
    });
  }
});
