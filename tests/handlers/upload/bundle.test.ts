// Proves that the handlers bundle, stay within their weight, and that the signer is as light and fast as promised. Time on a quiet
// machine is measured by bench/sign.ts; here only multiples of it fail.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { PartSigner, resolvePartEndpoints } from "../../../handlers/upload/presign";
import {
  bundleHandler,
  createHandlerEnvironment,
  HANDLER_NAMES,
  listBundleInputs,
  writeBundles,
} from "../../support/upload-bundles";
import { CHECKSUM, createRules, START_TIME } from "../../support/upload-handlers";

const KILOBYTE = 1000;
const WITHOUT_SDK = ["sign", "list", "release"] as const;

describe("Bundles of the upload handlers", function () {
  this.timeout(60_000);
  let inputs: ReturnType<typeof listBundleInputs>;
  before(() => {
    inputs = listBundleInputs();
  });

  for (const name of HANDLER_NAMES) {
    it(`${name} is one file without Pulumi`, () => {
      const code = bundleHandler(name);

      assert.match(code, /handler/);
      assert.ok(inputs[name].includes("handlers/upload/contract.ts"));
      assert.deepEqual(
        inputs[name].filter((input) => /@pulumi|components\//.test(input)),
        [],
      );
      assert.ok(Buffer.byteLength(code) < 500 * KILOBYTE, `${code.length} bytes`);
    });
  }

  for (const name of WITHOUT_SDK) {
    it(`U30: ${name} weighs less than 30 kB and holds nothing of the AWS SDK`, () => {
      const bytes = Buffer.byteLength(bundleHandler(name));

      assert.ok(bytes < 30 * KILOBYTE, `${bytes} bytes`);
      assert.deepEqual(
        inputs[name].filter((input) => input.includes("node_modules")),
        [],
      );
    });
  }

  it("U30: sign loads in a fresh process with a small multiple of its budget of CPU", () => {
    const bundles = writeBundles(["sign"]);
    const env = { ...createHandlerEnvironment(createRules(), {}), PATH: process.env.PATH };
    try {
      const times = Array.from({ length: 5 }, () =>
        Number(execFileSync(process.execPath, [bundles.loader, bundles.paths.sign ?? ""], { env, encoding: "utf8" })),
      );

      assert.ok(Math.min(...times) < 30, `${times.join(", ")} ms`);
    } finally {
      bundles.remove();
    }
  });

  it("U30: signs 1,000 parts in less than 50 ms of CPU", () => {
    const { direct } = resolvePartEndpoints(
      { bucketName: "media", region: "eu-west-1", acceleration: false, dualStack: false },
      {},
    );
    const settings = {
      endpoint: direct,
      key: "uploads/acme/alice/1/holiday.mp4",
      s3UploadId: "s3-upload",
      region: "eu-west-1",
      credentials: { accessKeyId: "ASIA", secretAccessKey: "secret", sessionToken: "A".repeat(1000) },
      now: START_TIME,
      expiresSeconds: 300,
    };

    const times = Array.from({ length: 5 }, () => {
      const before = process.cpuUsage();
      const signer = new PartSigner(settings);
      for (let partNumber = 1; partNumber <= 1000; partNumber++)
        signer.sign({ partNumber, size: 5, checksum: CHECKSUM });
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    });

    assert.ok(Math.min(...times) < 50, `${times.join(", ")} ms`);
  });
});
