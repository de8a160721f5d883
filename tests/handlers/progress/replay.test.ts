// Proves the pages of a replay: bounded, in order, and honest about what may still come.
import assert from "node:assert/strict";
import { REPLAY_PAGE, MAXIMUM_MESSAGE_BYTES, type ProgressEvent } from "../../../handlers/progress/contract";
import { appendToLog } from "../../../handlers/progress/progress-log";
import { GAP_MS, replay } from "../../../handlers/progress/replay";
import type { RunRecord } from "../../../handlers/progress/run";
import { toIso } from "../../../handlers/shared/clock";
import { createReport, createRun, START_TIME } from "../../support/progress-handlers";

/** A log with the given numbers. */
function logOf(numbers: readonly number[], detail?: string): ProgressEvent[] {
  return numbers.map((sequence) => {
    const run = createRun({ sequence: sequence - 1 });
    return appendToLog(run, { type: "report", report: createReport({ detail }) })!.event;
  });
}

/** The failure of a run at a time, in milliseconds since the epoch. */
function endOf(run: RunRecord, time: number) {
  return appendToLog(run, { type: "final", kind: "failed", at: toIso(time), redrives: run.redrives })!;
}

function storeOf(log: readonly ProgressEvent[], sequence: number) {
  const run = createRun({ sequence });
  return {
    run,
    find: async () => run,
    events: async (_id: string, since: number, limit: number) => {
      const above = log.filter((event) => event.sequence > since);
      return { events: above.slice(0, limit), more: above.length > limit };
    },
  };
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

describe("Replay", () => {
  it("W6: leads through a long log in pages, each event once and in order", async () => {
    const store = storeOf(logOf(upTo(120)), 120);
    const seen: number[] = [];
    const pages: number[] = [];
    for (let since = 0; ;) {
      const { events, completeTo, run } = await replay(store, store.run, since, START_TIME);
      seen.push(...events.map(({ sequence }) => sequence));
      pages.push(events.length);
      since = completeTo;
      if (completeTo === run.sequence) break;
    }

    assert.deepEqual(seen, upTo(120));
    assert.deepEqual(pages, [REPLAY_PAGE, REPLAY_PAGE, 20]);
  });

  it("W14: keeps a page of large events within one message", async () => {
    const store = storeOf(logOf(upTo(20), "x".repeat(16_000)), 20);

    const answer = await replay(store, store.run, 0, START_TIME);

    assert.ok(Buffer.byteLength(JSON.stringify(answer)) < MAXIMUM_MESSAGE_BYTES);
    assert.deepEqual([answer.events.length, answer.completeTo, answer.run.sequence], [6, 6, 20]);
  });

  it("stops before a number that may still come, and passes over one that will not", async () => {
    const store = storeOf(logOf([1, 2, 4, 5]), 5);

    const early = await replay(store, store.run, 0, START_TIME + GAP_MS - 1);
    const late = await replay(store, store.run, 0, START_TIME + GAP_MS);

    assert.deepEqual([early.events.length, early.completeTo, early.run.sequence], [2, 2, 5]);
    assert.deepEqual([late.events.length, late.completeTo, late.run.sequence], [4, 5, 5]);
  });

  it("does not send a viewer asking again for numbers at the end that come as pushes", async () => {
    const store = storeOf(logOf([1, 2]), 4);

    const { completeTo, run } = await replay(store, store.run, 0, START_TIME);

    assert.deepEqual([completeTo, run.sequence], [2, 2]);
  });

  it("describes the run no older than its events", async () => {
    const { run: ended, event } = endOf(createRun({ sequence: 2 }), START_TIME);
    const store = storeOf([...logOf(upTo(2)), event], 3);
    const find = async () => ended;

    const { run, completeTo } = await replay({ ...store, find }, createRun({ sequence: 1 }), 0, START_TIME);

    assert.deepEqual([run.sequence, completeTo, run.state], [3, 3, "failed"]);
  });

  it("W6: has a viewer ask for an end that came after its events were read, also after a redrive", async () => {
    const first = endOf(createRun({ sequence: 2 }), START_TIME);
    const going = appendToLog(first.run, { type: "redriven", at: toIso(START_TIME + 1), redrives: 1 })!;
    const second = endOf(going.run, START_TIME + 2);
    for (const [events, ended] of [
      [logOf(upTo(2)), first.run],
      [[...logOf(upTo(2)), first.event], second.run],
      [[...logOf(upTo(2)), first.event, going.event], second.run],
    ] as const) {
      const store = { ...storeOf(events, 0), find: async () => ended };

      const { run, completeTo } = await replay(store, createRun({ sequence: 1 }), 0, START_TIME);

      assert.deepEqual([completeTo, run.sequence, run.state], [events.length, ended.sequence, "failed"]);
    }
  });

  it("takes a number beyond the log for its end", async () => {
    const store = storeOf(logOf(upTo(3)), 3);

    const { events, completeTo, run } = await replay(store, store.run, 99, START_TIME);

    assert.deepEqual([events, completeTo, run.sequence], [[], 3, 3]);
  });
});
