// Proves that the kit loses no message and has no side effect twice while everything goes wrong at once: real SQS, event source mapping
// and DynamoDB of the embedded cloud, functions that die, on the virtual clock. A side effect and its note in the state table are two
// steps: a death between them repeats the effect, which no test here denies (delivery is at least once).
// `npm run bench -- queue-faults` runs the same with 100,000 messages; QUEUE_FAULT_MESSAGES sets the number here.
import assert from "node:assert/strict";
import { type FaultReport, runFaults } from "../support/queue-faults";

const MESSAGES = Number(process.env.QUEUE_FAULT_MESSAGES ?? 300);
const RATE = { perSecond: 100, burst: 20 };

const byValue = (one: number, other: number): number => one - other;

describe("A queue's consumer under faults", function () {
  this.timeout(Math.max(20_000, MESSAGES * 40));

  describe("on a standard queue", () => {
    let report: FaultReport;
    before(async () => {
      report = await runFaults({ messages: MESSAGES, seed: 1, fifo: false, ...RATE });
    });

    it("meets every fault: crash, hanging, timeout, duplicate, redelivery, shutdown, pause, redrive", () => {
      assert.deepEqual(Object.keys(report.faults).sort(), [
        "batches delivered again later",
        "batches delivered twice at once",
        "functions that crash in mid-batch",
        "functions that hang",
        "messages slower than the function's time",
        "pauses in mid-batch",
        "redrives while consuming",
        "workers shut down in mid-batch",
      ]);
    });

    it("Q8: Q30: loses no message, and has no side effect twice", () => {
      assert.equal(report.left, 0);
      const wrong = [...report.behaviours].filter(
        ([number, behaviour]) => (report.effects.get(number) ?? 0) !== (behaviour === "invalid" ? 0 : 1),
      );
      assert.deepEqual(wrong, []);
    });

    it("Q21: keeps every rejected message in the dead-letter queue, also after a redrive", () => {
      const invalid = [...report.behaviours].flatMap(([number, kind]) => (kind === "invalid" ? [number] : []));
      assert.ok(invalid.length > 0);
      assert.deepEqual([...report.deadLetters.keys()].sort(byValue), invalid);
    });

    it("Q30: tries a poison message no more than maxReceiveCount times before it is dead", () => {
      assert.equal(report.receives.broken, 5);
    });

    it("Q22: calls the downstream no faster than rate and burst allow, over all workers", () => {
      const { starts } = report;
      const most = RATE.perSecond + RATE.burst;
      const overrun = starts.findIndex((at, index) => (starts[index + most + 1] ?? Infinity) - at < 1000);
      assert.equal(overrun, -1, `more than ${String(most)} messages within a second`);
    });

    it("Q20: begins nothing while consumption is paused", () => {
      assert.equal(report.startsWhilePaused, 0);
    });
  });

  it("Q9: keeps the order of each group of a FIFO queue, loses nothing and does nothing twice", async () => {
    const { effects, order, left, deadLetters, behaviours, faults } = await runFaults({
      messages: Math.ceil(MESSAGES / 2),
      seed: 2,
      fifo: true,
    });
    assert.equal(left, 0);
    const good = [...behaviours].filter(([, behaviour]) => behaviour !== "invalid").map(([number]) => number);
    assert.deepEqual(
      [...effects].sort(([one], [other]) => one - other),
      good.map((number) => [number, 1]),
    );
    assert.equal(deadLetters.size, behaviours.size - good.length);
    assert.equal(order.size, 20);
    for (const [group, numbers] of order) {
      const sorted = numbers.toSorted(byValue);
      assert.deepEqual(numbers, sorted, group);
    }
    assert.ok(faults["functions that crash in mid-batch"] && faults["batches delivered twice at once"]);
  });
});
