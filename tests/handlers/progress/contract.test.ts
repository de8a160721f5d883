// Proves that contract, files, settings and errors of the progress handlers hang together.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as contract from "../../../handlers/progress/contract";
import { readSettings } from "../../../handlers/progress/settings";
import { PROGRESS_HANDLER_NAMES } from "../../support/progress-bundles";
import { createProgressEnvironment, MACHINE_ARN, ORIGIN } from "../../support/progress-handlers";

const FOLDER = join(__dirname, "../../../handlers/progress");
const handlers: readonly (readonly [string, contract.ProgressHandler])[] = Object.entries(contract.PROGRESS_HANDLERS);

describe("Progress contract", () => {
  it("names exactly the files that export a handler, and they are thin adapters", () => {
    const files = readdirSync(FOLDER).filter((file) =>
      /^export (const|async function) handler\b/m.test(readFileSync(join(FOLDER, file), "utf8")),
    );

    assert.deepEqual(files.map((file) => file.replace(".ts", "")).sort(), [...PROGRESS_HANDLER_NAMES].sort());
    for (const file of files) {
      const lines = readFileSync(join(FOLDER, file), "utf8").split("\n").length;
      assert.ok(lines <= 40, `${file} has ${lines} lines`);
    }
  });

  it("imports nothing, so that components and clients can read it", () => {
    assert.doesNotMatch(readFileSync(join(FOLDER, "contract.ts"), "utf8"), /\bimport\b|\brequire\(/);
  });

  for (const [name, handler] of handlers) {
    it(`${name} may nothing by wildcard and scans no table`, () => {
      const { tableActions, indexActions, machineActions, executionActions } = handler;
      const actions = [...tableActions, ...indexActions, ...machineActions, ...executionActions];

      assert.deepEqual(
        actions.filter((action) => /\*|Scan/.test(action)),
        [],
      );
      assert.ok(handler.timeoutSeconds <= 29 || handler.invokedBy === "schedule");
    });
  }

  it("has settings that read back", () => {
    assert.deepEqual(readSettings(createProgressEnvironment()), {
      region: "eu-west-1",
      tableName: "progress",
      stateMachineArn: MACHINE_ARN,
      startArn: `${MACHINE_ARN}:live`,
      steps: [
        { step: "Reserve", label: "Inventory reserved", weight: 1 },
        { step: "Charge", label: "Payment charged", weight: 3 },
      ],
      connectionsUrl: "https://sockets.execute-api.eu-west-1.amazonaws.com/dev",
      socketUrl: "wss://sockets.execute-api.eu-west-1.amazonaws.com/dev",
      allowedOrigins: [ORIGIN],
      retentionSeconds: 604_800,
      startsPerMinute: 3,
      reportGraceSeconds: 0,
      workflowName: "orders",
    });
  });

  it("rejects an environment with all that is missing or malformed", () => {
    const { PROGRESS_TABLE_NAME: _table, START_ARN: _arn, ...partial } = createProgressEnvironment();

    assert.throws(() => readSettings(partial), {
      message: "Environment variables are not set: PROGRESS_TABLE_NAME, START_ARN",
    });
    for (const [name, value, message] of [
      ["PROGRESS_STEPS", "{", "Environment variable PROGRESS_STEPS does not hold JSON"],
      ["ALLOWED_ORIGINS", '"x"', "Environment variable ALLOWED_ORIGINS does not hold a JSON list"],
      ["STARTS_PER_MINUTE", "0", "Environment variable STARTS_PER_MINUTE is no whole number from 1"],
      ["REPORT_GRACE_SECONDS", "-1", "Environment variable REPORT_GRACE_SECONDS is no whole number from 0"],
      ["RETENTION_SECONDS", "x", "Environment variable RETENTION_SECONDS is no whole number from 1"],
    ] as const) {
      assert.throws(() => readSettings(createProgressEnvironment({ [name]: value })), { message });
    }
  });
});
