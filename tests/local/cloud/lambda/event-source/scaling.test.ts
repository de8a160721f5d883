// Proves the scaling model: AWS's figures for standard and provisioned mode, back-off, and its bounds over random demand.
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { Scaling } from "../../../../../local/cloud/lambda/event-source/scaling";

const BUSY = { backlog: true, refused: false };
const REFUSED = { backlog: true, refused: true };
const standard = (maximumConcurrency?: number): Scaling => new Scaling({ pollers: undefined, maximumConcurrency });
const after = (scaling: Scaling, seconds: number, demand = BUSY): number => {
  for (let second = 0; second < seconds; second++) scaling.step(demand);
  return scaling.limit;
};

describe("Scaling of event source mappings", () => {
  it("begins with 5 batches, adds 300 a minute and ends at 1,250", () => {
    const scaling = standard();
    assert.equal(scaling.limit, 5);
    assert.equal(after(scaling, 60), 305);
    assert.equal(after(scaling, 600), 1250);
    assert.equal(scaling.wants(BUSY), false);
  });

  it("keeps to the maximum concurrency, also below five", () => {
    assert.equal(standard(2).limit, 2);
    assert.equal(after(standard(7), 600), 7);
  });

  it("gives each provisioned poller ten batches and adds 1,000 a minute", () => {
    const scaling = new Scaling({ pollers: { minimum: 2, maximum: 200 }, maximumConcurrency: undefined });
    assert.equal(scaling.limit, 20);
    assert.equal(after(scaling, 60), 1020);
    assert.equal(after(scaling, 600), 2000);
  });

  it("does not grow without a backlog", () => {
    assert.equal(after(standard(), 60, { backlog: false, refused: false }), 5);
    assert.equal(standard().wants({ backlog: false, refused: false }), false);
  });

  it("backs off gradually while invocations are refused, not below where it began, and grows again", () => {
    const scaling = standard();
    after(scaling, 19);
    assert.equal(scaling.limit, 100);
    assert.equal(after(scaling, 1, REFUSED), 90);
    assert.equal(after(scaling, 100, REFUSED), 5);
    assert.equal(after(scaling, 1), 10);
  });

  it("goes back to where it began when the queue is empty", () => {
    const scaling = standard();
    after(scaling, 60);
    scaling.idle();
    assert.equal(scaling.limit, 5);
  });

  it("goes on from its limit when settings change, as far as the new ones allow", () => {
    assert.equal(new Scaling({ pollers: undefined, maximumConcurrency: 50 }, 80).limit, 50);
    assert.equal(new Scaling({ pollers: undefined, maximumConcurrency: undefined }, 80).limit, 80);
  });

  it("Q30: never exceeds the bound, whatever the demand", () => {
    const demand = fc.record({ backlog: fc.boolean(), refused: fc.boolean() });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 1000 }), fc.array(demand, { maxLength: 300 }), (maximum, demands) => {
        const scaling = standard(maximum);
        for (const step of demands) {
          scaling.step(step);
          assert.ok(scaling.limit <= maximum && scaling.limit >= Math.min(5, maximum));
        }
      }),
    );
  });
});
