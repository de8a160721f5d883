// Proves what the page of ThrottledQueueConsumer promises, and what it must not promise.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { proposePollerMode, deriveConcurrency } from "../../../components";
import { resolveThrottledQueueConsumerSettings } from "../../../components/throttled-queue-consumer/settings";
import { backoffSeconds } from "../../../handlers/queue/backoff";
import { MINIMAL_QUEUE_ARGS } from "../../support/queue-component";
import { standardRampSeconds } from "../../../components/throttled-queue-consumer/sizing";

const page = fs.readFileSync(
  path.join(__dirname, "..", "..", "..", "docs", "components", "throttled-queue-consumer.md"),
  "utf8",
);

describe("the page of ThrottledQueueConsumer", () => {
  it("Q32: states that delivery is at least once, and promises nothing more", () => {
    assert.match(page, /\*\*Delivery is at least once\.\*\*/);
    assert.doesNotMatch(page, /exactly[- ]once/i);
  });

  it("claims no number of lost messages, which is timing", () => {
    assert.doesNotMatch(page, /9 of (?:the )?25|nine of/i);
  });

  it("Q5, Q26: its back-off window is what the defaults give, and outlasts a fault of minutes", () => {
    const { backoff, maxReceiveCount } = resolveThrottledQueueConsumerSettings("orders", MINIMAL_QUEUE_ARGS);
    assert.ok(backoff);
    const window = (random: number): number =>
      Array.from({ length: maxReceiveCount - 1 }, (_, index) => backoffSeconds(backoff, index + 1, random)).reduce(
        (sum, seconds) => sum + seconds,
      );

    assert.ok(window(0) >= 450, String(window(0)));
    const promised = /at least (\d+) s pass, and at most (\d+) s/.exec(page)?.slice(1).map(Number);
    assert.deepEqual(promised, [window(0), window(0.999_999)]);
  });

  it("Q27, Q29: its sizing table is what the functions compute", () => {
    const [, table = ""] = page.split("| Reached by Lambda's own pollers in |");
    const rows = [...table.matchAll(/^\| ([\d.]+) +\| ([\d.]+) +\| (\d+) +\| (?:at once|(\d+) s) +\|$/gm)];
    assert.equal(rows.length, 4);

    for (const [row, messagesPerSecond, seconds, concurrency, ramp = "0"] of rows) {
      const derived = deriveConcurrency({
        messagesPerSecond: Number(messagesPerSecond),
        secondsPerBatch: Number(seconds),
        batchSize: 1,
      });
      assert.equal(derived.maximumConcurrency, Number(concurrency), row);
      assert.equal(standardRampSeconds(derived.maximumConcurrency), Number(ramp), row);
      assert.equal(proposePollerMode(derived.maximumConcurrency, Number(ramp)).mode, "standard", row);
    }
  });
});
