// Proves limits of executions: long waits, tokens that are void, heartbeats, expressions that do not end, sizes, redrives.
import assert from "node:assert/strict";
import { SystemClock, type Timer } from "../../../../local/cloud/core/clock";
import { setLongTimer } from "../../../../local/cloud/states/execution/cancellation";
import type { Json, State, StatesDefinition } from "../../../../local/cloud/states/language/types";
import { chain, fail, one, runStates, settle, startStates, WORK } from "../../../support/states-run";

const DAY_MS = 24 * 3_600_000;

describe("time limits of executions", () => {
  it("never ask the clock for more than Node's timers can take", () => {
    const asked: number[] = [];
    const waiting: (() => void)[] = [];
    const clock = new SystemClock();
    clock.setTimer = (delayMs, callback): Timer => {
      asked.push(delayMs);
      waiting.push(callback);
      return { cancel: () => undefined };
    };
    let fired = false;
    setLongTimer(clock, 60 * DAY_MS, () => (fired = true));
    for (let next = waiting.shift(); next; next = waiting.shift()) next();

    assert.ok(asked.every((delay) => delay < 2 ** 31));
    assert.equal(
      asked.reduce((sum, delay) => sum + delay, 0),
      60 * DAY_MS,
    );
    assert.equal(fired, true);
  });

  const waiting = (fields: Partial<State>): StatesDefinition =>
    one({
      Type: "Task",
      Resource: "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
      Parameters: { "token.$": "$$.Task.Token" },
      ...fields,
    });

  it("make a token void when its task has timed out or its execution was stopped", async () => {
    const late = startStates(waiting({ TimeoutSeconds: 5 }), {}, { A: () => null });
    await settle(late);
    assert.equal(late.tokens.size, 1);
    await late.clock.advance(5000);
    await settle(late);
    assert.equal(late.execution.error, "States.Timeout");
    assert.equal(late.tokens.size, 0);

    const stopped = startStates(waiting({}), {}, { A: () => null });
    await settle(stopped);
    stopped.execution.stop(undefined, undefined);
    await settle(stopped);
    assert.equal(stopped.tokens.size, 0);
  });

  it("take a token that comes back before the request that carried it is answered", async () => {
    const answered = Promise.withResolvers<Json>();
    const run = startStates(waiting({}), {}, { A: () => answered.promise });
    await settle(run);
    [...run.tokens.values()][0]?.succeed("early");
    await settle(run);
    answered.resolve("late");
    await new Promise((resolve) => setImmediate(resolve));

    assert.equal(run.execution.output, "early");
    assert.ok(!run.types().includes("TaskSubmitted"));
  });

  it("expect heartbeats only of who waits for a callback", async () => {
    const run = startStates(
      one({ Type: "Task", Resource: WORK, HeartbeatSeconds: 1 }),
      {},
      { A: (_input, clock) => new Promise((resolve) => void clock.setTimer(5000, () => resolve("done"))) },
    );
    await settle(run);
    await run.clock.advance(5000);
    await settle(run);
    assert.equal(run.execution.output, "done");
  });
});

describe("limits of data", () => {
  const pass = (Output: string, input: Json = {}): Promise<Json | undefined> =>
    runStates(one({ Type: "Pass", Output }, "JSONata"), input);

  it("rejects expressions that do not end, or make too much", async () => {
    await assert.rejects(pass("{% ($f := function($n) { 1 + $f($n) }; $f(1)) %}"), {
      error: "States.QueryEvaluationError",
    });
    await assert.rejects(pass("{% $range(1, 1e9) %}"), { error: "States.QueryEvaluationError" });
    await assert.rejects(pass("{% $partition([1], 0) %}"), { error: "States.QueryEvaluationError" });
  });

  it("reads the cloud's time, not that of the process", async () => {
    assert.equal(await pass("{% $millis() %}"), Date.UTC(2026, 0, 1));
    assert.equal(await pass("{% $now('[Y0001]-[M01]-[D01]') %}"), "2026-01-01");
  });

  it("rejects results, arguments and variables above 256 KiB", async () => {
    const large = "x".repeat(262_144);
    const task = one({ Type: "Task", Resource: WORK });
    await assert.rejects(runStates(task, {}, { A: () => large }), { error: "States.DataLimitExceeded" });
    const doubled = one({ Type: "Task", Resource: WORK, Parameters: { "a.$": "$", "b.$": "$" } });
    await assert.rejects(runStates(doubled, "x".repeat(140_000), { A: () => 1 }), {
      error: "States.DataLimitExceeded",
    });
    const assign = one({ Type: "Pass", Assign: { "a.$": "$", "b.$": "$" } });
    await assert.rejects(runStates(assign, "x".repeat(140_000)), { error: "States.DataLimitExceeded" });
  });

  it("keeps a key called __proto__ as data", async () => {
    const Output = JSON.parse('{"__proto__":{"a":"{% 1 %}"}}') as Json;
    const output = await runStates(one({ Type: "Pass", Output }, "JSONata"));
    assert.equal(JSON.stringify(output), '{"__proto__":{"a":1}}');
  });

  it("takes a list of quoted names for several values", async () => {
    assert.deepEqual(await runStates(one({ Type: "Pass", InputPath: "$['a','b']" }), { a: 1, b: 2 }), [1, 2]);
  });
});

describe("redrives", () => {
  it("right after a stop are not disturbed by what was still going on", async () => {
    const held: (() => void)[] = [];
    const definition = chain({ A: { Type: "Task", Resource: WORK }, B: { Type: "Pass" } });
    const run = startStates(definition, {}, { A: () => new Promise((resolve) => held.push(() => resolve("a"))) });
    await settle(run);
    run.execution.stop(undefined, undefined);
    run.execution.redrive();
    await settle(run);
    held[0]?.();
    await settle(run);
    assert.equal(run.execution.status, "RUNNING");
    held[1]?.();
    await settle(run);

    assert.equal(run.execution.output, "a");
    assert.equal(run.types().filter((type) => type === "PassStateEntered").length, 1);
  });

  it("begin retries anew", async () => {
    let calls = 0;
    const definition = one({ Type: "Task", Resource: WORK, Retry: [{ ErrorEquals: ["E"], MaxAttempts: 1 }] });
    const run = startStates(definition, {}, { A: () => (++calls < 4 ? fail("E") : "done") });
    await run.clock.advance(60_000);
    await settle(run);
    assert.equal(run.execution.status, "FAILED");
    run.execution.redrive();
    await run.clock.advance(60_000);
    await settle(run);

    assert.equal(run.execution.output, "done");
    assert.equal(calls, 4);
  });
});
