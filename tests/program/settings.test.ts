// Proves that the stack's configuration is read with its types, and refused with the key, the rule and the remedy.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { parseStackSettings } from "../../settings";

const root = path.join(__dirname, "..", "..");
const read = (file: string): { config: Record<string, unknown> } =>
  parse(fs.readFileSync(path.join(root, file), "utf8")) as { config: Record<string, unknown> };

describe("stack settings", () => {
  it("are the defaults that Pulumi.yaml documents when nothing is set", () => {
    const declared = read("Pulumi.yaml").config as Record<string, { default: unknown }>;
    const texts = Object.entries(declared).map(([key, { default: value }]) => [
      `p:${key}`,
      typeof value === "string" ? value : JSON.stringify(value),
    ]);

    assert.deepEqual(
      parseStackSettings("p", Object.fromEntries(texts) as Record<string, string>),
      parseStackSettings("p", {}),
    );
  });

  it("take values of every type and leave other namespaces alone", () => {
    const settings = parseStackSettings("p", {
      "p:acceleration": "false",
      "p:allowedSourceCidrs": '["192.0.2.0/24"]',
      "p:logRetentionDays": "90",
      "p:alarmTopicArn": "arn:aws:sns:eu-west-1:111111111111:operations",
      "aws:region": "eu-west-1",
    });

    assert.equal(settings.acceleration, false);
    assert.deepEqual(settings.allowedSourceCidrs, ["192.0.2.0/24"]);
    assert.equal(settings.logRetentionDays, 90);
    assert.equal(settings.alarmTopicArn, "arn:aws:sns:eu-west-1:111111111111:operations");
  });

  it("rejects an unknown key and names the nearest one", () => {
    assert.throws(
      () => parseStackSettings("p", { "p:acelerate": "true" }),
      /acelerate must be a known key, got "a value"; did you mean "acceleration"\?/,
    );
  });

  for (const [key, text, rule] of [
    ["acceleration", "yes", "be a boolean"],
    ["logRetentionDays", "a week", "be an integer"],
    ["allowedSourceCidrs", '"192.0.2.0/24"', "be a string list"],
    ["allowedSourceCidrs", "192.0.2.0/24", "be a string list"],
  ] as const) {
    it(`rejects ${key}: ${text}`, () => {
      assert.throws(() => parseStackSettings("p", { [`p:${key}`]: text }), new RegExp(`${key} must ${rule}, got `));
    });
  }

  it("reports all problems at once", () => {
    assert.throws(() => parseStackSettings("p", { "p:x": "1", "p:acceleration": "2" }), /x must[^]*acceleration must/);
  });

  it("differ between dev and prod in values only", () => {
    assert.deepEqual(
      Object.keys(read("Pulumi.dev.yaml").config).sort(),
      Object.keys(read("Pulumi.prod.yaml").config).sort(),
    );
  });
});
