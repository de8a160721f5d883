// Proves what the console reads from histories: after a redrive, within Maps of Maps, after retries; and that task tokens stay hidden.
import assert from "node:assert/strict";
import type { Json, State } from "../../../../local/cloud/states/language/types";
import { readHistory } from "../../../../local/console/workflows/progress";
import { createShow } from "../../../../local/console/workflows/redaction";
import { fail, settle, startStates, type StatesRun, type TestTask, WORK } from "../../../support/states-run";

const task = (more: Partial<State>): State => ({ Type: "Task", Resource: WORK, ...more });
const statuses = ({ execution }: StatesRun): Record<string, string> =>
  Object.fromEntries([...readHistory(execution.history.events).states].map(([name, { status }]) => [name, status]));
const run = async (states: Record<string, State>, input: Json, tasks: Record<string, TestTask>): Promise<StatesRun> => {
  const started = startStates({ StartAt: Object.keys(states)[0] ?? "", States: states }, input, tasks);
  await settle(started);
  return started;
};

describe("the console's reading of a history", () => {
  it("replaces what a redrive does again, and keeps what it does not", async () => {
    let broken = true;
    const started = await run(
      { First: { Type: "Pass", Next: "Second" }, Second: task({ Next: "Third" }), Third: { Type: "Pass", End: true } },
      {},
      { Second: () => (broken ? fail("Broken") : {}) },
    );
    assert.deepEqual(statuses(started), { First: "succeeded", Second: "failed" });

    broken = false;
    started.execution.redrive();
    await settle(started);
    assert.deepEqual(statuses(started), { First: "succeeded", Second: "succeeded", Third: "succeeded" });
    assert.equal(readHistory(started.execution.history.events).states.get("Second")?.visits, 2);
  });

  it("adds up the items of a Map within a Map, and tells a failed item from those that were cut off", async () => {
    const inner: State = {
      Type: "Map",
      ItemProcessor: { StartAt: "Item", States: { Item: task({ End: true }) } },
      End: true,
    };
    const outer: State = { Type: "Map", ItemProcessor: { StartAt: "Row", States: { Row: inner } }, End: true };
    const waiting = new Promise<Json>(() => undefined);
    const started = await run(
      { Table: outer },
      [
        [1, 2],
        [3, 4, 5],
      ],
      { Item: (item) => (item === 4 ? waiting : {}) },
    );
    const before = readHistory(started.execution.history.events).states;
    assert.deepEqual(before.get("Row")?.items, { total: 5, done: 4, failed: 0 });
    assert.deepEqual(before.get("Table")?.items, { total: 2, done: 1, failed: 0 });
    assert.equal(before.get("Item")?.status, "running");
    started.execution.stop(undefined, undefined);

    const failed = await run({ Table: outer }, [[1, 2]], { Item: (item) => (item === 2 ? fail("Broken") : waiting) });
    const after = readHistory(failed.execution.history.events).states;
    assert.deepEqual(after.get("Row")?.items, { total: 2, done: 0, failed: 1 });
    assert.deepEqual([after.get("Item")?.status, after.get("Item")?.error], ["failed", "Broken"]);
  });

  it("tells a branch that was cut off from the one that failed", async () => {
    const branch = (name: string): { StartAt: string; States: Record<string, State> } => ({
      StartAt: name,
      States: { [name]: task({ End: true }) },
    });
    const started = await run(
      {
        Both: {
          Type: "Parallel",
          Branches: [branch("Slow"), branch("Broken")],
          Catch: [{ ErrorEquals: ["States.ALL"], Next: "Mend" }],
          End: true,
        },
        Mend: { Type: "Pass", End: true },
      },
      {},
      { Slow: () => new Promise<Json>(() => undefined), Broken: () => fail("Broken") },
    );

    assert.deepEqual(statuses(started), { Both: "caught", Slow: "stopped", Broken: "failed", Mend: "succeeded" });
    assert.ok(readHistory(started.execution.history.events).taken.has("Both>Mend"));
  });

  it("names the state of each event, and the containers around it", async () => {
    const started = await run(
      {
        Both: {
          Type: "Parallel",
          Branches: [{ StartAt: "Inner", States: { Inner: { Type: "Pass", End: true } } }],
          End: true,
        },
      },
      {},
      {},
    );
    const { statesOfEvent } = readHistory(started.execution.history.events);
    const named = started.types().map((type, index) => `${type} ${(statesOfEvent.get(index + 1) ?? []).join(" in ")}`);

    assert.deepEqual(named, [
      "ExecutionStarted ",
      "ParallelStateEntered Both",
      "ParallelStateStarted Both",
      "PassStateEntered Inner in Both",
      "PassStateExited Inner in Both",
      "ParallelStateSucceeded Both",
      "ParallelStateExited Both",
      "ExecutionSucceeded ",
    ]);
  });

  it("hides the token of a task wherever it occurs, also where no name gives it away", () => {
    const token = "a1".repeat(32);
    const scheduled = {
      id: 1,
      previousEventId: 0,
      shownPreviousEventId: 0,
      at: 0,
      type: "TaskScheduled",
      detailsMember: "taskScheduledEventDetails",
      details: { resource: "invoke.waitForTaskToken", parameters: JSON.stringify({ Payload: { callback: token } }) },
    };
    const show = createShow([scheduled]);

    assert.doesNotMatch(show(scheduled.details, 4000), new RegExp(token));
    assert.equal(show({ said: `done ${token}` }, 4000), '{\n  "said": "done [hidden]"\n}');
    assert.match(show("x".repeat(100), 10), /^x{10}\n… 100 characters$/);
  });
});
