// Proves over HTTP what the console tells of real executions: states, items, history, data without secrets; and of connections.
import assert from "node:assert/strict";
import type {
  ExecutionView,
  LiveState,
  ShownMachine,
  StateProgress,
  WorkflowsView,
} from "../../../../local/console/web/state";
import { describeLive } from "../../../../local/console/live";
import { startQueueSystem } from "../../../support/queue-system";
import { connectionsOf, startWorkflowProgram, type WorkflowProgram } from "../../../support/workflow-program";

describe("the console's workflows", () => {
  let program: WorkflowProgram;
  beforeEach(async () => {
    program = await startWorkflowProgram();
  });
  afterEach(() => program.stop());

  const ask = async (question: Readonly<Record<string, string>> = {}): Promise<WorkflowsView> => {
    const parameters = new URLSearchParams({ section: "workflows", ...question });
    const answer = await fetch(`${program.listener.origin}/api/live?${parameters.toString()}`);
    assert.equal(answer.status, 200);
    const { workflows } = (await answer.json()) as LiveState;
    assert.ok(workflows);
    return workflows;
  };
  const machine = async (question: Readonly<Record<string, string>> = {}): Promise<ShownMachine> => {
    const { shown } = await ask(question);
    assert.ok(shown);
    return shown;
  };
  const execution = async (question: Readonly<Record<string, string>> = {}): Promise<ExecutionView> => {
    const { execution: found } = await machine(question);
    assert.ok(found);
    return found;
  };
  const progress = ({ states }: ExecutionView, name: string): StateProgress | undefined =>
    states.find((state) => state.name === name);
  const statusOf = (view: ExecutionView, name: string): string => progress(view, name)?.status ?? "not reached";

  it("draws a machine that was never started", async () => {
    const { name, graph, executions, execution: none } = await machine();

    assert.equal(name, "orders");
    assert.deepEqual([executions, none], [[], undefined]);
    assert.equal(graph.states.find((state) => state.name === "Wrap item")?.depth, 1);
  });

  it("tells where a running execution is, and how many items of a Map are done", async () => {
    await program.start({ amount: 1, items: [1, 2, 3, 4, 5] }, "run");
    await program.advance(15);
    const view = await execution();

    assert.equal(view.status, "RUNNING");
    assert.equal(statusOf(view, "Check order"), "succeeded");
    assert.equal(statusOf(view, "Prepare"), "succeeded");
    assert.equal(statusOf(view, "Wait for approval"), "not reached");
    assert.equal(statusOf(view, "Fetch item"), "running");
    assert.deepEqual(progress(view, "Pack items")?.items, { total: 5, done: 2, failed: 0 });
    assert.ok(view.taken.includes("Large order?>Prepare") && !view.taken.includes("Large order?>Wait for approval"));

    await program.advance(60);
    const ended = await execution();
    assert.equal(ended.status, "SUCCEEDED");
    assert.deepEqual(progress(ended, "Pack items")?.items, { total: 5, done: 5, failed: 0 });
    assert.ok(ended.states.every(({ status }) => status === "succeeded"));
  });

  it("tells caught errors, attempts, and what failed from what was cut off", async () => {
    let busy = 1;
    program.work = ({ does }) => {
      if (does === "charge") throw Object.assign(new Error("declined"), { name: "CardDeclined" });
      if (does === "check" && busy-- > 0) throw Object.assign(new Error("later"), { name: "TooBusy" });
      if (does === "wrap") throw Object.assign(new Error("torn"), { name: "PaperTorn" });
      return {};
    };
    await program.start({ amount: 1, items: [1, 2, 3] }, "run");
    const waiting = await execution();
    assert.deepEqual(
      [statusOf(waiting, "Check order"), progress(waiting, "Check order")?.error],
      ["running", "TooBusy"],
    );
    await program.advance(60);
    const view = await execution();

    assert.deepEqual([view.status, view.error], ["FAILED", "PaperTorn"]);
    assert.deepEqual([statusOf(view, "Check order"), progress(view, "Check order")?.attempts], ["succeeded", 2]);
    assert.deepEqual([statusOf(view, "Charge card"), progress(view, "Charge card")?.error], ["caught", "CardDeclined"]);
    assert.deepEqual([statusOf(view, "Wrap item"), statusOf(view, "Pack items")], ["failed", "failed"]);
    assert.ok((progress(view, "Pack items")?.items?.failed ?? 0) >= 1);
    assert.ok(view.taken.includes("Charge card>Send invoice"));
  });

  it("tells a state that is made to fail, and one that was stopped", async () => {
    program.work = () => {
      throw Object.assign(new Error("none"), { name: "OutOfStock" });
    };
    await program.start({ amount: 1, items: [] }, "refused");
    const refused = await execution();
    assert.deepEqual([statusOf(refused, "Check order"), statusOf(refused, "Refuse order")], ["caught", "failed"]);

    program.work = () => ({});
    await program.start({ amount: 500, items: [] }, "stopped");
    const { states } = program;
    const [orders] = states.machines();
    assert.ok(orders);
    states.executions(orders)[0]?.stop("Enough", undefined);
    await program.advance(0);
    const stopped = await execution();
    assert.deepEqual([stopped.status, statusOf(stopped, "Wait for approval")], ["ABORTED", "stopped"]);
  });

  it("lists executions newest first, shows the chosen one, and the newest where the choice does not exist", async () => {
    const first = await program.start({ amount: 1, items: [] }, "first");
    await program.start({ amount: 1, items: [] }, "second");

    const { executions, executionCount } = await machine();
    assert.deepEqual([executions.map(({ name }) => name), executionCount], [["second", "first"], 2]);
    assert.equal((await execution({ execution: first })).name, "first");
    assert.equal((await execution({ execution: "gone" })).name, "second");
  });

  it("sends each history event once, with its state, and marks those of reports", async () => {
    const arn = await program.start({ amount: 500, items: [] }, "run");
    const { events, eventCount } = await execution();
    assert.equal(events.length, eventCount);
    assert.deepEqual(
      events.slice(0, 2).map(({ type, state }) => [type, state]),
      [
        ["ExecutionStarted", ""],
        ["TaskStateEntered", "Check order"],
      ],
    );
    const reports = events.filter(({ woven }) => woven);
    assert.ok(reports.length > 0 && reports.every(({ state }) => state === "Check order (progress)"));

    await program.advance(60);
    const later = await execution({ seen: arn, after: String(eventCount) });
    assert.equal(later.events[0]?.id, eventCount + 1);
    assert.equal(later.events.length, later.eventCount - eventCount);
    assert.equal((await execution({ seen: "another", after: String(eventCount) })).events[0]?.id, 1);
  });

  it("hides tickets, tokens and signatures in data, parameters and causes", async () => {
    program.work = ({ does }) => {
      if (does === "charge") throw new Error("GET https://host/?ticket=hunter2&X-Amz-Signature=hunter2");
      return {};
    };
    const url = "https://bucket/key?X-Amz-Signature=hunter2&part=1";
    const text = JSON.stringify({ authorization: "hunter2", kept: "also visible" });
    await program.start(
      { amount: 1, items: [], accessToken: "hunter2", nested: [{ ticket: "hunter2" }], url, text },
      "run",
    );
    const view = JSON.stringify(await execution());

    assert.doesNotMatch(view, /hunter2/);
    assert.match(view, /also visible/);
    assert.match(view, /part=1/);
  });

  it("lists open connections with their owner, and never what they were opened with", async () => {
    await program.connect("alice");
    await program.connect("bob");
    const { connections } = await ask();

    assert.deepEqual(connections.map(({ owner }) => owner).sort(), ["alice", "bob"]);
    assert.deepEqual(
      connections.map(({ id }) => id).sort(),
      connectionsOf(program)
        .map(({ facts }) => facts.id)
        .sort(),
    );
    assert.deepEqual(
      connections.map(({ api }) => api),
      ["viewers/dev", "viewers/dev"],
    );
    assert.equal(connections[0]?.connectedAt, program.clock.now());
    assert.doesNotMatch(JSON.stringify(connections), /ticket/);
  });

  for (const after of ["-1", "1.5", "all"]) {
    it(`rejects after=${after}`, async () => {
      const answer = await fetch(`${program.listener.origin}/api/live?section=workflows&after=${after}`);
      assert.equal(answer.status, 400);
    });
  }
});

describe("the console's queues", () => {
  it("tell of real queues what waits, what is being worked on, who takes from them, and dead letters", async () => {
    const system = await startQueueSystem(
      ({ clock, deadline }) =>
        new Promise((_, reject) => clock.setTimer(deadline - clock.now() - 1000, () => reject(new Error("no")))),
      { maxReceiveCount: 1, mapping: { scalingConfig: { maximumConcurrency: 2 } } },
    );
    try {
      const live = (): LiveState | undefined => describeLive(system.cloud, new URLSearchParams({ section: "queues" }));
      for (const body of ["1", "2", "3", "4", "5"]) system.send(body);
      await system.clock.advance(2000);
      const [jobs, dead] = live()?.queues ?? [];
      assert.deepEqual([jobs?.name, jobs?.deadLetterQueue?.name, jobs?.maxReceiveCount], ["jobs", "dead", 1]);
      assert.equal((jobs?.visible ?? 0) + (jobs?.notVisible ?? 0), 5);
      assert.ok((jobs?.notVisible ?? 0) >= 2);
      assert.deepEqual(
        jobs?.mappings.map(({ functionName, enabled, concurrency, limit }) => [
          functionName,
          enabled,
          concurrency,
          limit,
        ]),
        [["worker", true, 2, 2]],
      );
      assert.deepEqual(dead?.deadLettersOf, ["jobs"]);

      await system.drain(600);
      assert.equal(live()?.queues?.[0]?.deadLetterQueue?.visible, 5);
    } finally {
      await system.cloud.stop();
    }
  });
});
