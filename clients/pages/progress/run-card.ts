// One order on the page: bar, steps, reason, log, and what can be done about it.
import {
  createRunStore,
  type ProgressClient,
  remainingSeconds,
  type RunStore,
  type RunView,
  type StepView,
} from "../../progress";
import { announce, make, makeButton, makeSvg } from "../shared/dom";
import { complain } from "../shared/page";
import { describeError, describeEvent, describeRemaining, STATE_WORDS } from "../../progress/words";
import { describeRun, describeStep, STEP_WORDS } from "./text";

const PATHS: Readonly<Record<StepView["state"], string>> = {
  waiting: "M10 4a6 6 0 1 1 0 12a6 6 0 1 1 0-12",
  running: "M10 4a6 6 0 1 1-6 6",
  done: "M4.5 10.5l3.5 3.5l7.5-8",
  failed: "M5.5 5.5l9 9m0-9l-9 9",
  stopped: "M6 6h8v8h-8z",
  skipped: "M5 10h10",
};

/** A run's card; it follows the run until it is removed. */
export class RunCard {
  readonly element = make("li", { className: "card run" });
  readonly #store: RunStore;
  readonly #name: string;
  readonly #badge = make("span", { className: "state" });
  readonly #figure = make("p", { className: "figure" });
  readonly #remaining = make("small", { className: "remaining" });
  readonly #bar = make("progress");
  readonly #steps = make("ol", { className: "steps" });
  readonly #reason = make("p", { className: "reason" });
  readonly #log = make("ol", { className: "log" });
  readonly #summary = make("summary");
  readonly #cancel: HTMLButtonElement;
  readonly #redrive: HTMLButtonElement;
  #frame = 0;
  #shown: RunView | undefined;

  constructor(
    private readonly client: ProgressClient,
    readonly executionId: string,
    readonly startedAt: string,
  ) {
    this.#name = `Order ${executionId.slice(0, 8)}`;
    const started = new Date(startedAt);
    const heading = make("h3", { textContent: this.#name });
    const time = make("time", { textContent: started.toLocaleString() });
    time.dateTime = startedAt;
    this.#bar.max = 100;
    this.#bar.setAttribute("aria-label", `Progress of ${this.#name}`);
    this.#steps.setAttribute("aria-label", "Steps");
    this.#log.setAttribute("aria-label", `Log of ${this.#name}`);
    this.#log.tabIndex = 0;
    this.#cancel = makeButton("Cancel", `Cancel ${this.#name}`, () => void this.#act(this.#cancel, "cancel"));
    this.#redrive = makeButton("Try again from the failed step", `Try ${this.#name} again from the failed step`, () => {
      void this.#act(this.#redrive, "redrive");
    });
    this.element.setAttribute("aria-label", this.#name);
    this.element.append(
      make(
        "div",
        { className: "head" },
        make("div", { className: "title" }, heading, this.#badge, make("small", {}, "started ", time), this.#remaining),
        this.#figure,
      ),
      this.#bar,
      this.#steps,
      this.#reason,
      make(
        "div",
        { className: "foot" },
        make("details", {}, this.#summary, this.#log),
        make("div", { className: "actions" }, this.#cancel, this.#redrive),
      ),
    );
    this.#store = createRunStore(client, executionId);
    this.#store.subscribe(() => this.#later());
    this.#show();
  }

  /** Brings running times up to date. */
  tick(): void {
    if (this.#shown?.state !== "running") return;
    this.#showSteps(this.#shown);
    this.#showRemaining(this.#shown);
  }

  remove(): void {
    this.#store.close();
    cancelAnimationFrame(this.#frame);
    this.element.remove();
  }

  /** A replay brings many events at once: draw them once. */
  #later(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#show();
    });
  }

  #show(): void {
    const view = this.#store.get();
    const { error } = this.#store;
    this.#reason.hidden = !view?.error && !error;
    this.#reason.textContent = view?.error ? describeError(view.error) : error instanceof Error ? error.message : "";
    this.#cancel.hidden = view?.state !== "running";
    const canRedrive = view?.state === "failed" || view?.state === "timed-out" || view?.state === "aborted";
    this.#redrive.hidden = !canRedrive;
    this.#redrive.textContent =
      view?.state === "failed" ? "Try again from the failed step" : "Go on from where it stopped";
    this.#redrive.setAttribute("aria-label", `${this.#redrive.textContent}: ${this.#name}`);
    if (!view || view === this.#shown) return;
    const before = this.#shown;
    this.#shown = view;
    this.element.className = `card run ${view.state}`;
    this.#badge.className = `state ${view.state}`;
    this.#badge.textContent = STATE_WORDS[view.state];
    this.#figure.textContent = `${view.percent} %`;
    this.#bar.value = view.percent;
    this.#bar.setAttribute("aria-valuetext", describeRun(view));
    this.#showSteps(view);
    this.#showRemaining(view);
    this.#showLog(view);
    // What was there when the page opened is no news.
    if (before && before.log.length > 0 && view.log.length > before.log.length) {
      announce(`${this.#name}: ${describeEvent(view.log.at(-1)!)}, ${view.percent} percent.`);
    }
  }

  /** Text to be read, and no live region: nobody wants to hear it count down. */
  #showRemaining(view: RunView): void {
    this.#remaining.textContent = describeRemaining(remainingSeconds(view, Date.now()));
  }

  #showSteps(view: RunView): void {
    this.#steps.replaceChildren(
      ...view.steps.map((step) => {
        const icon = makeSvg("svg", { class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true" });
        icon.append(makeSvg("path", { d: PATHS[step.state] }));
        const note = describeStep(step, Date.now());
        const hidden = note === STEP_WORDS[step.state] ? "" : ` (${STEP_WORDS[step.state]})`;
        return make(
          "li",
          { className: step.state },
          icon,
          make("span", { className: "label" }, step.label, make("span", { className: "visually-hidden" }, hidden)),
          make("span", { className: "note", textContent: note }),
        );
      }),
    );
  }

  #showLog(view: RunView): void {
    const items = view.log.slice(this.#log.childElementCount).map((event) => {
      const time = make("time", { textContent: new Date(event.at).toLocaleTimeString() });
      time.dateTime = event.at;
      return make(
        "li",
        {},
        time,
        make("span", { className: "percent", textContent: `${event.percent} %` }),
        make("span", { textContent: describeEvent(event) }),
      );
    });
    this.#log.append(...items);
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#summary.textContent = view.log.length === 1 ? "Log, 1 entry" : `Log, ${view.log.length} entries`;
  }

  async #act(button: HTMLButtonElement, action: "cancel" | "redrive"): Promise<void> {
    button.disabled = true;
    try {
      await this.client[action](this.executionId);
    } catch (error) {
      complain(error);
    } finally {
      button.disabled = false;
    }
  }
}
