// Bundles of the upload handlers as they are deployed, for tests and benchmarks.
import { buildSync } from "esbuild";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { loadHandler } from "../../components/shared/bundle";
import { UPLOAD_HANDLERS, type UploadHandlerName } from "../../handlers/upload/contract";

const ROOT = resolve(__dirname, "../..");

/** Names of all handlers. */
export const HANDLER_NAMES = Object.keys(UPLOAD_HANDLERS) as readonly UploadHandlerName[];

/** The bundle that the component deploys. */
export function bundleHandler(name: UploadHandlerName): string {
  return loadHandler(`upload/${name}`);
}

/** Files that each handler's bundle is made from, whether or not something of them is left in it; relative to the repository. */
export function listBundleInputs(): Readonly<Record<UploadHandlerName, readonly string[]>> {
  const { metafile } = buildSync({
    entryPoints: HANDLER_NAMES.map((name) => `handlers/upload/${name}.ts`),
    absWorkingDir: ROOT,
    outdir: "out",
    bundle: true,
    platform: "node",
    mainFields: ["module", "main"],
    metafile: true,
    write: false,
    logLevel: "error",
  });
  const reachable = (name: UploadHandlerName): readonly string[] => {
    const found = new Set([`handlers/upload/${name}.ts`]);
    // A set that grows while it is walked: also what was added is visited.
    for (const file of found) for (const { path } of metafile.inputs[file]?.imports ?? []) found.add(path);
    return [...found];
  };
  return Object.fromEntries(HANDLER_NAMES.map((name) => [name, reachable(name)])) as ReturnType<
    typeof listBundleInputs
  >;
}

/**
 * Loads the module named by its argument and prints the CPU that took, in milliseconds: unlike time, it hardly grows on a busy
 * machine. Lambda's runtime client has loaded node:http before.
 */
const LOADER = `require("node:http");
const start = process.cpuUsage();
require(process.argv[2]);
const { user, system } = process.cpuUsage(start);
console.log((user + system) / 1000);`;

/** Writes bundles, and a script that measures their loading, into a folder of their own. `remove` deletes it. */
export function writeBundles(names: readonly UploadHandlerName[]): {
  /** `node <loader> <module>` prints milliseconds of CPU. */
  readonly loader: string;
  readonly paths: Readonly<Record<string, string>>;
  remove(): void;
} {
  const folder = mkdtempSync(join(tmpdir(), "upload-bundles-"));
  const paths: Record<string, string> = {};
  for (const name of names) {
    const path = join(folder, `${name}.js`);
    writeFileSync(path, bundleHandler(name));
    paths[name] = path;
  }
  const loader = join(folder, "loader.js");
  writeFileSync(loader, LOADER);
  return { loader, paths, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The environment that the component sets, with the given endpoints. */
export function createHandlerEnvironment(
  rules: object,
  endpoints: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "ASIAEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_SESSION_TOKEN: "session-token",
    BUCKET_NAME: "media",
    BUCKET_OWNER: "123456789012",
    TABLE_NAME: "uploads",
    KEY_PREFIX: "uploads/",
    EVENT_BUS_NAME: "media-bus",
    UPLOAD_RULES: JSON.stringify(rules),
    ALLOWED_ORIGINS: '["https://app.example.com"]',
    ...endpoints,
  };
}
