// Proves that progress is one rewritten line on a terminal, and silent elsewhere, without losing what the program prints.
import assert from "node:assert/strict";
import { createProgress } from "../../../local/cli/progress";
import type { EngineEvent } from "../../../local/engine";

const event: EngineEvent = {
  kind: "done",
  urn: "urn:pulumi:dev::tiny::aws:s3/bucket:Bucket::media",
  type: "aws:s3/bucket:Bucket",
  name: "media",
  counts: { registered: 9, done: 3, failed: 1 },
};

describe("progress", () => {
  it("rewrites one line on a terminal, within its width, and keeps it below what is printed", () => {
    let text = "";
    const progress = createProgress({ isTTY: true, columns: 30, write: (part) => (text += part) });

    progress.report(event);
    progress.line("printed by the program");
    progress.end();

    const [before = "", after = ""] = text.split("printed by the program\n");
    assert.match(before, /3 of 9 resources, 1 failed/);
    assert.ok(before.split("\r")[0]?.length === 29);
    assert.ok(after.startsWith("⠋ 3 of 9"));
    assert.ok(text.endsWith("\r\u001b[K"));
  });

  it("writes no control characters elsewhere", () => {
    let text = "";
    const progress = createProgress({ write: (part) => (text += part) });

    progress.report(event);
    progress.report({ kind: "log", severity: "warning", message: "look here", urn: "" });
    progress.report({ kind: "log", severity: "debug", message: "not this", urn: "" });
    progress.end();

    assert.equal(text, "warning: look here\n");
  });
});
