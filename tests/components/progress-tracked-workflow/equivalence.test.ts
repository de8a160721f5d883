// Proves that reporting never changes a workflow: random definitions in both languages run with and without it, each transport failing at
// random, and end alike. Runs on the interpreter of the local run, with virtual time. WORKFLOW_RUNS=10000 runs as many definitions.
import assert from "node:assert/strict";
import fc from "fast-check";
import { weaveProgress } from "../../../components/progress-tracked-workflow/weave/weave";
import type { Json, StatesDefinition } from "../../../local/cloud/states/language/types";
import { settle, startStates, fail, type TestTask } from "../../support/states-run";
import {
  DELIVERIES,
  randomWorkflow,
  tasksOf,
  withoutMarks,
  type RandomWorkflow,
} from "../../support/workflow-definitions";

const RUNS = Number(process.env.WORKFLOW_RUNS ?? 40);
const HOUR_MS = 3_600_000;

interface Outcome {
  readonly status: string;
  readonly output: Json | undefined;
  readonly error: string | undefined;
  readonly cause: string | undefined;
}

async function outcomeOf(
  workflow: RandomWorkflow,
  definition: StatesDefinition,
  report: (stateName: string) => TestTask,
): Promise<Outcome> {
  const run = startStates(definition, workflow.input, tasksOf(workflow, report));
  await settle(run);
  await run.clock.advance(HOUR_MS);
  await settle(run);
  const { status, output, error, cause } = run.execution;
  // Causes name an event of the history by its number, and a history with reports is longer.
  const text = JSON.stringify({ status, output, error, cause }).replaceAll(/event id #\d+/g, "event id #");
  return JSON.parse(text) as Outcome;
}

const ERRORS = [
  "Lambda.ServiceException",
  "Lambda.Unknown",
  "EventBridge.FailedEntry",
  "DynamoDB.ConditionalCheckFailedException",
  "DynamoDb.ThrottlingException",
  "ApiGateway.410",
  "ApiGateway.500",
  "States.TaskFailed",
];
const row = (sequence: number): Json => ({ Attributes: { sequence: { N: String(sequence) }, done: { N: "10" } } });
const page: Json = { Items: [{ connectionId: { S: "one=" } }, { connectionId: { S: "two=" } }] };

/** A reporter that works, answers nonsense, fails or hangs, as the numbers say. */
function reporterOf(numbers: readonly number[]): (stateName: string) => TestTask {
  let calls = 0;
  return (stateName) => () => {
    const number = numbers[calls++ % numbers.length] ?? 0;
    if (number < 40) {
      if (stateName.includes("(count")) return row(calls);
      if (stateName.includes("(find")) return page;
      return {};
    }
    if (number < 55) return [null, "text", [[]], { Attributes: {} }][number % 4] ?? null;
    if (number < 90) return fail(ERRORS[number % ERRORS.length] ?? "");
    return new Promise<never>(() => undefined);
  };
}

describe("ProgressTrackedWorkflow: the woven workflow", function () {
  this.timeout(Math.max(20_000, RUNS * 200));

  for (const [transport, delivery] of Object.entries(DELIVERIES)) {
    it(`W30: ends as the plain one does, whatever becomes of its reports (${transport})`, async () => {
      const ends = new Map<string, number>();
      await fc.assert(
        fc.asyncProperty(
          randomWorkflow,
          fc.array(fc.nat(99), { minLength: 1, maxLength: 20 }),
          async (workflow, numbers) => {
            const plain = withoutMarks(workflow.definition);
            const woven = weaveProgress(workflow.definition, delivery).definition as unknown as StatesDefinition;

            const expected = await outcomeOf(workflow, plain, () => () => fail("States.Runtime", "no such task"));
            const actual = await outcomeOf(workflow, woven, reporterOf(numbers));

            ends.set(expected.status, (ends.get(expected.status) ?? 0) + 1);
            assert.deepEqual(actual, expected);
          },
        ),
        { numRuns: RUNS, seed: 4 },
      );
      // Neither kind of end is an exception: else the property would say little.
      for (const status of ["SUCCEEDED", "FAILED"])
        assert.ok((ends.get(status) ?? 0) > RUNS / 10, JSON.stringify([...ends]));
    });
  }
});
