// Proves that docs/local-run.md describes the embedded cloud as it is: the generated table is fresh, and no service lacks its section.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { listServices, LOCAL_RUN_PAGE, renderLocalRunPage } from "../../tools/docs/resource-types";

const root = path.join(__dirname, "..", "..");

describe("docs/local-run.md", () => {
  it("lists the resource types that the models describe (npm run docs makes it anew)", async () => {
    const { file, text } = await renderLocalRunPage(root);

    assert.equal(readFileSync(file, "utf8"), text);
  });

  it("has a section for each service", async () => {
    const page = readFileSync(path.join(root, LOCAL_RUN_PAGE), "utf8");

    for (const { name } of await listServices()) assert.match(page, new RegExp(`^### .*\\(\`${name}\`\\)$`, "m"), name);
  });
});
