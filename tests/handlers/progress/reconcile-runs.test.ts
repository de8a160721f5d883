// Proves that a lost status event delays the end of a run for its viewers and never hides it, however many runs there are and however
// long they take.
import assert from "node:assert/strict";
import type { ExecutionFacts } from "../../../handlers/progress/ports";
import { startLog } from "../../../handlers/progress/progress-log";
import { reconcileRuns } from "../../../handlers/progress/reconcile-runs";
import { record, recordExecution } from "../../../handlers/progress/record";
import { runKey, userRunKey } from "../../../handlers/progress/rows";
import { numberIn, type Row } from "../../../handlers/progress/table";
import { AwsCallError } from "../../../handlers/shared/errors";
import type { ServiceStub } from "../../support/json-service-stub";
import {
  AT,
  createProgressSystem,
  createReport,
  createRun,
  RUN_ID,
  startProgressTable,
  type ProgressSystem,
} from "../../support/progress-handlers";

describe("Reconciling runs", () => {
  let stub: ServiceStub;
  let system: ProgressSystem;

  beforeEach(async () => {
    stub = await startProgressTable();
    system = createProgressSystem(stub);
    await system.runs.create(createRun(), startLog(createRun()));
    system.time += 61_000;
  });
  afterEach(() => stub.close());

  const execution = (status: ExecutionFacts["status"], redrives = 0): void => {
    system.workflow.executions.set(createRun().executionArn, { status, startedAt: AT, at: AT, redrives });
  };
  const reconcile = (hasTime = () => true): ReturnType<typeof reconcileRuns> => reconcileRuns({ ...system, hasTime });

  for (const [status, kind] of [
    ["SUCCEEDED", "succeeded"],
    ["FAILED", "failed"],
    ["TIMED_OUT", "timed-out"],
    ["ABORTED", "aborted"],
  ] as const) {
    it(`W9: ${status} reaches the viewer although its event was lost, and is looked up once`, async () => {
      await system.connections.subscribe("c1", RUN_ID);
      execution(status);

      assert.deepEqual(await reconcile(), { checked: 1, reconciled: 1, failed: 0 });
      assert.deepEqual(await reconcile(), { checked: 0, reconciled: 0, failed: 0 });

      assert.deepEqual(
        system.posts.map(({ event }) => event.kind),
        [kind],
      );
    });
  }

  it("W9: ends a run whose execution never began", async () => {
    assert.equal((await reconcile()).reconciled, 1);

    const { events } = await system.runs.events(RUN_ID, 1, 10);
    assert.deepEqual(events[0]?.error, { name: "ExecutionDoesNotExist", cause: "The run never began" });
  });

  it("leaves a running run alone, and a young one unlooked at", async () => {
    execution("RUNNING");
    const young = createRun({ executionId: "young", startedAt: new Date(system.time - 59_000).toISOString() });
    await system.runs.create(young, startLog(young));

    assert.deepEqual(await reconcile(), { checked: 1, reconciled: 0, failed: 0 });
    assert.deepEqual(system.workflow.calls, [`describe ${createRun().executionArn}`]);
  });

  it("notes a redrive that it finds", async () => {
    execution("RUNNING", 1);

    assert.equal((await reconcile()).reconciled, 1);
    assert.equal((await system.runs.find(RUN_ID))?.redrives, 1);
  });

  describe("a run that takes longer than rows are kept", () => {
    const DAY_MS = 86_400_000;
    const listed = userRunKey("alice", createRun());
    const expiryOf = async (key: Row): Promise<number | undefined> => {
      const row = await system.table.get(key);
      return row && numberIn(row, "expiresAt");
    };
    const retained = (): number => Math.floor(system.time / 1000) + 604_800;

    it("keeps its row and its place in its owner's list", async () => {
      execution("RUNNING");
      system.time += 8 * DAY_MS;

      await reconcile();

      assert.deepEqual([await expiryOf(runKey(RUN_ID)), await expiryOf(listed)], [retained(), retained()]);
    });

    it("keeps its place in the list although reports renew its row all the time, and writes it no more often than needed", async () => {
      execution("RUNNING");
      const expiries: (number | undefined)[] = [];
      for (let day = 1; day <= 10; day++) {
        system.time += DAY_MS;
        const report = createReport({ key: `Reserve#${day}`, kind: "item" });
        await record(system, RUN_ID, { type: "report", report });
        await reconcile();
        expiries.push(await expiryOf(listed));
        assert.ok((expiries.at(-1) ?? 0) > system.time / 1000, `it is listed on day ${day}`);
      }

      assert.equal(new Set(expiries).size, 3);
    });

    it("puts it back into the list, and at the end for as long as the run is kept", async () => {
      execution("RUNNING");
      system.time += 6 * DAY_MS;
      await system.table.delete(listed);
      await reconcile();
      assert.equal(await expiryOf(listed), retained());

      system.time += DAY_MS;
      await recordExecution(system, RUN_ID, { status: "SUCCEEDED", startedAt: AT, at: AT, redrives: 0 });

      assert.deepEqual([await expiryOf(runKey(RUN_ID)), await expiryOf(listed)], [retained(), retained()]);
      assert.deepEqual(
        (await system.runs.list("alice", 20)).map(({ state }) => state),
        ["succeeded"],
      );
    });

    it("leaves the list alone for a run that nobody owns", async () => {
      const { owner: _, ...foreign } = createRun({ executionId: "foreign" });
      await system.runs.create(foreign, startLog(foreign));
      system.workflow.executions.set(foreign.executionArn, { status: "RUNNING", startedAt: AT, at: AT, redrives: 0 });
      system.time += 8 * DAY_MS;

      assert.equal((await reconcile()).failed, 0);

      assert.equal(await expiryOf(runKey("foreign")), retained());
    });
  });

  it("goes on with the others when one cannot be looked up", async () => {
    const other = createRun({ executionId: "other", executionArn: "arn:other" });
    await system.runs.create(other, startLog(other));
    execution("SUCCEEDED");
    const describe = async (arn: string): Promise<ExecutionFacts | undefined> => {
      if (arn === "arn:other") throw new AwsCallError("ThrottlingException", 400, "slow down");
      return system.workflow.describe(arn);
    };

    const result = await reconcileRuns({ ...system, workflow: { describe }, hasTime: () => true });

    assert.deepEqual(result, { checked: 2, reconciled: 1, failed: 1 });
    assert.match(system.lines.join(), /not reconciled.*ThrottlingException/);
  });

  it("stops when no time is left", async () => {
    execution("SUCCEEDED");

    assert.deepEqual(await reconcile(() => false), { checked: 0, reconciled: 0, failed: 0 });
  });

  describe("with many runs", () => {
    const names = Array.from({ length: 7 }, (_, index) => `many-${index}`);
    const asked = (): readonly string[] => {
      const ids = system.workflow.calls.map((call) => call.split(":").at(-1) ?? "");
      system.workflow.calls.length = 0;
      return ids;
    };
    /** Until so many have been begun. */
    const reconcileSome = async (count: number): Promise<readonly string[]> => {
      await reconcile(() => count-- > 0);
      return asked();
    };

    beforeEach(async () => {
      for (const [index, executionId] of [RUN_ID, ...names].entries()) {
        // Pairs begin in the same millisecond.
        const startedAt = new Date(Date.parse(AT) + Math.floor(index / 2)).toISOString();
        const run = createRun({ executionId, startedAt });
        await system.runs.create(run, startLog(run));
        system.workflow.executions.set(run.executionArn, { status: "RUNNING", startedAt, at: AT, redrives: 0 });
      }
    });

    it("looks up five per second", async () => {
      const times: number[] = [];
      const pause = async (milliseconds: number): Promise<void> => void (system.time += milliseconds);
      // Asked right before each look-up.
      const hasTime = (): boolean => times.push(system.time) > 0;

      const { checked } = await reconcileRuns({ ...system, pause, hasTime });

      assert.equal(checked, 8);
      const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
      assert.deepEqual(gaps, Array<number>(7).fill(200));
    });

    it("goes round, so that each has its turn although none has ended", async () => {
      const rounds = [await reconcileSome(3), await reconcileSome(3), await reconcileSome(3)];

      assert.equal(new Set(rounds.flat()).size, 8);
      const again = rounds[2]?.filter((id) => rounds[0]?.includes(id)) ?? [];
      assert.equal(again.length, 1);
      assert.ok([RUN_ID, names[0]].includes(again[0]), "it begins again with one of the oldest");
    });

    it("goes on where it broke off although that run has ended, and passes over none that is new", async () => {
      const first = await reconcileSome(2);
      for (const executionId of first) {
        system.workflow.executions.set(createRun({ executionId }).executionArn, {
          ...{ status: "SUCCEEDED", startedAt: AT, at: AT, redrives: 0 },
        });
        await recordExecution(system, executionId, { status: "SUCCEEDED", startedAt: AT, at: AT, redrives: 0 });
      }
      const older = createRun({ executionId: "older", startedAt: new Date(Date.parse(AT) - 1).toISOString() });
      await system.runs.create(older, startLog(older));

      await reconcile();

      assert.deepEqual(
        [...asked()].sort(),
        [...[RUN_ID, ...names].filter((id) => !first.includes(id)), "older"].sort(),
      );
    });

    it("looks up all when its place is later than all that it asks for, as after a clock that was wrong", async () => {
      await system.runs.setPosition({ executionId: RUN_ID, startedAt: "2030-01-01T00:00:00.000Z" });

      assert.equal((await reconcile()).checked, 8);
    });
  });
});
