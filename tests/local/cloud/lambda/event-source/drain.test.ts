// Proves that the component's estimator and the embedded cloud agree on how long a backlog takes: two models of Lambda's scaling that
// share no line.
import assert from "node:assert/strict";
import { estimateDrain } from "../../../../../components/throttled-queue-consumer/sizing";
import { takes } from "../../../../support/mapping-cloud";
import { startQueueSystem } from "../../../../support/queue-system";

/** Messages, seconds of an invocation, messages of a batch, invocations at a time. */
const BACKLOGS: readonly (readonly [number, number, number, number])[] = [
  [400, 2, 1, 5],
  [1000, 5, 1, 40],
  [1500, 1, 1, 20],
  [3000, 8, 5, 30],
  // Ends before the ramp does.
  [1500, 4, 1, 400],
  // Whole rounds: the last one is not full.
  [23, 10, 1, 5],
];

describe("The estimate of a drain", () => {
  for (const [messages, seconds, batchSize, maximumConcurrency] of BACKLOGS) {
    const load = `${String(messages)} messages, ${String(batchSize)} in ${String(seconds)} s, ${String(maximumConcurrency)} at a time`;
    it(`Q25: is within 5 % of the embedded cloud for ${load}`, async () => {
      const system = await startQueueSystem(takes(seconds * 1000), {
        mapping: { batchSize, scalingConfig: { maximumConcurrency } },
      });
      try {
        for (let number = 0; number < messages; number++) system.send(String(number));
        const measured = await system.drain(10_000);
        const estimate = estimateDrain({ messages, secondsPerBatch: seconds, batchSize, maximumConcurrency }).seconds;
        const deviation = Math.abs(measured / estimate - 1);
        assert.ok(deviation <= 0.05, `${String(measured)} s against an estimate of ${estimate.toFixed(1)} s`);
      } finally {
        await system.cloud.stop();
      }
    });
  }
});
