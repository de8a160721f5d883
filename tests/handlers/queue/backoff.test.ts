// Proves the bounds of back-off.
import assert from "node:assert/strict";
import fc from "fast-check";
import { backoffSeconds, capVisibility } from "../../../handlers/queue/backoff";

describe("Back-off", () => {
  it("Q26: stays between half of its ceiling and all of it, and doubles the ceiling with each receive", () => {
    const settings = fc.record({
      baseSeconds: fc.integer({ min: 1, max: 900 }),
      maximumSeconds: fc.integer({ min: 1, max: 43_200 }),
    });
    fc.assert(
      fc.property(
        settings,
        fc.integer({ min: 1, max: 2000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (given, count, random) => {
          const seconds = backoffSeconds(given, count, random);
          const ceiling = Math.min(given.maximumSeconds, given.baseSeconds * 2 ** (count - 1));
          assert.ok(
            Number.isInteger(seconds) && seconds >= ceiling / 2 && seconds <= ceiling,
            `${seconds} of ${ceiling}`,
          );
        },
      ),
    );
    assert.deepEqual(
      [0, 0.5, 0.999].map((random) =>
        [1, 2, 3, 4].map((count) => backoffSeconds({ baseSeconds: 4, maximumSeconds: 20 }, count, random)),
      ),
      [
        [2, 4, 8, 10],
        [3, 6, 12, 15],
        [4, 8, 16, 20],
      ],
    );
  });

  it("Q26: never asks SQS for more than is left of 12 hours since the receive", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.integer({ min: 0, max: 50_000_000 }),
        (seconds, heldMs) => {
          const capped = capVisibility(seconds, heldMs);
          assert.ok(
            Number.isInteger(capped) && capped >= 0 && (capped === 0 || capped + heldMs / 1000 + 300 <= 43_200),
          );
        },
      ),
    );
    assert.equal(capVisibility(10, 5000), 10);
  });
});
