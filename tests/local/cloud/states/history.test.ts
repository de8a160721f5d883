// Proves the events of Parallel and Map, whole and broken, and what AWS shows as predecessor of each.
import assert from "node:assert/strict";
import { sleep } from "../../../../local/cloud/core/clock";
import type { Json, State, StatesDefinition } from "../../../../local/cloud/states/language/types";
import { chain, fail, one, settle, startStates, type StatesRun, WORK } from "../../../support/states-run";

const branch = (name: string, state: Partial<State> = {}): StatesDefinition => ({
  StartAt: name,
  States: { [name]: { Type: "Task", Resource: WORK, End: true, ...state } },
});
const shown = ({ execution }: StatesRun): readonly string[] =>
  execution.history.events.map(
    ({ type, previousEventId, shownPreviousEventId }) => `${shownPreviousEventId ?? previousEventId} ${type}`,
  );

describe("histories", () => {
  it("link the end of a Map to its last iteration, and so its exit", async () => {
    const ItemProcessor = branch("I", { Type: "Pass", Resource: undefined } as never);
    delete (ItemProcessor.States.I as { Resource?: string }).Resource;
    const run = startStates(one({ Type: "Map", ItemProcessor, MaxConcurrency: 1 }), [1]);
    await settle(run);

    assert.deepEqual(shown(run), [
      "0 ExecutionStarted",
      "0 MapStateEntered",
      "2 MapStateStarted",
      "3 MapIterationStarted",
      "4 PassStateEntered",
      "5 PassStateExited",
      "6 MapIterationSucceeded",
      "7 MapStateSucceeded",
      "7 MapStateExited",
      "9 ExecutionSucceeded",
    ]);
  });

  it("tell a failed branch, those that were cut off, and the catch", async () => {
    const definition = chain({
      P: {
        Type: "Parallel",
        Branches: [branch("Bad"), { StartAt: "W", States: { W: { Type: "Wait", Seconds: 9, End: true } } }],
        Catch: [{ ErrorEquals: ["States.ALL"], Next: "Z" }],
      },
      Z: { Type: "Succeed" },
    });
    const bad = async (_input: Json, clock: Parameters<typeof sleep>[0]): Promise<Json> => {
      await sleep(clock, 1000);
      return fail("Boom");
    };
    const run = startStates(definition, {}, { Bad: bad });
    await run.clock.advance(1000);
    await settle(run);

    assert.deepEqual(shown(run), [
      "0 ExecutionStarted",
      "0 ParallelStateEntered",
      "2 ParallelStateStarted",
      "3 TaskStateEntered",
      "3 WaitStateEntered",
      "4 TaskScheduled",
      "6 TaskStarted",
      "7 TaskFailed",
      "8 TaskStateAborted",
      "8 WaitStateAborted",
      "8 ParallelStateFailed",
      "11 ParallelStateExited",
      "12 SucceedStateEntered",
      "13 SucceedStateExited",
      "14 ExecutionSucceeded",
    ]);
  });

  it("end at once at a runtime error, with the state and its event in the cause", async () => {
    const inner: StatesDefinition = {
      StartAt: "Bad",
      States: { Bad: { Type: "Pass", Parameters: { "m.$": "$.nope" }, End: true } },
    };
    const definition = chain({
      M: { Type: "Map", ItemProcessor: inner, Catch: [{ ErrorEquals: ["States.Runtime"], Next: "Z" }] },
      Z: { Type: "Succeed" },
    });
    const run = startStates(definition, [1]);
    await settle(run);

    assert.deepEqual(shown(run).slice(3), ["3 MapIterationStarted", "4 PassStateEntered", "5 ExecutionFailed"]);
    assert.match(
      run.execution.cause ?? "",
      /^An error occurred while executing the state 'Bad' \(entered at the event id #5\)\. The JSONPath/,
    );
  });

  it("note a failed expression with its field, also in a catcher", async () => {
    const definition = chain(
      {
        A: {
          Type: "Task",
          Resource: WORK,
          Catch: [{ ErrorEquals: ["States.ALL"], Output: { v: "{% $states.input.nope %}" }, Next: "B" }],
        },
        B: { Type: "Succeed" },
      },
      "JSONata",
    );
    const run = startStates(definition, {}, { A: () => fail("E") });
    await settle(run);

    const noted = run.execution.history.events.find(({ type }) => type === "EvaluationFailed");
    assert.equal(noted?.details.location, "Catch/Output/v");
    assert.equal(noted?.details.state, "A");
    assert.equal(run.execution.error, "States.QueryEvaluationError");
  });

  it("carry the Region, and no details where AWS has none", async () => {
    const definition = chain({
      A: { Type: "Task", Resource: WORK, TimeoutSeconds: 9 },
      B: { Type: "Task", Resource: "arn:aws:lambda:eu-west-1:123456789012:function:f" },
    });
    const run = startStates(definition, { n: 1 }, { A: () => 1, B: () => 2 });
    await settle(run);

    const { events } = run.execution.history;
    assert.deepEqual(events.find(({ type }) => type === "TaskScheduled")?.details, {
      resourceType: "lambda",
      resource: "invoke",
      region: "eu-west-1",
      parameters: '{"n":1}',
      timeoutInSeconds: 9,
    });
    assert.equal(events.find(({ type }) => type === "LambdaFunctionStarted")?.detailsMember, undefined);
  });

  it("have nothing of an expression that was being evaluated when the execution was stopped", async () => {
    const run = startStates(one({ Type: "Pass", Output: "{% 1 %}" }, "JSONata"));
    run.execution.stop(undefined, undefined);
    await new Promise((resolve) => setImmediate(resolve));

    assert.deepEqual(run.types(), ["ExecutionStarted", "PassStateEntered", "ExecutionAborted"]);
  });

  it("have nothing after their last event, however much was going on", async () => {
    const definition = one({ Type: "Map", ItemProcessor: branch("T") });
    const run = startStates(definition, [1, 2, 3], { T: () => new Promise<Json>(() => undefined) });
    await settle(run);
    run.execution.stop("Enough", undefined);
    await settle(run);
    await new Promise((resolve) => setImmediate(resolve));

    assert.equal(run.types().at(-1), "ExecutionAborted");
  });
});
