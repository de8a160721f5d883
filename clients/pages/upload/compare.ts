// Section "Compare": one file, four ways, N rounds.

import type { UploadClientConfiguration } from "../../../handlers/upload/contract";
import { type FileSource, type Uploader } from "../../upload";
import { byId, make, makeSvg } from "../shared/dom";
import { formatBytes, formatRate, formatSeconds } from "./format";
import { chooseSample, optionsFor, orderRuns, type Summary, summarize, type Way, WAYS } from "./ways";

const MEBIBYTE = 1024 ** 2;

/** Wires the section up. @param ended called after each comparison, also a stopped one */
export function setUpComparison(uploader: Uploader, configuration: UploadClientConfiguration, ended: () => void): void {
  const size = byId("compare-size", HTMLSelectElement);
  const chooser = byId("compare-file", HTMLInputElement);
  const stop = byId("compare-cancel", HTMLButtonElement);
  let running: AbortController | undefined;

  size.addEventListener("change", () => {
    if (size.value === "file") chooser.click();
  });
  chooser.addEventListener("cancel", () => {
    if (!chooser.files?.length) size.selectedIndex = 0;
  });
  chooser.addEventListener("change", () => {
    const own = size.querySelector("option[value=file]");
    if (own) own.textContent = chooser.files?.[0]?.name ?? "A file of mine…";
  });
  stop.addEventListener("click", () => running?.abort());
  byId("compare-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    const file = size.value === "file" ? chooser.files?.[0] : generate(Number(size.value) * MEBIBYTE, configuration);
    if (!file) {
      chooser.click();
      return;
    }
    running = new AbortController();
    const rounds = Number(byId("compare-rounds", HTMLSelectElement).value);
    const ways = WAYS.filter(({ accelerated }) => configuration.acceleration || !accelerated);
    void compare(uploader, file, orderRuns(ways, rounds), running.signal).finally(ended);
  });
}

async function compare(uploader: Uploader, file: FileSource, runs: readonly Way[], signal: AbortSignal): Promise<void> {
  const [start, stop] = [byId("compare-start", HTMLButtonElement), byId("compare-cancel", HTMLButtonElement)];
  const status = byId("compare-status", HTMLElement);
  const bar = byId("compare-progress", HTMLProgressElement);
  const times = new Map<Way, number[]>();
  start.disabled = true;
  stop.hidden = bar.hidden = false;
  stop.focus();
  try {
    for (const [index, way] of runs.entries()) {
      status.textContent = `Run ${index + 1} of ${runs.length}: ${way.name}, ${formatBytes(file.size)}`;
      const from = performance.now();
      const upload = uploader.upload(file, { ...optionsFor(way, file.size), signal });
      upload.on("progress", ({ bytes, total }) => (bar.value = (index + (total ? bytes / total : 0)) / runs.length));
      await upload.done();
      times.set(way, [...(times.get(way) ?? []), (performance.now() - from) / 1000]);
      show(times, file.size);
    }
    status.textContent = `Done: ${runs.length} runs of ${formatBytes(file.size)}.`;
  } catch (error) {
    status.textContent = signal.aborted
      ? "Stopped."
      : `Stopped: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    start.disabled = false;
    stop.hidden = bar.hidden = true;
    start.focus();
  }
}

function show(times: ReadonlyMap<Way, readonly number[]>, bytes: number): void {
  const rows = WAYS.flatMap((way) => {
    const summary = summarize(times.get(way) ?? []);
    return summary ? [{ way, summary }] : [];
  });
  const baseline = rows.find(({ way }) => way === WAYS[0])?.summary;
  const best = Math.min(...rows.map(({ summary }) => summary.median));
  const table = byId("compare-table", HTMLTableElement);
  table.hidden = false;
  byId("compare-scroll", HTMLElement).hidden = false;
  table.tBodies[0]?.replaceChildren(
    ...rows.map(({ way, summary }) => {
      const name = make("th", { textContent: way.name });
      name.scope = "row";
      const median = make("td", {
        textContent: formatSeconds(summary.median),
        className: summary.median === best ? "best" : "",
      });
      const spread = `${formatSeconds(summary.least)} – ${formatSeconds(summary.most)}`;
      const rate = formatRate(bytes / summary.median).replace(" Mbit/s", "");
      const cells = [String(summary.runs), median, spread, rate, against(baseline, summary, way)];
      return make(
        "tr",
        {},
        name,
        ...cells.map((cell) => (typeof cell === "string" ? make("td", { textContent: cell }) : cell)),
      );
    }),
  );
  drawBars(rows);
}

function against(baseline: Summary | undefined, { median }: Summary, way: Way): string {
  if (way === WAYS[0]) return "baseline";
  if (!baseline) return "–";
  const change = Math.round(100 * (median / baseline.median - 1));
  return `${change > 0 ? "+" : "−"}${Math.abs(change)} %`;
}

function drawBars(rows: readonly { readonly way: Way; readonly summary: Summary }[]): void {
  const svg = byId("compare-bars", SVGSVGElement);
  svg.removeAttribute("hidden");
  const width = svg.clientWidth || 600;
  const longest = Math.max(...rows.map(({ summary }) => summary.most));
  const scale = (seconds: number): number => ((width - 90) * seconds) / longest;
  const parts = rows.flatMap(({ way, summary }, index) => {
    const y = index * 46;
    const bar = {
      x: 0,
      y: y + 19,
      height: 16,
      rx: 4,
      width: Math.max(2, scale(summary.median)),
      class: `series-${WAYS.indexOf(way) + 1}`,
    };
    const whisker = {
      x: scale(summary.least),
      y: y + 26,
      height: 2,
      width: Math.max(1, scale(summary.most) - scale(summary.least)),
      class: "series-0",
    };
    return [
      makeSvg("text", { x: 0, y: y + 12, class: "label" }, way.name),
      makeSvg("rect", bar),
      makeSvg("rect", whisker),
      makeSvg("text", { x: scale(summary.most) + 8, y: y + 31 }, formatSeconds(summary.median)),
    ];
  });
  svg.setAttribute("viewBox", `0 0 ${width} ${rows.length * 46}`);
  svg.setAttribute("height", String(rows.length * 46));
  svg.replaceChildren(...parts);
}

/** A file of the given size that the component accepts. Random, so that nothing on the way can compress it. */
function generate(size: number, configuration: UploadClientConfiguration): File {
  const { type, extension, head } = chooseSample(configuration.allowedContentTypes);
  const block = new Uint8Array(MEBIBYTE);
  for (let at = 0; at < MEBIBYTE; at += 65_536) crypto.getRandomValues(block.subarray(at, at + 65_536));
  const first = block.slice();
  first.set(head);
  const blocks = [first, ...Array.from({ length: size / MEBIBYTE - 1 }, () => block)];
  return new File(blocks, `compare-${size / MEBIBYTE}-mib.${extension}`, { type });
}
