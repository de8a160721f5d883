// Proves the progress client's surroundings: the globals of Node, what wakes it in a browser, the weight and the purity of its bundle.
// That it works in a real browser is proven by the tests of the page.

import assert from "node:assert/strict";
import path from "node:path";
import vm from "node:vm";
import { gzipSync } from "node:zlib";
import { buildSync } from "esbuild";
import { createProgressClient, type ProgressEnvironment } from "../../../clients/progress";
import type { ProgressEvent } from "../../../handlers/progress/contract";
import { startFakeServer } from "../../support/progress-fake";

const FOLDER = path.join(__dirname, "../../../clients/progress");
const BUDGET_BYTES = 5000;

function bundle(entry: string, format: "esm" | "cjs", more = ""): { text: string; inputs: string[] } {
  const { outputFiles, metafile } = buildSync({
    stdin: { contents: `export * from "./${entry}"; ${more}`, resolveDir: FOLDER },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format,
    platform: "browser",
    target: "es2024",
  });
  return { text: outputFiles[0]!.text, inputs: Object.keys(metafile.inputs) };
}

describe("Surroundings of the progress client", () => {
  it("works with the WebSocket, fetch and timers of Node, over real sockets", async () => {
    const server = await startFakeServer();
    const { fake } = server;
    const client = createProgressClient({
      ticketUrl: server.ticketUrl,
      token: async () => "alice",
      environment: { random: () => 0.1 },
    });
    const { executionId } = await client.start({}, { idempotencyKey: "k" });
    const events: ProgressEvent[] = [];
    for await (const event of client.watch(executionId)) {
      events.push(event);
      if (events.length === 5) fake.emit(executionId, { kind: "succeeded" });
      if (events.length < 5) fake.finishStep(executionId, events.length - 1);
      if (events.length === 3) for (const connection of fake.connections) connection.close();
    }
    client.close();
    await server.stop();

    assert.deepEqual(events, fake.find(executionId).events);
    assert.equal(events.at(-1)?.kind, "succeeded");
  });

  it("wakes up with the network and with a look at the page, until told not to", () => {
    const scope = Object.assign(new EventTarget(), {
      document: Object.assign(new EventTarget(), { visibilityState: "visible" }),
    });
    // As a browser gets it: its types are not those of Node.
    const exported: { createBrowserProgressEnvironment?: (scope: object) => ProgressEnvironment } = {};
    const run = vm.runInThisContext(`(module) => {${bundle("browser", "cjs").text}}`) as (module: object) => void;
    run({
      set exports(value: typeof exported) {
        Object.assign(exported, value);
      },
    });
    const { onWake } = exported.createBrowserProgressEnvironment!(scope);
    let calls = 0;
    const stop = onWake(() => calls++);
    scope.dispatchEvent(new Event("online"));
    scope.document.dispatchEvent(new Event("visibilitychange"));
    scope.document.visibilityState = "hidden";
    scope.document.dispatchEvent(new Event("visibilitychange"));
    const heard = calls;
    stop();
    scope.dispatchEvent(new Event("online"));
    scope.document.visibilityState = "visible";
    scope.document.dispatchEvent(new Event("visibilitychange"));

    assert.deepEqual([heard, calls], [2, 2]);
  });

  it(`weighs at most ${BUDGET_BYTES} bytes, minified and gzipped, and has no dependencies`, () => {
    const { text, inputs } = bundle("index", "esm", 'export * from "./browser";');

    const { length } = gzipSync(text);

    assert.ok(length <= BUDGET_BYTES, `${length} bytes`);
    assert.deepEqual(
      inputs.filter((input) => !/clients\/progress\/|handlers\/progress\/contract\.ts$|<stdin>/.test(input)),
      [],
    );
  });
});
