// Proves what the kit weighs in a bundle as it is deployed, and that nothing of an SDK slips in.
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { buildSync } from "esbuild";
import { loadHandler } from "../../../components/shared/bundle";

const ROOT = resolve(__dirname, "../../..");
const KILOBYTE = 1000;

describe("Bundles of the consumer kit", () => {
  it("a consumer with the whole kit weighs less than 40 kB and holds nothing of the AWS SDK", () => {
    const { outputFiles, metafile } = buildSync({
      stdin: {
        contents: `import * as consumer from "./handlers/work/process-work";
import { createQueueHandler } from "./handlers/queue/lambda";
export const handler = createQueueHandler(consumer);`,
        resolveDir: ROOT,
      },
      absWorkingDir: ROOT,
      bundle: true,
      minify: true,
      platform: "node",
      target: "node24",
      format: "cjs",
      write: false,
      metafile: true,
      logLevel: "error",
    });

    assert.ok(outputFiles[0]!.contents.length < 40 * KILOBYTE, `${outputFiles[0]!.contents.length} bytes`);
    assert.deepEqual(
      Object.keys(metafile.inputs).filter((input) => input.includes("node_modules")),
      [],
    );
  });

  it("the circuit breaker weighs less than 30 kB", () => {
    const bytes = Buffer.byteLength(loadHandler("queue/breaker"));

    assert.ok(bytes < 30 * KILOBYTE, `${bytes} bytes`);
  });
});
