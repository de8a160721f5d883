const { globSync } = require("node:fs");

// Files that take seconds start first, so that all processes end together; of those the ones that start most processes, which costs
// the more the larger the starting process has grown. The order has no other meaning.
const slow = [
  "tests/stack/progress-faults.test.ts",
  "tests/stack/progress-workflow.test.ts",
  "tests/stack/queue-consumer.test.ts",
  "tests/stack/faults.test.ts",
  "tests/stack/progress-browser.test.ts",
  "tests/local/engine/ways.test.ts",
  "tests/stack/browser.test.ts",
  "tests/program/stacks.test.ts",
  "tests/clients/pages/progress/page.test.ts",
  "tests/local/console/page.test.ts",
  "tests/local/cloud/s3/multipart.test.ts",
  "tests/stack/upload-api.test.ts",
];
const files = globSync("tests/**/*.test.ts", { cwd: __dirname })
  .map((file) => file.replaceAll("\\", "/"))
  // What is published needs a build: `npm run test:package`.
  .filter((file) => !file.startsWith("tests/library/"));
const rank = (file) => (slow.indexOf(file) + slow.length + 1) % (slow.length + 1);

module.exports = {
  require: ["./tests/transpile.cjs", "./tests/hooks.cjs"],
  spec: files.sort((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1)),
  parallel: true,
  // One more than the cores that the limit of three minutes is meant for: a process often waits for one that it has started.
  jobs: 3,
  // Room before garbage is collected: the processes live for three minutes, and collecting as early as a server does costs a tenth of them.
  "node-option": ["min-semi-space-size=32", "max-semi-space-size=64", "initial-old-space-size=1500"],
  timeout: 20_000,
  reporter: "./tests/reporter.cjs",
};
