// Proves the rules of a run's log: numbers, percent, repetitions, ends and redrives, sizes.
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  FINAL_KINDS,
  MAXIMUM_CAUSE_CHARACTERS,
  MAXIMUM_DETAIL_BYTES,
  MAXIMUM_EVENT_BYTES,
  WHOLE,
  type ProgressEvent,
} from "../../../handlers/progress/contract";
import { appendToLog, startLog, type Happening } from "../../../handlers/progress/progress-log";
import { readReport } from "../../../handlers/progress/requests";
import { nameExecution, percentOf, type RunRecord } from "../../../handlers/progress/run";
import { AT, createReport, createRun } from "../../support/progress-handlers";

function play(happenings: readonly Happening[]): {
  readonly run: RunRecord;
  readonly events: readonly ProgressEvent[];
} {
  let run = createRun();
  const events = [startLog(run)];
  for (const happening of happenings) {
    const entry = appendToLog(run, happening);
    if (entry) {
      run = entry.run;
      events.push(entry.event);
    }
  }
  return { run, events };
}

const report = (step: string, share: number): Happening => ({ type: "report", report: createReport({ step, share }) });
const failed = (redrives: number, cause = "no"): Happening => {
  return { type: "final", kind: "failed", at: AT, redrives, error: { name: "OutOfStock", cause } };
};
const succeeded = (redrives: number): Happening => ({ type: "final", kind: "succeeded", at: AT, redrives });
const redriven = (redrives: number): Happening => ({ type: "redriven", at: AT, redrives });

describe("Log of a run", () => {
  it("W10: numbers entries without a gap and never lets the percent fall, whatever comes in whatever order", () => {
    const happenings = fc.array(
      fc.oneof(
        fc.tuple(fc.constantFrom("A", "B", "C", "D"), fc.integer({ min: 0, max: WHOLE })).map(([s, n]) => report(s, n)),
        fc.tuple(fc.constantFrom(...FINAL_KINDS), fc.nat(3)).map(([kind, redrives]): Happening => {
          return { type: "final", kind, at: AT, redrives };
        }),
        fc.nat(3).map(redriven),
      ),
      { maxLength: 20 },
    );

    fc.assert(
      fc.property(happenings, (sequence) => {
        const { events, run } = play(sequence);
        assert.deepEqual(
          events.map((event) => event.sequence),
          events.map((_, index) => index + 1),
        );
        let ended = false;
        events.forEach(({ percent, kind }, index) => {
          assert.ok(percent >= (events[index - 1]?.percent ?? 0), `${percent} after ${events[index - 1]?.percent}`);
          ended ||= kind === "succeeded";
          assert.equal(percent === 100, ended);
        });
        assert.equal(percentOf(run), events.at(-1)?.percent);
      }),
    );
  });

  it("W10: counts by weight, and stays at 99 until the run has succeeded", () => {
    const { events } = play([report("A", 250_000), report("B", 750_000), succeeded(0)]);

    assert.deepEqual(
      events.map(({ percent }) => percent),
      [0, 24, 99, 100],
    );
  });

  it("W5: has no second entry for a report, an end or a redrive that comes again", () => {
    const { events } = play([
      report("A", 1),
      report("A", 1),
      failed(0),
      failed(0),
      redriven(1),
      redriven(1),
      failed(0),
      failed(1),
      { ...succeeded(1) },
    ]);

    assert.deepEqual(
      events.map(({ kind }) => kind),
      ["started", "step", "failed", "redriven", "failed"],
    );
  });

  it("W13: a redrive puts the run back to the steps that were done", () => {
    const { run, events } = play([
      report("A", 250_000),
      failed(0),
      redriven(1),
      report("A", 250_000),
      report("B", 750_000),
    ]);

    assert.equal(run.state, "running");
    assert.deepEqual(
      events.map(({ kind, percent, step }) => [kind, percent, step]),
      [
        ["started", 0, undefined],
        ["step", 24, "A"],
        ["failed", 24, undefined],
        ["redriven", 24, undefined],
        ["step", 99, "B"],
      ],
    );
  });

  it("has nothing after an end but a redrive: a report that was overtaken is dropped", () => {
    const { events, run } = play([
      failed(0),
      report("A", 250_000),
      redriven(1),
      report("B", 1),
      succeeded(1),
      report("C", 1),
    ]);

    assert.deepEqual(
      events.map(({ kind, step }) => step ?? kind),
      ["started", "failed", "redriven", "B", "succeeded"],
    );
    assert.equal(run.done, 1);
  });

  it("rejects a redrive of a run that has succeeded", () => {
    assert.deepEqual(play([succeeded(0), redriven(1)]).run.state, "succeeded");
  });

  it("W14: stores a detail above its limit apart and sends its size", () => {
    const fits = "x".repeat(MAXIMUM_DETAIL_BYTES - 2);
    const [small, large] = [fits, `${fits}x`].map((detail) => {
      return appendToLog(createRun(), { type: "report", report: createReport({ detail }) });
    });

    assert.deepEqual([small?.event.detail, small?.storedDetail], [fits, undefined]);
    assert.deepEqual([large?.event.detail, large?.event.detailBytes], [undefined, MAXIMUM_DETAIL_BYTES + 1]);
    assert.equal(large?.storedDetail, JSON.stringify(`${fits}x`));
  });

  it("W14: passes on the size of a detail that did not leave the workflow", () => {
    const sent = readReport({ ...createReport(), detailBytes: 300_000 });
    const entry = appendToLog(createRun(), { type: "report", report: sent });

    assert.deepEqual(
      [entry?.event.detailBytes, entry?.event.detail, entry?.storedDetail],
      [300_000, undefined, undefined],
    );
    assert.equal(readReport({ ...createReport(), detailBytes: "x" }).detailBytes, undefined);
  });

  it("W14: keeps every event below one frame", () => {
    const detail = "x".repeat(MAXIMUM_DETAIL_BYTES - 2);
    const label = "€".repeat(100_000);
    const { events } = play([
      { type: "report", report: createReport({ step: "€".repeat(80), label, detail }) },
      failed(0, "€".repeat(32_768)),
    ]);

    for (const event of events) assert.ok(Buffer.byteLength(JSON.stringify(event)) <= MAXIMUM_EVENT_BYTES);
    assert.equal(events[2]?.error?.cause.length, MAXIMUM_CAUSE_CHARACTERS);
    const named = play([{ ...failed(0), error: { name: "E".repeat(1000), cause: "" } } as Happening]).events[1];
    assert.equal(named?.error?.name.length, 256);
  });

  it("writes the members of an event in the order of the contract", () => {
    const { events } = play([{ type: "report", report: createReport({ detail: { b: 1, a: 2 } }) }, failed(0)]);

    assert.deepEqual(
      events.slice(1).map((event) => JSON.stringify(event)),
      [
        `{"version":1,"type":"progress","executionId":"run-1","sequence":2,"at":"${AT}","kind":"step","percent":24,"step":"Reserve","label":"Inventory reserved","detail":{"b":1,"a":2}}`,
        `{"version":1,"type":"progress","executionId":"run-1","sequence":3,"at":"${AT}","kind":"failed","percent":24,"error":{"name":"OutOfStock","cause":"no"}}`,
      ],
    );
  });

  it("W12: names an execution by user and key, so that no two pairs share one", () => {
    assert.equal(nameExecution("alice", "k"), nameExecution("alice", "k"));
    assert.match(nameExecution("alice", "k"), /^[0-9a-f]{64}$/);
    assert.notEqual(nameExecution("alice", "k"), nameExecution("mallory", "k"));
    assert.notEqual(nameExecution("a", "bc"), nameExecution("ab", "c"));
  });
});
