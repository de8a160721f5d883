// Proves the behaviour of states: JSONata, errors, time, branches, items, tokens, redrive and history.
import assert from "node:assert/strict";
import { sleep, type VirtualClock } from "../../../../local/cloud/core/clock";
import type { Json, State, StatesDefinition } from "../../../../local/cloud/states/language/types";
import { chain, fail, one, runStates, settle, startStates, WORK } from "../../../support/states-run";

const after = (milliseconds: number, value: Json) => async (_input: Json, clock: VirtualClock) => {
  await sleep(clock, milliseconds);
  return value;
};

describe("JSONata states", () => {
  const pass = (fields: Partial<State>, input: Json): Promise<Json | undefined> =>
    runStates(one({ Type: "Pass", ...fields }, "JSONata"), input);

  it("evaluates Output with input, context and nested expressions", async () => {
    const Output = { sum: "{% $states.input.a + 1 %}", list: ["{% $states.context.State.Name %}", "plain"] };
    assert.deepEqual(await pass({ Output }, { a: 1 }), { sum: 2, list: ["A", "plain"] });
  });

  it("gives a task its Arguments, and Output its result; old variables are seen by both", async () => {
    const definition = chain(
      {
        A: { Type: "Pass", Assign: { v: 1 } },
        B: {
          Type: "Task",
          Resource: WORK,
          Arguments: { n: "{% $v %}" },
          Assign: { v: "{% $states.result.n + 1 %}" },
          Output: { old: "{% $v %}", r: "{% $states.result %}" },
        },
        C: { Type: "Pass", Output: { v: "{% $v %}", b: "{% $states.input %}" } },
      },
      "JSONata",
    );
    assert.deepEqual(await runStates(definition, {}, { B: (input) => input }), { v: 2, b: { old: 1, r: { n: 1 } } });
  });

  it("adds $partition, $range, $hash, $parse, $uuid and $random", async () => {
    const Output = {
      partition: "{% $partition([1,2,3],2) %}",
      range: "{% $range(0,10,5) %}",
      hash: "{% $hash('abc','SHA-1') %}",
      parse: "{% $parse('{\"a\":1}').a %}",
      uuid: "{% $uuid() %}",
      same: "{% $random(7) = $random(7) %}",
    };
    assert.deepEqual(await pass({ Output }, {}), {
      partition: [[1, 2], [3]],
      range: [0, 5, 10],
      hash: "a9993e364706816aba3e25717850c26c9cd0d89d",
      parse: 1,
      uuid: "uuid-1",
      same: true,
    });
  });

  it("rejects an expression that yields nothing, or fails, with States.QueryEvaluationError", async () => {
    await assert.rejects(pass({ Output: "{% $states.input.nope %}" }, {}), { error: "States.QueryEvaluationError" });
    await assert.rejects(pass({ Output: "{% 1 + 'a' %}" }, {}), { error: "States.QueryEvaluationError" });
  });

  it("takes the first condition that is true, with the rule's own Output and Assign", async () => {
    const definition = {
      QueryLanguage: "JSONata",
      StartAt: "C",
      States: {
        C: {
          Type: "Choice",
          Choices: [
            { Condition: "{% $states.input.n > 5 %}", Next: "Big" },
            {
              Condition: "{% $states.input.n > 2 %}",
              Next: "Mid",
              Output: "{% $states.input.n %}",
              Assign: { seen: true },
            },
          ],
          Default: "Small",
        },
        Big: { Type: "Succeed" },
        Mid: { Type: "Pass", Output: ["{% $states.input %}", "{% $seen %}"], End: true },
        Small: { Type: "Fail", Error: "TooSmall", Cause: "{% 'n=' & $string($states.input.n) %}" },
      },
    } as StatesDefinition;
    assert.deepEqual(await runStates(definition, { n: 3 }), [3, true]);
    await assert.rejects(runStates(definition, { n: 1 }), { error: "TooSmall", reason: "n=1" });
  });

  it("can be chosen for one state of a JSONPath machine", async () => {
    const definition = chain({
      A: { Type: "Pass", QueryLanguage: "JSONata", Output: { n: "{% $states.input.n * 2 %}" } },
      B: { Type: "Pass", InputPath: "$.n" },
    });
    assert.equal(await runStates(definition, { n: 4 }), 8);
  });
});

describe("errors in states", () => {
  const flaky = (failures: number, error: string) => {
    let calls = 0;
    return () => (calls++ < failures ? fail(error, "why") : calls);
  };
  const task = (fields: Partial<State>): StatesDefinition => one({ Type: "Task", Resource: WORK, ...fields });

  it("retries with growing waits, at most MaxAttempts times, and counts per retrier", async () => {
    const Retry = [
      { ErrorEquals: ["E1"], IntervalSeconds: 2, BackoffRate: 3, MaxAttempts: 2 },
      { ErrorEquals: ["States.ALL"], MaxAttempts: 1 },
    ];
    const run = startStates(task({ Retry }), {}, { A: flaky(2, "E1") });
    await settle(run);
    await run.clock.advance(7999);
    assert.equal(run.execution.status, "RUNNING");
    await run.clock.advance(1);
    await settle(run);
    assert.equal(run.execution.output, 3);
    await assert.rejects(runStates(task({ Retry }), {}, { A: flaky(3, "E1") }), { error: "E1", reason: "why" });
  });

  it("caps the wait at MaxDelaySeconds, and full jitter takes a part of it", async () => {
    const Retry = [
      {
        ErrorEquals: ["E"],
        IntervalSeconds: 10,
        BackoffRate: 10,
        MaxDelaySeconds: 20,
        JitterStrategy: "FULL" as const,
        MaxAttempts: 2,
      },
    ];
    const run = startStates(task({ Retry }), {}, { A: flaky(2, "E") });
    await settle(run);
    // Half of 10 s and half of 20 s: the test's chance is 0.5.
    await run.clock.advance(14_999);
    assert.equal(run.execution.status, "RUNNING");
    await run.clock.advance(1);
    await settle(run);
    assert.equal(run.execution.status, "SUCCEEDED");
  });

  it("catches an error once retries are used up, with the error output at ResultPath", async () => {
    const definition = chain({
      A: {
        Type: "Task",
        Resource: WORK,
        Retry: [{ ErrorEquals: ["E"], MaxAttempts: 1 }],
        Catch: [{ ErrorEquals: ["E"], ResultPath: "$.error", Next: "B" }],
      },
      B: { Type: "Pass" },
    });
    assert.deepEqual(await runStates(definition, { k: 1 }, { A: () => fail("E", "why") }), {
      k: 1,
      error: { Error: "E", Cause: "why" },
    });
  });

  it("gives a JSONata catcher errorOutput for Output and Assign", async () => {
    const definition = chain(
      {
        A: {
          Type: "Task",
          Resource: WORK,
          Catch: [
            {
              ErrorEquals: ["States.ALL"],
              Output: "{% $merge([$states.input, $states.errorOutput]) %}",
              Assign: { e: "{% $states.errorOutput.Error %}" },
              Next: "B",
            },
          ],
        },
        B: { Type: "Pass", Output: ["{% $states.input %}", "{% $e %}"] },
      },
      "JSONata",
    );
    assert.deepEqual(await runStates(definition, { k: 1 }, { A: () => fail("E", "why") }), [
      { k: 1, Error: "E", Cause: "why" },
      "E",
    ]);
  });

  const matches: readonly (readonly [string, string, boolean])[] = [
    ["States.ALL", "Custom", true],
    ["States.ALL", "States.Runtime", false],
    ["States.ALL", "States.DataLimitExceeded", false],
    ["States.ALL", "States.Timeout", true],
    ["States.TaskFailed", "Custom", true],
    ["States.TaskFailed", "States.Timeout", false],
    ["States.Timeout", "States.HeartbeatTimeout", true],
    ["Custom", "Other", false],
  ];
  for (const [wanted, error, caught] of matches) {
    it(`${wanted} ${caught ? "takes" : "does not take"} ${error}`, async () => {
      const definition = chain({
        A: { Type: "Task", Resource: WORK, Catch: [{ ErrorEquals: [wanted], Next: "B" }] },
        B: { Type: "Pass", Result: "caught" },
      });
      const result = runStates(definition, {}, { A: () => fail(error) });
      if (caught) assert.equal(await result, "caught");
      else await assert.rejects(result, { error });
    });
  }

  it("ends a task at its timeout with States.Timeout, and tells the task", async () => {
    let aborted = false;
    const run = startStates(
      task({ TimeoutSeconds: 5 }),
      {},
      {
        A: (_input, clock, signal) => {
          signal.addEventListener("abort", () => (aborted = true));
          return sleep(clock, 60_000).then(() => null);
        },
      },
    );
    await settle(run);
    await run.clock.advance(5000);
    await settle(run);
    assert.equal(run.execution.status, "FAILED");
    assert.equal(run.execution.error, "States.Timeout");
    assert.equal(aborted, true);
    assert.equal(run.clock.now() - run.execution.startedAt, 5000);
  });

  it("ends the execution at the machine's timeout with TIMED_OUT", async () => {
    const run = startStates({ ...one({ Type: "Wait", Seconds: 100 }), TimeoutSeconds: 10 });
    await settle(run);
    await run.clock.advance(10_000);
    await settle(run);
    assert.equal(run.execution.status, "TIMED_OUT");
    assert.equal(run.types().at(-1), "ExecutionTimedOut");
  });
});

describe("waits", () => {
  const waits: readonly (readonly [Partial<State>, number])[] = [
    [{ Seconds: 7 }, 7],
    [{ SecondsPath: "$.s" }, 8],
    [{ Timestamp: "2026-01-01T00:00:09Z" }, 9],
    [{ TimestampPath: "$.t" }, 11],
  ];
  for (const [fields, seconds] of waits) {
    it(`waits ${seconds} s by ${JSON.stringify(fields)}`, async () => {
      const run = startStates(one({ Type: "Wait", ...fields }), { s: 8, t: "2026-01-01T00:00:11Z" });
      await settle(run);
      await run.clock.advance(seconds * 1000 - 1);
      assert.equal(run.execution.status, "RUNNING");
      await run.clock.advance(1);
      await settle(run);
      assert.equal(run.execution.status, "SUCCEEDED");
    });
  }
});

describe("Parallel and Map", () => {
  const branch = (name: string, state: Partial<State> = {}): StatesDefinition => ({
    StartAt: name,
    States: { [name]: { Type: "Task", Resource: WORK, End: true, ...state } },
  });
  const map = (fields: Partial<State>): StatesDefinition =>
    one({ Type: "Map", ItemProcessor: { ProcessorConfig: { Mode: "INLINE" }, ...branch("T") }, ...fields });

  it("runs branches side by side and returns their results in order", async () => {
    const definition = one({ Type: "Parallel", Branches: [branch("X"), branch("Y")] });
    const run = startStates(definition, { n: 1 }, { X: after(3000, "x"), Y: after(1000, "y") });
    await settle(run);
    await run.clock.advance(3000);
    await settle(run);
    assert.deepEqual(run.execution.output, ["x", "y"]);
  });

  it("cancels the other branches when one fails, and fails with its error", async () => {
    let finished = false;
    const definition = one({
      Type: "Parallel",
      Branches: [branch("X"), branch("Y", { Next: "Z", End: undefined } as never)],
    } as never);
    (definition.States.A?.Branches?.[1] as { States: Record<string, State> }).States.Z = { Type: "Pass", End: true };
    const run = startStates(
      definition,
      {},
      {
        X: async (_input, clock) => {
          await sleep(clock, 1000);
          return fail("Boom");
        },
        Y: async (_input, clock) => {
          await sleep(clock, 5000);
          finished = true;
          return null;
        },
      },
    );
    await settle(run);
    await run.clock.advance(1000);
    await settle(run);
    assert.equal(run.execution.error, "Boom");
    assert.equal(finished, false);
    await run.clock.advance(10_000);
    assert.ok(!run.types().includes("PassStateEntered"));
  });

  it("lets a Parallel state retry and catch what a branch threw, by its name or States.BranchFailed", async () => {
    for (const name of ["Boom", "States.BranchFailed"]) {
      const definition = chain({
        A: { Type: "Parallel", Branches: [branch("X")], Catch: [{ ErrorEquals: [name], Next: "B" }] },
        B: { Type: "Pass", Result: "caught" },
      });
      assert.equal(await runStates(definition, {}, { X: () => fail("Boom") }), "caught");
    }
  });

  it("runs items of a list, at most MaxConcurrency at once, with the item in the context", async () => {
    let running = 0;
    let most = 0;
    const definition = map({
      ItemsPath: "$.list",
      MaxConcurrency: 2,
      ItemSelector: { "v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "k.$": "$.k" },
    });
    const output = await runStates(
      definition,
      { list: [5, 6, 7], k: "k" },
      {
        T: async (input, clock) => {
          most = Math.max(most, ++running);
          await sleep(clock, 1000);
          running--;
          return input;
        },
      },
    );
    assert.deepEqual(
      output,
      [5, 6, 7].map((v, i) => ({ v, i, k: "k" })),
    );
    assert.equal(most, 2);
  });

  it("fails with the first item's error and starts no more", async () => {
    const seen: Json[] = [];
    const definition = map({ ItemsPath: "$", MaxConcurrency: 1 });
    await assert.rejects(
      runStates(definition, [1, 2, 3], {
        T: (input) => {
          seen.push(input);
          return input === 2 ? fail("Bad") : input;
        },
      }),
      { error: "Bad" },
    );
    assert.deepEqual(seen, [1, 2]);
  });

  it("runs at most 40 inline iterations at once", async () => {
    let running = 0;
    let most = 0;
    await runStates(
      map({ ItemsPath: "$" }),
      Array.from({ length: 100 }, (_, index) => index),
      {
        T: async (input, clock) => {
          most = Math.max(most, ++running);
          await sleep(clock, 10);
          running--;
          return input;
        },
      },
    );
    assert.equal(most, 40);
  });

  it("rejects items that are no list with States.Runtime", async () => {
    await assert.rejects(runStates(map({ ItemsPath: "$.a" }), { a: { b: 1 } }), { error: "States.Runtime" });
  });

  it("shows outer variables to branches, and keeps what they assign to themselves", async () => {
    const inner: StatesDefinition = {
      StartAt: "X",
      States: {
        X: { Type: "Pass", Assign: { own: 1 }, Next: "Y" },
        Y: { Type: "Pass", Parameters: { "o.$": "$outer", "w.$": "$own" }, End: true },
      },
    };
    const definition = chain({
      A: { Type: "Pass", Assign: { outer: "o" } },
      B: { Type: "Parallel", Branches: [inner] },
    });
    assert.deepEqual(await runStates(definition), [{ o: "o", w: 1 }]);
  });
});

describe("task tokens", () => {
  const definition = one({
    Type: "Task",
    Resource: "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    HeartbeatSeconds: 10,
    Parameters: { QueueUrl: "q", MessageBody: { "token.$": "$$.Task.Token" } },
  });
  const waiting = async () => {
    let token = "";
    const run = startStates(
      definition,
      {},
      {
        A: (input) => {
          token = (input as { MessageBody: { token: string } }).MessageBody.token;
          return { MessageId: "m" };
        },
      },
    );
    await settle(run);
    return { run, token };
  };

  it("waits until somebody returns the token with a result", async () => {
    const { run, token } = await waiting();
    assert.equal(run.execution.status, "RUNNING");
    assert.equal(run.types().at(-1), "TaskSubmitted");
    run.tokens.get(token)?.succeed({ done: true });
    await settle(run);
    assert.deepEqual(run.execution.output, { done: true });
    assert.equal(run.tokens.size, 0);
  });

  it("fails with the error that somebody returns", async () => {
    const { run, token } = await waiting();
    run.tokens.get(token)?.fail("Declined", "no money");
    await settle(run);
    assert.equal(run.execution.error, "Declined");
  });

  it("fails with States.HeartbeatTimeout without a heartbeat, and heartbeats put it off", async () => {
    const { run, token } = await waiting();
    await run.clock.advance(9000);
    run.tokens.get(token)?.beat();
    await run.clock.advance(9000);
    assert.equal(run.execution.status, "RUNNING");
    await run.clock.advance(1000);
    await settle(run);
    assert.equal(run.execution.error, "States.HeartbeatTimeout");
  });
});

describe("stop and redrive", () => {
  it("aborts at once, with the caller's error and cause", async () => {
    const run = startStates(one({ Type: "Wait", Seconds: 100 }));
    await settle(run);
    run.execution.stop("Cancelled", "by its owner");
    await settle(run);
    assert.equal(run.execution.status, "ABORTED");
    assert.equal(run.execution.error, "Cancelled");
    assert.equal(run.types().at(-1), "ExecutionAborted");
    await run.clock.advance(200_000);
    assert.equal(run.execution.status, "ABORTED");
  });

  it("goes on from the failed state with its input and variables, and does not repeat what succeeded", async () => {
    const calls: string[] = [];
    let broken = true;
    const definition = chain({
      A: { Type: "Task", Resource: WORK, Assign: { kept: 1 } },
      B: { Type: "Task", Resource: WORK },
      C: { Type: "Pass", Parameters: { "b.$": "$", "kept.$": "$kept", "redrives.$": "$$.Execution.RedriveCount" } },
    });
    const run = startStates(
      definition,
      {},
      {
        A: () => (calls.push("A"), "a"),
        B: (input) => (calls.push(`B ${String(input)}`), broken ? fail("Down") : "b"),
      },
    );
    await settle(run);
    assert.equal(run.execution.status, "FAILED");
    broken = false;
    run.execution.redrive();
    await settle(run);
    assert.deepEqual(run.execution.output, { b: "b", kept: 1, redrives: 1 });
    assert.deepEqual(calls, ["A", "B a", "B a"]);
    assert.ok(run.types().includes("ExecutionRedriven"));
  });

  it("repeats only the branches and items that had not succeeded", async () => {
    const calls: Json[] = [];
    let broken = true;
    const item: StatesDefinition = { StartAt: "T", States: { T: { Type: "Task", Resource: WORK, End: true } } };
    const run = startStates(one({ Type: "Map", ItemsPath: "$", MaxConcurrency: 1, ItemProcessor: item }), [1, 2, 3], {
      T: (input) => (calls.push(input), broken && input === 2 ? fail("Down") : input),
    });
    await settle(run);
    broken = false;
    run.execution.redrive();
    await settle(run);
    assert.deepEqual(run.execution.output, [1, 2, 3]);
    assert.deepEqual(calls, [1, 2, 2, 3]);
  });
});

describe("history", () => {
  it("tells a task in the events that AWS writes, each with its predecessor", async () => {
    const run = startStates(one({ Type: "Task", Resource: WORK }), {}, { A: () => 1 });
    await settle(run);
    assert.deepEqual(run.types(), [
      "ExecutionStarted",
      "TaskStateEntered",
      "TaskScheduled",
      "TaskStarted",
      "TaskSucceeded",
      "TaskStateExited",
      "ExecutionSucceeded",
    ]);
    assert.deepEqual(
      run.execution.history.events.map(({ previousEventId }) => previousEventId),
      [0, 0, 2, 3, 4, 5, 6],
    );
  });

  it("ends an execution at 25,000 events", async () => {
    const again = [{ Variable: "$.stop", IsPresent: true, Next: "End" }];
    const run = startStates({
      StartAt: "A",
      States: {
        A: { Type: "Choice", Choices: again, Default: "B" },
        B: { Type: "Pass", Next: "A" },
        End: { Type: "Succeed" },
      },
    });
    while (run.execution.status === "RUNNING") await settle(run);
    assert.equal(run.execution.error, "States.Runtime");
    assert.equal(run.execution.history.events.length, 25_000);
  });
});
