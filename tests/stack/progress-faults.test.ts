// Proves that nothing which happens to the reports changes a run, and that whoever comes back has the complete log in order: handlers, bus
// and table that refuse, stale connections, repeated and disordered reports, wrong clocks, lost status events, many viewers.
// The component through the engine, the embedded cloud, real Lambda processes, the real client.
import assert from "node:assert/strict";
import type { ProgressEvent, ProgressReport, RunDescription } from "../../handlers/progress/contract";
import { accountRoot } from "../../local/cloud/core/principal";
import type { TraceEvent } from "../../local/cloud/core/trace";
import {
  followMany,
  followRun,
  GATES,
  nameOf,
  PLAIN_LOG,
  type ProgressStack,
  startProgressStack,
  type TestOrder,
  type TestWorkflow,
  TRANSPORTS,
  type Viewer,
} from "../support/progress-stack";

/** To so many the transport "direct" posts, and a few more are there. */
const POSTED = 40;
const MANY = POSTED + 3;

describe("ProgressTrackedWorkflow under faults", function () {
  this.timeout(60_000);
  let stack: ProgressStack;
  before(async () => {
    stack = await startProgressStack({ startsPerMinute: 100 });
  });
  afterEach(() => stack.leave());
  after(() => stack.stop());

  const viewerOf = (workflow: TestWorkflow): Viewer => stack.viewer(workflow, "ann@example.com");
  const start = (viewer: Viewer, order: TestOrder, key: string): Promise<RunDescription> =>
    viewer.client.start(order, { idempotencyKey: key });
  const openAll = (gates: string): void => GATES.forEach((gate) => stack.open(gates, gate));
  const outcome = (workflow: TestWorkflow, executionId: string): unknown => {
    const { status, output } = stack.execution(workflow, executionId);
    return { status, output };
  };
  const hasEntered = (workflow: TestWorkflow, executionId: string, state: string): boolean =>
    stack
      .execution(workflow, executionId)
      .history.events.some(({ type, details }) => type.endsWith("StateEntered") && details.name === state);
  const UNDISTURBED = { status: "SUCCEEDED", output: { shipped: 0 } };
  /** With all gates open at once the transports may tell of steps in another order. */
  const sorted = (events: readonly ProgressEvent[]): string[] => events.map(nameOf).sort();
  const assertOrdered = (events: readonly ProgressEvent[]): void => {
    const numbers = events.map(({ sequence }) => sequence);
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => index + 1),
    );
    const percents = events.map(({ percent }) => percent);
    assert.deepEqual(
      percents,
      percents.toSorted((one, other) => one - other),
    );
  };
  /** Follows a run anew to its end; its log. */
  const logOf = async (workflow: TestWorkflow, executionId: string): Promise<readonly ProgressEvent[]> => {
    const late = followRun(viewerOf(workflow), executionId);
    await late.ended;
    return late.events;
  };
  /** The time that passes before a report is tried again passes at once. Returns what ends that. */
  const withoutBackoff = (): (() => void) =>
    stack.states.subscribe((_, { type }) => {
      if (type === "TaskFailed") setImmediate(() => stack.clock.move(3000));
    });
  const invoke = async (functionArn: string, event: unknown): Promise<unknown> => {
    const { invoke: call } = stack.cloud.context.functions;
    const principal = accountRoot(stack.cloud.accountId);
    const { functionError, payload } = await call(functionArn, Buffer.from(JSON.stringify(event)), principal);
    assert.equal(functionError, undefined, payload.toString());
    return JSON.parse(payload.toString()) as unknown;
  };

  for (const transport of TRANSPORTS) {
    describe(`with the transport "${transport}"`, () => {
      let workflow: TestWorkflow;
      before(() => {
        workflow = stack.workflow(transport);
      });

      it("reports that are refused, by the table or on their way, change nothing but the log, which goes on with the next", async () => {
        const viewer = viewerOf(workflow);
        const gates = stack.gates();
        const role = transport === "direct" ? workflow.machineRoleArn : workflow.roleArn("report");
        const { executionId } = await start(viewer, { items: [], gates }, "refused");
        const watched = followRun(viewer, executionId);
        await watched.reached(1);
        const end = withoutBackoff();
        const restore = stack.withoutStatements(role, [/^(UseTable|StoreProgress)$/]);
        const refused = stack.traces.length;
        stack.open(gates, "Reserve");
        const isRefused = (): boolean =>
          stack.traces.slice(refused).some(({ service, status }) => service === "dynamodb" && status === 400);
        await stack.until(isRefused, "the report is refused");
        // The next step begins only after the report has been given up.
        await stack.until(() => hasEntered(workflow, executionId, "Check"), "the run goes on");
        restore();
        stack.open(gates, "Check");
        await watched.reached(2);
        const lost = ["Reserve"];
        if (transport !== "direct") {
          const allow = stack.withoutStatements(workflow.machineRoleArn, [/^ReportProgress$/]);
          stack.open(gates, "Label");
          await stack.until(() => hasEntered(workflow, executionId, "Label (end)"), "the branch goes on");
          allow();
          lost.push("Label");
        }
        end();
        openAll(gates);
        await watched.ended;

        assert.deepEqual(outcome(workflow, executionId), UNDISTURBED);
        const log = await logOf(workflow, executionId);
        assert.deepEqual(sorted(log), PLAIN_LOG.filter((name) => !lost.includes(name)).sort());
        assert.deepEqual(watched.events, log);
        assertOrdered(watched.events);
      });

      it("W8: a connection that is gone keeps nobody else from an event, and leaves the table", async () => {
        const viewer = viewerOf(workflow);
        const gates = stack.gates();
        const { executionId } = await start(viewer, { items: [], gates }, "stale");
        const partition = `run#${executionId}`;
        const stale = "subscriber#AAAAAAAAAAAAAAA=";
        await stack.patch(workflow, partition, stale, { connectionId: { S: "AAAAAAAAAAAAAAA=" } });
        const watched = followRun(viewer, executionId);
        await watched.reached(1);
        openAll(gates);
        await watched.ended;

        assert.deepEqual(sorted(watched.events), PLAIN_LOG.toSorted());
        assert.equal(viewer.pushes(executionId).length, PLAIN_LOG.length - 1);
        const gone = stack.traces.filter(
          ({ errorCode, detail }) => errorCode === "GoneException" && detail?.connectionId === "AAAAAAAAAAAAAAA=",
        );
        assert.ok(gone.length > 0, "nothing was posted to it");
        const left = (await stack.rows(workflow, partition)).map(({ sk }) => sk?.S ?? "");
        const subscribers = left.filter((sort) => sort.startsWith("subscriber#"));
        assert.ok(subscribers.length > 0);
        assert.ok(!subscribers.includes(stale), subscribers.join(", "));
        assert.deepEqual(outcome(workflow, executionId), UNDISTURBED);
      });

      it("W5: reports that are repeated, come too early, or tell strange times are in the log once, in one order", async () => {
        const viewer = viewerOf(workflow);
        const gates = stack.gates();
        const { executionId } = await start(viewer, { items: [], gates }, "disordered");
        const watched = followRun(viewer, executionId);
        await watched.reached(1);
        const report = (step: string, at: string): ProgressReport => {
          const [share, label] = step === "Reserve" ? [200_000, "Reserved"] : [200_000, "Shipped"];
          return { executionId, at, kind: "step", step, key: step, share, label };
        };
        const early = report("Ship", "2099-01-01T00:00:00.000Z");
        const old = report("Reserve", "1999-01-01T00:00:00.000Z");
        const target = workflow.functionArn("report");
        await Promise.all([early, old, old, early].map((one) => invoke(target, one)));
        openAll(gates);
        await watched.ended;
        await invoke(target, old);

        const names = watched.events.map(nameOf);
        assert.deepEqual(sorted(watched.events), PLAIN_LOG.toSorted());
        assert.deepEqual(names.slice(1, 3).sort(), ["Reserve", "Ship"]);
        assert.equal(names.at(-1), "succeeded");
        assertOrdered(watched.events);
        assert.deepEqual(await logOf(workflow, executionId), watched.events);
        assert.deepEqual(outcome(workflow, executionId), UNDISTURBED);
      });
    });
  }

  describe("with a clock of the cloud that runs ahead of the functions'", () => {
    it("a client that lost its connection has the complete log", async () => {
      stack.clock.move(120_000);
      const workflow = stack.workflow("function");
      const viewer = viewerOf(workflow);
      const gates = stack.gates();
      const { executionId } = await start(viewer, { items: [], gates }, "skew");
      const watched = followRun(viewer, executionId);
      await watched.reached(1);
      stack.open(gates, "Reserve");
      await watched.reached(2);
      for (const connection of stack.sockets.connections()) connection.close(1001, "Going away");
      openAll(gates);
      await watched.ended;

      assert.deepEqual(sorted(watched.events), PLAIN_LOG.toSorted());
      assertOrdered(watched.events);
    });
  });

  describe("with functions that may not run and events that cannot be delivered", () => {
    before(() =>
      stack.update({
        throttled: ["function-report"],
        forbidden: ["eventbridge-report", "function-status"],
      }),
    );
    after(() => stack.update());

    it("W9: the run succeeds without a report; the reconciler finds its end; what was not delivered is kept", async () => {
      const workflow = stack.workflow("function");
      const viewer = viewerOf(workflow);
      const gates = stack.gates();
      openAll(gates);
      const before = stack.deadLetters(workflow);
      const end = withoutBackoff();
      const { executionId } = await start(viewer, { items: [], gates }, "throttled");
      const watched = followRun(viewer, executionId);
      const hasEnded = (): boolean => stack.execution(workflow, executionId).status !== "RUNNING";
      await stack.until(hasEnded, "the run ends");
      end();
      assert.deepEqual(outcome(workflow, executionId), UNDISTURBED);
      // Five reports that the workflow could not deliver; start and end, which the bus could not.
      await stack.until(() => stack.deadLetters(workflow) === before + 7, "all of it is in the dead-letter queue");
      assert.deepEqual(watched.events.map(nameOf), ["started"]);

      // The reconciler looks at runs of more than a minute.
      const startedAt = { S: new Date(Date.now() - 300_000).toISOString() };
      await stack.patch(workflow, `run#${executionId}`, "head", { startedAt });
      const result = (await invoke(workflow.functionArn("reconcile"), {})) as { readonly reconciled: number };
      await watched.ended;

      assert.equal(result.reconciled, 1);
      assert.deepEqual(
        watched.events.map((event) => [nameOf(event), event.percent]),
        [
          ["started", 0],
          ["succeeded", 100],
        ],
      );
    });

    it("a bus that cannot reach the function keeps every report in the dead-letter queue, and the run succeeds", async () => {
      const workflow = stack.workflow("eventbridge");
      const viewer = viewerOf(workflow);
      const gates = stack.gates();
      openAll(gates);
      const before = stack.deadLetters(workflow);
      const { executionId } = await start(viewer, { items: [], gates }, "undeliverable");
      const watched = followRun(viewer, executionId);
      await watched.ended;

      assert.deepEqual(outcome(workflow, executionId), UNDISTURBED);
      await stack.until(() => stack.deadLetters(workflow) === before + 5, "all five reports are kept");
      assert.deepEqual(watched.events.map(nameOf), ["started", "succeeded"]);
    });
  });

  it(`W27: ${MANY} connections on one run, more than are posted to, end with the same complete log`, async () => {
    const workflow = stack.workflow("direct");
    const viewer = viewerOf(workflow);
    const gates = stack.gates();
    const { executionId } = await start(viewer, { items: [], gates }, "many");
    const viewers: Viewer[] = [];
    const create = (): Viewer => {
      const one = viewerOf(workflow);
      viewers.push(one);
      return one;
    };
    const followed = await followMany(create, executionId, MANY);
    const from = stack.traces.length;
    const posted = (): number =>
      stack.traces
        .slice(from)
        .filter(({ operation }) => operation === "POST @connections")
        .filter(({ caller }) => caller.includes(":assumed-role/direct-state-machine-role")).length;
    // One step after the other: viewers that find a gap would all ask at once, and each takes a process.
    for (const [index, gate] of GATES.entries()) {
      stack.open(gates, gate);
      await stack.until(() => posted() >= POSTED * (index + 1), `${gate} is told`);
    }
    await Promise.all(followed.map(({ ended }) => ended));

    assert.equal(posted(), 5 * POSTED);
    const log = await logOf(workflow, executionId);
    assert.deepEqual(sorted(log), PLAIN_LOG.toSorted());
    for (const { events } of followed) assert.deepEqual(events, log);
    assert.deepEqual(outcome(workflow, executionId), UNDISTURBED);
    // They leave in turn, for the same reason.
    const invoked = ({ operation, resource = "" }: TraceEvent): boolean =>
      operation === "Invoke" && resource.includes("direct-connections-function");
    for (const { client } of viewers) {
      const before = stack.traces.filter(invoked).length;
      client.close();
      await stack.until(() => stack.traces.filter(invoked).length > before, "a viewer has left");
    }
  });
});
