// Proves that what happened is stored once, completely and before it is pushed, however many report at once and whatever fails.
import assert from "node:assert/strict";
import type { ProgressEvent } from "../../../handlers/progress/contract";
import { BusyRunError, InvalidReportError } from "../../../handlers/progress/errors";
import { appendToLog, startLog } from "../../../handlers/progress/progress-log";
import { record, recordExecution } from "../../../handlers/progress/record";
import { runKey, eventKey, detailKey } from "../../../handlers/progress/rows";
import { numberIn, textIn } from "../../../handlers/progress/table";
import type { ServiceStub } from "../../support/json-service-stub";
import {
  AT,
  collect,
  createProgressSystem,
  createReport,
  createRun,
  RUN_ID,
  START_TIME,
  startProgressTable,
  type ProgressSystem,
} from "../../support/progress-handlers";

describe("Recording progress", () => {
  let stub: ServiceStub;
  let system: ProgressSystem;

  beforeEach(async () => {
    stub = await startProgressTable();
    system = createProgressSystem(stub);
    await system.runs.create(createRun(), startLog(createRun()));
  });
  afterEach(() => stub.close());

  const log = async (): Promise<readonly ProgressEvent[]> => (await system.runs.events(RUN_ID, 0, 100)).events;
  const report = (step: string, changes: object = {}): Promise<ProgressEvent | undefined> =>
    record(system, RUN_ID, { type: "report", report: createReport({ step, ...changes }) });

  it("W5: an event is in the table, with its number and a time to live, before anybody is told", async () => {
    await system.connections.subscribe("c1", RUN_ID);
    let stored: Awaited<ReturnType<typeof system.table.get>>;
    system.onPost = async () => {
      stored = await system.table.get(eventKey(RUN_ID, 2));
    };

    const event = await report("Reserve");

    assert.equal(event?.sequence, 2);
    assert.deepEqual(JSON.parse(textIn(stored!, "event")!), event);
    assert.equal(numberIn(stored!, "expiresAt"), START_TIME / 1000 + 604_800);
    assert.deepEqual(system.posts, [{ connectionId: "c1", event }]);
  });

  it("W5: reports that come at once get numbers without a gap, and each its own event", async () => {
    const steps = Array.from({ length: 12 }, (_, index) => `Item#${index}`);

    await Promise.all(steps.map((step) => report(step, { share: 1000 })));

    const events = await log();
    assert.deepEqual(
      events.map(({ sequence }) => sequence),
      Array.from({ length: 13 }, (_, index) => index + 1),
    );
    assert.deepEqual(events.flatMap(({ step = [] }) => step).sort(), [...steps].sort());
    assert.equal((await system.runs.find(RUN_ID))?.done, 12_000);
  });

  it("W5: a number that a state has given out and whose event is not written yet is not given out again", async () => {
    const seen = createRun();
    await system.table.update({
      key: runKey(RUN_ID),
      update: "SET #sequence = :two",
      condition: "#sequence = :one",
      values: { ":one": { N: "1" }, ":two": { N: "2" } },
    });
    const entry = appendToLog(seen, { type: "report", report: createReport() }) ?? assert.fail();

    assert.equal(await system.runs.append(seen, entry), false);
    assert.equal((await report("Reserve"))?.sequence, 3);
  });

  it("W5: a report that comes again, even at the same time, has one event", async () => {
    const events = await Promise.all([report("Reserve"), report("Reserve"), report("Reserve")]);

    assert.equal(events.filter((event) => event !== undefined).length, 1);
    assert.equal((await log()).length, 2);
  });

  it("W14: a large detail lies in its own row, with a time to live", async () => {
    const detail = { text: "x".repeat(100_000) };

    await report("Reserve", { detail });

    const row = await system.table.get(detailKey(RUN_ID, "Reserve"));
    assert.deepEqual(JSON.parse(textIn(row!, "detail")!), detail);
    assert.equal(numberIn(row!, "expiresAt"), START_TIME / 1000 + 604_800);
    assert.equal((await log())[1]?.detailBytes, JSON.stringify(detail).length);
  });

  it("W14: rejects an event that would not fit into a frame, whatever made it so large", async () => {
    await assert.rejects(report("x".repeat(33_000), { key: "key" }), InvalidReportError);
    assert.equal((await log()).length, 1);
  });

  it("a failing post leaves the report stored", async () => {
    await system.connections.subscribe("c1", RUN_ID);
    system.onPost = () => {
      throw new Error("throttled");
    };

    assert.equal((await report("Reserve"))?.sequence, 2);
  });

  it("a run that was started elsewhere begins with its first report, and belongs to nobody", async () => {
    await record(system, "other", { type: "report", report: createReport({ executionId: "other" }) });

    const run = await system.runs.find("other");
    assert.deepEqual([run?.owner, run?.state, run?.sequence, run?.startedAt], [undefined, "running", 2, AT]);
    assert.equal(run?.executionArn, "arn:aws:states:eu-west-1:123456789012:execution:orders:other");
    const { events } = await system.runs.events("other", 0, 10);
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ["started", "step"],
    );
  });

  it("W9: catches up with all that the log lacks: start, redrive and end", async () => {
    const facts = { status: "FAILED", startedAt: AT, at: AT, redrives: 2, error: "Boom", cause: "bang" } as const;

    assert.equal(await recordExecution(system, "other", facts), true);
    assert.equal(await recordExecution(system, "other", facts), false);

    const { events } = await system.runs.events("other", 0, 10);
    assert.deepEqual(
      events.map(({ kind, error }) => [kind, error]),
      [
        ["started", undefined],
        ["redriven", undefined],
        ["failed", { name: "Boom", cause: "bang" }],
      ],
    );
  });

  for (const [status, kind, name] of [
    ["SUCCEEDED", "succeeded", undefined],
    ["FAILED", "failed", "States.TaskFailed"],
    ["TIMED_OUT", "timed-out", "States.Timeout"],
    ["ABORTED", "aborted", "Aborted"],
  ] as const) {
    it(`W9: ${status} ends the run, tells the viewer and takes it off the list of running runs`, async () => {
      await system.connections.subscribe("c1", RUN_ID);

      await recordExecution(system, RUN_ID, { status, startedAt: AT, at: AT, redrives: 0 });

      assert.deepEqual([system.posts[0]?.event.kind, system.posts[0]?.event.error?.name], [kind, name]);
      assert.equal((await system.runs.find(RUN_ID))?.state, kind);
      assert.deepEqual(await collect(system.runs.running("9999")), []);
    });
  }

  it("tells viewers the message of a failed function, and not its stack trace", async () => {
    const told = async (cause: string): Promise<string | undefined> => {
      await record(system, RUN_ID, { type: "redriven", at: AT, redrives: ++redrives });
      await recordExecution(system, RUN_ID, {
        ...{ status: "FAILED", startedAt: AT, at: AT, redrives, error: "Broken", cause },
      });
      return (await log()).at(-1)?.error?.cause;
    };
    let redrives = 0;

    const trace = JSON.stringify({ errorType: "Broken", errorMessage: "no paper", trace: ["at /var/task/index.js"] });
    assert.equal(await told(trace), "no paper");
    for (const plain of ["no paper", "{", "null", '{"errorType":"Broken"}', "7"])
      assert.equal(await told(plain), plain);
  });

  it("an end that was reported before a redrive does not end the redriven run", async () => {
    const failed = { status: "FAILED", startedAt: AT, at: AT, redrives: 0 } as const;
    await recordExecution(system, RUN_ID, failed);
    await recordExecution(system, RUN_ID, { ...failed, status: "RUNNING", redrives: 1 });

    assert.equal(await recordExecution(system, RUN_ID, failed), false);
    assert.equal((await system.runs.find(RUN_ID))?.state, "running");
    assert.deepEqual(await collect(system.runs.running("9999")), [{ executionId: RUN_ID, startedAt: AT }]);
  });

  it("W13: a report that overtakes the news of its redrive is not lost, and one that the end has overtaken changes nothing", async () => {
    const end = { type: "final", kind: "failed", at: "2026-01-01T00:05:00.000Z", redrives: 0 } as const;
    await record(system, RUN_ID, end);

    const late = await report("Reserve", { at: end.at });
    const redriven = await report("Charge", { at: "2026-01-01T00:05:00.001Z" });
    const news = await record(system, RUN_ID, { type: "redriven", at: "2026-01-01T00:04:59.000Z", redrives: 1 });

    assert.deepEqual([late, news], [undefined, undefined]);
    assert.equal(redriven?.step, "Charge");
    assert.deepEqual(
      (await log()).map(({ kind }) => kind),
      ["started", "failed", "redriven", "step"],
    );
    const { state, endedAt, redrives } = (await system.runs.find(RUN_ID)) ?? assert.fail();
    assert.deepEqual([state, endedAt, redrives], ["running", undefined, 1]);
  });

  it("keeps the whole run for another retention time with every entry", async () => {
    system.time += 1_000_000;

    await report("Reserve");

    const row = await system.table.get(runKey(RUN_ID));
    assert.equal(numberIn(row!, "expiresAt"), (START_TIME + 1_000_000) / 1000 + 604_800);
  });

  it("rejects with BusyRun when others always write first", async () => {
    const runs = { find: async () => createRun(), create: async () => true, append: async () => false };

    const busy = record({ ...system, runs }, RUN_ID, { type: "report", report: createReport() });

    await assert.rejects(busy, BusyRunError);
  });

  it("publishes how many were stored, pushed and gone", async () => {
    await system.connections.subscribe("c1", RUN_ID);
    await system.connections.subscribe("c2", RUN_ID);
    system.closed.add("c2");

    await report("Reserve");

    const line = system.lines.map((each) => JSON.parse(each) as Record<string, unknown>).find(({ _aws }) => _aws);
    assert.deepEqual([line?.ReportsStored, line?.MessagesPushed, line?.ConnectionsGone], [1, 1, 1]);
    assert.equal(line?.WorkflowName, "orders");
  });
});
