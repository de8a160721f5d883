// Proves that Pulumi.yaml and Pulumi.<stack>.yaml are read as the Pulumi CLI reads them, and what is refused.
import assert from "node:assert/strict";
import path from "node:path";
import { readProject } from "../../../local/cli/project";
import type { Project } from "../../../local/cli/project";
import { makeProject } from "../../support/cli-project";

const declared = `name: shop
runtime: { name: nodejs, options: { packagemanager: npm } }
main: src
config:
  plain: fallback
  limit: { type: integer, default: 5 }
  origins: { type: array, items: { type: string }, default: [a, b] }
  token: { type: string, default: t, secret: true }
  "aws:region": { value: us-east-1 }
`;

function read(files: Readonly<Record<string, string>>, stack = "dev"): Project {
  const project = makeProject({ "src/index.ts": "", ...files });
  try {
    return readProject(project.folder, stack);
  } finally {
    project.remove();
  }
}

describe("a Pulumi project", () => {
  it("has its stack's config over the defaults, under full keys, structured values as JSON", () => {
    const stack = "config:\n  shop:limit: 7\n  shop:list: [1, { a: b }]\n  shop:flag: true\n";

    const project = read({ "Pulumi.yaml": declared, "Pulumi.dev.yaml": stack });

    assert.equal(project.name, "shop");
    assert.equal(path.relative(project.folder, project.program), path.join("src", "index.ts"));
    assert.deepEqual(project.config, {
      "shop:limit": "7",
      "shop:list": '[1,{"a":"b"}]',
      "shop:flag": "true",
      "shop:plain": "fallback",
      "shop:origins": '["a","b"]',
      "shop:token": "t",
      "aws:region": "us-east-1",
    });
    assert.deepEqual(project.secretKeys, ["shop:token"]);
  });

  it("needs no stack file as long as it has none", () => {
    assert.equal(read({ "Pulumi.yaml": declared }, "anything").config["shop:limit"], "5");
  });

  const refused: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
    [
      "encrypted values, and names their keys and the remedy",
      { "Pulumi.yaml": declared, "Pulumi.dev.yaml": "config:\n  shop:token: { secure: AAAB }\n" },
      /Pulumi\.dev\.yaml: shop:token is encrypted.*--stack NAME/,
    ],
    [
      "encrypted values inside structures",
      { "Pulumi.yaml": declared, "Pulumi.dev.yaml": "config:\n  shop:a: { b: [{ secure: AAAB }] }\n" },
      /shop:a is encrypted/,
    ],
    [
      "values of another type",
      { "Pulumi.yaml": declared, "Pulumi.dev.yaml": "config:\n  shop:limit: many\n" },
      /shop:limit must be of type integer, got many/,
    ],
    [
      "declared keys without a value",
      { "Pulumi.yaml": "name: a\nruntime: nodejs\nmain: src\nconfig:\n  x: { type: string }\n" },
      /a:x has neither a value nor a default/,
    ],
    ["other languages", { "Pulumi.yaml": "name: a\nruntime: python\n" }, /runtime must be nodejs, got python/],
    ["projects without a name", { "Pulumi.yaml": "runtime: nodejs\n" }, /name is missing/],
    ["a main that is nowhere", { "Pulumi.yaml": "name: a\nruntime: nodejs\nmain: nowhere\n" }, /main names no program/],
    ["files that are not YAML", { "Pulumi.yaml": "name: [\n" }, /Pulumi\.yaml is not valid YAML/],
  ];
  for (const [what, files, message] of refused) {
    it(`rejects ${what}`, () => assert.throws(() => read(files), message));
  }
});
