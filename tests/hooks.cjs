// Loaded before every test file, in each of the processes that mocha divides the files among.
const { enableCompileCache } = require("node:module");
const { join } = require("node:path");
const { buildAll } = require("./transpile.cjs");

// The suite starts some hundred processes that load the same modules: V8 compiles each module once. Not for coverage, which it blurs.
const { NODE_V8_COVERAGE, NODE_COMPILE_CACHE = join(__dirname, "..", "node_modules", ".cache", "compiled") } =
  process.env;
if (NODE_V8_COVERAGE === undefined) {
  process.env.NODE_COMPILE_CACHE = NODE_COMPILE_CACHE;
  enableCompileCache(NODE_COMPILE_CACHE);
}

// Mocha lets an unhandled rejection pass, and nearly every Pulumi failure is one: rethrow it.
function rethrow(reason) {
  throw reason;
}
process.on("unhandledRejection", rethrow);

// Handlers and pages are bundled once for all processes; `npm run build`, whose result is published, always builds.
process.env.SERVERLESS_PATTERNS_BUILD_CACHE ??= join(__dirname, "..", "node_modules", ".cache", "serverless-patterns");

exports.mochaHooks = {
  // For each file anew: after a file mocha takes all listeners away.
  beforeAll() {
    process.off("unhandledRejection", rethrow).prependListener("unhandledRejection", rethrow);
  },
};

/** Once, before the files are divided: what all processes read is made, whole, for half a file must not be started. */
exports.mochaGlobalSetup = async () => {
  const { default: chromium } = await import("@sparticuz/chromium");
  await Promise.all([chromium.executablePath(), buildAll()]);
};
