// Proves that a lost status event delays the end of a run for its viewers, and never hides it.
import assert from "node:assert/strict";
import type { ExecutionFacts } from "../../../handlers/progress/ports";
import { startLog } from "../../../handlers/progress/progress-log";
import { reconcileRuns } from "../../../handlers/progress/reconcile-runs";
import { runKey, userRunKey } from "../../../handlers/progress/rows";
import { numberIn } from "../../../handlers/progress/table";
import { AwsCallError } from "../../../handlers/shared/errors";
import type { ServiceStub } from "../../support/json-service-stub";
import {
  AT,
  createProgressSystem,
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

  it("keeps the rows of a run that takes longer than they are kept", async () => {
    execution("RUNNING");
    system.time += 400_000_000;

    await reconcile();

    for (const key of [runKey(RUN_ID), userRunKey("alice", createRun())]) {
      assert.equal(numberIn((await system.table.get(key))!, "expiresAt"), Math.floor(system.time / 1000) + 604_800);
    }
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

  it("begins with the oldest run in one minute and with the newest in the next", async () => {
    const other = createRun({ executionId: "newer", startedAt: new Date(Date.parse(AT) + 1).toISOString() });
    await system.runs.create(other, startLog(other));
    const firstOf = async (): Promise<string | undefined> => {
      let asked = 0;
      system.workflow.calls.length = 0;
      await reconcile(() => asked++ === 0);
      return system.workflow.calls[0];
    };
    execution("RUNNING");
    system.workflow.executions.set(other.executionArn, { status: "RUNNING", startedAt: AT, at: AT, redrives: 0 });

    const [first, second] = [await firstOf(), ((system.time += 60_000), await firstOf())];

    assert.notEqual(first, second);
  });
});
