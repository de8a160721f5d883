// Proves that the planner cuts every possible size into parts that S3 accepts.
import assert from "node:assert/strict";
import fc from "fast-check";
import { S3_LIMITS } from "../../../handlers/upload/contract";
import { planParts, sizeOfPart } from "../../../handlers/upload/planner";

const { minimumPartBytes, maximumPartBytes, maximumParts, maximumObjectBytes } = S3_LIMITS;
const anySize = fc.oneof(
  fc.integer({ min: 0, max: maximumObjectBytes }),
  fc.constantFrom(0, 1, minimumPartBytes, minimumPartBytes + 1, maximumPartBytes * 9_999 + 1, maximumObjectBytes),
);

describe("Part planner", () => {
  it("U3: plans at most 10,000 parts of 5 MiB to 5 GiB for every size, wish and minimum", () => {
    const wish = fc.integer({ min: 1, max: maximumPartBytes });
    const minimum = fc.integer({ min: minimumPartBytes, max: maximumPartBytes });

    fc.assert(
      fc.property(anySize, wish, minimum, (size, wishedPartSize, minimumPartSize) => {
        const plan = planParts(size, wishedPartSize, minimumPartSize);

        assert.ok(plan.partSize >= minimumPartSize && plan.partSize <= maximumPartBytes);
        assert.ok(plan.partCount >= 1 && plan.partCount <= maximumParts);
        const last = sizeOfPart(plan, size, plan.partCount);
        assert.equal((plan.partCount - 1) * plan.partSize + last, size);
        assert.ok(last <= plan.partSize && (last > 0 || size === 0));
      }),
      { numRuns: 2000 },
    );
  });

  const rows = [
    { size: 0, wish: 5, plan: { partSize: minimumPartBytes, partCount: 1 } },
    { size: minimumPartBytes, wish: minimumPartBytes, plan: { partSize: minimumPartBytes, partCount: 1 } },
    { size: minimumPartBytes + 1, wish: minimumPartBytes, plan: { partSize: minimumPartBytes, partCount: 2 } },
    { size: maximumObjectBytes, wish: 1, plan: { partSize: maximumPartBytes, partCount: maximumParts } },
    { size: 100_000, wish: 2 * maximumPartBytes, plan: { partSize: maximumPartBytes, partCount: 1 } },
    { size: maximumParts * minimumPartBytes + 1, wish: 1, plan: { partSize: minimumPartBytes + 1, partCount: 10_000 } },
  ];
  for (const { size, wish, plan } of rows) {
    it(`U3: cuts ${size} bytes with a wish of ${wish} into ${plan.partCount} of ${plan.partSize}`, () => {
      assert.deepEqual(planParts(size, wish, 1), plan);
    });
  }

  for (const size of [-1, 0.5, NaN, maximumObjectBytes + 1]) {
    it(`rejects a size of ${size}`, () => {
      assert.throws(() => planParts(size, 1, 1), { name: "RangeError", message: /size must be an integer from 0 to/ });
    });
  }
});
