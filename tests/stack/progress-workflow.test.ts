// Proves ProgressTrackedWorkflow as a whole, the same suite for each transport: the component through the engine, the embedded cloud, real
// Lambda processes, and the real client over real WebSockets with real tickets. And who gets in, and who does not.
import assert from "node:assert/strict";
import { once } from "node:events";
import { WebSocket as RawSocket } from "ws";
import { viewRun } from "../../clients/progress";
import type { ProgressEvent, ProgressStep, RunDescription } from "../../handlers/progress/contract";
import {
  followRun,
  GATES,
  nameOf,
  ORIGIN,
  PLAIN_LOG,
  type ProgressStack,
  RUN_SECONDS,
  startProgressStack,
  type TestOrder,
  type TestWorkflow,
  TRANSPORTS,
  type Viewer,
} from "../support/progress-stack";

describe("ProgressTrackedWorkflow on the embedded cloud", function () {
  this.timeout(40_000);
  let stack: ProgressStack;
  before(async () => {
    stack = await startProgressStack();
  });
  after(() => stack.stop());

  const start = (viewer: Viewer, order: TestOrder, idempotencyKey = "order"): Promise<RunDescription> =>
    viewer.client.start(order, { idempotencyKey });
  const numbersOf = (events: readonly ProgressEvent[]): number[] => events.map(({ sequence }) => sequence);
  const countTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);
  const codeIs = (code: string) => (error: unknown) => (error as { readonly code?: string }).code === code;
  const connectionsOf = (
    owner: string,
    { socketUrl }: TestWorkflow,
  ): ReturnType<ProgressStack["sockets"]["connections"]> =>
    stack.sockets
      .connections()
      .filter(
        ({ facts: { api, authorizer } }) => authorizer?.owner === owner && api.listener?.origin === originOf(socketUrl),
      );
  const originOf = (url: string): string => new URL(url).origin.replace("ws:", "http:");
  const ownerOf = async (user: string): Promise<string> => {
    const [, claims = ""] = (await stack.token(user)).split(".");
    return (JSON.parse(Buffer.from(claims, "base64url").toString()) as { sub: string }).sub;
  };
  /** What the messages of a run have in common, whatever their transport. */
  const mask = (text: string): string => text.replace(/"at":"[^"]*"/, '"at":"…"');
  const masked = new Map<string, readonly string[]>();

  for (const transport of TRANSPORTS) {
    describe(`with the transport "${transport}"`, () => {
      let workflow: TestWorkflow;
      before(() => {
        workflow = stack.workflow(transport);
      });

      it("W5: W10: W27: two viewers see all steps in order, 100 only after success, as they are stored", async () => {
        const [one, other] = [stack.viewer(workflow, "ann@example.com"), stack.viewer(workflow, "ann@example.com")];
        const gates = stack.gates();
        const { executionId } = await start(one, { items: [], gates });
        const [first, second] = [followRun(one, executionId), followRun(other, executionId)];
        // The second one's subscription is answered, so that it gets pushes from here on.
        await Promise.all([first.reached(1), second.reached(1)]);
        for (const [index, gate] of GATES.entries()) {
          stack.open(gates, gate);
          await first.reached(index + 2);
        }
        await Promise.all([first.ended, second.ended]);

        assert.deepEqual(first.events.map(nameOf), PLAIN_LOG);
        assert.deepEqual(numbersOf(first.events), countTo(7));
        const percents = first.events.map(({ percent }) => percent);
        assert.deepEqual(percents, [0, 19, 59, 69, 79, 99, 100]);
        assert.deepEqual(second.events, first.events);
        const stored = (await stack.rows(workflow, `run#${executionId}`)).flatMap(({ event }) => event?.S ?? []);
        assert.deepEqual(
          stored.map((text) => JSON.parse(text) as unknown),
          first.events,
        );
        // The start itself comes with the answer.
        assert.deepEqual(one.pushes(executionId), stored.slice(1));
        masked.set(transport, stored.map(mask));
        assert.equal(stack.execution(workflow, executionId).status, "SUCCEEDED");
      });

      it("W28: who comes after the end gets the complete state and log", async () => {
        const ann = stack.viewer(workflow, "ann@example.com");
        const [run = assert.fail("no run")] = await ann.client.list();
        const late = followRun(ann, run.executionId);
        await late.ended;

        assert.deepEqual([run.state, run.percent], ["succeeded", 100]);
        assert.deepEqual(late.events.map(nameOf), PLAIN_LOG);
        const view = viewRun(run, late.events);
        assert.ok(view.steps.every(({ state }) => state === "done"));
      });

      it("W13: a run that failed goes on after a redrive at the step that failed, and never goes back", async () => {
        const viewer = stack.viewer(workflow, "fay@example.com");
        const gates = stack.gates();
        for (const step of [...GATES, "Pack#0", "Pack#1"]) stack.open(gates, step);
        const { executionId } = await start(viewer, { items: ["a", "b"], gates, failAt: "Ship" });
        const failing = followRun(viewer, executionId);
        await failing.ended;
        const last = failing.events.at(-1);
        assert.equal(last?.kind, "failed");
        assert.deepEqual(last.error, { name: "StepFailed", cause: "no Ship today" });
        const [failed] = await viewer.client.list();
        const stepOf = (run: RunDescription | undefined, log: readonly ProgressEvent[], name: string): string =>
          viewRun(run ?? assert.fail(), log).steps.find(({ step }) => step === name)?.state ?? "";
        assert.deepEqual([failed?.state, stepOf(failed, failing.events, "Ship")], ["failed", "failed"]);

        stack.mend(gates);
        const again = await viewer.client.redrive(executionId);
        assert.equal(again.state, "running");
        const going = followRun(viewer, executionId);
        await going.ended;

        const names = going.events.map(nameOf);
        assert.deepEqual(names.slice(0, failing.events.length), failing.events.map(nameOf));
        const more = names.slice(failing.events.length);
        // Step Functions itself may write the step before the handler has written that the run goes on.
        if (transport === "direct" && more[0] === "Ship") more.unshift(more.splice(1, 1)[0] ?? "");
        assert.deepEqual(more, ["redriven", "Ship", "succeeded"]);
        assert.equal(names.filter((name) => name === "Pack").length, 3, "two items, and the whole");
        assert.deepEqual(numbersOf(going.events), countTo(going.events.length));
        const percents = going.events.map(({ percent }) => percent);
        assert.deepEqual(
          percents,
          percents.toSorted((before, after) => before - after),
        );
        assert.deepEqual(percents.slice(-2), [99, 100]);
        assert.deepEqual(stack.execution(workflow, executionId).output, { shipped: 2 });
      });

      it("W9: W13: a cancelled run is aborted, and its viewers are told", async () => {
        const [one, other] = [stack.viewer(workflow, "cem@example.com"), stack.viewer(workflow, "cem@example.com")];
        const { executionId } = await start(one, { items: [], gates: stack.gates() });
        const watched = followRun(other, executionId);
        await watched.reached(1);

        const run = await one.client.cancel(executionId);
        await watched.ended;

        assert.equal(run.state, "aborted");
        assert.deepEqual(watched.events.map(nameOf), ["started", "aborted"]);
        assert.equal(stack.execution(workflow, executionId).status, "ABORTED");
      });

      it("W6: W26: a client whose connection was lost half-way gets each event once and in order, and an estimate", async () => {
        let online: () => void = () => undefined;
        let network: Promise<void> = Promise.resolve();
        const lossy = stack.viewer(workflow, "gil@example.com", {
          environment: { fetch: (...request) => network.then(() => fetch(...request)) },
        });
        const steady = stack.viewer(workflow, "gil@example.com");
        const gates = stack.gates();
        const { executionId, expected } = await start(lossy, { items: [], gates });
        const [lost, kept] = [followRun(lossy, executionId), followRun(steady, executionId)];
        const owner = await ownerOf("gil@example.com");
        await kept.reached(1);
        // One after the other, for a bus may deliver two reports in either order.
        stack.open(gates, "Reserve");
        await kept.reached(2);
        stack.open(gates, "Check");
        await Promise.all([lost.reached(3), kept.reached(3)]);

        network = new Promise((resolve) => {
          online = resolve;
        });
        // The lossy one connected first.
        const [connection = assert.fail("no connection")] = connectionsOf(owner, workflow);
        connection.close(1001, "Going away");
        for (const [index, gate] of ["Label", "Invoice"].entries()) {
          stack.open(gates, gate);
          await kept.reached(index + 4);
        }
        assert.deepEqual(numbersOf(lost.events), [1, 2, 3]);
        online();
        stack.open(gates, "Ship");
        await Promise.all([lost.ended, kept.ended]);

        assert.deepEqual(lost.events.map(nameOf), PLAIN_LOG);
        assert.deepEqual(lost.events, kept.events);
        // Of the runs before only the first one has succeeded at its first try.
        const { runs, secondsAfter = {} } = expected ?? {};
        assert.deepEqual([runs, Object.keys(secondsAfter)], [1, PLAIN_LOG.slice(1, -1)]);
      });
    });
  }

  describe("with any transport", () => {
    it("W2: all transports deliver the same bytes, but for the times", () => {
      const [first, ...others] = TRANSPORTS.map((transport) => masked.get(transport));

      assert.equal(first?.length, PLAIN_LOG.length);
      for (const other of others) assert.deepEqual(other, first);
    });

    it("W9: a run that takes too long is timed out, and its viewers are told, whatever the transport", async () => {
      const runs = await Promise.all(
        TRANSPORTS.map(async (transport) => {
          const viewer = stack.viewer(stack.workflow(transport), "tom@example.com");
          const { executionId } = await start(viewer, { items: [], waitSeconds: 100_000 });
          return followRun(viewer, executionId);
        }),
      );
      stack.clock.move(RUN_SECONDS * 1000);
      await Promise.all(runs.map(({ ended }) => ended));

      for (const { events } of runs) assert.deepEqual(events.map(nameOf), ["started", "timed-out"]);
    });
  });

  describe("whoever is not entitled", () => {
    let workflow: TestWorkflow;
    before(() => {
      workflow = stack.workflow("function");
    });
    const open = async (query: string, origin: string | undefined = ORIGIN): Promise<number> => {
      const socket = new RawSocket(`${workflow.socketUrl}${query}`, origin === "" ? {} : { origin });
      socket.on("error", () => undefined);
      const refused = once(socket, "unexpected-response").then(
        ([, response]) => (response as { readonly statusCode: number }).statusCode,
      );
      const status = await Promise.race([once(socket, "open").then(() => 101), refused]);
      socket.terminate();
      return status;
    };

    it("W3: rejects tickets that are missing, wrong, used or expired, and foreign origins", async () => {
      const buy = async (): Promise<string> => (await stack.ticket(workflow, "uma@example.com")).ticket;
      const [good, wrongOrigin, noOrigin, old] = await Promise.all([buy(), buy(), buy(), buy()]);
      const { createHash } = await import("node:crypto");
      const hash = createHash("sha256").update(old).digest("hex");
      await stack.patch(workflow, `ticket#${hash}`, "head", { usableUntil: { N: String(Date.now() - 1) } });

      const statuses = {
        missing: await open(""),
        unknown: await open(`?ticket=${"A".repeat(43)}`),
        foreign: await open(`?ticket=${wrongOrigin}`, "https://evil.example.com"),
        none: await open(`?ticket=${noOrigin}`, ""),
        expired: await open(`?ticket=${old}`),
        good: await open(`?ticket=${good}`),
        used: await open(`?ticket=${good}`),
      };

      assert.deepEqual(statuses, {
        missing: 401,
        unknown: 403,
        foreign: 403,
        none: 403,
        expired: 403,
        good: 101,
        used: 403,
      });
      const lines = stack.logs.lines().map(({ message }) => message);
      assert.ok(lines.length > 50);
      for (const ticket of [good, wrongOrigin, noOrigin, old]) {
        assert.ok(!lines.some((line) => line.includes(ticket)), "a log line holds a ticket");
      }
    });

    it("rejects a ticket request without a token", async () => {
      const response = await fetch(workflow.ticketUrl, { method: "POST", body: "{}" });

      assert.equal(response.status, 401);
    });

    it("W4: rejects a stranger's subscription, cancellation and redrive like those of a run that does not exist", async () => {
      const owner = stack.viewer(workflow, "vic@example.com");
      const stranger = stack.viewer(workflow, "wim@example.com");
      const gates = stack.gates();
      const { executionId } = await start(owner, { items: [], gates });
      const watched = followRun(owner, executionId);
      const ask = async (id: string): Promise<readonly string[]> =>
        Promise.all(
          [followRun(stranger, id).ended, stranger.client.cancel(id), stranger.client.redrive(id)].map((answer) =>
            answer.then(
              () => assert.fail("answered"),
              (error: unknown) => String(error),
            ),
          ),
        );

      const [foreign, unknown] = [await ask(executionId), await ask("0".repeat(64))];
      for (const gate of GATES) stack.open(gates, gate);
      await watched.ended;

      assert.deepEqual(foreign, unknown);
      assert.deepEqual(await stranger.client.list(), []);
      assert.equal(watched.events.at(-1)?.kind, "succeeded");
      assert.ok(!stranger.texts.some((text) => text.includes(executionId)), "the stranger heard of the run");
    });

    it("W32: a ticket for one run opens that run and nothing else", async () => {
      const owner = stack.viewer(workflow, "xia@example.com");
      const [mine, other] = await Promise.all(
        ["mine", "other"].map((key) => start(owner, { items: [], waitSeconds: 1000 }, key)),
      );
      const executionId = mine?.executionId ?? "";
      const scoped = stack.viewer(workflow, "xia@example.com", { executionId });
      const watched = followRun(scoped, executionId);
      await watched.reached(1);

      await assert.rejects(followRun(scoped, other?.executionId ?? "").ended, codeIs("NotFound"));
      await assert.rejects(start(scoped, { items: [] }, "new"), codeIs("Forbidden"));
      await assert.rejects(scoped.client.cancel(executionId), codeIs("Forbidden"));
      await assert.rejects(scoped.client.list(), codeIs("Forbidden"));
    });

    it("W24: rejects the starts of a user that exceed a minute's number, and nobody else's", async () => {
      const eager = stack.viewer(workflow, "yan@example.com");
      const results: string[] = [];
      // A minute may begin in between: then it is a new number.
      for (let number = 0; number < 9; number++) {
        const result = await start(eager, { items: [], waitSeconds: 1000 }, `order-${number}`).then(
          () => "started",
          (error: unknown) => (error as { readonly code: string }).code,
        );
        results.push(result);
      }
      const calm = stack.viewer(workflow, "zoe@example.com");
      await start(calm, { items: [], waitSeconds: 1000 });

      assert.ok(results.includes("TooManyRequests"), results.join(", "));
      assert.deepEqual(results.slice(0, 4).concat(results.at(-1) ?? ""), [
        ...["started", "started", "started", "started"],
        "TooManyRequests",
      ]);
    });
  });

  describe("around a run", () => {
    it("W12: two equal orders at the same moment start one run", async () => {
      const workflow = stack.workflow("function");
      const viewers = [stack.viewer(workflow, "kim@example.com"), stack.viewer(workflow, "kim@example.com")];

      const runs = await Promise.all(viewers.map((viewer) => start(viewer, { items: [], waitSeconds: 1000 })));
      const again = await start(viewers[0] ?? assert.fail(), { items: [], waitSeconds: 1000 });

      const ids = new Set([...runs, again].map(({ executionId }) => executionId));
      assert.equal(ids.size, 1);
      assert.equal((await viewers[0]?.client.list())?.length, 1);
      const names = stack.states
        .executions(stack.states.machines().find(({ arn }) => arn === workflow.machineArn) ?? assert.fail())
        .filter(({ settings }) => ids.has(settings.name));
      assert.equal(names.length, 1);
    });

    it("W8: a connection's rows go with it, and expire if nobody tells of its end", async () => {
      const workflow = stack.workflow("function");
      const viewer = stack.viewer(workflow, "lea@example.com");
      const { executionId } = await start(viewer, { items: [], waitSeconds: 1000 });
      const [connection = assert.fail("no connection")] = connectionsOf(await ownerOf("lea@example.com"), workflow);
      const partition = `connection#${connection.facts.id}`;
      const before = await stack.rows(workflow, partition);
      const now = Date.now() / 1000;

      viewer.client.close();
      let after = await stack.rows(workflow, partition);
      while (after.length > 0) after = await stack.rows(workflow, partition);

      assert.deepEqual(
        before.map(({ sk }) => sk?.S),
        ["head", `run#${executionId}`],
      );
      for (const { expiresAt } of before) {
        const seconds = Number(expiresAt?.N) - now;
        assert.ok(seconds > 7200 && seconds < 8000, String(seconds));
      }
      const left = (await stack.rows(workflow, `run#${executionId}`)).map(({ sk }) => sk?.S ?? "");
      assert.ok(!left.some((sort) => sort.startsWith("subscriber#")), left.join(", "));
    });

    it("allows each handler and each task every call that it made", () => {
      const refused = stack.traces
        .filter(({ decisions }) => decisions.some(({ allowed }) => !allowed))
        // Those who were not let in, and the tests' own worker, which may not write logs.
        .filter(({ caller }) => caller !== "anonymous" && !caller.includes(":assumed-role/worker-role"));

      assert.deepEqual(
        refused.map(({ caller, operation }) => `${caller} ${operation}`),
        [],
      );
    });

    it("declares the steps that viewers see", async () => {
      const viewer = stack.viewer(stack.workflow("direct"), "ann@example.com");
      const [run] = await viewer.client.list();

      const steps: readonly ProgressStep[] = run?.steps ?? [];
      assert.deepEqual(
        steps.map(({ step, weight }) => `${step} ${weight}`),
        ["Reserve 2", "Pack 4", "Label 1", "Invoice 1", "Ship 2"],
      );
    });
  });
});
