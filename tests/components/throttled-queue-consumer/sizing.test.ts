// Proves the sizing arithmetic: concurrency from a target, the poller mode, drain time and cost. How close the estimate comes to the
// embedded cloud is measured by the queue bench and its simulation test.
import assert from "node:assert/strict";
import fc from "fast-check";
import { deriveConcurrency, estimateDrain, proposePollerMode } from "../../../components";
import { standardRampSeconds } from "../../../components/throttled-queue-consumer/sizing";

describe("sizing", () => {
  it("Q27: concurrency is rate × seconds per batch ÷ messages per batch, rounded up", () => {
    assert.deepEqual(deriveConcurrency({ messagesPerSecond: 7, secondsPerBatch: 5, batchSize: 10 }), {
      maximumConcurrency: 4,
      arithmetic: "7 messages/s × 5 s per batch ÷ 10 per batch = 3.5: 4 concurrent invocations",
    });
  });

  it("Q27: does not round up for the last digit of a binary fraction", () => {
    assert.equal(
      deriveConcurrency({ messagesPerSecond: 0.1, secondsPerBatch: 30, batchSize: 1 }).maximumConcurrency,
      3,
    );
  });

  it("Q27: says when Lambda's least is more than needed", () => {
    assert.deepEqual(deriveConcurrency({ messagesPerSecond: 0.1, secondsPerBatch: 1, batchSize: 1 }), {
      maximumConcurrency: 2,
      arithmetic:
        "0.1 messages/s × 1 s per batch ÷ 1 per batch = 0.1: 1 concurrent invocation, raised to 2, the least that Lambda accepts",
    });
  });

  it("Q27: what is derived keeps up with the target and is no more than one worker too many", () => {
    const questions = fc.record({
      messagesPerSecond: fc.double({ min: 0.01, max: 1000, noNaN: true }),
      secondsPerBatch: fc.double({ min: 0.01, max: 900, noNaN: true }),
      batchSize: fc.integer({ min: 1, max: 100 }),
    });

    fc.assert(
      fc.property(questions, (question) => {
        const { maximumConcurrency } = deriveConcurrency(question);
        const rate = (workers: number): number => (workers * question.batchSize) / question.secondsPerBatch;
        assert.ok(rate(maximumConcurrency) >= question.messagesPerSecond * (1 - 1e-6));
        assert.ok(maximumConcurrency === 2 || rate(maximumConcurrency - 1) < question.messagesPerSecond);
      }),
      { numRuns: 300, seed: 27 },
    );
  });

  it("Q29: stays with Lambda's own pollers when they are in time or nobody is in a hurry", () => {
    assert.equal(standardRampSeconds(305), 60);
    assert.equal(proposePollerMode(305, 60).mode, "standard");
    assert.equal(proposePollerMode(305).mode, "standard");
    assert.equal(
      proposePollerMode(305, 60).arithmetic,
      "Lambda's own pollers take (305 − 5) ÷ 300/min = 60 s, at most 60 s are asked for: standard mode",
    );
  });

  it("Q29: proposes provisioned pollers for a steeper ramp, and for more than standard mode reaches", () => {
    assert.deepEqual(proposePollerMode(605, 6), {
      mode: "provisioned",
      minimum: 51,
      maximum: 61,
      arithmetic:
        "Lambda's own pollers take (605 − 5) ÷ 300/min = 120 s, at most 6 s are asked for: provisioned mode, 51 to 61 pollers of " +
        "10 concurrent invocations each",
    });
    assert.match(
      proposePollerMode(5000, 1).arithmetic,
      /200 to 500 pollers .*; 499 at once would be in time, of which AWS keeps 200 ready at most$/,
    );
    assert.equal(proposePollerMode(1251).mode, "provisioned");
    assert.equal(proposePollerMode(1250).mode, "standard");
  });

  it("Q25: few workers drain in whole rounds", () => {
    const { seconds } = estimateDrain({ messages: 26, secondsPerBatch: 10, maximumConcurrency: 5 });

    assert.equal(seconds, 60);
  });

  it("Q25: many workers drain by messages ÷ concurrency × duration after a ramp", () => {
    const { seconds } = estimateDrain({ messages: 1_000_000, secondsPerBatch: 1, maximumConcurrency: 305 });
    const ideal = 1_000_000 / 305;

    // While the ramp of 60 s lasts, half of the 300 added workers are missing on average.
    assert.ok(Math.abs(seconds - (ideal + (60 * 150) / 305)) < 1, String(seconds));
  });

  it("Q25: writes the sum of the cost out, at the given prices", () => {
    const { costUsd, arithmetic } = estimateDrain({
      messages: 1_000_000,
      secondsPerBatch: 2,
      batchSize: 10,
      maximumConcurrency: 100,
      memorySize: 1024,
      prices: { perGigabyteSecond: 0.00001, perMillionInvocations: 1, perMillionQueueRequests: 0.5 },
    });

    assert.ok(Math.abs(costUsd - (200_000 * 0.00001 + 0.1 + 0.1)) < 1e-9, String(costUsd));
    assert.deepEqual(arithmetic.slice(0, 1), ["1000000 messages ÷ 10 per batch = 100000 invocations"]);
    assert.match(arithmetic[2] ?? "", /^200000 GB-s × \$0\.00001 \+ 100000 invocations .* = \$2\.2000$/);
  });

  it("Q25: its default prices are the list prices of November 2026", () => {
    const { costUsd } = estimateDrain({
      messages: 1_000_000,
      secondsPerBatch: 1,
      maximumConcurrency: 100,
      memorySize: 1024,
    });

    assert.ok(Math.abs(costUsd - (13.3334 + 0.2 + 2 * 0.4)) < 1e-9, String(costUsd));
  });

  it("Q25: an empty queue is drained at once and costs nothing", () => {
    const { seconds, costUsd } = estimateDrain({ messages: 0, secondsPerBatch: 5, maximumConcurrency: 5 });

    assert.deepEqual([seconds, costUsd], [0, 0]);
  });
});
