// Proves what clients can ask for: one reply to each message, only to those who may, and the same run for the same key.
import assert from "node:assert/strict";
import { answerMessage, type Sender } from "../../../handlers/progress/answer-message";
import type { ClientMessage, RunDescription, ServerReply } from "../../../handlers/progress/contract";
import { BadRequestError, TooManyStartsError } from "../../../handlers/progress/errors";
import { record, recordExecution } from "../../../handlers/progress/record";
import { reconcileRuns } from "../../../handlers/progress/reconcile-runs";
import { nameExecution } from "../../../handlers/progress/run";
import { AwsCallError } from "../../../handlers/shared/errors";
import type { ServiceStub } from "../../support/json-service-stub";
import {
  AT,
  collect,
  createProgressSystem,
  createReport,
  startProgressTable,
  type ProgressSystem,
} from "../../support/progress-handlers";

type Body = ClientMessage extends infer M ? (M extends ClientMessage ? Omit<M, "requestId"> : never) : never;

const alice: Sender = { connectionId: "alice-1", owner: "alice" };
const mallory: Sender = { connectionId: "mallory-1", owner: "mallory" };
const start: Body = { action: "start", idempotencyKey: "order-1", input: { orderId: "1" } };
const executionId = nameExecution("alice", "order-1");
const subscribe: Body = { action: "subscribe", executionId, since: 0 };

describe("Messages of clients", () => {
  let stub: ServiceStub;
  let system: ProgressSystem;

  beforeEach(async () => {
    stub = await startProgressTable();
    system = createProgressSystem(stub);
  });
  afterEach(() => stub.close());

  const send = (body: object, sender = alice): Promise<ServerReply> =>
    answerMessage(system, sender, JSON.stringify({ requestId: "r1", ...body }));

  async function succeed(body: Body, sender = alice): Promise<ServerReply & { ok: true }> {
    const reply = await send(body, sender);
    assert.ok(reply.ok, JSON.stringify(reply));
    return reply;
  }

  async function refuse(body: object, sender = alice): Promise<string> {
    const reply = await send(body, sender);
    assert.ok(!reply.ok, JSON.stringify(reply));
    assert.deepEqual(Object.keys(reply), ["version", "type", "requestId", "ok", "error"]);
    return reply.error.code;
  }

  const reports = (...steps: readonly string[]): Promise<unknown> =>
    Promise.all(
      steps.map((step) => record(system, executionId, { type: "report", report: createReport({ executionId, step }) })),
    );
  const end = (status: "SUCCEEDED" | "FAILED"): Promise<boolean> => {
    const facts = { status, startedAt: AT, at: AT, redrives: 0 } as const;
    const { executionArn } = { executionArn: `arn:aws:states:eu-west-1:123456789012:execution:orders:${executionId}` };
    system.workflow.executions.set(executionArn, facts);
    return recordExecution(system, executionId, facts);
  };

  describe("start", () => {
    it("begins an execution, subscribes, and answers with run and first event", async () => {
      const { run, events, completeTo } = await succeed(start);

      assert.deepEqual(system.workflow.calls, [`start ${executionId} {"orderId":"1"}`]);
      assert.deepEqual([run?.executionId, run?.state, run?.percent, run?.sequence], [executionId, "running", 0, 1]);
      assert.equal(run?.steps.length, 2);
      assert.deepEqual([events?.map(({ kind }) => kind), completeTo], [["started"], 1]);
      await reports("Reserve");
      assert.deepEqual(
        system.posts.map(({ connectionId, event }) => [connectionId, event.sequence]),
        [["alice-1", 2]],
      );
    });

    it("W12: two equal orders start one run, also at the same time and after its end", async () => {
      await Promise.all([succeed(start), succeed(start, { ...alice, connectionId: "alice-2" })]);
      await end("SUCCEEDED");
      const { run, events } = await succeed(start);

      assert.equal(system.workflow.executions.size, 1);
      assert.equal(system.workflow.calls.length, 2, "a run that has ended is not started again");
      assert.deepEqual([run?.state, run?.percent, events?.length], ["succeeded", 100, 2]);
      assert.equal((await succeed({ action: "list" })).runs?.length, 1);
      assert.notEqual((await succeed(start, mallory)).run?.executionId, executionId);
    });

    it("W12: finishes a start that broke off when it comes again", async () => {
      system.workflow.failure = new AwsCallError("NetworkError", 0, "no answer");
      assert.equal(await refuse(start), "InternalError");
      system.workflow.failure = undefined;

      await succeed(start);

      assert.equal(system.workflow.calls.length, 1);
    });

    it("W4: rejects a start whose name a run has that was started elsewhere, and brings none of its data", async () => {
      await recordExecution(system, executionId, { status: "RUNNING", startedAt: AT, at: AT, redrives: 0 });

      assert.equal(await refuse(start), "NotFound");
      assert.deepEqual(system.workflow.calls, []);
      assert.deepEqual(await collect(system.connections.subscribers(executionId)), []);
    });

    it("W24: counts new runs per user and minute, and nothing else", async () => {
      for (const key of ["1", "2", "3", "3", "1"]) await succeed({ ...start, idempotencyKey: key });

      assert.equal(await refuse({ ...start, idempotencyKey: "4" }), "TooManyRequests");
      assert.equal(system.workflow.executions.size, 3);
      await succeed({ ...start, idempotencyKey: "4" }, mallory);
      system.time += 60_000;
      await succeed({ ...start, idempotencyKey: "4" });
    });

    it("W12: a start that comes while too many runs are under way is finished when it comes again", async () => {
      system.workflow.failure = new TooManyStartsError("later");
      assert.equal(await refuse(start), "TooManyRequests");
      system.workflow.failure = undefined;

      assert.equal((await succeed(start)).run?.state, "running");

      assert.equal(system.workflow.executions.size, 1);
    });

    it("W12: a start that is refused keeps its run, for its repetition may have begun the execution meanwhile", async () => {
      const begin = system.workflow.start.bind(system.workflow);
      system.workflow.start = async () => {
        system.workflow.start = begin;
        await succeed(start);
        throw new TooManyStartsError("later");
      };
      assert.equal(await refuse(start), "TooManyRequests");

      await end("SUCCEEDED");

      const { run, events } = await succeed(subscribe);
      assert.deepEqual([run?.state, events?.map(({ kind }) => kind)], ["succeeded", ["started", "succeeded"]]);
    });

    it("W9: a start that is refused and does not come again is ended by the reconciler", async () => {
      system.workflow.failure = new TooManyStartsError("later");
      await refuse(start);
      system.workflow.failure = undefined;
      system.time += 61_000;

      await reconcileRuns({ ...system, hasTime: () => true });

      assert.deepEqual(
        (await succeed({ action: "list" })).runs?.map(({ state }) => state),
        ["aborted"],
      );
    });

    it("leaves nothing behind when Step Functions refuses the input", async () => {
      system.workflow.failure = new BadRequestError("no");

      assert.equal(await refuse(start), "BadRequest");

      assert.equal(await system.runs.find(executionId), undefined);
      assert.deepEqual(await collect(system.connections.subscribers(executionId)), []);
      assert.deepEqual((await succeed({ action: "list" })).runs, []);
    });
  });

  describe("subscribe", () => {
    it("W6: brings what is above `since`, and every later event as a push", async () => {
      await succeed(start);
      await reports("A", "B");

      const { events, completeTo, run } = await succeed(
        { ...subscribe, since: 1 },
        {
          ...alice,
          connectionId: "alice-2",
        },
      );
      system.posts.length = 0;
      await reports("C");

      assert.deepEqual(
        events?.map(({ sequence }) => sequence),
        [2, 3],
      );
      assert.deepEqual([completeTo, run?.sequence], [3, 3]);
      assert.deepEqual(system.posts.map(({ connectionId }) => connectionId).sort(), ["alice-1", "alice-2"]);
    });

    it("W28: shows a viewer who comes after the end the complete run and log", async () => {
      await succeed(start);
      await reports("A", "B");
      await end("SUCCEEDED");

      const { run, events, completeTo } = await succeed(subscribe, { ...alice, connectionId: "late" });

      assert.deepEqual([run?.state, run?.percent, completeTo], ["succeeded", 100, 4]);
      assert.deepEqual(
        events?.map(({ kind }) => kind),
        ["started", "step", "step", "succeeded"],
      );
    });

    it("W27: any number of viewers who come at any time end with the same state", async () => {
      await succeed(start);
      const viewers = Array.from({ length: 6 }, (_, index) => ({ ...alice, connectionId: `v${index}` }));
      const logs = new Map<string, Set<string>>();
      const join = async (viewer: Sender): Promise<void> => {
        const { events = [] } = await succeed(subscribe, viewer);
        logs.set(viewer.connectionId, new Set(events.map((event) => JSON.stringify(event))));
      };
      for (const [index, viewer] of viewers.entries()) {
        await Promise.all([join(viewer), reports(`S${index}`)]);
      }
      await end("FAILED");

      for (const { connectionId, event } of system.posts) logs.get(connectionId)?.add(JSON.stringify(event));
      const all = (await system.runs.events(executionId, 0, 50)).events.map((event) => JSON.stringify(event)).sort();
      assert.equal(all.length, 8);
      for (const viewer of viewers) assert.deepEqual([...(logs.get(viewer.connectionId) ?? [])].sort(), all);
    });

    it("unsubscribe ends it", async () => {
      await succeed(start);
      await succeed({ action: "unsubscribe", executionId });

      await reports("A");

      assert.deepEqual(system.posts, []);
    });
  });

  for (const action of ["subscribe", "unsubscribe", "cancel", "redrive"] as const) {
    it(`W4: rejects ${action} of a foreign run as of one that does not exist, with no data and no effect`, async () => {
      await succeed(start);
      system.workflow.calls.length = 0;

      const foreign = await send({ action, executionId, since: 0 }, mallory);
      const unknown = await send({ action, executionId: "unknown", since: 0 }, mallory);

      assert.deepEqual(foreign, unknown);
      assert.deepEqual(foreign, {
        version: 1,
        type: "reply",
        requestId: "r1",
        ok: false,
        error: { code: "NotFound", message: "There is no such run of yours" },
      });
      assert.deepEqual(system.workflow.calls, []);
      assert.deepEqual(await collect(system.connections.subscribers(executionId)), ["alice-1"]);
    });
  }

  it("W4: rejects everybody for a run that was started elsewhere", async () => {
    await record(system, "foreign", { type: "report", report: createReport({ executionId: "foreign" }) });

    assert.equal(await refuse({ action: "subscribe", executionId: "foreign", since: 0 }), "NotFound");
  });

  describe("cancel", () => {
    it("W13: stops the execution and tells all viewers, once, whichever way the end becomes known", async () => {
      await succeed(start);

      const { run } = await succeed({ action: "cancel", executionId });
      await recordExecution(system, executionId, { status: "ABORTED", startedAt: AT, at: AT, redrives: 0 });

      assert.equal(run?.state, "aborted");
      assert.deepEqual(
        system.posts.map(({ event }) => [event.kind, event.error?.name]),
        [["aborted", "Cancelled"]],
      );
    });

    it("leaves a run that has ended as it is", async () => {
      await succeed(start);
      await end("SUCCEEDED");
      system.workflow.calls.length = 0;

      assert.equal((await succeed({ action: "cancel", executionId })).run?.state, "succeeded");
      assert.deepEqual(system.workflow.calls, []);
    });

    it("rejects with Conflict while the execution has not begun", async () => {
      await succeed(start);
      system.workflow.executions.clear();

      assert.equal(await refuse({ action: "cancel", executionId }), "Conflict");
    });
  });

  describe("redrive", () => {
    it("W13: goes on at the failed step, and is watched by the reconciler again", async () => {
      await succeed(start);
      await reports("A");
      await end("FAILED");

      const { run } = await succeed({ action: "redrive", executionId });

      assert.deepEqual([run?.state, run?.percent, run?.sequence], ["running", 24, 4]);
      assert.equal(system.posts.at(-1)?.event.kind, "redriven");
      assert.deepEqual(await collect(system.runs.running("9999")), [{ executionId, startedAt: AT }]);
    });

    it("rejects a run that is under way, has succeeded or is too old", async () => {
      await succeed(start);
      assert.equal(await refuse({ action: "redrive", executionId }), "Conflict");
      await end("FAILED");
      system.workflow.executions.clear();
      assert.equal(await refuse({ action: "redrive", executionId }), "Conflict");

      await succeed({ ...start, idempotencyKey: "2" });
      const second = nameExecution("alice", "2");
      await recordExecution(system, second, { status: "SUCCEEDED", startedAt: AT, at: AT, redrives: 0 });
      assert.equal(await refuse({ action: "redrive", executionId: second }), "Conflict");
    });

    it("W24: counts as a start", async () => {
      for (const key of ["order-1", "2", "3"]) await succeed({ ...start, idempotencyKey: key });
      await end("FAILED");

      assert.equal(await refuse({ action: "redrive", executionId }), "TooManyRequests");
      assert.ok(!system.workflow.calls.some((call) => call.startsWith("redrive")));
    });
  });

  it("list shows the caller's runs only, the newest 20 first", async () => {
    const many = createProgressSystem(stub, { STARTS_PER_MINUTE: "100" });
    const ids: (string | undefined)[] = [];
    for (let index = 0; index < 22; index++) {
      many.time += 1000;
      const reply = await answerMessage(
        many,
        alice,
        JSON.stringify({ ...start, requestId: "r", idempotencyKey: `${index}` }),
      );
      ids.push(reply.ok ? reply.run?.executionId : undefined);
    }

    const { runs } = await succeed({ action: "list" });

    assert.deepEqual(
      runs?.map((run: RunDescription) => run.executionId),
      ids.reverse().slice(0, 20),
    );
    assert.deepEqual((await succeed({ action: "list" }, mallory)).runs, []);
  });

  describe("detail", () => {
    const ask = (step: string): Body => ({ action: "detail", executionId, step });
    const tell = (step: string, text: string): Promise<unknown> =>
      record(system, executionId, { type: "report", report: createReport({ executionId, step, detail: { text } }) });

    it("W14: brings a detail that was too large for its event, also to a ticket for that run", async () => {
      await succeed(start);
      await tell("Reserve", "x".repeat(20_000));

      assert.deepEqual((await succeed(ask("Reserve"))).detail, { text: "x".repeat(20_000) });
      const scoped = { ...alice, connectionId: "scoped", scope: executionId };
      assert.deepEqual((await succeed(ask("Reserve"), scoped)).detail, { text: "x".repeat(20_000) });
    });

    it("W4: rejects a detail of somebody else's run as one of no run", async () => {
      await succeed(start);
      await tell("Reserve", "x".repeat(20_000));

      assert.deepEqual(
        await send(ask("Reserve"), mallory),
        await send({ ...ask("Reserve"), executionId: "x" }, mallory),
      );
      assert.equal(await refuse(ask("Reserve"), mallory), "NotFound");
      assert.equal(await refuse(ask("Reserve"), { ...alice, scope: "another" }), "NotFound");
    });

    it("W14: rejects a detail that is not kept apart, and one that is too large for a message", async () => {
      await succeed(start);
      await tell("Reserve", "small");
      await tell("Charge", "é".repeat(60_000));

      assert.equal(await refuse(ask("Reserve")), "NotFound");
      assert.equal(await refuse(ask("Charge")), "Conflict");
    });
  });

  describe("with a ticket for one run", () => {
    const scoped: Sender = { ...alice, connectionId: "scoped", scope: executionId };

    it("W32: watches that run", async () => {
      await succeed(start);

      assert.equal((await succeed(subscribe, scoped)).run?.executionId, executionId);
      await succeed({ action: "ping" }, scoped);
      await succeed({ action: "unsubscribe", executionId }, scoped);
    });

    it("W32: rejects other runs of the same user, and all other actions", async () => {
      await succeed(start);
      const { run } = await succeed({ ...start, idempotencyKey: "2" });

      assert.equal(await refuse({ ...subscribe, executionId: run?.executionId }, scoped), "NotFound");
      for (const action of ["start", "cancel", "redrive", "list"]) {
        assert.equal(await refuse({ ...start, executionId, action }, scoped), "Forbidden");
      }
    });
  });

  it("answers a ping without any call", async () => {
    assert.deepEqual(await send({ action: "ping" }), { version: 1, type: "reply", requestId: "r1", ok: true });
    assert.deepEqual(stub.questions, []);
  });

  it("rejects what is no message of the contract, and still replies once with its id", async () => {
    for (const text of ["", "[]", "null", "{", '"x"']) {
      const reply = await answerMessage(system, alice, text);
      assert.deepEqual([reply.requestId, !reply.ok && reply.error.code], ["", "BadRequest"]);
    }
    for (const body of [
      { action: "fly" },
      { action: "start", input: {} },
      { action: "start", idempotencyKey: "k" },
      { action: "start", idempotencyKey: "", input: {} },
      { action: "subscribe", executionId: "x" },
      { action: "subscribe", executionId: "x", since: -1 },
      { action: "subscribe", executionId: "x".repeat(81), since: 1 },
      { action: "cancel" },
    ]) {
      assert.equal(await refuse(body), "BadRequest");
    }
  });

  it("hides what went wrong inside, and logs it", async () => {
    system.workflow.failure = new Error("secret table name");

    const reply = await send(start);

    assert.doesNotMatch(JSON.stringify(reply), /secret/);
    assert.match(system.lines.join(), /secret table name/);
  });
});
