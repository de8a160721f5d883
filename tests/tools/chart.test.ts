// Proves that charts are well-formed, begin at zero and escape what they are given.
import assert from "node:assert/strict";
import { XMLValidator } from "fast-xml-parser";
import { drawBars, drawPanels } from "../../tools/chart";

describe("charts", () => {
  it("draw bars from zero, with labels that cannot break out", () => {
    const svg = drawBars("Speed", [
      { label: 'a < "b" & c', value: 2, note: "2 s" },
      { label: "half", value: 1, note: "1 s" },
    ]);

    assert.equal(XMLValidator.validate(svg), true);
    assert.match(svg, /a &lt; &quot;b&quot; &amp; c/);
    const widths = [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));
    assert.equal(widths[0], 2 * (widths[1] ?? 0));
  });

  it("draw lines over a common time, each panel on its own scale from zero", () => {
    const svg = drawPanels("Demo", [
      { title: "one", lines: [{ label: "l", points: [[0, 0], [10, 4]] }] }, // prettier-ignore
      { title: "two", lines: [{ label: "m", points: [[0, 1], [5, 100]] }] }, // prettier-ignore
    ]);

    assert.equal(XMLValidator.validate(svg), true);
    const lines = [...svg.matchAll(/polyline class="a" points="([^"]*)"/g)].map(([, points = ""]) =>
      points.split(" ").map((point) => point.split(",").map(Number)),
    );
    assert.deepEqual(lines[0], [[60, 204], [840, 84]]); // prettier-ignore
    assert.deepEqual(lines[1]?.at(-1), [450, 274]);
    assert.match(svg, /l: 4 at the end/);
  });

  it("draw nothing but axes where all is zero", () => {
    assert.equal(
      XMLValidator.validate(drawPanels("Demo", [{ title: "none", lines: [{ label: "l", points: [[0, 0]] }] }])),
      true,
    );
  });
});
