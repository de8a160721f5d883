// Proves the estimate of the time that is left: from the last step that is done, by what was learned, on devices whose clock is wrong too.

import assert from "node:assert/strict";
import { createProgressClient, createRunStore, remainingSeconds, viewRun } from "../../../clients/progress";
import { describeRemaining } from "../../../clients/progress/words";
import type {
  ExpectedDurations,
  ProgressEvent,
  ProgressKind,
  RunDescription,
} from "../../../handlers/progress/contract";
import { VirtualClock } from "../../../local/cloud/core/clock";
import { createFakeNetwork, ORDER_STEPS } from "../../support/progress-fake";

const START = Date.UTC(2026, 0, 1);
const at = (second: number): number => START + second * 1000;
const toIso = (second: number): string => new Date(at(second)).toISOString();
const [FIRST, SECOND, THIRD] = ORDER_STEPS.map(({ step }) => step) as [string, string, string];

/** What a server says that sends its answer so many seconds after the start of the run. */
const expect = (sentAfter: number): ExpectedDurations => ({
  runs: 3,
  sentAt: toIso(sentAfter),
  totalSeconds: 100,
  secondsAfter: { [FIRST]: 80, [THIRD]: 30 },
});

function event(kind: ProgressKind, second: number, step?: string): ProgressEvent {
  const place = { version: 1, type: "progress", executionId: "a", sequence: 1, percent: 0 } as const;
  return { ...place, at: toIso(second), kind, ...(step !== undefined && { step, label: step }) };
}

/** The estimate that a viewer sees at a second, who got the answer at that moment unless told otherwise. */
function estimate(
  second: number,
  log: readonly ProgressEvent[],
  changes: Partial<RunDescription> = { expected: expect(second) },
): number | undefined {
  const run = { executionId: "a", startedAt: toIso(0), state: "running", percent: 0, sequence: 1 } as const;
  return remainingSeconds(viewRun({ ...run, steps: ORDER_STEPS, ...changes }, log), at(second));
}

describe("Remaining time of a run", () => {
  const started = event("started", 0);
  const cases: readonly [title: string, second: number, log: readonly ProgressEvent[], expected: number][] = [
    ["all of it at the start", 0, [started], 100],
    ["less as time goes by", 7, [started], 93],
    [
      "by the last step that is done, be the run slower or faster than others",
      65,
      [started, event("step", 60, FIRST)],
      75,
    ],
    [
      "by the last step that something is known of",
      70,
      [started, event("step", 60, FIRST), event("step", 69, SECOND)],
      70,
    ],
    ["without regard to items, which are within their step", 20, [started, event("item", 10, THIRD)], 80],
    ["by the log from a number on, the start included or not", 65, [event("step", 60, THIRD)], 25],
    ["nothing once it takes longer than usual", 500, [started, event("step", 60, FIRST)], 0],
  ];
  for (const [title, second, log, expected] of cases) {
    it(`W26: is ${title}`, () => assert.equal(estimate(second, log), expected));
  }

  it("W26: goes on after a redrive where the run had stopped", () => {
    const log = [started, event("step", 10, FIRST), event("failed", 20), event("redriven", 5000)];

    assert.equal(estimate(5010, log), 70);
  });

  it("W26: is unknown while nothing is learned, and of a run that has ended", () => {
    assert.equal(estimate(1, [started], {}), undefined);
    for (const state of ["succeeded", "failed", "timed-out", "aborted"] as const) {
      assert.equal(estimate(1, [started], { state, expected: expect(1) }), undefined);
    }
  });

  it("W26: is right on devices whose clock is wrong by hours", () => {
    for (const wrongBy of [-7200, 7200]) {
      const expected = { ...expect(10), receivedAt: at(10 + wrongBy) };
      const log = [started, event("step", 5, FIRST)];

      assert.equal(estimate(10 + wrongBy, log, { expected }), 75);
      assert.equal(estimate(30 + wrongBy, log, { expected }), 55, "the time since the answer counts");
    }
  });

  it("W26: is not led astray by steps with the names of members that every object has", () => {
    assert.equal(estimate(1, [started, event("step", 1, "constructor")]), 99);
  });

  it("W26: stays with a run through pushes, and gets better with the next run", async () => {
    const clock = new VirtualClock();
    // The device is an hour behind.
    const network = { ...createFakeNetwork(clock), now: () => clock.now() - 3_600_000 };
    const { fake } = network;
    const client = createProgressClient({
      ticketUrl: "https://tickets.example",
      token: async () => "alice",
      environment: { ...network, clock, random: () => 0.5 },
    });
    const follow = async (id: string): Promise<(number | undefined)[]> => {
      fake.addRun("alice", id);
      const store = createRunStore(client, id);
      const seen: (number | undefined)[] = [];
      for (const index of [undefined, 0]) {
        if (index !== undefined) fake.finishStep(id, index);
        await clock.advance(1000);
        const seconds = remainingSeconds(store.get() ?? assert.fail("no answer"), network.now());
        seen.push(seconds === undefined ? undefined : Math.round(seconds));
      }
      store.close();
      return seen;
    };

    const first = await follow("first");
    fake.expected = { runs: 1, totalSeconds: 60, secondsAfter: { [FIRST]: 40 } };
    const second = await follow("second");
    fake.expected = { runs: 2, totalSeconds: 30, secondsAfter: { [FIRST]: 20 } };
    const third = await follow("third");
    client.close();

    assert.deepEqual(
      [first, second, third],
      [
        [undefined, undefined],
        [59, 39],
        [29, 19],
      ],
    );
  });
});

describe("Words for the time that is left", () => {
  const cases: readonly [seconds: number | undefined, words: string][] = [
    [undefined, ""],
    [0, "taking longer than usual"],
    [0.2, "a few seconds left"],
    [9.9, "a few seconds left"],
    [11, "about 10 s left"],
    [88, "about 90 s left"],
    [90, "about 2 min left"],
    [5000, "about 83 min left"],
    [5400, "about 2 h left"],
    [100_000, "about 28 h left"],
    [200_000, "about 2 days left"],
  ];
  for (const [seconds, words] of cases) {
    it(`W26: says "${words}" for ${String(seconds)} seconds`, () => assert.equal(describeRemaining(seconds), words));
  }
});
