// Proves that the end of a run waits for reports that it may have overtaken, and no longer than it must.
import assert from "node:assert/strict";
import type { ExecutionStatus } from "../../../handlers/progress/ports";
import { startLog } from "../../../handlers/progress/progress-log";
import { record } from "../../../handlers/progress/record";
import { recordStatus } from "../../../handlers/progress/record-status";
import type { ServiceStub } from "../../support/json-service-stub";
import {
  AT,
  createProgressSystem,
  createReport,
  createRun,
  RUN_ID,
  START_TIME,
  startProgressTable,
} from "../../support/progress-handlers";

describe("Recording a change of status", () => {
  let stub: ServiceStub;

  beforeEach(async () => {
    stub = await startProgressTable();
  });
  afterEach(() => stub.close());

  /** Two steps are reported so many milliseconds after the status came. @returns the kinds of the log, and how long it took. */
  async function settle(
    status: ExecutionStatus,
    graceSeconds: string,
    reportsAfter: number,
  ): Promise<{ readonly kinds: readonly string[]; readonly waitedMs: number }> {
    const system = createProgressSystem(stub, { REPORT_GRACE_SECONDS: graceSeconds });
    await system.runs.create(createRun(), startLog(createRun()));
    const arrive = async (): Promise<void> => {
      for (const step of ["Reserve", "Charge"]) {
        await record(system, RUN_ID, { type: "report", report: createReport({ step }) });
      }
    };
    if (reportsAfter === 0) await arrive();
    const pause = async (milliseconds: number): Promise<void> => {
      system.time += milliseconds;
      if (system.time - START_TIME >= reportsAfter) await arrive();
    };
    await recordStatus({ ...system, pause }, RUN_ID, { status, startedAt: AT, at: AT, redrives: 0 });
    const waitedMs = system.time - START_TIME;
    await arrive();
    const { events } = await system.runs.events(RUN_ID, 0, 10);
    return { kinds: events.map(({ kind }) => kind), waitedMs };
  }

  it("puts an end behind the reports that it has overtaken", async () => {
    const { kinds, waitedMs } = await settle("SUCCEEDED", "5", 600);

    assert.deepEqual(kinds, ["started", "step", "step", "succeeded"]);
    assert.equal(waitedMs, 750);
  });

  it("takes no time when all steps are reported", async () => {
    assert.equal((await settle("SUCCEEDED", "5", 0)).waitedMs, 0);
  });

  it("takes no time when nothing is to be waited for", async () => {
    assert.equal((await settle("FAILED", "0", Infinity)).waitedMs, 0);
  });

  it("takes no time for a run that is under way", async () => {
    assert.equal((await settle("RUNNING", "5", Infinity)).waitedMs, 0);
  });

  it("waits no longer than the settings allow, and drops what comes later", async () => {
    const { kinds, waitedMs } = await settle("FAILED", "3", Infinity);

    assert.deepEqual([kinds, waitedMs], [["started", "failed"], 3000]);
  });
});
