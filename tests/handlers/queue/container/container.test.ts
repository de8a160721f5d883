// Proves the kit outside Lambda, as the process that the Dockerfile starts: polls, deletes, keeps invisible, stops gracefully, survives a
// crash. The image itself is not built here.
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildSync } from "esbuild";
import {
  BASE_ENVIRONMENT,
  queueUrl,
  startQueueStub,
  startStateTable,
  type QueueStub,
} from "../../../support/queue-stub";

const ROOT = resolve(__dirname, "../../../..");
/** Works for so many milliseconds; below 0: for ever. */
const CONSUMER = `exports.processMessage = async ({ id, body }) => {
  console.log("begin " + id);
  await new Promise((resolve) => body >= 0 ? setTimeout(resolve, body) : setInterval(() => {}, 1000));
  console.log("end " + id);
};`;

interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Resolves when the output holds a text. */
  until(text: string): Promise<void>;
  readonly exited: Promise<readonly [number | null, string | null]>;
}

describe("The consumer kit in a container", () => {
  let folder: string;
  let stub: QueueStub;
  let running: Running[];

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "queue-container-"));
    buildSync({
      absWorkingDir: ROOT,
      entryPoints: ["handlers/queue/container/main.ts"],
      outfile: join(folder, "main.js"),
      bundle: true,
      platform: "node",
      format: "cjs",
      logLevel: "error",
    });
    writeFileSync(join(folder, "consumer.js"), CONSUMER);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    stub = await startQueueStub();
    running = [];
  });
  afterEach(async () => {
    for (const { child, exited } of running) {
      child.kill("SIGKILL");
      await exited;
    }
    await stub.close();
  });

  function start(more: Record<string, string> = {}): Running {
    const child = spawn(process.execPath, [join(folder, "main.js")], {
      env: {
        ...BASE_ENVIRONMENT,
        AWS_ENDPOINT_URL: stub.endpoint,
        QUEUE_URL: queueUrl("work"),
        CONSUMER_ENTRY: join(folder, "consumer.js"),
        ...more,
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    const watchers = new Set<() => void>();
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      for (const watcher of watchers) watcher();
    });
    const one: Running = {
      child,
      output: () => text,
      until: (part) =>
        new Promise((resolve) => {
          const look = (): void => {
            if (!text.includes(part)) return;
            watchers.delete(look);
            resolve();
          };
          watchers.add(look);
          look();
        }),
      exited: once(child, "exit") as Promise<[number | null, string | null]>,
    };
    running.push(one);
    return one;
  }

  it("on SIGTERM in mid-batch finishes what is in work, deletes it, polls no more, and exits with 0", async () => {
    for (let index = 0; index < 4; index++) stub.put("work", "120");
    const worker = start({ CONCURRENCY: "2" });
    await worker.until("begin m2");

    worker.child.kill("SIGTERM");
    const [code] = await worker.exited;

    assert.equal(code, 0);
    assert.deepEqual(
      stub.queues.get("work")!.map(({ id, receives }) => [id, receives]),
      [
        ["m3", 0],
        ["m4", 0],
      ],
    );
    assert.ok(worker.output().includes("end m1") && worker.output().includes("end m2"));
  });

  it("returns at once what is unfinished after the grace period, and exits with 0", async () => {
    stub.put("work", "-1");
    const worker = start({ GRACE_SECONDS: "0.05" });
    await worker.until("begin m1");

    worker.child.kill("SIGINT");
    const [code] = await worker.exited;

    assert.equal(code, 0);
    const changes = stub.callsOf("ChangeMessageVisibilityBatch").flatMap(({ input }) => input.Entries as object[]);
    assert.deepEqual(changes, [{ Id: "0", ReceiptHandle: "m1-1", VisibilityTimeout: 0 }]);
  });

  it("keeps a long message invisible while it is worked on", async () => {
    stub.put("work", "1300");
    const worker = start({ VISIBILITY_SECONDS: "1", WAIT_SECONDS: "1" });

    await worker.until("end m1");
    worker.child.kill("SIGTERM");
    await worker.exited;

    assert.equal(worker.output().split("begin").length - 1, 1);
    assert.deepEqual(stub.queues.get("work"), []);
  });

  it("keeps the order of FIFO groups, side by side", async () => {
    for (const group of ["a", "b", "a", "b", "a"]) stub.put("work.fifo", "10", group);
    const worker = start({ QUEUE_URL: queueUrl("work.fifo") });

    await worker.until("end m5");
    worker.child.kill("SIGTERM");
    await worker.exited;

    const lines = worker
      .output()
      .split("\n")
      .filter((line) => /^(begin|end)/.test(line));
    const groupA = lines.filter((line) => /m[135]$/.test(line));
    assert.deepEqual(groupA, ["begin m1", "end m1", "begin m3", "end m3", "begin m5", "end m5"]);
    assert.ok(lines.indexOf("begin m2") < lines.indexOf("end m1"));
  });

  it("after a crash in mid-batch another worker takes over, once", async () => {
    const database = await startStateTable();
    const settings = {
      AWS_ENDPOINT_URL_DYNAMODB: database.endpoint,
      STATE_TABLE_NAME: "state",
      IDEMPOTENCY_SECONDS: "60",
      VISIBILITY_SECONDS: "1",
      WAIT_SECONDS: "1",
    };
    stub.put("work", "200");
    const first = start(settings);
    await first.until("begin m1");

    first.child.kill("SIGKILL");
    await first.exited;
    const second = start(settings);
    await second.until("end m1");
    second.child.kill("SIGTERM");
    await second.exited;
    await database.close();

    assert.deepEqual([first.output().includes("end m1"), second.output().split("end m1").length - 1], [false, 1]);
    assert.deepEqual(stub.queues.get("work"), []);
  });

  it("goes on after a poll that failed, and answers health checks", async () => {
    let refusals = 1;
    stub.fail = () => (refusals-- > 0 ? { status: 403, code: "AccessDeniedException" } : undefined);
    stub.put("work", "0");
    const worker = start({ HEALTH_PORT: "0" });
    await worker.until("health checks");
    const port = /"port":(\d+)/.exec(worker.output())![1];

    const health = await fetch(`http://127.0.0.1:${port}/`);
    await worker.until("end m1");

    assert.deepEqual([health.status, await health.json()], [200, { healthy: true, stopping: false }]);
    assert.ok(worker.output().includes("poll failed"));
  });

  it("rejects a consumer without processMessage, and an environment without QUEUE_URL, with exit code 1", async () => {
    writeFileSync(join(folder, "empty.js"), "");
    const workers = [start({ CONSUMER_ENTRY: join(folder, "empty.js") }), start({ QUEUE_URL: "" })];

    const codes = await Promise.all(workers.map(async ({ exited }) => (await exited)[0]));

    assert.deepEqual(codes, [1, 1]);
    assert.match(workers[0]!.output(), /does not export processMessage/);
    assert.match(workers[1]!.output(), /QUEUE_URL is not set/);
  });
});
