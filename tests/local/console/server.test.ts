// Proves over HTTP what the console's server answers: files with their policy, the live state of each section, refusals, events.
import assert from "node:assert/strict";
import type { LiveState } from "../../../local/console/web/state";
import { type ConsoleProgram, startConsoleProgram } from "../../support/console-program";

describe("the console's server", () => {
  let program: ConsoleProgram;
  before(async () => {
    program = await startConsoleProgram();
  });
  after(() => program.stop());

  const get = (path: string, init?: RequestInit): Promise<Response> => fetch(`${program.listener.origin}${path}`, init);
  const live = async (question: string): Promise<LiveState> => {
    const answer = await get(`/api/live?${question}`);
    assert.equal(answer.status, 200);
    return (await answer.json()) as LiveState;
  };

  it("serves a page that may run only its own script, which is small", async () => {
    const page = await get("/");
    const script = await (await get("/app.js")).text();

    assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'; script-src 'self'/);
    assert.equal(page.headers.get("x-content-type-options"), "nosniff");
    assert.ok(script.length < 40_000, `${String(script.length)} bytes`);
    assert.ok(!script.includes("innerHTML"));
  });

  it("answers only what the shown section needs, always with the number of alarms", async () => {
    const members = async (section: string): Promise<string[]> => Object.keys(await live(`section=${section}`)).sort();

    assert.deepEqual(await members("overview"), ["inAlarm", "mappings", "now"]);
    assert.deepEqual(await members("dashboards"), ["dashboards", "inAlarm", "now"]);
    assert.deepEqual(await members("alarms"), ["alarms", "inAlarm", "now"]);
    assert.deepEqual(await members("queues"), ["inAlarm", "moveTasks", "now", "queues"]);
    assert.deepEqual(await members("workflows"), ["inAlarm", "now", "workflows"]);
    assert.deepEqual(await members("logs"), ["inAlarm", "now"]);
    assert.equal((await live("section=calls")).inAlarm, 1);
  });

  it("Q27: reads the data of the span that is asked for", async () => {
    const pointsOf = async (minutes: number): Promise<number> => {
      const { dashboards } = await live(`section=dashboards&minutes=${String(minutes)}`);
      const widget = dashboards?.[0]?.widgets.find(({ title }) => title === "Messages");
      assert.ok(widget?.kind === "metric");
      return widget.series[1]?.points.length ?? 0;
    };

    assert.equal(await pointsOf(5), 5);
    assert.equal(await pointsOf(15), 15);
    assert.equal(await pointsOf(60), 30);
  });

  it("Q27: keeps each widget's own wishes", async () => {
    const { dashboards } = await live("section=dashboards");
    const widgets = dashboards?.[0]?.widgets ?? [];
    const chart = (title: string) => {
      const widget = widgets.find((one) => one.title === title);
      assert.ok(widget?.kind === "metric");
      return widget;
    };

    assert.deepEqual([chart("Messages").x, chart("Messages").y, chart("Messages").width], [0, 3, 12]);
    assert.deepEqual(chart("Messages").annotations, [{ label: "target", value: 50, axis: "left" }]);
    assert.equal(chart("Messages").series[1]?.color, "#d62728");
    assert.ok(chart("Stacked").stacked);
    assert.deepEqual(chart("Two axes").right, { min: 0, label: "seconds" });
    assert.equal(chart("Two axes").series[1]?.axis, "right");
    assert.equal(chart("Latest").view, "bar");
    assert.equal(widgets.find(({ title }) => title === "Insights")?.kind, "not-simulated");
  });

  it("tells the state of alarms with condition, reason and since when, those in ALARM first", async () => {
    const { alarms = [] } = await live("section=alarms");

    assert.deepEqual(
      alarms.map(({ name, state }) => [name, state]),
      [
        ["too-many-errors", "ALARM"],
        ["no-data-yet", "INSUFFICIENT_DATA"],
      ],
    );
    assert.equal(alarms[0]?.condition, "Errors, Sum of 1 min ≥ 5 in 2 of 3 periods");
    assert.match(alarms[0]?.reason ?? "", /Threshold Crossed/);
    assert.ok((alarms[0]?.since ?? 0) > 0);
    assert.equal(alarms[1]?.since, undefined);
  });

  it("tells queues before the queues of their dead letters, with who takes from them", async () => {
    const { queues = [], moveTasks = [] } = await live("section=queues");

    assert.deepEqual(
      queues.map(({ name }) => name),
      ["work-queue", "work-queue-dlq"],
    );
    assert.deepEqual(queues[0]?.deadLetterQueue, { name: "work-queue-dlq", visible: 7 });
    assert.deepEqual(queues[1]?.deadLettersOf, ["work-queue"]);
    assert.deepEqual(
      queues[0]?.mappings.map(({ functionName, concurrency, limit }) => [functionName, concurrency, limit]),
      [["work-function", 3, 5]],
    );
    assert.deepEqual([moveTasks[0]?.moved, moveTasks[0]?.toMove], [3, 10]);
  });

  for (const question of ["section=secrets", "minutes=0", "minutes=1441", "minutes=1.5", "minutes=all"]) {
    it(`rejects ${question}`, async () => {
      assert.equal((await get(`/api/live?${question}`)).status, 400);
    });
  }

  it("rejects other methods and unknown paths", async () => {
    assert.equal((await get("/api/live", { method: "POST" })).status, 405);
    assert.equal((await get("/api/secrets")).status, 404);
  });

  it("sends calls as server-sent events", async () => {
    const controller = new AbortController();
    const stream = await get("/api/events", { signal: controller.signal });
    assert.equal(stream.headers.get("content-type"), "text/event-stream");
    program.cloud.traces.record({
      id: "call-1",
      at: 0,
      durationMs: 0,
      caller: "tests",
      service: "sqs",
      operation: "SendMessage",
      status: 200,
      decisions: [],
    });
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of stream.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      if (text.includes("call-1")) break;
    }
    controller.abort();
    assert.match(text, /event: trace\ndata: \{"id":"call-1"/);
  });
});
