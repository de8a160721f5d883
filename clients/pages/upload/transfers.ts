// The list of files on their way: at most three at once, the others wait their turn.

import type { FileSource, TransferProgress, Upload, UploadError, Uploader, UploadOptions } from "../../upload";
import { announce, byId, make, makeButton } from "../shared/dom";
import { formatBytes, formatRate, formatSeconds } from "./format";

const AT_ONCE = 3;

const STATE_TEXT = {
  queued: "Waiting for its turn",
  preparing: "Preparing",
  waiting: "Another tab is sending this file",
  uploading: "Sending",
  completing: "Putting the parts together",
  completed: "Finished",
  paused: "Paused",
  failed: "Failed",
  cancelling: "Removing",
  cancelled: "Removed",
} as const;
type RowState = keyof typeof STATE_TEXT;

/** All rows. */
export class Transfers {
  readonly #rows = new Set<Row>();
  readonly #list = byId("transfers", HTMLUListElement);
  #lastSeries = 0;

  constructor(
    private readonly uploader: Uploader,
    private readonly changed: () => void,
  ) {}

  /** Server ids of the uploads that have a row. */
  get uploadIds(): Set<string> {
    return new Set([...this.#rows].flatMap(({ upload }) => upload?.description?.uploadId ?? []));
  }

  /** Bytes per second by series. */
  get rates(): Map<number, number> {
    const running = [...this.#rows].filter(({ state }) => state === "uploading");
    return new Map(running.map(({ series, upload }) => [series, upload?.progress.bytesPerSecond ?? 0]));
  }

  add(file: FileSource, options: UploadOptions): void {
    const row = new Row(this.uploader, file, options, ++this.#lastSeries, () => this.#update(row));
    this.#rows.add(row);
    this.#list.append(row.element);
    this.#startNext();
    byId("transfers-empty", HTMLElement).hidden = true;
  }

  #update(row: Row): void {
    if (row.state === "completed" || row.state === "cancelled") {
      this.#rows.delete(row);
      const neighbour = row.element.nextElementSibling ?? row.element.previousElementSibling;
      const hadFocus = row.element.contains(document.activeElement);
      row.element.remove();
      // Keyboard users must not fall back to the top of the page.
      if (hadFocus) (neighbour?.querySelector("button") ?? byId("choose", HTMLButtonElement)).focus();
      byId("transfers-empty", HTMLElement).hidden = this.#rows.size > 0;
    }
    this.#startNext();
    this.changed();
  }

  #startNext(): void {
    const rows = [...this.#rows];
    const busy = rows.filter(({ state }) => /^(preparing|uploading|completing|cancelling)$/.test(state)).length;
    for (const row of rows.filter(({ state }) => state === "queued").slice(0, Math.max(0, AT_ONCE - busy))) row.start();
  }
}

/** One file. */
class Row {
  readonly element = make("li");
  upload: Upload | undefined;
  #state: RowState = "queued";
  #refusal: string | undefined;
  readonly #bar = make("progress");
  readonly #facts = make("p", { className: "facts" });
  readonly #error = make("p", { className: "error" });
  readonly #toggle: HTMLButtonElement;

  constructor(
    private readonly uploader: Uploader,
    private readonly file: FileSource,
    private readonly options: UploadOptions,
    readonly series: number,
    private readonly changed: () => void,
  ) {
    const size = make("small", { textContent: formatBytes(file.size) });
    const swatch = make("span", { className: `swatch series-${((series - 1) % 4) + 1}` });
    this.#toggle = makeButton("Pause", "", () => this.#press());
    const cancel = makeButton("Cancel", `Cancel ${file.name}`, () => void this.#cancel());
    this.#bar.max = Math.max(1, file.size);
    this.#bar.setAttribute("aria-label", `Progress of ${file.name}`);
    this.#error.hidden = true;
    this.element.append(
      make("p", { className: "name" }, swatch, file.name, size),
      make("div", { className: "actions" }, this.#toggle, cancel),
      this.#bar,
      this.#facts,
      this.#error,
    );
    this.#show();
  }

  get state(): RowState {
    return this.#state;
  }

  start(): void {
    try {
      this.upload = this.uploader.upload(this.file, this.options);
    } catch (error) {
      this.#refusal = (error as UploadError).message;
      this.#enter("failed");
      return;
    }
    this.upload.on("state", (state) => this.#enter(state));
    this.upload.on("progress", () => this.#show());
    this.#enter(this.upload.state);
  }

  #enter(state: RowState): void {
    const before = this.#state;
    this.#state = state;
    this.#show();
    if (state !== before && state !== "preparing") announce(`${this.file.name}: ${STATE_TEXT[state]}`);
    this.changed();
  }

  #press(): void {
    const running = this.#state !== "paused" && this.#state !== "failed";
    if (running) void this.upload?.pause();
    else if (this.upload) this.upload.resume();
    else this.start();
  }

  async #cancel(): Promise<void> {
    if (this.upload) await this.upload.cancel();
    else this.#enter("cancelled");
  }

  #show(): void {
    const resting = this.#state === "paused" || this.#state === "failed";
    const word = this.#state === "failed" ? "Try again" : resting ? "Resume" : "Pause";
    this.#toggle.textContent = word;
    this.#toggle.setAttribute("aria-label", `${word} ${this.file.name}`);
    this.#toggle.hidden = !resting && !/^(preparing|waiting|uploading)$/.test(this.#state);
    const message = this.#refusal ?? this.upload?.error?.message ?? "";
    this.#error.textContent = message;
    this.#error.hidden = this.#state !== "failed";
    const progress = this.upload?.progress;
    this.#bar.value = progress?.bytes ?? 0;
    this.#facts.replaceChildren(
      ...describe(this.#state, progress).map((text, index) => make(index ? "span" : "strong", { textContent: text })),
    );
  }
}

function describe(state: RowState, progress: TransferProgress | undefined): string[] {
  if (!progress) return [STATE_TEXT[state]];
  const { bytes, total, partCount } = progress;
  // The last bytes may have left this device without having arrived.
  const percent = state === "completed" ? 100 : Math.min(99, Math.floor((100 * bytes) / Math.max(1, total)));
  const facts = [
    `${percent} %`,
    progress.online ? STATE_TEXT[state] : "Waiting for the network",
    `${formatBytes(bytes)} of ${formatBytes(total)}`,
  ];
  if (state === "uploading") {
    facts.push(formatRate(progress.bytesPerSecond));
    if (progress.secondsLeft !== undefined) facts.push(`${formatSeconds(progress.secondsLeft)} left`);
    facts.push(progress.activeConnections === 1 ? "1 connection" : `${progress.activeConnections} connections`);
    facts.push({ both: "measuring both hosts", direct: "direct", accelerated: "accelerated" }[progress.route]);
  }
  if (partCount) facts.push(`${progress.finishedParts} of ${partCount} parts`);
  return facts;
}
