// Proves that every must-have of the finished components has a test that names it, or stands in docs/verification.md with the reason.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";

const root = path.join(__dirname, "..", "..");
const COUNTS = { U: 35, W: 35, Q: 32 };
const MUST_HAVES = Object.entries(COUNTS).flatMap(([letter, count]) =>
  Array.from({ length: count }, (_, index) => `${letter}${String(index + 1)}`),
);

/** Titles of all tests, one text. */
function readTitles(): string {
  return fs
    .readdirSync(path.join(root, "tests"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => fs.readFileSync(path.join(root, "tests", file), "utf8"))
    .flatMap((text) => [...text.matchAll(/(?:it|describe)\(\s*[`"']([^`"']+)|(?:\[|must: )"([UQW]\d+(?:: [^"]+)?)"/g)])
    .map(([, title, listed]) => title ?? listed)
    .join("\n");
}

describe("docs/verification.md", () => {
  it("or the title of a test names every must-have", () => {
    const titles = readTitles();
    const page = fs.readFileSync(path.join(root, "docs", "verification.md"), "utf8");

    const missing = MUST_HAVES.filter((id) => !new RegExp(`\\b${id}\\b(?!\\d)`).test(titles));
    const [, leftOut = ""] = /## Left out([^]*?)\n## /.exec(page) ?? [];
    assert.deepEqual(
      missing,
      MUST_HAVES.filter((id) => new RegExp(`\\| ${id} `).test(leftOut)),
    );
  });

  it("is linked from the README", () => {
    assert.match(fs.readFileSync(path.join(root, "README.md"), "utf8"), /docs\/verification\.md/);
  });
});
