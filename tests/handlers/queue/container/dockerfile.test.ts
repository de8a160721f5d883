// Proves that the Dockerfile builds what the guide shows: its own COPY and esbuild lines are carried out in a folder of their own, and what
// comes out runs. Docker itself, its base image and the installation of dependencies are not.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { QUEUE_PERMISSIONS } from "../../../../handlers/queue/contract";
import { CONTAINER_ENVIRONMENT } from "../../../../handlers/queue/container/settings";
import { BASE_ENVIRONMENT, queueUrl, startQueueStub } from "../../../support/queue-stub";

const ROOT = resolve(__dirname, "../../../..");
const ENTRY = `import { NonRetryableError, type QueueMessage } from "serverless-patterns/queue";
import { countLines } from "./lines";
export async function processMessage({ body }: QueueMessage): Promise<void> {
  if (countLines(body) === 0) throw new NonRetryableError("the order has no lines");
}`;
const LINES = "export const countLines = (body: unknown): number => (Array.isArray(body) ? body.length : 0);";

/** Carries out the build stage. @param context folders of which the build's context is made up. */
function build(context: readonly string[], folder: string, given: Readonly<Record<string, string>>): void {
  const text = readFileSync(join(ROOT, "handlers/queue/container/Dockerfile"), "utf8");
  const stage = text.split(/^FROM .*$/m)[1] ?? "";
  const values = new Map<string, string>();
  for (const line of stage.replaceAll(/\\\n\s*/g, " ").split("\n")) {
    const [instruction = "", ...words] = line
      .replaceAll(/\$\{(\w+)\}/g, (_, name: string) => values.get(name) ?? assert.fail(`${name} is not set: ${line}`))
      .split(/\s+/);
    if (instruction === "ARG") {
      const [name = "", standard = ""] = words.join(" ").split("=");
      values.set(name, given[name] ?? standard);
    }
    if (instruction === "COPY") copy(context, folder, words);
    if (instruction === "RUN" && words[0] === "npx") {
      const [, tool = "", ...argv] = words;
      execFileSync(join(ROOT, "node_modules/.bin", tool), argv, { cwd: folder, stdio: "pipe" });
    }
  }
}

function copy(context: readonly string[], folder: string, words: readonly string[]): void {
  const target = words.at(-1) ?? "";
  for (const source of words.slice(0, -1)) {
    const from = context.map((part) => join(part, source)).find((path) => existsSync(path));
    assert.ok(from, `the context has no ${source}`);
    const to = join(folder, target, target.endsWith("/") ? basename(source) : "");
    mkdirSync(join(to, ".."), { recursive: true });
    cpSync(from, to, { recursive: true });
  }
}

describe("The Dockerfile of a consumer", () => {
  let folder: string;

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "queue-dockerfile-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("builds the dev stack's consumer unless told otherwise", () => {
    build([ROOT], folder, {});

    const consumer = readFileSync(join(folder, "out/consumer.js"), "utf8");
    assert.match(consumer, /durationMs must be a number/);
  });

  it("Q9: builds a team's entry that imports from serverless-patterns/queue, and the process rejects by it", async () => {
    const team = join(folder, "team");
    mkdirSync(join(team, "orders"), { recursive: true });
    writeFileSync(join(team, "orders/process-order.ts"), ENTRY);
    writeFileSync(join(team, "orders/lines.ts"), LINES);
    const image = join(folder, "image");
    build([ROOT, team], image, { FOLDER: "orders", ENTRY: "orders/process-order.ts" });

    const stub = await startQueueStub();
    stub.put("work", "[]");
    const child = spawn(process.execPath, ["main.js"], {
      cwd: join(image, "out"),
      env: {
        ...BASE_ENVIRONMENT,
        AWS_ENDPOINT_URL: stub.endpoint,
        QUEUE_URL: queueUrl("work"),
        DEAD_LETTER_QUEUE_URL: queueUrl("dead"),
        CONSUMER_ENTRY: join(image, "out/consumer.js"),
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    for await (const line of createInterface(child.stdout)) {
      if (line.includes("message rejected")) child.kill("SIGTERM");
    }
    const [code] = (await exited) as [number | null];
    await stub.close();

    assert.equal(code, 0);
    assert.deepEqual([stub.queues.get("dead")?.length, stub.queues.get("work")], [1, []]);
  });

  it("is explained with every action that the task's role needs, and every setting", () => {
    const guide = readFileSync(join(ROOT, "docs/components/throttled-queue-consumer.md"), "utf8");
    const section = /### Outside Lambda$.*?^## /ms.exec(guide)?.[0] ?? "";
    const { source, deadLetter, state, claimCheck } = QUEUE_PERMISSIONS;
    // Lambda's own pollers ask for the attributes; the kit does not.
    const own = source.filter((action) => action !== "sqs:GetQueueAttributes");
    const wanted = [...own, ...deadLetter, ...state, ...claimCheck, ...Object.values(CONTAINER_ENVIRONMENT)];

    assert.deepEqual(
      wanted.filter((word) => !section.includes(`\`${word}\``)),
      [],
    );
  });
});
