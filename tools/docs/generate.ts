// `npm run docs`: makes the generated parts of the component pages anew.
import * as fs from "node:fs";
import * as path from "node:path";
import { DOCUMENTED_COMPONENTS, renderPage } from "./component-tables";

const root = path.join(__dirname, "..", "..");
for (const component of DOCUMENTED_COMPONENTS) {
  const { file, text } = renderPage(root, component);
  fs.writeFileSync(file, text);
  console.log(path.relative(root, file));
}
