// `npm run build`: the publishable library in dist/: compiled components, finished handler and page bundles, the browser clients, a manifest.
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import * as esbuild from "esbuild";
import { BUILD_CACHE_VARIABLE } from "../../components/shared/build";
import { bundleHandlers, bundleKit, loadPage } from "../../components/shared/bundle";

const root = path.join(__dirname, "..", "..");
const dist = path.join(root, "dist");

/** Builds everything from scratch. */
function build(): void {
  fs.rmSync(dist, { recursive: true, force: true });
  execFileSync(process.execPath, [require.resolve("typescript/bin/tsc"), "-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: "inherit",
  });
  withoutBuildCache(writeBundles);
  for (const client of ["upload", "progress", "session"]) bundleClient(client);
  for (const file of ["README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md"]) {
    fs.copyFileSync(path.join(root, file), path.join(dist, file));
  }
  write("package.json", `${JSON.stringify(buildManifest(), null, 2)}\n`);
}

function writeBundles(): void {
  for (const [name, text] of bundleHandlers()) write(`bundles/handlers/${name}.js`, text);
  write("bundles/kit/queue.js", bundleKit());
  for (const page of ["upload", "progress"]) {
    for (const [file, text] of loadPage(page)) write(`bundles/pages/${page}/${file}`, text);
  }
}

/** What is published is built from source, whatever the tests around have built. */
function withoutBuildCache(act: () => void): void {
  const folder = process.env[BUILD_CACHE_VARIABLE];
  process.env[BUILD_CACHE_VARIABLE] = "";
  try {
    act();
  } finally {
    if (folder !== undefined) process.env[BUILD_CACHE_VARIABLE] = folder;
  }
}

/** A browser client as one ES module without dependencies. */
function bundleClient(name: string): void {
  esbuild.buildSync({
    absWorkingDir: root,
    entryPoints: [path.join(root, "clients", name, "index.ts")],
    outfile: path.join(dist, "clients", name, "index.mjs"),
    bundle: true,
    platform: "browser",
    target: "es2022",
    format: "esm",
    minify: true,
    legalComments: "none",
    logLevel: "error",
  });
}

function write(file: string, text: string): void {
  const target = path.join(dist, file);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  fs.writeFileSync(target, text);
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly author: string;
  readonly keywords: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
}

/** What consumers install: Pulumi is theirs (two copies of the SDK break at run time), esbuild is ours, and Node is not in it. */
function buildManifest(): object {
  const source = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as Manifest;
  const { name, version, description, license, author, keywords, dependencies } = source;
  return {
    name,
    version,
    description,
    license,
    author,
    keywords,
    sideEffects: false,
    engines: { node: ">=20.20.0" },
    main: "./components/index.js",
    types: "./components/index.d.ts",
    exports: {
      ".": { types: "./components/index.d.ts", default: "./components/index.js" },
      "./contract/upload": { types: "./handlers/upload/contract.d.ts", default: "./handlers/upload/contract.js" },
      "./queue": { types: "./handlers/queue/index.d.ts", default: "./bundles/kit/queue.js" },
      "./contract/queue": { types: "./handlers/queue/contract.d.ts", default: "./handlers/queue/contract.js" },
      "./contract/progress": { types: "./handlers/progress/contract.d.ts", default: "./handlers/progress/contract.js" },
      "./clients/upload": "./clients/upload/index.mjs",
      "./clients/progress": "./clients/progress/index.mjs",
      "./clients/session": "./clients/session/index.mjs",
      "./package.json": "./package.json",
    },
    dependencies: { esbuild: dependencies.esbuild },
    peerDependencies: { "@pulumi/aws": "^7.48.0", "@pulumi/pulumi": "^3.270.0" },
  };
}

build();
