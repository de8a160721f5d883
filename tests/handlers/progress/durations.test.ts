// Proves how long runs take, as it is learned from those that succeeded: better with each run, following a change, and never at the cost of
// a run or its viewers.
import assert from "node:assert/strict";
import fc from "fast-check";
import { answerMessage } from "../../../handlers/progress/answer-message";
import { type ExpectedDurations, LEARNING_RUNS, type ProgressEvent } from "../../../handlers/progress/contract";
import { describeDurations, type Durations, learn, measureRun } from "../../../handlers/progress/durations";
import { nameExecution } from "../../../handlers/progress/run";
import type { ExecutionStatus } from "../../../handlers/progress/ports";
import { startLog } from "../../../handlers/progress/progress-log";
import { reconcileRuns } from "../../../handlers/progress/reconcile-runs";
import { record, recordExecution } from "../../../handlers/progress/record";
import { recordStatus } from "../../../handlers/progress/record-status";
import { durationsKey } from "../../../handlers/progress/rows";
import { AwsCallError } from "../../../handlers/shared/errors";
import type { ServiceStub } from "../../support/json-service-stub";
import {
  AT,
  createProgressSystem,
  createReport,
  createRun,
  START_TIME,
  startProgressTable,
  type ProgressSystem,
} from "../../support/progress-handlers";

const STEPS = createRun().steps;
const after = (seconds: number): string => new Date(START_TIME + seconds * 1000).toISOString();
const step = (name: string, seconds: number): ProgressEvent => ({
  ...startLog(createRun()),
  kind: "step",
  step: name,
  at: after(seconds),
});
const measure = (reserve: number, end: number): NonNullable<ReturnType<typeof measureRun>> =>
  measureRun([startLog(createRun()), step("Reserve", reserve)], AT, after(end)) ?? assert.fail("not measured");
const learnAll = (runs: readonly (readonly [reserve: number, end: number])[]): Durations =>
  runs.reduce<Durations | undefined>((known, run) => learn(known, measure(...run), STEPS), undefined) ??
  assert.fail("no runs");

describe("Durations of runs", () => {
  it("W26: are measured from a step's event to the end, and from the start, by one clock", () => {
    const items = { ...step("Charge", 3), kind: "item" } as const;

    const run = measureRun([startLog(createRun()), step("Reserve", 2), items, step("Charge", 7.5)], AT, after(10));

    assert.deepEqual(run, {
      total: 10,
      after: new Map([
        ["Reserve", 8],
        ["Charge", 2.5],
      ]),
    });
  });

  it("W26: a run whose times make no sense is left out", () => {
    for (const [events, startedAt, endedAt] of [
      [[], after(1), AT],
      [[step("Reserve", 2)], AT, after(1)],
      [[{ ...step("Reserve", 2), at: "yesterday" }], AT, after(3)],
      [[], "", AT],
    ] as const) {
      assert.equal(measureRun(events, startedAt, endedAt), undefined);
    }
  });

  it("W26: the first run is what is known, and the mean of the first ones is plain", () => {
    const one = learnAll([[2, 10]]);
    const three = learnAll([
      [2, 10],
      [4, 20],
      [3, 30],
    ]);

    assert.deepEqual(one, { total: { runs: 1, seconds: 10 }, after: { Reserve: { runs: 1, seconds: 8 } } });
    assert.deepEqual(three, { total: { runs: 3, seconds: 20 }, after: { Reserve: { runs: 3, seconds: 17 } } });
  });

  it("W26: are closer to the truth with more runs", () => {
    // 60 s on the average; runs differ by up to half of that.
    const runs = fc.array(fc.double({ min: 30, max: 90, noNaN: true }), { minLength: 10, maxLength: 10 });
    const errors = { one: 0, ten: 0 };

    for (const seconds of fc.sample(runs, { numRuns: 200, seed: 26 })) {
      const ten = learnAll(seconds.map((end) => [1, end] as const));
      errors.one += Math.abs((seconds[0] ?? 0) - 60);
      errors.ten += Math.abs(ten.total.seconds - 60);
    }

    assert.ok(errors.ten < errors.one / 2, JSON.stringify(errors));
  });

  it("W26: follow a change of the workflow, however many runs there were before", () => {
    const before = Array.from({ length: 500 }, () => [1, 100] as const);
    const since = Array.from({ length: 3 * LEARNING_RUNS }, () => [1, 20] as const);

    const { total } = learnAll([...before, ...since]);

    assert.equal(total.runs, LEARNING_RUNS);
    assert.ok(total.seconds > 20 && total.seconds < 25, String(total.seconds));
  });

  it("W26: a step that some runs pass over has a mean of the others, and one that is gone from the workflow has none", () => {
    const without = measureRun([], AT, after(2)) ?? assert.fail();
    const known = learn(learnAll([[4, 10]]), without, STEPS);

    assert.deepEqual(known, { total: { runs: 2, seconds: 6 }, after: { Reserve: { runs: 1, seconds: 6 } } });
    assert.deepEqual(learn(known, without, []).after, {});
  });

  it("W26: tell viewers seconds, and not how many runs there were beyond those that count", () => {
    const many = learnAll(Array.from({ length: 40 }, () => [1, 5] as const));

    assert.deepEqual(describeDurations(many, AT), {
      ...{ runs: LEARNING_RUNS, sentAt: AT, totalSeconds: 5, secondsAfter: { Reserve: 4 } },
    } satisfies ExpectedDurations);
  });

  it("W26: work with steps of any name", () => {
    const steps = ["__proto__", "constructor", "toString"].map((name) => ({ step: name, label: "", weight: 1 }));
    const run = measureRun([step("__proto__", 1), step("toString", 2)], AT, after(4)) ?? assert.fail();

    const known = JSON.parse(JSON.stringify(learn(learn(undefined, run, steps), run, steps))) as Durations;

    assert.deepEqual(Object.entries(describeDurations(known, AT).secondsAfter), [
      ["__proto__", 3],
      ["toString", 2],
    ]);
  });
});

describe("Learning from runs", () => {
  let stub: ServiceStub;
  let system: ProgressSystem;

  beforeEach(async () => {
    stub = await startProgressTable();
    system = createProgressSystem(stub, { STARTS_PER_MINUTE: "100" });
  });
  afterEach(() => stub.close());

  /** A run with one step after 2 s. */
  async function begin(executionId: string): Promise<void> {
    const run = createRun({ executionId });
    await system.runs.create(run, startLog(run));
    const report = createReport({ executionId, at: after(2) });
    await record(system, executionId, { type: "report", report });
  }
  const end = (executionId: string, seconds: number, status: ExecutionStatus = "SUCCEEDED"): Promise<boolean> =>
    recordExecution(system, executionId, { status, startedAt: AT, at: after(seconds), redrives: 0 });
  const learned = async (): Promise<Durations | undefined> => (await system.durations.find())?.durations;
  const ask = async (message: object): Promise<ExpectedDurations | undefined> => {
    const sender = { connectionId: "c", owner: "alice" };
    const reply = await answerMessage(system, sender, JSON.stringify({ requestId: "r", ...message }));
    assert.ok(reply.ok, JSON.stringify(reply));
    return reply.run?.expected;
  };
  const start = { action: "start", idempotencyKey: "k", input: {} };

  it("W26: nothing is known before a run has succeeded, and each that does changes what viewers are told", async () => {
    await begin("one");
    const atFirst = await ask({ action: "subscribe", executionId: "one", since: 0 });
    await end("one", 10);
    const withOne = await ask(start);
    await begin("two");
    await end("two", 20);
    system.time += 5000;
    const executionId = nameExecution("alice", "k");
    const withTwo = await ask({ action: "subscribe", executionId, since: 1 });

    assert.equal(atFirst, undefined);
    assert.deepEqual(withOne, { runs: 1, sentAt: AT, totalSeconds: 10, secondsAfter: { Reserve: 8 } });
    assert.deepEqual(withTwo, { runs: 2, sentAt: after(5), totalSeconds: 15, secondsAfter: { Reserve: 13 } });
  });

  it("W26: is for those who watch a run that is under way", async () => {
    await begin("one");
    await end("one", 10);

    assert.equal(await ask({ action: "subscribe", executionId: "one", since: 0 }), undefined);
    await ask(start);
    assert.equal(await ask({ action: "cancel", executionId: nameExecution("alice", "k") }), undefined);
  });

  for (const status of ["FAILED", "TIMED_OUT", "ABORTED"] as const) {
    it(`W26: nothing is learned from a run that ends as ${status}`, async () => {
      await begin("one");
      await end("one", 10, status);

      assert.equal(await learned(), undefined);
    });
  }

  it("W26: nothing is learned from a run that was redriven: it waited for somebody", async () => {
    await begin("one");
    await end("one", 10, "FAILED");
    await recordExecution(system, "one", { status: "RUNNING", startedAt: AT, at: after(5000), redrives: 1 });
    await recordExecution(system, "one", { status: "SUCCEEDED", startedAt: AT, at: after(5010), redrives: 1 });

    assert.equal((await system.runs.find("one"))?.state, "succeeded");
    assert.equal(await learned(), undefined);
  });

  it("W26: a run counts once, whoever finds its end, and however often", async () => {
    await begin("one");
    const facts = { status: "SUCCEEDED", startedAt: AT, at: after(10), redrives: 0 } as const;
    system.workflow.executions.set(createRun({ executionId: "one" }).executionArn, facts);
    system.time += 61_000;

    await reconcileRuns({ ...system, hasTime: () => true });
    await recordStatus(system, "one", facts);
    await recordStatus(system, "one", facts);

    assert.deepEqual((await learned())?.total, { runs: 1, seconds: 10 });
  });

  it("W26: the reports of a run that was started elsewhere count from its true start", async () => {
    await record(system, "other", {
      type: "report",
      report: createReport({ executionId: "other", at: after(7) }),
    });
    await end("other", 9);

    assert.deepEqual(await learned(), { total: { runs: 1, seconds: 9 }, after: { Reserve: { runs: 1, seconds: 2 } } });
  });

  it("W26: of runs that end at once none is counted twice and none spoils another", async () => {
    const ids = ["one", "two", "three", "four"];
    await Promise.all(ids.map(begin));

    await Promise.all(ids.map((id) => end(id, 10)));

    const { durations, version } = (await system.durations.find()) ?? assert.fail();
    assert.ok(version >= 1 && version <= 4, String(version));
    assert.deepEqual(durations.total, { runs: version, seconds: 10 });
  });

  it("W26: tries again when another run came in between, and then leaves the run out", async () => {
    await begin("one");
    let [lost, tries] = [2, 0];
    const { durations } = system;
    const contended = {
      find: () => durations.find(),
      replace: async (...[seen, next]: Parameters<typeof durations.replace>) =>
        tries++ >= lost && durations.replace(seen, next),
    };
    const facts = { status: "SUCCEEDED", startedAt: AT, at: after(10), redrives: 0 } as const;
    await recordExecution({ ...system, durations: contended }, "one", facts);
    const patient = [tries, (await learned())?.total.runs];
    [lost, tries] = [Infinity, 0];
    await begin("two");
    assert.equal(await recordExecution({ ...system, durations: contended }, "two", facts), true);

    assert.deepEqual(patient, [3, 1]);
    assert.equal(tries, 5);
    assert.match(system.lines.at(-1) ?? "", /left out of the durations.*two/);
  });

  it("W26: an end is stored and told all the same when nothing can be learned, and before", async () => {
    await begin("one");
    await system.connections.subscribe("c1", "one");
    let told: readonly string[] = [];
    const broken = {
      find: async () => {
        told = system.posts.map(({ event }) => event.kind);
        throw new AwsCallError("ThrottlingException", 400, "slow down");
      },
      replace: async () => assert.fail("nothing was read"),
    };
    const facts = { status: "SUCCEEDED", startedAt: AT, at: after(10), redrives: 0 } as const;

    assert.equal(await recordExecution({ ...system, durations: broken }, "one", facts), true);

    assert.deepEqual(told, ["succeeded"]);
    assert.equal((await system.runs.find("one"))?.state, "succeeded");
    assert.match(system.lines.at(-1) ?? "", /not learned.*ThrottlingException/);
  });

  it("W26: a start is answered all the same when what was learned cannot be read", async () => {
    await system.table.put({ ...durationsKey(), durations: { S: "{" } });

    assert.equal(await ask(start), undefined);
    assert.match(system.lines.join("\n"), /durations not read.*SyntaxError/);
  });
});
