// Proves that the embedded cloud starts as a whole, on the ports it says, and leaves nothing behind: also after a failed start.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { PortInUseError, startCloud } from "../../../local/cloud";
import { PortPlan } from "../../../local/cloud/ports";

describe("the embedded cloud", () => {
  let dataDirectory: string;
  beforeEach(() => {
    dataDirectory = mkdtempSync(path.join(tmpdir(), "cloud-test-"));
  });
  afterEach(() => rmSync(dataDirectory, { recursive: true, force: true }));

  it("answers signed calls at its gateway, and no longer after it has stopped", async () => {
    const cloud = await startCloud({ dataDirectory, accountId: "111122223333", region: "eu-north-1" });
    const client = new STSClient({
      endpoint: cloud.gatewayOrigin,
      region: cloud.region,
      credentials: cloud.rootCredentials(),
    });

    assert.equal((await client.send(new GetCallerIdentityCommand({}))).Account, "111122223333");
    assert.deepEqual(
      cloud.endpoints().map(({ label }) => label),
      ["AWS APIs", "S3 Transfer Acceleration"],
    );
    client.destroy();
    await cloud.stop();
    await assert.rejects(fetch(cloud.gatewayOrigin));
    assert.deepEqual(readdirSync(dataDirectory), []);
  });

  it("has one model per resource type", async () => {
    const cloud = await startCloud({ dataDirectory });
    const types = cloud.services.flatMap(({ models }) => models.map(({ type }) => type));
    await cloud.stop();

    assert.deepEqual(
      types.filter((type, index) => types.indexOf(type) !== index),
      [],
    );
  });

  it("closes what its services have forgotten, and opens nothing after its end", async () => {
    const cloud = await startCloud({ dataDirectory });
    const forgotten = await cloud.context.listen((_, response) => response.end());

    await cloud.stop();

    await assert.rejects(fetch(forgotten.origin));
    await assert.rejects(
      cloud.context.listen((_, response) => response.end()),
      /the local run has ended/,
    );
  });

  it("rejects a port in use, of the gateway and of its neighbour, and leaves nothing behind", async () => {
    const { other, port } = await occupyPortAfterAFreeOne();

    for (const base of [port, port - 1]) {
      await assert.rejects(startCloud({ dataDirectory, port: base }), (error) => {
        assert.ok(error instanceof PortInUseError);
        assert.equal(error.port, port);
        return true;
      });
    }

    assert.deepEqual(readdirSync(dataDirectory), []);
    await assert.rejects(fetch(`http://127.0.0.1:${port - 1}`));
    await new Promise((resolve) => other.close(resolve));
  });

  it("fails when its data folder cannot be made", async () => {
    mkdirSync(path.join(dataDirectory, "x"));

    await assert.rejects(startCloud({ dataDirectory: path.join(dataDirectory, "nowhere") }), /ENOENT/);
  });
});

/** Listens on a port whose lower neighbour is free, so that the neighbour can be a base. */
async function occupyPortAfterAFreeOne(): Promise<{ other: Server; port: number }> {
  for (;;) {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const neighbour = createServer().listen(port - 1, "127.0.0.1");
    const free = await once(neighbour, "listening").then(
      () => true,
      () => false,
    );
    await new Promise((resolve) => neighbour.close(resolve));
    if (free) return { other, port };
    await new Promise((resolve) => other.close(resolve));
  }
}

describe("the plan of ports", () => {
  it("keeps the kinds apart, so that the order of creation does not matter", () => {
    const [one, two] = [new PortPlan(4600), new PortPlan(4600)];

    const first = [one.take("website"), one.take("sign-in"), one.take("api"), one.take("website")];
    const second = [two.take("api"), two.take("sign-in"), two.take("website"), two.take("website")];

    assert.deepEqual(first, [4610, 4620, 4630, 4611]);
    assert.deepEqual(second, [4630, 4620, 4610, 4611]);
  });

  it("goes on elsewhere when a kind has used its ports up, and uses freed ports again", () => {
    const plan = new PortPlan(4600);
    const taken = Array.from({ length: 11 }, () => plan.take("website"));

    assert.deepEqual([taken[9], taken[10]], [4619, 4640]);
    plan.release(4612);
    assert.equal(plan.take("website"), 4612);
    assert.equal(new PortPlan(0).take("website"), 0);
  });
});
