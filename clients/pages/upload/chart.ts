// Throughput of the last minute: one line per file, a dashed one for the sum.

import { makeSvg } from "../shared/dom";
import { formatRate } from "./format";

const HISTORY = 120;
const HEIGHT = 144;
const LEFT = 76;

/** The live plot. Feed it twice a second. */
export class Chart {
  readonly #svg: SVGSVGElement;
  readonly #series = new Map<number, number[]>();

  constructor(svg: SVGSVGElement) {
    this.#svg = svg;
  }

  /** Takes one sample per series, in bytes per second; series 0 is the sum. */
  add(samples: ReadonlyMap<number, number>): void {
    const total = [...samples.values()].reduce((sum, rate) => sum + rate, 0);
    const all = new Map([[0, total], ...samples]);
    for (const key of new Set([...all.keys(), ...this.#series.keys()])) {
      const history = this.#series.get(key) ?? Array.from({ length: this.#series.get(0)?.length ?? 0 }, () => 0);
      history.push(all.get(key) ?? 0);
      if (history.length > HISTORY) history.shift();
      if (key && history.every((rate) => rate === 0)) this.#series.delete(key);
      else this.#series.set(key, history);
    }
    this.#draw();
  }

  #draw(): void {
    const width = this.#svg.clientWidth || 600;
    const top = Math.max(1, ...[...this.#series.values()].flat()) * 1.1;
    const x = (index: number): number => LEFT + ((width - LEFT) * index) / (HISTORY - 1);
    const y = (rate: number): number => HEIGHT - 8 - ((HEIGHT - 20) * rate) / top;
    const parts = [0, 0.5, 1].flatMap((share) => {
      const at = y((share * top) / 1.1);
      const text = formatRate((share * top) / 1.1);
      return [
        makeSvg("line", { x1: LEFT, x2: width, y1: at, y2: at }),
        makeSvg("text", { x: LEFT - 8, y: at + 4, "text-anchor": "end" }, text),
      ];
    });
    for (const [key, history] of this.#series) {
      // With a single file its line and the sum are the same.
      if (key === 0 && this.#series.size === 2) continue;
      const offset = HISTORY - history.length;
      const points = history.map((rate, index) => `${x(index + offset).toFixed(1)} ${y(rate).toFixed(1)}`);
      parts.push(makeSvg("path", { d: `M${points.join("L")}`, class: `series-${key ? ((key - 1) % 4) + 1 : 0}` }));
    }
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.#svg.replaceChildren(...parts);
  }
}
