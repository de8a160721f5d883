// The table of resource types on docs/local-run.md, made from the models of the embedded cloud.
import * as fs from "node:fs";
import * as path from "node:path";
import { startCloud } from "../../local/cloud";
import type { Service } from "../../local/cloud/core/service";

/** The page, below the root of the repository. */
export const LOCAL_RUN_PAGE = path.join("docs", "local-run.md");

const START = "<!-- generated: resource types -->";
const END = "<!-- /generated -->";

/** The page with its generated part made anew. Throws when the markers are missing. */
export async function renderLocalRunPage(root: string): Promise<{ readonly file: string; readonly text: string }> {
  const file = path.join(root, LOCAL_RUN_PAGE);
  const text = fs.readFileSync(file, "utf8");
  const start = text.indexOf(START);
  const end = text.indexOf(END);
  if (start < 0 || end < start) throw new Error(`${LOCAL_RUN_PAGE} lacks the lines "${START}" and "${END}"`);
  const generated = `${START}\n<!-- prettier-ignore-start -->\n\n${renderTables(await listServices())}\n\n<!-- prettier-ignore-end -->\n`;
  return { file, text: text.slice(0, start) + generated + text.slice(end) };
}

/** The services of an embedded cloud. They can be asked for their models after it has stopped. */
export async function listServices(): Promise<readonly Service[]> {
  const cloud = await startCloud({ port: 0 });
  await cloud.stop();
  return cloud.services;
}

function renderTables(services: readonly Service[]): string {
  const rows = services
    .flatMap(({ models }) => models)
    .map(({ type, fidelity, summary }) => [`\`${type}\``, fidelity, summary])
    .sort(([left = ""], [right = ""]) => (left < right ? -1 : 1));
  const functions = services
    .flatMap(({ invokes }) => Object.keys(invokes ?? {}))
    .sort()
    .map((token) => `\`${token}\``);
  const table = [["Type", "Here", "What it does"], ["---", "---", "---"], ...rows].map(line).join("\n");
  return `${table}\n\nProvider functions: ${functions.join(", ")}.`;
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
