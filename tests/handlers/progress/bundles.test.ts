// Proves what the handlers weigh as they are deployed. Measured: 16 to 19 kB without the SDK, 322 to 330 kB with it.
import assert from "node:assert/strict";
import { PROGRESS_HANDLERS } from "../../../handlers/progress/contract";
import { bundleProgressHandler, PROGRESS_HANDLER_NAMES } from "../../support/progress-bundles";

const KILOBYTE = 1000;

describe("Bundles of the progress handlers", function () {
  this.timeout(60_000);

  for (const name of PROGRESS_HANDLER_NAMES) {
    const { posts } = PROGRESS_HANDLERS[name];
    // With the SDK's client of the management API.
    const limit = posts ? 400 : 40;

    it(`${name} weighs less than ${limit} kB and holds nothing of Pulumi`, () => {
      const code = bundleProgressHandler(name);

      assert.ok(Buffer.byteLength(code) < limit * KILOBYTE, `${Buffer.byteLength(code)} bytes`);
      assert.doesNotMatch(code, /@pulumi/);
      assert.equal(code.includes("PostToConnection"), posts);
    });
  }
});
