// Proves the page's arithmetic: figures as text, the comparison's ways, order, medians and made-up files.

import assert from "node:assert/strict";
import fc from "fast-check";
import { formatBytes, formatRate, formatSeconds } from "../../../../clients/pages/upload/format";
import { chooseSample, optionsFor, orderRuns, summarize, WAYS } from "../../../../clients/pages/upload/ways";

describe("Figures", () => {
  const cases: readonly [actual: string, expected: string][] = [
    [formatBytes(0), "0 B"],
    [formatBytes(999), "999 B"],
    [formatBytes(1_500), "1.5 kB"],
    [formatBytes(485_000_000), "485 MB"],
    [formatBytes(5e15), "5000 TB"],
    [formatRate(11_637_500), "93.1 Mbit/s"],
    [formatSeconds(4.25), "4.3 s"],
    [formatSeconds(59.6), "1 min 0 s"],
    [formatSeconds(75), "1 min 15 s"],
    [formatSeconds(7_260), "2 h 1 min"],
  ];
  for (const [actual, expected] of cases) it(`reads "${expected}"`, () => assert.equal(actual, expected));
});

describe("U23: comparison", () => {
  it("sends single ways as one part on one connection, and none of them resumes", () => {
    const size = 64 * 1024 ** 2;

    const options = WAYS.map((way) => optionsFor(way, size));

    assert.deepEqual(options, [
      { resume: false, acceleration: "off", partSize: size, parallel: 1 },
      { resume: false, acceleration: "on", partSize: size, parallel: 1 },
      { resume: false, acceleration: "off" },
      { resume: false, acceleration: "on" },
    ]);
  });

  it("asks for parts that S3 takes, whatever the size", () => {
    const [single] = WAYS;

    assert.equal(optionsFor(single!, 1).partSize, 5 * 1024 ** 2);
    assert.equal(optionsFor(single!, 1e13).partSize, 5 * 1024 ** 3);
  });

  it("runs every way once per round, each round starting with another", () => {
    const order = orderRuns(["a", "b", "c"], 2);

    assert.deepEqual(order, ["a", "b", "c", "b", "c", "a"]);
  });

  it("sums up with median and spread", () => {
    assert.deepEqual(summarize([3, 1, 2]), { runs: 3, median: 2, least: 1, most: 3 });
    assert.deepEqual(summarize([4, 1, 2, 3]), { runs: 4, median: 2.5, least: 1, most: 4 });
    assert.equal(summarize([]), undefined);
  });

  it("keeps the median between the extremes", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 }), (times) => {
        const { median, least, most } = summarize(times)!;

        assert.ok(least <= median && median <= most);
      }),
    );
  });

  const samples: readonly [allowed: string[], type: string][] = [
    [["*/*"], "application/octet-stream"],
    [["video/*"], "video/mp4"],
    [["image/png", "text/plain"], "image/png"],
    [["text/plain"], "application/octet-stream"],
  ];
  for (const [allowed, type] of samples) {
    it(`makes up ${type} where ${allowed.join(" and ")} are allowed`, () => {
      assert.equal(chooseSample(allowed).type, type);
    });
  }
});
