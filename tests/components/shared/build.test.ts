// Proves that finished builds are taken only while every file that was read is as it was, and never without a folder for them.
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { build, BUILD_CACHE_VARIABLE } from "../../../components/shared/build";

describe("finished builds", () => {
  let folder: string;
  let known: string | undefined;

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "builds-"));
    known = process.env[BUILD_CACHE_VARIABLE];
    process.env[BUILD_CACHE_VARIABLE] = path.join(folder, "cache");
    write("main.ts", 'import { word } from "./word";\nexport const text = word;\n');
    write("word.ts", 'export const word = "one";\n');
  });

  afterEach(() => {
    if (known === undefined) delete process.env[BUILD_CACHE_VARIABLE];
    else process.env[BUILD_CACHE_VARIABLE] = known;
    fs.rmSync(folder, { recursive: true, force: true });
  });

  /** Saved a minute ago. */
  function write(file: string, text: string, time = new Date(Date.now() - 60_000)): void {
    const target = path.join(folder, file);
    fs.writeFileSync(target, text);
    fs.utimesSync(target, time, time);
  }

  const options = (target = "node24") => ({
    absWorkingDir: folder,
    entryPoints: [path.join(folder, "main.ts")],
    outfile: "main.js",
    bundle: true,
    format: "cjs" as const,
    target,
    logLevel: "silent" as const,
  });
  const text = (target?: string): string => build(options(target)).files.get("main.js") ?? "";
  const cached = (): string[] =>
    fs.existsSync(path.join(folder, "cache")) ? fs.readdirSync(path.join(folder, "cache")) : [];
  /** So that a finished build can be told from a fresh one. */
  function mark(): void {
    for (const file of cached()) {
      const stored = path.join(folder, "cache", file);
      fs.writeFileSync(stored, fs.readFileSync(stored, "utf8").replace("one", "finished"));
    }
  }

  it("are taken while nothing has changed, with the formats of their inputs", () => {
    const first = build(options());
    mark();

    assert.match(first.files.get("main.js") ?? "", /"one"/);
    assert.match(text(), /"finished"/);
    assert.deepEqual(build(options()).formats, first.formats);
    assert.equal(first.formats["word.ts"], "esm");
  });

  it("are built again when a file that was read has changed, is gone, or other options are given", () => {
    text();
    mark();

    assert.match(text("node22"), /"one"/);
    write("word.ts", 'export const word = "two";\n', new Date(Date.now() - 30_000));
    assert.match(text(), /"two"/);
    write("word.ts", 'export const word = "three";\n', fs.statSync(path.join(folder, "word.ts")).mtime);
    assert.match(text(), /"three"/);
    fs.rmSync(path.join(folder, "word.ts"));
    assert.throws(() => text(), /Could not resolve/);
  });

  it("are built again when the settings of the folder have changed", () => {
    text();
    mark();
    write("tsconfig.json", "{}");

    assert.match(text(), /"one"/);
  });

  it("are built again when the settings of a folder above have changed", () => {
    const below = { ...options(), absWorkingDir: path.join(folder, "below"), outfile: "below.js" };
    fs.mkdirSync(below.absWorkingDir);
    const built = (): string => build(below).files.get("below.js") ?? "";
    built();
    mark();

    assert.match(built(), /"finished"/);
    write("tsconfig.json", "{}");
    assert.match(built(), /"one"/);
  });

  it("are not kept when a file was saved during the build", () => {
    write("word.ts", 'export const word = "one";\n', new Date(Date.now() + 60_000));

    assert.match(text(), /"one"/);
    assert.deepEqual(cached(), []);
  });

  it("are built again when what is stored was cut off", () => {
    text();
    for (const file of cached()) fs.truncateSync(path.join(folder, "cache", file), 20);

    assert.match(text(), /"one"/);
  });

  it("are neither kept nor taken without a folder, as in a deployment", () => {
    text();
    mark();
    process.env[BUILD_CACHE_VARIABLE] = "";

    assert.match(text(), /"one"/);
    assert.equal(cached().length, 1);
  });
});
