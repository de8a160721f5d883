// Proves `npm run watch` against a stand-in of the server over real HTTP and WebSockets: which run it follows, what it prints, exit codes.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ProgressEvent } from "../../../handlers/progress/contract";
import { EXIT, type InterruptibleContext } from "../../../local/cli/command";
import { writeRunFile } from "../../../local/cli/run-file";
import { runWatch } from "../../../local/cli/watch-command";
import { type CommandResult, runInTest } from "../../support/command-run";
import { type FakeServer, startFakeServer } from "../../support/progress-fake";

const ORIGIN = "https://d1.cloudfront.net";

describe("npm run watch", () => {
  let server: FakeServer;
  let folder: string;

  beforeEach(async () => {
    // The identity service of a local stack.
    server = await startFakeServer((_, response) => response.end(JSON.stringify({ IdToken: "demo" })));
    folder = mkdtempSync(path.join(tmpdir(), "watch-"));
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true });
    await server.stop();
  });

  const watch = (argv: readonly string[], context: Partial<InterruptibleContext> = {}): Promise<CommandResult> =>
    runInTest(runWatch, argv, { folder, ...context });
  const deployed = (token = "ada"): string[] => ["--tickets", server.ticketUrl, "--token", token, "--origin", ORIGIN];
  const orderFile = (text = '{"orderId":"1"}'): string => {
    const file = path.join(folder, "order.json");
    writeFileSync(file, text);
    return file;
  };
  const finish = (id: string): void => {
    for (const index of [0, 1, 2, 3]) server.fake.finishStep(id, index);
    server.fake.emit(id, { kind: "succeeded" });
  };

  it("W35: follows a run to its end with the events of the page, as lines where there is no terminal", async () => {
    server.fake.addRun("ada", "one");
    finish("one");

    const { code, out, err } = await watch(["one", ...deployed()]);

    const lines = out.trimEnd().split("\n");
    assert.deepEqual([code, err], [EXIT.done, ""]);
    assert.deepEqual(
      lines.map((line) => line.replace(/^[\d:]{8} +/, "")),
      [
        "0 %  Started",
        "19 %  Items reserved",
        "49 %  Payment taken",
        "59 %  Label printed",
        "99 %  Handed to the carrier",
        "100 %  Done",
      ],
    );
  });

  it("W35: prints the very events as JSON, above a number too", async () => {
    const run = server.fake.addRun("ada", "one");
    finish("one");

    const all = await watch(["one", "--json", ...deployed()]);
    const some = await watch(["one", "--json", "--since", "4", ...deployed()]);

    const parse = (out: string): ProgressEvent[] =>
      out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as ProgressEvent);
    assert.deepEqual(parse(all.out), run.events);
    assert.deepEqual(parse(some.out), run.events.slice(4));
  });

  it("W35: draws a bar with percent and step on a terminal, and takes it away", async () => {
    server.fake.addRun("ada", "one");
    server.fake.finishStep("one", 0);
    let out = "";
    const stdout = {
      isTTY: true,
      columns: 60,
      write: (text: string) => {
        out += text;
        if (text.includes("19 %  Payment taken")) finish("one");
      },
    };

    const { code } = await watch(["one", ...deployed()], { stdout });

    assert.equal(code, EXIT.done);
    assert.match(out, /█+░+ 19 % {2}Payment taken/);
    assert.ok(out.endsWith("\r\u001b[K"));
  });

  it("W26: says on a terminal how much time is left, and goes on counting between events", async () => {
    server.fake.expected = { runs: 1, totalSeconds: 200, secondsAfter: { "Check inventory": 11.2 } };
    server.fake.addRun("ada", "one");
    let out = "";
    const stdout = {
      isTTY: true,
      columns: 100,
      write: (text: string) => {
        if (!out.includes("about 3 min") && text.includes("about 3 min")) server.fake.finishStep("one", 0);
        if (text.includes("a few seconds left")) finish("one");
        out += text;
      },
    };

    const { code } = await watch(["one", ...deployed()], { stdout });

    assert.equal(code, EXIT.done);
    assert.match(out, / 0 % {2}Items reserved, about 3 min left/);
    assert.match(out, / 19 % {2}Payment taken, about 10 s left/);
    assert.match(out, / 19 % {2}Payment taken, a few seconds left/);
  });

  for (const kind of ["failed", "timed-out", "aborted"] as const) {
    it(`fails when the run has ended as ${kind}, with the reason`, async () => {
      server.fake.addRun("ada", "one");
      server.fake.emit("one", { kind, error: { name: "OutOfStock", cause: "nothing is left" } });

      const { code, out } = await watch(["one", ...deployed()]);

      assert.equal(code, EXIT.failed);
      assert.match(out, /: OutOfStock: nothing is left\n$/);
    });
  }

  it("starts a run from a file, once for one key, and follows it", async () => {
    server.fake.onStart = ({ run }) => finish(run.executionId);
    const argv = ["--start", orderFile(), "--key", "k", ...deployed()];

    const codes = [(await watch(argv)).code, (await watch(argv)).code];

    assert.deepEqual(codes, [EXIT.done, EXIT.done]);
    assert.deepEqual(
      [...server.fake.runs.values()].map(({ input }) => input),
      [{ orderId: "1" }],
    );
  });

  it("takes an ARN, the beginning of a name, or the newest run, and says an allowed origin", async () => {
    for (const id of ["older-1", "newer-2"]) {
      server.fake.addRun("ada", id);
      finish(id);
      server.fake.find(id).run = { ...server.fake.find(id).run, startedAt: id === "older-1" ? "2026" : "2027" };
    }
    const followed = async (...argv: string[]): Promise<unknown> => {
      const { out } = await watch([...argv, "--json", ...deployed()]);
      return (JSON.parse(out.split("\n")[0] ?? "") as ProgressEvent).executionId;
    };

    assert.equal(await followed("arn:aws:states:eu-west-1:123456789012:execution:orders:older-1"), "older-1");
    assert.equal(await followed("old"), "older-1");
    assert.equal(await followed(), "newer-2");
    assert.deepEqual(new Set(server.origins), new Set([ORIGIN]));
  });

  it("signs in as the demo user of the running local stack", async () => {
    server.fake.addRun("demo", "one");
    finish("one");
    writeRunFile(folder, {
      pid: process.pid,
      project: "tests",
      stack: "dev",
      endpoint: server.origin,
      region: "eu-west-1",
      accountId: "123456789012",
      credentials: { accessKeyId: "AKIA", secretAccessKey: "secret" },
      outputs: {
        progressClientSettings: { ticketUrl: server.ticketUrl },
        progressPage: `${ORIGIN}/progress/index.html`,
      },
      demoUser: { username: "demo", password: "" },
    });

    const { code, err } = await watch(["one"]);

    assert.deepEqual([code, err, server.origins], [EXIT.done, "", [ORIGIN]]);
  });

  it("ends with 130 on Ctrl-C", async () => {
    server.fake.addRun("ada", "one");
    const interrupt = new AbortController();
    const stdout = { write: () => interrupt.abort(new Error("interrupted")) };

    const { code } = await watch(["one", ...deployed()], { interrupt: interrupt.signal, stdout });

    assert.equal(code, EXIT.interrupted);
  });

  it("fails when the token is refused, without showing it", async () => {
    const { code, err } = await watch(["one", ...deployed("expired")]);

    assert.equal(code, EXIT.failed);
    assert.match(err, /Sign in again/);
    assert.doesNotMatch(err, /expired/);
  });

  it("W4: fails for a run of somebody else as for one that does not exist", async () => {
    server.fake.addRun("bob", "theirs");

    const [theirs, nobodys] = [await watch(["theirs", ...deployed()]), await watch(["nobodys", ...deployed()])];

    assert.deepEqual([theirs.code, theirs.out], [EXIT.failed, ""]);
    assert.deepEqual(theirs, nobodys);
  });

  it("fails when nothing can be reached", async () => {
    server.accepts = false;

    const { code, err } = await watch(["one", ...deployed()]);

    assert.equal(code, EXIT.failed);
    assert.match(err, /cannot be reached/);
  });

  const mistakes: readonly [title: string, argv: () => string[], complaint: RegExp][] = [
    ["an execution together with --start", () => ["one", "--start", orderFile(), ...deployed()], /not both/],
    ["--key without --start", () => ["one", "--key", "k", ...deployed()], /--key belongs to --start/],
    ["a file that is no JSON", () => ["--start", orderFile("{"), ...deployed()], /order\.json cannot be read as JSON/],
    ["--token without the rest", () => ["one", "--token", "t"], /belong together/],
    ["no running stack", () => ["one"], /no local stack is running/],
    ["the newest of no runs", () => deployed(), /no run yet/],
  ];
  for (const [title, argv, complaint] of mistakes) {
    it(`rejects ${title}`, async () => {
      const { code, err } = await watch(argv());

      assert.equal(code, EXIT.usage);
      assert.match(err, complaint);
    });
  }
});
