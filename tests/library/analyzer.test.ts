// Proves that Pulumi's component analyzer accepts every exported component, so that teams in Python, Go, C#, Java and YAML can use them.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { Analyzer } from "@pulumi/pulumi/provider/experimental/analyzer";
import ts from "typescript";
import * as library from "../../components";

const pluginFolder = path.join(__dirname, "..", "..", "plugin");
const componentsFolder = path.join(__dirname, "..", "..", "components");

/** Exported classes with a Pulumi type token. */
function listComponents(): string[] {
  return Object.entries(library)
    .filter(([, value]) => typeof value === "function" && "pulumiType" in value)
    .map(([name]) => name);
}

describe("Pulumi's component analyzer", function () {
  this.timeout(60_000);

  it("A3: accepts every exported component", () => {
    const packageJson = JSON.parse(fs.readFileSync(path.join(pluginFolder, "package.json"), "utf8")) as {
      name: string;
    };
    const analyzer = new Analyzer(pluginFolder, packageJson.name, packageJson, new Set(listComponents()));

    const { components } = analyzer.analyze();

    assert.deepEqual(Object.keys(components).sort(), listComponents().sort());
    const uploads = components.AcceleratedUploadBucket;
    assert.equal(uploads?.inputs.allowedOrigins?.optional ?? false, false);
    assert.equal(uploads?.inputs.acceleration?.optional, true);
  });

  it("finds no two interfaces with one name, which the analyzer would merge without a word", () => {
    const seen = new Map<string, string>();
    const twice: string[] = [];
    for (const file of fs.readdirSync(componentsFolder, { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts")) continue;
      const source = ts.createSourceFile(
        file,
        fs.readFileSync(path.join(componentsFolder, file), "utf8"),
        ts.ScriptTarget.Latest,
      );
      for (const statement of source.statements) {
        if (!ts.isInterfaceDeclaration(statement)) continue;
        const exported = statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
        if (!exported) continue;
        const name = statement.name.text;
        if (seen.has(name)) twice.push(`${name} in ${seen.get(name) ?? ""} and ${file}`);
        seen.set(name, file);
      }
    }

    assert.deepEqual(twice, []);
  });
});
