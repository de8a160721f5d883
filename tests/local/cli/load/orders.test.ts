// Proves that a load is decided by its seed, and that its shares come out.
import assert from "node:assert/strict";
import { type LoadMessage, type LoadPlan, planLoad } from "../../../../local/cli/load/orders";

const PLAN: LoadPlan = {
  loadId: "load",
  messages: 10_000,
  durationMs: 10,
  failureShare: 0.1,
  failOnceShare: 0.2,
  rejectShare: 0.05,
  groups: 5,
  seed: 1,
};

const plan = (changes: Partial<LoadPlan> = {}): readonly LoadMessage[] => [...planLoad({ ...PLAN, ...changes })];
const share = (messages: readonly LoadMessage[], fits: (message: LoadMessage) => boolean): number =>
  messages.filter(fits).length / messages.length;
const near = (actual: number, expected: number): void =>
  assert.ok(Math.abs(actual - expected) < 0.02, `${actual} is not about ${expected}`);

describe("a load", () => {
  it("is the same for the same seed, and another for another", () => {
    assert.deepEqual(plan({ messages: 50 }), plan({ messages: 50 }));
    assert.notDeepEqual(plan({ messages: 50 }), plan({ messages: 50, seed: 2 }));
  });

  it("has the outcomes in their shares, numbered from 1", () => {
    const messages = plan();

    near(
      share(messages, ({ order }) => order.outcome === "fail"),
      0.1,
    );
    near(
      share(messages, ({ order }) => order.outcome === "fail-once"),
      0.2,
    );
    near(
      share(messages, ({ order }) => order.outcome === "reject"),
      0.05,
    );
    assert.deepEqual(messages.slice(0, 3).map(({ order }) => order.sequence), [1, 2, 3]); // prettier-ignore
    assert.ok(messages.every(({ order }) => order.loadId === "load" && order.durationMs === 10));
  });

  it("spreads over groups evenly, or with one noisy tenant", () => {
    const even = plan();
    const noisy = plan({ noisyShare: 0.8 });

    for (let group = 1; group <= 5; group++)
      near(
        share(even, (one) => one.group === `tenant-${group}`),
        0.2,
      );
    near(
      share(noisy, (one) => one.group === "tenant-1"),
      0.8,
    );
    for (let group = 2; group <= 5; group++)
      near(
        share(noisy, (one) => one.group === `tenant-${group}`),
        0.05,
      );
    assert.ok(plan({ groups: 0 }).every((one) => one.group === undefined));
  });
});
