// Proves that the contract hangs together: handlers and files, least privilege, limits, errors, environment.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as contract from "../../../handlers/upload/contract";
import * as errors from "../../../handlers/upload/errors";
import { readSettings } from "../../../handlers/upload/settings";
import { createHandlerEnvironment, HANDLER_NAMES } from "../../support/upload-bundles";
import { createRules } from "../../support/upload-handlers";

const FOLDER = join(__dirname, "../../../handlers/upload");
const handlers: readonly (readonly [string, contract.UploadHandler])[] = Object.entries(contract.UPLOAD_HANDLERS);

describe("Upload contract", () => {
  it("names exactly the files that export a handler", () => {
    const files = readdirSync(FOLDER).filter((file) =>
      /^export (const|async function) handler\b/m.test(readFileSync(join(FOLDER, file), "utf8")),
    );

    assert.deepEqual(files.map((file) => file.replace(".ts", "")).sort(), [...HANDLER_NAMES].sort());
  });

  it("keeps every entry file to a thin adapter", () => {
    for (const name of HANDLER_NAMES) {
      const lines = readFileSync(join(FOLDER, `${name}.ts`), "utf8").split("\n").length;
      assert.ok(lines <= 60, `${name}.ts has ${lines} lines`);
    }
  });

  it("imports nothing, so that components and clients can read it", () => {
    assert.doesNotMatch(readFileSync(join(FOLDER, "contract.ts"), "utf8"), /\bimport\b|\brequire\(/);
  });

  for (const [name, handler] of handlers) {
    it(`U17: ${name} may neither delete nor list objects, nor anything by wildcard`, () => {
      const { s3Actions, tableActions, indexActions, kmsActions } = handler;
      const actions = [...s3Actions, ...tableActions, ...indexActions, ...kmsActions];

      assert.deepEqual(
        actions.filter((action) => /\*|Delete|List(?!MultipartUploadParts)|Scan/.test(action)),
        [],
      );
      assert.ok(handler.timeoutSeconds <= (handler.route ? 29 : 900));
    });
  }

  it("gives every route once", () => {
    const routes = handlers.flatMap(([, { route }]) => (route ? [`${route.method} ${route.path}`] : []));

    assert.equal(new Set(routes).size, 6);
  });

  it("has one error class per code, each with its status and a message that says what to do", () => {
    const samples = [
      new errors.ContentTypeNotAllowedError("text/html", ["image/*"]),
      new errors.ContentMismatchError("image/png"),
      new errors.FileTooLargeError(2, 1),
      new errors.QuotaExceededError(1, 1),
      new errors.UploadNotYoursError(),
      new errors.UploadNotOpenError("is aborted"),
      new errors.PartsMismatchError("x"),
      new errors.ChecksumMismatchError(),
      new errors.AlreadyExistsError(),
      new errors.UploadConflictError(),
    ];
    const shared = ["InvalidRequest", "Unauthenticated", "TryAgain", "Internal"];

    assert.deepEqual([...samples.map(({ code }) => code), ...shared].sort(), Object.keys(contract.ERROR_STATUS).sort());
    for (const { code, status } of samples) assert.equal(status, contract.ERROR_STATUS[code as contract.ErrorCode]);
  });

  it("has settings that read back", () => {
    const settings = readSettings(createHandlerEnvironment(createRules(), {}));

    assert.deepEqual(settings, {
      region: "eu-west-1",
      bucketName: "media",
      bucketOwner: "123456789012",
      tableName: "uploads",
      keyPrefix: "uploads/",
      eventBusName: "media-bus",
      rules: createRules(),
      allowedOrigins: ["https://app.example.com"],
    });
  });

  it("rejects an environment with all that is missing, or with rules that are no JSON", () => {
    const { BUCKET_NAME: _bucket, UPLOAD_RULES: _rules, ...partial } = createHandlerEnvironment(createRules(), {});

    assert.throws(() => readSettings(partial), {
      message: "Environment variables are not set: BUCKET_NAME, UPLOAD_RULES",
    });
    assert.throws(() => readSettings({ ...partial, BUCKET_NAME: "b", UPLOAD_RULES: "{" }), {
      message: "Environment variable UPLOAD_RULES does not hold JSON",
    });
  });
});
