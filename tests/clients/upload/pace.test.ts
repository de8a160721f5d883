// Proves the decisions of the uploader on plain numbers: part size, number of connections, host, throughput.

import assert from "node:assert/strict";
import fc from "fast-check";
import { choosePartSize, ConnectionPace, Meter, RouteChooser } from "../../../clients/upload/pace";
import { S3_LIMITS } from "../../../handlers/upload/contract";

const MIB = 1024 ** 2;

describe("Part size", () => {
  const cases: readonly [what: string, size: number, bytesPerSecond: number, expectedMebibytes: number][] = [
    ["an empty file", 0, 0, 5],
    ["a small file", 20 * MIB, 0, 5],
    ["a film on an unknown line", 485 * MIB, 0, 11],
    ["a film on a slow line", 485 * MIB, MIB, 11],
    ["a film on a fast line", 485 * MIB, 20 * MIB, 40],
    ["a huge file", 100 * 1024 * MIB, 0, 64],
    ["a file that needs ten thousand parts", 1_000_000 * MIB, 0, 100],
  ];
  for (const [what, size, bytesPerSecond, expected] of cases) {
    it(`is ${expected} MiB for ${what}`, () => {
      assert.equal(choosePartSize(size, bytesPerSecond), expected * MIB);
    });
  }

  it("U3: respects the limits of S3 for every size and speed", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1e12, noNaN: true }),
        (share, speed) => {
          const size = Math.floor(share ** 4 * S3_LIMITS.maximumObjectBytes);
          const partSize = choosePartSize(size, speed);

          assert.ok(partSize >= S3_LIMITS.minimumPartBytes && partSize <= S3_LIMITS.maximumPartBytes);
          assert.ok(Math.ceil(size / partSize) <= S3_LIMITS.maximumParts);
          assert.equal(partSize % MIB, 0);
        },
      ),
    );
  });
});

describe("Number of connections", () => {
  /** Feeds one window per entry: what the line carries with n connections, in bytes per second. */
  function settle(pace: ConnectionPace, capacity: (connections: number) => number, windows: number): number[] {
    const seen = [];
    for (let window = 1; window <= windows; window++) {
      pace.add(window * 2_000, capacity(pace.connections) * 2, 0);
      seen.push(pace.connections);
    }
    return seen;
  }

  it("U28: starts at four and grows while each connection adds throughput, up to the maximum", () => {
    const seen = settle(new ConnectionPace(0, 6, 0), (connections) => connections * MIB, 4);

    assert.deepEqual(seen, [5, 6, 6, 6]);
  });

  it("U28: stops adding when the sum no longer grows", () => {
    const seen = settle(new ConnectionPace(0, 16, 0), (connections) => Math.min(connections, 5) * MIB, 6);

    assert.deepEqual(seen, [5, 6, 6, 6, 6, 6]);
  });

  it("takes back a connection that made things worse", () => {
    const seen = settle(new ConnectionPace(0, 16, 0), (connections) => (connections > 5 ? 3 : connections) * MIB, 3);

    assert.deepEqual(seen, [5, 6, 5]);
  });

  it("tries one more again when conditions may have changed", () => {
    const seen = settle(new ConnectionPace(0, 16, 0), () => MIB, 14);

    assert.equal(seen[3], 5);
    assert.equal(seen.at(-1), 6);
  });

  it("waits for finished parts where bytes come in lumps", () => {
    const pace = new ConnectionPace(0, 6, 2);

    pace.add(10_000, MIB, 7);
    const before = pace.connections;
    pace.add(10_001, MIB, 1);

    assert.deepEqual([before, pace.connections], [4, 5]);
  });

  it("halves when S3 asks to slow down, but keeps one", () => {
    const pace = new ConnectionPace(0, 6, 0);

    const seen = [1, 2, 3].map((now) => {
      pace.slowDown(now);
      return pace.connections;
    });

    assert.deepEqual(seen, [2, 1, 1]);
  });
});

describe("U13: route", () => {
  it("gives the first parts to both hosts in turn", () => {
    const routes = new RouteChooser("auto", {});

    assert.deepEqual(
      [1, 2, 3, 4].map(() => routes.next()),
      ["direct", "accelerated", "direct", "accelerated"],
    );
    assert.equal(routes.choice, undefined);
  });

  const speeds: readonly [what: string, directMs: number, acceleratedMs: number, winner: string][] = [
    ["the accelerated host when it is clearly faster", 1_000, 500, "accelerated"],
    ["the direct host when it is faster", 500, 1_000, "direct"],
    ["the direct host when acceleration brings less than a tenth", 1_000, 950, "direct"],
  ];
  for (const [what, directMs, acceleratedMs, winner] of speeds) {
    it(`takes ${what}, and remembers it for the next file`, () => {
      const experience = {};
      const routes = new RouteChooser("auto", experience);

      routes.succeed("direct", MIB, directMs);
      routes.succeed("accelerated", MIB, acceleratedMs);

      assert.equal(routes.next(), winner);
      assert.equal(new RouteChooser("auto", experience).next(), winner);
    });
  }

  it("does not wait for ever for a host that sends nothing", () => {
    const routes = new RouteChooser("auto", {});

    for (let part = 0; part < 4; part++) routes.succeed("direct", MIB, 100);

    assert.equal(routes.choice, "direct");
  });

  it("leaves a host after two failures in a row", () => {
    const routes = new RouteChooser("on", {});

    routes.fail("accelerated");
    const afterOne = routes.choice;
    routes.fail("accelerated");

    assert.deepEqual([afterOne, routes.choice], ["accelerated", "direct"]);
  });

  it("forgives a failure that a success follows", () => {
    const routes = new RouteChooser("on", {});

    routes.fail("accelerated");
    routes.succeed("accelerated", MIB, 100);
    routes.fail("accelerated");

    assert.equal(routes.choice, "accelerated");
  });

  it("stays direct when acceleration is off, whatever fails", () => {
    const routes = new RouteChooser("off", { route: "accelerated" });

    for (let part = 0; part < 5; part++) routes.fail("direct");

    assert.equal(routes.next(), "direct");
  });
});

describe("Throughput", () => {
  it("is right from the first second on", () => {
    const meter = new Meter(0);

    for (let now = 0; now < 1_000; now += 10) meter.add(now, 10_000);

    assert.ok(Math.abs(meter.rate(1_000) - 1_000_000) < 20_000, String(meter.rate(1_000)));
  });

  it("is nothing before anything was sent, and fades when nothing more is", () => {
    const meter = new Meter(0);
    assert.equal(meter.rate(0), 0);

    meter.add(1_000, MIB);

    assert.ok(meter.rate(30_000) < 100);
  });
});
