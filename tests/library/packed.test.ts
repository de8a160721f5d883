// Proves what others install, as `npm run build` has just made it: the library works without the repository's sources, holds no local run
// and nothing AGPL, and passes no Node binary on. It is imported beside this repository's node_modules; an installation from a registry is
// not proven.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

const dist = path.join(__dirname, "..", "..", "dist");

describe("the packed library", function () {
  this.timeout(120_000);
  let files: string[];
  before(() => {
    files = fs
      .readdirSync(dist, { recursive: true, encoding: "utf8" })
      .filter((file) => fs.statSync(path.join(dist, file)).isFile());
  });

  const run = (code: string): string => execFileSync(process.execPath, ["-e", code], { cwd: dist, encoding: "utf8" });

  it("declares its components from finished bundles, without esbuild having to run", () => {
    const output = run(`
      const pulumi = require("@pulumi/pulumi");
      const { AcceleratedUploadBucket } = require("serverless-patterns");
      const code = [];
      void pulumi.runtime.setMocks({
        newResource: ({ type, name, inputs }) => {
          if (type === "aws:lambda/function:Function") code.push(name);
          return { id: name, state: { ...inputs, arn: "arn:aws:x:::" + name, bucket: name } };
        },
        call: () => ({ accountId: "111111111111", region: "eu-west-1", partition: "aws" }),
      }).then(async () => {
        new AcceleratedUploadBucket("media", { allowedOrigins: ["https://a.example.com"], userPoolArn: "arn:aws:cognito-idp:eu-west-1:1:userpool/a" });
        await pulumi.runtime.disconnect();
        console.log(code.length, Object.keys(require.cache).some((file) => file.includes("handlers/upload/start")));
      });
    `);

    assert.equal(output.trim(), "8 false");
  });

  it("bundles a team's consumer with the kit that it carries, under the name by which teams import it", () => {
    const entry = path.join(dist, "process-order.js");
    fs.writeFileSync(
      entry,
      'import { NonRetryableError } from "serverless-patterns/queue";\n' +
        'export async function processMessage() { throw new NonRetryableError("no"); }\n',
    );
    try {
      const output = run(`
        const { bundleConsumer } = require("./components/shared/consumer-bundle");
        const text = bundleConsumer("process-order.js");
        const { createQueueHandler, NonRetryableError } = require("serverless-patterns/queue");
        const copies = text.split("serverless-patterns.queue.error").length - 1;
        console.log(copies, typeof createQueueHandler, new NonRetryableError("no").name, text.includes("handler"));
      `);

      assert.equal(output.trim(), "1 function NonRetryableError true");
    } finally {
      fs.rmSync(entry);
    }
  });

  it("holds handlers, page and clients, and nothing of the local run or the tests", () => {
    for (const file of [
      "components/index.d.ts",
      "bundles/handlers/upload/sign.js",
      "bundles/handlers/queue/breaker.js",
      "bundles/kit/queue.js",
      "handlers/queue/index.d.ts",
      "bundles/pages/upload/index.html",
      "clients/upload/index.mjs",
      "clients/session/index.mjs",
      "LICENSE",
      "README.md",
    ]) {
      assert.ok(files.includes(file), file);
    }
    assert.deepEqual(
      files.filter((file) => /^(local|tests|bench|tools|node_modules)\//.test(file) || file.endsWith(".map")),
      [],
    );
  });

  it("needs nothing AGPL and passes on neither Node nor Pulumi", () => {
    const manifest = JSON.parse(fs.readFileSync(path.join(dist, "package.json"), "utf8")) as Record<string, object>;

    assert.deepEqual(Object.keys(manifest.dependencies ?? {}), ["esbuild"]);
    assert.deepEqual(Object.keys(manifest.peerDependencies ?? {}).sort(), ["@pulumi/aws", "@pulumi/pulumi"]);
    assert.equal(manifest.optionalDependencies, undefined);
    assert.equal(manifest.workspaces, undefined);
    for (const file of files.filter((name) => /\.(js|mjs)$/.test(name))) {
      assert.doesNotMatch(fs.readFileSync(path.join(dist, file), "utf8"), /cloud-copilot/, file);
    }
  });

  it("has clients that import nothing", () => {
    for (const client of ["upload", "session"]) {
      const text = fs.readFileSync(path.join(dist, "clients", client, "index.mjs"), "utf8");
      assert.doesNotMatch(text, /\bimport\s*[{"'*]|\brequire\(/, client);
    }
  });
});
