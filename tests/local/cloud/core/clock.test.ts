// Proves the virtual clock: order of timers, cancellation, timers set by timers, and sleep.
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { sleep, SystemClock, VirtualClock } from "../../../../local/cloud/core/clock";

describe("VirtualClock", () => {
  it("stands still until it is told to move", async () => {
    const clock = new VirtualClock(1000);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(clock.now(), 1000);
    await clock.advance(500);
    assert.equal(clock.now(), 1500);
  });

  it("runs a timer at its own time, not before", async () => {
    const clock = new VirtualClock(0);
    const ran: number[] = [];
    clock.setTimer(10, () => ran.push(clock.now()));
    await clock.advance(9);
    assert.deepEqual(ran, []);
    await clock.advance(100);
    assert.deepEqual(ran, [10]);
  });

  it("runs any timers by time, and those of one time in the order in which they were set", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(20), fc.boolean()), { maxLength: 60 }), async (timers) => {
        const clock = new VirtualClock(0);
        const ran: number[] = [];
        const set = timers.map(([delay], index) => clock.setTimer(delay, () => ran.push(index)));
        timers.forEach(([, cancelled], index) => cancelled && set[index]?.cancel());
        await clock.advance(20);
        const expected = timers
          .map(([delay, cancelled], index) => ({ delay, cancelled, index }))
          .filter(({ cancelled }) => !cancelled)
          .sort((one, other) => one.delay - other.delay || one.index - other.index)
          .map(({ index }) => index);
        assert.deepEqual(ran, expected);
      }),
      { numRuns: 50 },
    );
  });

  it("runs within one advance what timers and promises set on the way", async () => {
    const clock = new VirtualClock(0);
    const ran: number[] = [];
    const repeat = async (): Promise<void> => {
      for (let count = 0; count < 3; count++) {
        await sleep(clock, 10);
        ran.push(clock.now());
      }
    };
    clock.setTimer(5, () => void repeat());
    await clock.advance(100);
    assert.deepEqual(ran, [15, 25, 35]);
  });

  it("treats a time in the past as now", async () => {
    const clock = new VirtualClock(0);
    let ranAt = -1;
    clock.setTimer(-5, () => (ranAt = clock.now()));
    await clock.advance(0);
    assert.equal(ranAt, 0);
  });

  it("drops a hundred thousand cancelled timers when their time comes", async () => {
    const clock = new VirtualClock(0);
    let ran = 0;
    for (let index = 0; index < 100_000; index++) clock.setTimer((index * 7919) % 1000, () => ran++).cancel();
    clock.setTimer(1000, () => ran++);
    await clock.advance(1000);
    assert.equal(ran, 1);
  });
});

describe("sleep", () => {
  it("rejects with the signal's reason, and leaves no timer that acts", async () => {
    const clock = new VirtualClock(0);
    const ending = new AbortController();
    const sleeping = sleep(clock, 1000, ending.signal);
    ending.abort(new Error("enough"));
    await assert.rejects(sleeping, /enough/);
    await assert.rejects(sleep(clock, 1000, ending.signal), /enough/);
    await clock.advance(2000);
  });
});

describe("SystemClock", () => {
  it("shifts now by its skew", () => {
    const skewed = new SystemClock(3_600_000).now() - Date.now();
    assert.ok(Math.abs(skewed - 3_600_000) < 1000);
  });
});
