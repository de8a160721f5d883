// One esbuild run. A local run names a folder for what it built before, so that only what has changed is built again.
import * as esbuild from "esbuild";
import { createHash, randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

/** Environment variable with a folder for finished builds. Unset in a deployment: what goes to AWS is always built from source. */
export const BUILD_CACHE_VARIABLE = "SERVERLESS_PATTERNS_BUILD_CACHE";

/** Options of esbuild; results stay in memory, and paths are relative to `absWorkingDir`. */
export type BuildOptions = Omit<esbuild.BuildOptions, "write" | "metafile" | "plugins"> & {
  readonly absWorkingDir: string;
};

/** What a build gave. */
export interface Build {
  /** Text of each output by its path relative to the working directory. */
  readonly files: ReadonlyMap<string, string>;
  /** Module format that esbuild found in each input, by its path relative to the working directory. */
  readonly formats: Readonly<Record<string, string | undefined>>;
}

/** As stored: also the state of every file that was read. */
interface StoredBuild {
  readonly files: readonly (readonly [string, string])[];
  readonly formats: Build["formats"];
  readonly state: Readonly<Record<string, FileState>>;
}

interface FileState {
  /** Milliseconds since 1970. */
  readonly modified: number;
  readonly size: number;
}

/**
 * Builds, or takes the finished build when no file that it read has changed its time or size since.
 * @throws esbuild's BuildFailure when it does not build; failures are not kept.
 */
export function build(options: BuildOptions): Build {
  const folder = process.env[BUILD_CACHE_VARIABLE];
  if (folder === undefined || folder === "") return run(options).build;
  const key = createHash("sha256")
    .update(JSON.stringify([esbuild.version, options]))
    .digest("hex")
    .slice(0, 32);
  const file = path.join(folder, `${key}.json`);
  const stored = readStored(file);
  if (stored && isCurrent(options.absWorkingDir, stored.state)) {
    return { files: new Map(stored.files), formats: stored.formats };
  }
  const started = Date.now();
  const { build: built, inputs } = run(options);
  const state = Object.fromEntries(inputs.map((input) => [input, stateOf(options.absWorkingDir, input)]));
  // A file that was saved meanwhile may have been read as it was before.
  const settled = Object.values(state).every(({ modified }) => modified < started);
  if (settled) store(file, { files: [...built.files], formats: built.formats, state });
  return built;
}

function run(options: BuildOptions): { readonly build: Build; readonly inputs: readonly string[] } {
  const { outputFiles, metafile } = esbuild.buildSync({ ...options, write: false, metafile: true });
  const inputs = Object.keys(metafile.inputs).filter((input) => input !== options.stdin?.sourcefile);
  return {
    build: {
      files: new Map(outputFiles.map(({ path: out, text }) => [path.relative(options.absWorkingDir, out), text])),
      formats: Object.fromEntries(Object.entries(metafile.inputs).map(([input, { format }]) => [input, format])),
    },
    inputs: [...inputs, ...listSettings(options.absWorkingDir)],
  };
}

/** What esbuild reads beside the inputs, from the folder and all above it. */
function listSettings(folder: string): readonly string[] {
  const above = path.dirname(folder);
  const own = ["package.json", "tsconfig.json"].map((name) => path.join(folder, name));
  return above === folder ? own : [...own, ...listSettings(above)];
}

const isCurrent = (folder: string, state: StoredBuild["state"]): boolean =>
  Object.entries(state).every(([file, known]) => {
    const { modified, size } = stateOf(folder, file);
    return modified === known.modified && size === known.size;
  });

/** Of a file that is absent: zeros. */
function stateOf(folder: string, file: string): FileState {
  const found = fs.statSync(path.resolve(folder, file), { throwIfNoEntry: false });
  return { modified: found?.mtimeMs ?? 0, size: found?.size ?? 0 };
}

function readStored(file: string): StoredBuild | undefined {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8")) as StoredBuild;
  } catch {
    return undefined; // never built, or cut off
  }
}

/** Whole or not at all: other processes may read it now. Without the right to write there is no cache. */
function store(file: string, stored: StoredBuild): void {
  const draft = `${file}.${randomUUID()}`;
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(draft, JSON.stringify(stored));
    fs.renameSync(draft, file);
  } catch {
    fs.rmSync(draft, { force: true });
  }
}
