// Proves how a run is shown: the states and durations of its steps, its end and reason, the store that frameworks follow it with.

import assert from "node:assert/strict";
import fc from "fast-check";
import { createProgressClient, createRunStore, type RunView, viewRun } from "../../../clients/progress";
import { describeEvent } from "../../../clients/progress/words";
import type { ProgressEvent, ProgressKind, RunDescription } from "../../../handlers/progress/contract";
import { VirtualClock } from "../../../local/cloud/core/clock";
import { createFakeNetwork, ORDER_STEPS } from "../../support/progress-fake";

const START = Date.UTC(2026, 0, 1);
const RUN: RunDescription = {
  executionId: "a",
  startedAt: new Date(START).toISOString(),
  state: "running",
  percent: 0,
  sequence: 0,
  steps: ORDER_STEPS,
};

function event(kind: ProgressKind, second: number, facts: Partial<ProgressEvent> = {}): ProgressEvent {
  const at = new Date(START + second * 1000).toISOString();
  return { version: 1, type: "progress", executionId: "a", sequence: 1, at, kind, percent: 0, ...facts };
}
const done = (index: number, second: number): ProgressEvent =>
  event("step", second, { step: ORDER_STEPS[index]!.step, label: ORDER_STEPS[index]!.label });
const states = ({ steps }: RunView): string => steps.map(({ state }) => state).join(" ");

describe("View of a run", () => {
  it("takes the first step that is not done for the one that runs, since the event before", () => {
    const view = viewRun(RUN, [event("started", 0), done(0, 2), done(1, 5.5)]);

    assert.equal(states(view), "done done running waiting");
    assert.deepEqual(
      view.steps.map(({ durationMs }) => durationMs),
      [2000, 3500, undefined, undefined],
    );
    assert.equal(view.steps[2]?.since, new Date(START + 5500).toISOString());
  });

  it("takes no step before one that is done for the one that runs: it was passed over", () => {
    const view = viewRun(RUN, [event("started", 0), done(1, 2)]);
    const other = viewRun(RUN, [event("started", 0), done(0, 2), event("step", 5, { step: "Of another version" })]);

    assert.equal(states(view), "waiting done running waiting");
    assert.equal(states(other), "done waiting waiting waiting done");
  });

  it("counts reports of items to their step's time", () => {
    const item = event("item", 4, { step: ORDER_STEPS[1]!.step, label: "Parcel" });

    const view = viewRun(RUN, [event("started", 0), done(0, 2), item, done(1, 7)]);

    assert.equal(view.steps[1]?.durationMs, 5000);
  });

  const ends: readonly [state: RunDescription["state"], expected: string][] = [
    ["succeeded", "done skipped skipped skipped"],
    ["failed", "done failed waiting waiting"],
    ["timed-out", "done stopped waiting waiting"],
    ["aborted", "done stopped waiting waiting"],
  ];
  for (const [state, expected] of ends) {
    it(`shows the steps of a run that has ${state}, when and why`, () => {
      const error = { name: "Refused", cause: "no money" };
      const last = event(state as ProgressKind, 9, state === "succeeded" ? {} : { error });

      const view = viewRun({ ...RUN, state }, [event("started", 0), done(0, 2), last]);

      assert.equal(states(view), expected);
      assert.equal(view.endedAt, last.at);
      assert.deepEqual(view.error, state === "succeeded" ? undefined : error);
    });
  }

  it("W13: goes back to the failed step after a redrive, and forgets the reason", () => {
    const failed = event("failed", 3, { error: { name: "Refused", cause: "" } });

    const view = viewRun(RUN, [event("started", 0), done(0, 2), failed, event("redriven", 60)]);
    const again = viewRun(RUN, [event("started", 0), done(0, 2), failed, event("redriven", 60), done(1, 61)]);

    assert.equal(states(view), "done running waiting waiting");
    assert.deepEqual([view.error, view.endedAt], [undefined, undefined]);
    assert.equal(again.steps[1]?.durationMs, 1000);
  });

  it("has no end before the log has come that far", () => {
    const view = viewRun({ ...RUN, state: "failed" }, [event("started", 0)]);

    assert.deepEqual([view.error, view.endedAt], [undefined, undefined]);
  });

  it("W15: shows steps that the description does not know, and never a negative time", () => {
    const view = viewRun({ ...RUN, steps: [] }, [event("started", 5), event("step", 2, { step: "New" })]);

    assert.deepEqual(view.steps, [{ step: "New", label: "New", weight: 0, state: "done", durationMs: 0 }]);
  });

  it("W27: is the same for the same log, and every step is in exactly one state, whatever the events", () => {
    const kinds = fc.constantFrom<ProgressKind>("started", "step", "item", "failed", "redriven");
    const events = fc.array(fc.tuple(kinds, fc.nat(100), fc.nat(3)));

    fc.assert(
      fc.property(events, (tuples) => {
        const log = tuples.map(([kind, second, index]) => event(kind, second, { step: ORDER_STEPS[index]!.step }));

        const view = viewRun(RUN, log);

        assert.deepEqual(view, viewRun(RUN, structuredClone(log)));
        assert.equal(view.steps.length, ORDER_STEPS.length);
        assert.ok(view.steps.filter(({ state }) => state === "running").length <= 1);
      }),
    );
  });
});

describe("Words for events", () => {
  const cases: readonly [ProgressEvent, string][] = [
    [event("started", 0), "Started"],
    [event("step", 0, { step: "Ship", label: "Shipped" }), "Shipped"],
    [event("step", 0), "A step is done"],
    [event("item", 0, { step: "Ship" }), "Ship (some items are done)"],
    [event("succeeded", 0), "Done"],
    [event("failed", 0, { error: { name: "Refused", cause: "no money" } }), "Failed: Refused: no money"],
    [event("timed-out", 0, { error: { name: "States.Timeout", cause: "" } }), "Timed out: States.Timeout"],
    [event("aborted", 0), "Cancelled"],
    [event("redriven", 0), "Tried again from the failed step"],
  ];
  for (const [given, expected] of cases) it(`says "${expected}"`, () => assert.equal(describeEvent(given), expected));
});

describe("Store of a run", () => {
  it("follows a run through its end and a redrive, and gives the same object until something changes", async () => {
    const clock = new VirtualClock();
    const network = createFakeNetwork(clock);
    const { fake } = network;
    fake.addRun("alice", "a");
    const client = createProgressClient({
      ticketUrl: "https://tickets.example",
      token: async () => "alice",
      environment: { ...network, clock, random: () => 0.5 },
    });
    const store = createRunStore(client, "a");
    const seen: (string | undefined)[] = [];
    const stop = store.subscribe(() => seen.push(store.get()?.state));
    const atFirst = store.get();
    await clock.advance(1000);
    fake.emit("a", { kind: "failed" });
    fake.emit("a", { kind: "redriven" });
    await clock.advance(1000);
    const [one, other] = [store.get(), store.get()];
    stop();
    const { length } = seen;
    fake.emit("a", { kind: "succeeded" });
    await clock.advance(1000);
    store.close();
    await clock.advance(1000);
    client.close();

    assert.equal(atFirst, undefined);
    assert.equal(one, other);
    assert.deepEqual([...new Set(seen)], ["running", "failed"]);
    assert.equal(seen.length, length, "it does not call back any more");
    assert.deepEqual([store.get()?.state, store.get()?.log.length], ["succeeded", 4]);
    assert.equal(store.error, undefined);
  });

  it("tells why following has ended", async () => {
    const clock = new VirtualClock();
    const network = createFakeNetwork(clock);
    const client = createProgressClient({
      ticketUrl: "https://tickets.example",
      token: async () => "alice",
      environment: { ...network, clock },
    });
    const store = createRunStore(client, "nobody's");
    let calls = 0;
    store.subscribe(() => calls++);

    await clock.advance(1000);
    client.close();

    assert.match(String(store.error), /NotFound/);
    assert.equal(calls, 1);
  });
});
