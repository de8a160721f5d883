// Proves `npm run upload` against the strict stand-in of API and S3: options, exit codes, resumption after Ctrl-C. With the running
// local stack it is proven end to end elsewhere.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { EXIT } from "../../../local/cli/command";
import { runUpload } from "../../../local/cli/upload-command";
import type { UploadDescription } from "../../../handlers/upload/contract";
import { createFastClock, UploadFake } from "../../support/upload-fake";

describe("npm run upload", () => {
  const clock = createFastClock(1);
  const bytes = Buffer.from(randomBytes(11 * 1024 ** 2));
  let folder: string;
  let film: string;
  let fake: UploadFake;
  let out: string;
  let err: string;

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "upload-"));
    film = path.join(folder, "film.mp4");
    writeFileSync(film, bytes);
    fake = await UploadFake.start({ clock, acceleration: true });
    out = err = "";
  });
  afterEach(async () => {
    await fake.stop();
    rmSync(folder, { recursive: true });
  });

  function run(argv: readonly string[], interrupt = new AbortController().signal, isTTY = false): Promise<number> {
    const stdout = { write: (text: string) => (out += text) };
    const stderr = { isTTY, columns: 60, write: (text: string) => (err += text) };
    return runUpload({ argv, folder, stdout, stderr, interrupt, environment: { clock } });
  }

  const target = (): string[] => ["--api", `${fake.origin}/api/`, "--token", "good"];

  it("sends a file byte for byte and prints its key", async () => {
    const code = await run([film, ...target()]);

    assert.equal(code, EXIT.done, err);
    assert.ok(fake.objects[0]?.equals(bytes));
    assert.match(out, /^default\/user\/.*film\.mp4\n$/);
    assert.match(err, /film\.mp4: uploading\n.*film\.mp4: completed/s);
  });

  it("takes options before and after the file and prints JSON", async () => {
    const code = await run(["--part-size", "6", "--json", film, "--parallel=2", "--accelerate", "off", ...target()]);

    const upload = JSON.parse(out) as UploadDescription;
    assert.equal(code, EXIT.done, err);
    assert.deepEqual([upload.partCount, upload.contentType], [2, "video/mp4"]);
    assert.ok(fake.calls.every(({ route }) => route !== "accelerated"));
  });

  it("draws a bar on a terminal and takes it away", async () => {
    await run([film, ...target()], undefined, true);

    assert.match(err, /█+░* \d+ % {2}/);
    assert.ok(err.endsWith("\r\u001b[K"));
  });

  it("U10: pauses on Ctrl-C, says how to go on, and then sends only what is missing", async () => {
    const interrupt = new AbortController();
    const gate = Promise.withResolvers<void>();
    fake.onPart = async ({ partNumber }) => {
      if (partNumber !== 2) return;
      interrupt.abort();
      await gate.promise;
    };
    const paused = await run([film, "--parallel", "1", ...target()], interrupt.signal);
    gate.resolve();
    fake.onPart = () => undefined;
    fake.calls.length = 0;

    const code = await run([film, ...target()]);

    assert.deepEqual([paused, code], [EXIT.interrupted, EXIT.done]);
    assert.match(err, /same command again/);
    assert.ok(fake.calls.every(({ partNumber }) => partNumber !== 1));
    assert.ok(fake.objects[0]?.equals(bytes));
  });

  it("fails with the API's reason, never with the token", async () => {
    const code = await run([film, "--api", `${fake.origin}/api`, "--token", "very-secret"]);

    assert.equal(code, EXIT.failed);
    assert.match(err, /refused: Unauthenticated/);
    assert.doesNotMatch(err + out, /very-secret/);
  });

  const wrong: readonly [what: string, argv: () => string[], message: RegExp][] = [
    ["no file", () => [], /npm run upload -- FILE/],
    ["a file that is not there", () => ["nothing.bin"], /there is no file nothing\.bin/],
    [
      "a part below 5 MiB",
      () => [film, "--part-size", "4"],
      /--part-size must be a whole number from 5 to 5120, got 4/,
    ],
    ["too many connections", () => [film, "--parallel", "65"], /--parallel must be a whole number from 1 to 64/],
    ["an unknown way", () => [film, "--accelerate", "maybe"], /--accelerate must be auto, on or off, got maybe/],
    ["an API without a token", () => [film, "--api", "http://127.0.0.1"], /belong together/],
    ["an unknown option", () => [film, "--paralel", "3"], /did you mean --parallel/],
    ["nothing to upload to", () => [film], /no local stack is running/],
  ];
  for (const [what, argv, message] of wrong) {
    it(`rejects ${what}`, async () => {
      const code = await run(argv());

      assert.equal(code, EXIT.usage);
      assert.match(err, message);
      assert.equal(fake.calls.length, 0);
    });
  }

  it("explains itself", async () => {
    assert.equal(await run(["--help"]), EXIT.done);

    assert.match(out, /--part-size MIB/);
  });
});
