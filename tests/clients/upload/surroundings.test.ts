// Proves the uploader's surroundings without a browser: the hashing worker's script, its fallbacks, XMLHttpRequest, the weight of
// the bundle. That they work in a real browser is proven by the browser tests.

import assert from "node:assert/strict";
import path from "node:path";
import vm from "node:vm";
import { gzipSync } from "node:zlib";
import { buildSync } from "esbuild";
import {
  createInlineHasher,
  createWorkerHasher,
  type WorkerLike,
  xhrTransport,
  type XhrLike,
} from "../../../clients/upload";
import { encodeCrc64 } from "../../../clients/upload/crc64";
import { workerSource } from "../../../clients/upload/hasher";
import { checksumOf } from "../../support/upload-fake";

const FOLDER = path.join(__dirname, "../../../clients");

function bundle(contents: string): Uint8Array {
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: FOLDER },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2024",
  });
  return outputFiles[0]!.contents;
}

/** Runs a worker's script in its own context, as a browser would. */
function startWorker(source: string): WorkerLike {
  const worker: WorkerLike = {
    onmessage: null,
    onerror: null,
    postMessage: (message) => {
      (scope.onmessage as (event: unknown) => void)({ data: message });
    },
    terminate: () => undefined,
  };
  const scope: Record<string, unknown> = {
    postMessage: (data: unknown) => worker.onmessage?.({ data } as never),
  };
  vm.runInNewContext(source, scope);
  return worker;
}

describe("Hashing worker", () => {
  const blob = new Blob([Buffer.alloc(5 * 1024 ** 2 + 3, "abcdefg")]);

  it("gives the same checksum as the AWS SDK, over several slices", async () => {
    const hasher = createWorkerHasher(startWorker);

    const values = await Promise.all([hasher.hash(blob), hasher.hash(blob.slice(1, 12)), hasher.hash(new Blob([]))]);

    const bytes = Buffer.from(await blob.arrayBuffer());
    const expected = [bytes, bytes.subarray(1, 12), Buffer.alloc(0)].map((part) => checksumOf(part));
    assert.deepEqual(values.map(encodeCrc64), await Promise.all(expected));
  });

  it("works from the minified bundle too, whose functions have lost their names", async () => {
    const script = Buffer.from(bundle('export { workerSource } from "./upload/hasher";')).toString("utf8");
    const source = vm.runInNewContext(`${script.replace(/export\{(\w+) as workerSource\};?/, "$1")}()`, {
      Map,
    }) as string;
    const hasher = createWorkerHasher(() => startWorker(source));

    const value = await hasher.hash(new Blob(["123456789"]));

    assert.equal(value, 0xae8b14860a799888n);
  });

  it("falls back to the calling thread when the content security policy forbids workers", async () => {
    let tries = 0;
    const hasher = createWorkerHasher(() => {
      tries++;
      throw new Error("worker-src");
    });

    const values = [await hasher.hash(blob), await hasher.hash(blob)];

    const inline = await createInlineHasher().hash(blob);
    assert.deepEqual(values, [inline, inline]);
    assert.equal(tries, 1);
  });

  it("falls back to the calling thread when the worker dies with work in hand", async () => {
    const dead: WorkerLike = {
      onmessage: null,
      onerror: null,
      postMessage: () => undefined,
      terminate: () => undefined,
    };
    const hasher = createWorkerHasher(() => dead);

    const waiting = hasher.hash(blob);
    await Promise.resolve();
    dead.onerror?.({} as never);

    assert.equal(await waiting, await createInlineHasher().hash(blob));
  });

  it("rejects with the reason when the file cannot be read", async () => {
    const broken = {
      size: 1,
      slice: () => ({ arrayBuffer: () => Promise.reject(new Error("gone")) }),
    } as unknown as Blob;

    await assert.rejects(createWorkerHasher(startWorker).hash(broken), /gone/);
  });

  it("needs nothing from outside its own text", () => {
    assert.doesNotThrow(() => startWorker(workerSource()));
  });
});

describe("Parts by XMLHttpRequest", () => {
  class FakeXhr implements XhrLike {
    status = 0;
    responseText = "";
    upload = { onprogress: null as ((event: never) => void) | null };
    onload: ((event: never) => void) | null = null;
    onerror: ((event: never) => void) | null = null;
    onabort: ((event: never) => void) | null = null;
    readonly said: unknown[] = [];
    open = (...words: unknown[]): unknown => this.said.push(["open", ...words]);
    setRequestHeader = (...words: unknown[]): unknown => this.said.push(["header", ...words]);
    getResponseHeader = (name: string): string | null => (name === "etag" ? '"e"' : null);
    send = (body: Blob): unknown => this.said.push(["send", body.size]);
    abort = (): void => this.onabort?.({} as never);
  }

  function send(xhr: FakeXhr, signal = new AbortController().signal, onProgress = (_sent: number): void => undefined) {
    const request = { url: "https://s3/part", headers: { "x-sum": "s" }, body: new Blob(["abc"]), signal, onProgress };
    return xhrTransport(() => xhr).send(request);
  }

  it("sends exactly the signed headers, reports progress and reads the ETag", async () => {
    const xhr = new FakeXhr();
    const progress: number[] = [];
    const answered = send(xhr, undefined, (sent) => progress.push(sent));

    xhr.upload.onprogress?.({ loaded: 2 } as never);
    xhr.status = 200;
    xhr.onload?.({} as never);

    assert.deepEqual(await answered, { status: 200, eTag: '"e"', body: "" });
    assert.deepEqual(xhr.said, [
      ["open", "PUT", "https://s3/part"],
      ["header", "x-sum", "s"],
      ["send", 3],
    ]);
    assert.deepEqual(progress, [2]);
  });

  it("rejects when the network fails", async () => {
    const xhr = new FakeXhr();
    const answered = send(xhr);

    xhr.onerror?.({} as never);

    await assert.rejects(answered, TypeError);
  });

  it("rejects with the signal's reason when it aborts", async () => {
    const controller = new AbortController();
    const answered = send(new FakeXhr(), controller.signal);

    controller.abort(new Error("paused"));

    await assert.rejects(answered, /paused/);
  });
});

describe("Weight", () => {
  const kilobytes = (contents: string): number => gzipSync(bundle(contents), { level: 9 }).length / 1024;

  it("U29: the whole uploader, hashing worker included, is at most 8 kB minified and gzipped", () => {
    const weight = kilobytes(
      'export { createUploader } from "./upload"; export { createBrowserEnvironment } from "./upload/browser";',
    );

    assert.ok(weight <= 8, `${weight.toFixed(2)} kB`);
  });

  it("the session is at most 3 kB minified and gzipped", () => {
    const weight = kilobytes('export * from "./session"; export * from "./session/browser";');

    assert.ok(weight <= 3, `${weight.toFixed(2)} kB`);
  });

  it("U29: the uploader imports nothing but the contract", () => {
    const { metafile } = buildSync({
      entryPoints: [path.join(FOLDER, "upload/index.ts"), path.join(FOLDER, "upload/browser.ts")],
      bundle: true,
      write: false,
      outdir: "unused",
      metafile: true,
      absWorkingDir: path.join(FOLDER, ".."),
    });

    const foreign = Object.keys(metafile.inputs).filter((input) => !input.startsWith("clients/upload/"));
    assert.deepEqual(foreign, ["handlers/upload/contract.ts"]);
  });
});
