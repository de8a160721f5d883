// Proves the arithmetic of dashboards: scales and ticks, gaps, stacks, places on the grid, and what Markdown becomes.
import assert from "node:assert/strict";
import { placeWidgets, readingOrder } from "../../../local/console/web/grid";
import { parseMarkdown } from "../../../local/console/web/markdown";
import { createScale, formatAge, formatNumber, niceStep, timeTicks } from "../../../local/console/web/scale";
import { nearestTime, splitAtGaps, stack, summarise, valueAt } from "../../../local/console/web/series";

const MINUTE = 60_000;
const points = (...values: readonly [minute: number, value: number][]): { at: number; value: number }[] =>
  values.map(([minute, value]) => ({ at: minute * MINUTE, value }));

describe("the scale of a chart", () => {
  it("holds zero and all values between round ticks", () => {
    const scale = createScale([12, 87], [100, 0]);

    assert.deepEqual(scale.ticks, [0, 25, 50, 75, 100]);
    assert.equal(scale.at(0), 100);
    assert.equal(scale.at(100), 0);
    assert.equal(scale.at(50), 50);
  });

  it("keeps the bounds that the dashboard gives, and draws values beyond them at the edge", () => {
    const scale = createScale([500], [100, 0], { min: 10, max: 20 });

    assert.deepEqual([scale.low, scale.high], [10, 20]);
    assert.equal(scale.at(500), 0);
    assert.equal(scale.at(-1), 100);
  });

  it("reaches below zero for negative values, and exists without any value", () => {
    assert.equal(createScale([-3, 5], [100, 0]).low, -4);
    const empty = createScale([], [100, 0]);
    assert.ok(empty.high > empty.low && Number.isFinite(empty.at(0)));
  });

  it("has ticks without the dust of binary fractions", () => {
    assert.deepEqual(createScale([0.55], [100, 0]).ticks, [0, 0.2, 0.4, 0.6]);
    assert.deepEqual([0.13, 1, 2.1, 24, 30, 501].map(niceStep), [0.2, 1, 2.5, 25, 50, 1000]);
  });

  it("puts times at full minutes, no more of them than fit", () => {
    const from = Date.UTC(2026, 0, 1, 12, 0, 20);
    const ticks = timeTicks(from, from + 15 * MINUTE, 8);

    assert.ok(ticks.length >= 3 && ticks.length <= 8);
    assert.ok(ticks.every((tick) => tick % (2 * MINUTE) === 0 && tick >= from));
  });

  it("writes numbers and ages shortly", () => {
    assert.deepEqual([0, 3, 0.1234, 12.345, 999.94, 1250, 4_000_000, -2500, 0.00001].map(formatNumber), [
      "0",
      "3",
      "0.123",
      "12.35",
      "999.9",
      "1.25k",
      "4M",
      "-2.5k",
      "1.0e-5",
    ]);
    assert.deepEqual([-5, 12_400, 200_000, 3_900_000].map(formatAge), ["0 s", "12 s", "3 min 20 s", "1 h 05 min"]);
  });
});

describe("the series of a chart", () => {
  it("are broken where a period has no data", () => {
    const runs = splitAtGaps(points([0, 1], [1, 2], [3, 3]), MINUTE);

    assert.deepEqual(
      runs.map((run) => run.map(({ value }) => value)),
      [[1, 2], [3]],
    );
  });

  it("lie on each other when stacked, also where one has no data", () => {
    const [, upper] = stack([points([0, 1], [1, 2]), points([1, 5], [2, 7])]);

    assert.deepEqual(
      upper?.map(({ low, high }) => [low, high]),
      [
        [1, 1],
        [2, 7],
        [0, 7],
      ],
    );
  });

  it("answer with the value at a time, the latest without one, and nothing where nothing was measured", () => {
    const series = points([0, 1], [2, 9]);

    assert.equal(valueAt(series), 9);
    assert.equal(valueAt(series, 0), 1);
    assert.equal(valueAt(series, MINUTE), undefined);
    assert.equal(nearestTime([series], 1.4 * MINUTE), 2 * MINUTE);
    assert.equal(nearestTime([[]], 0), undefined);
  });

  it("are told in one sentence", () => {
    assert.equal(summarise("Errors", points([0, 4], [1, 2]), String), "Errors: now 2, lowest 2, highest 4");
    assert.equal(summarise("Errors", [], String), "Errors: no data");
  });
});

describe("the grid of a dashboard", () => {
  it("places widgets where they say and lets the others follow below, row by row", () => {
    const places = placeWidgets([
      { x: 0, y: 0, width: 24, height: 2 },
      { width: 18, height: 3 },
      { width: 12, height: 4 },
      { width: 12, height: 1 },
    ]);

    assert.deepEqual(
      places.map(({ x, y }) => [x, y]),
      [
        [0, 0],
        [0, 2],
        [0, 5],
        [12, 5],
      ],
    );
  });

  it("cuts off what reaches beyond 24 columns, and reads row by row", () => {
    const places = placeWidgets([
      { x: 12, y: 4, width: 24, height: 2 },
      { x: 0, y: 4, width: 12, height: 2 },
      { x: 0, y: 0, width: 6, height: 4 },
    ]);

    assert.equal(places[0]?.width, 12);
    assert.deepEqual(readingOrder(places), [2, 1, 0]);
  });
});

describe("the text of a widget", () => {
  it("becomes headings, lists, tables, code and paragraphs", () => {
    const source =
      "# Work\nfirst\nsecond\n\n- one\n- two\n\n1. step\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n---\n```\n<b>\n```";

    assert.deepEqual(
      parseMarkdown(source).map(({ kind }) => kind),
      ["heading", "paragraph", "list", "list", "table", "rule", "code"],
    );
  });

  it("knows strong, em, code and links to web pages", () => {
    const [block] = parseMarkdown("a **b** *c* `d` [e](https://example.com)");

    assert.ok(block?.kind === "paragraph");
    assert.deepEqual(
      block.content.filter(({ kind }) => kind !== "text").map(({ kind, text }) => [kind, text]),
      [
        ["strong", "b"],
        ["em", "c"],
        ["code", "d"],
        ["link", "e"],
      ],
    );
  });

  for (const target of ["javascript:alert(1)", "data:text/html,x", "//example.com", "file:///etc/passwd"]) {
    it(`rejects a link to ${target}: it stays text`, () => {
      const [block] = parseMarkdown(`[click](${target})`);

      assert.ok(block?.kind === "paragraph");
      assert.ok(block.content.every(({ kind }) => kind === "text"));
    });
  }

  it("never ends without reading a line", () => {
    for (const source of ["", "\n\n", "```", "|", "#", "- ", "1.", "***"]) assert.ok(parseMarkdown(source).length <= 1);
  });
});
