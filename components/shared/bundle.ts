// Handler and page code as text: bundled in memory by esbuild from source, or read from the finished bundles of the packed library.
import * as fs from "node:fs";
import * as path from "node:path";
import { build, type BuildOptions } from "./build";

/** Lambda runtime of every handler in this library. */
export const HANDLER_RUNTIME = "nodejs24.x";
/** How esbuild builds whatever runs in a function: CommonJS in memory, for the runtime. */
export const HANDLER_BUILD = {
  bundle: true,
  platform: "node",
  target: "node24",
  format: "cjs",
  mainFields: ["module", "main"],
  legalComments: "none",
  logLevel: "silent",
} satisfies Omit<BuildOptions, "absWorkingDir">;

/** Folder that holds `handlers/` and `clients/` as source, or `bundles/` when packed. */
const libraryRoot = findLibraryRoot(__dirname);
const finishedBundles = path.join(libraryRoot, "bundles");

let handlerTexts: ReadonlyMap<string, string> | undefined;

/**
 * Text of one handler, ready to be put as `index.js` into a function's archive.
 * @param name path below `handlers/` without extension, "upload/start" say.
 * @throws Error when there is no such handler; the message lists those that exist.
 */
export function loadHandler(name: string): string {
  handlerTexts ??= fs.existsSync(finishedBundles) ? readFinished("handlers") : bundleHandlers();
  const text = handlerTexts.get(name);
  if (text === undefined) {
    throw new Error(`no handler "${name}" below handlers/; there are: ${[...handlerTexts.keys()].join(", ")}`);
  }
  return text;
}

/** The consumer kit: its source, or the finished module of the packed library. */
export function findKit(): string {
  const finished = path.join(finishedBundles, "kit", "queue.js");
  return fs.existsSync(finished) ? finished : path.join(libraryRoot, "handlers", "queue", "index.ts");
}

/** The consumer kit as one CommonJS module, for the packed library: teams import from it, and it is bundled with their files. */
export function bundleKit(): string {
  const { files } = build({
    absWorkingDir: libraryRoot,
    entryPoints: [path.join(libraryRoot, "handlers", "queue", "index.ts")],
    outfile: "queue.js",
    ...HANDLER_BUILD,
    preserveSymlinks: true,
  });
  return files.get("queue.js") ?? "";
}

/**
 * Files of one static page by their path below the site's root.
 * @param name folder below `clients/pages/`, "upload" say: `index.html`, `app.ts`, `app.css`.
 */
export function loadPage(name: string): ReadonlyMap<string, string> {
  const finished = path.join(finishedBundles, "pages", name);
  if (fs.existsSync(finished)) return readFolder(finished);
  const folder = path.join(libraryRoot, "clients", "pages", name);
  const { files } = build({
    absWorkingDir: libraryRoot,
    entryPoints: ["app.ts", "app.css"].map((file) => ({ in: path.join(folder, file), out: "app" })),
    outdir: "out",
    bundle: true,
    platform: "browser",
    target: "es2022",
    format: "esm",
    minify: true,
    legalComments: "none",
    logLevel: "silent",
    preserveSymlinks: true,
  });
  return new Map([
    ["index.html", fs.readFileSync(path.join(folder, "index.html"), "utf8")],
    ...[...files].map(([file, text]) => [path.basename(file), text] as const),
  ]);
}

/** All handlers in one esbuild call: CommonJS, minified, without source maps, the same bytes from any folder. */
export function bundleHandlers(): ReadonlyMap<string, string> {
  const names = listHandlers();
  const { files } = build({
    absWorkingDir: libraryRoot,
    entryPoints: Object.fromEntries(names.map((name) => [name, path.join(libraryRoot, "handlers", `${name}.ts`)])),
    outdir: "out",
    ...HANDLER_BUILD,
    minify: true,
    preserveSymlinks: true,
  });
  return new Map(
    [...files].map(([file, text]) => [path.relative("out", file).replace(/\.js$/, "").split(path.sep).join("/"), text]),
  );
}

/** Names of the handlers: files that export `handler`, below `handlers/`. */
function listHandlers(): string[] {
  const root = path.join(libraryRoot, "handlers");
  return fs
    .readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .filter((file) =>
      /^export (const|async function|function) handler\b/m.test(fs.readFileSync(path.join(root, file), "utf8")),
    )
    .map((file) => file.replace(/\.ts$/, "").split(path.sep).join("/"))
    .sort();
}

function readFinished(kind: string): ReadonlyMap<string, string> {
  const files = readFolder(path.join(finishedBundles, kind));
  return new Map([...files].map(([file, text]) => [file.replace(/\.js$/, ""), text]));
}

function readFolder(folder: string): ReadonlyMap<string, string> {
  const files = fs
    .readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => fs.statSync(path.join(folder, file)).isFile())
    .sort();
  return new Map(
    files.map((file) => [file.split(path.sep).join("/"), fs.readFileSync(path.join(folder, file), "utf8")]),
  );
}

function findLibraryRoot(start: string): string {
  for (let folder = start; ; folder = path.dirname(folder)) {
    if (fs.existsSync(path.join(folder, "package.json"))) return folder;
    if (folder === path.dirname(folder)) throw new Error(`no package.json above ${start}`);
  }
}
