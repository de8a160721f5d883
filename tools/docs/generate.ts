// `npm run docs`: makes the generated parts of the pages anew.
import * as fs from "node:fs";
import * as path from "node:path";
import { DOCUMENTED_COMPONENTS, renderPage } from "./component-tables";
import { renderLocalRunPage } from "./resource-types";

const root = path.join(__dirname, "..", "..");

async function generate(): Promise<void> {
  const pages = [
    ...DOCUMENTED_COMPONENTS.map((component) => renderPage(root, component)),
    await renderLocalRunPage(root),
  ];
  for (const { file, text } of pages) {
    fs.writeFileSync(file, text);
    console.log(path.relative(root, file));
  }
}

void generate();
