// Proves that a team's file is bundled with the consumer kit into one deterministic module, and what is refused at once.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import * as vm from "node:vm";
import { bundleConsumer } from "../../../components/shared/consumer-bundle";
import { writeFolder } from "../../support/queue-component";

const ENTRY = `
  import { NonRetryableError } from "serverless-patterns/queue";
  import { answer } from "./answer";
  export async function processMessage(message: { readonly id: string }): Promise<void> {
    if (answer !== 42) throw new NonRetryableError(message.id);
  }
`;
const FILES = { "process.ts": ENTRY, "answer.ts": "export const answer: number = 42;" };

function withFolder<T>(files: Readonly<Record<string, string>>, act: (folder: string) => T): T {
  const { folder, remove } = writeFolder(files);
  try {
    return act(folder);
  } finally {
    remove();
  }
}

describe("bundling a consumer", () => {
  it("gives a module with a handler that runs by itself", () => {
    const text = withFolder(FILES, (folder) => bundleConsumer(path.join(folder, "process.ts")));

    const module = { exports: {} as Record<string, unknown> };
    vm.runInNewContext(text, { module, exports: module.exports, require, process: { env: {} } });
    assert.deepEqual(Object.keys(module.exports), ["handler"]);
    assert.equal(typeof module.exports.handler, "function");
    assert.doesNotMatch(text, /@pulumi/);
  });

  it("holds one copy of the kit, however it is imported", () => {
    const text = withFolder(FILES, (folder) => bundleConsumer(path.join(folder, "process.ts")));

    assert.equal(text.split("serverless-patterns.queue.error").length - 1, 1);
  });

  it("gives the same bytes from any folder", () => {
    const [first, second] = ["a", "b/deeper"].map((below) =>
      withFolder(
        Object.fromEntries(Object.entries(FILES).map(([name, text]) => [`${below}/${name}`, text])),
        (folder) => bundleConsumer(path.join(folder, below, "process.ts")),
      ),
    );

    assert.equal(first, second);
    assert.doesNotMatch(first ?? "", /queue-consumer-/);
  });

  it("accepts CommonJS", () => {
    const text = withFolder({ "process.js": "exports.processMessage = async () => {};" }, (folder) =>
      bundleConsumer(path.join(folder, "process.js")),
    );

    assert.match(text, /processMessage/);
  });

  for (const [what, files, message] of [
    ["a missing file", {}, /^there is no file .*process\.ts$/],
    ["a folder", { "process.ts/index.ts": "" }, /^there is no file .*process\.ts$/],
    [
      "an entry without processMessage",
      { "process.ts": "export const handler = 1;" },
      /^it exports no "processMessage"; write: export async/,
    ],
    [
      "a CommonJS entry without processMessage",
      { "process.ts": "exports.handler = 1;" },
      /exports no "processMessage"$/,
    ],
    [
      "an entry that does not parse",
      { "process.ts": "export const = 1;" },
      /^it does not build: process\.ts:1: Expected identifier/,
    ],
    [
      "an import that does not exist",
      { "process.ts": 'import "./gone"; export function processMessage() {}' },
      /^it does not build: process\.ts:1: Could not resolve/,
    ],
  ] as const) {
    it(`rejects ${what}`, () => {
      withFolder(files, (folder) => {
        assert.throws(() => bundleConsumer(path.join(folder, "process.ts")), { message });
        assert.ok(fs.existsSync(folder));
      });
    });
  }
});
