// Alarms: state, reason, since when, their metric against the threshold, and the latest changes.
import { drawSparkline } from "./chart.js";
import { stateText } from "./dashboards.js";
import { byId, clockTime, element } from "./dom.js";
import { formatAge } from "./scale.js";
import type { AlarmView } from "./state.js";

/** The section of alarms. What was unfolded stays unfolded. */
export function createAlarms(): { show(alarms: readonly AlarmView[], now: number): void } {
  const list = byId("alarms");
  const open = new Set<string>();
  let before = "";
  return {
    show(alarms, now) {
      const next = JSON.stringify([alarms, Math.floor(now / 5000)]);
      if (next === before) return;
      before = next;
      const rows = alarms.map((alarm) => row(alarm, now, open));
      replaceKeepingFocus(list, rows.length > 0 ? rows : [emptyRow()]);
    },
  };
}

/** Redraws a list; whoever had the keyboard on one of its summaries keeps it there. */
function replaceKeepingFocus(list: HTMLElement, rows: readonly HTMLElement[]): void {
  const focused = document.activeElement?.closest("details")?.dataset.name;
  list.replaceChildren(...rows);
  if (focused === undefined) return;
  const again = [...list.querySelectorAll("details")].find(({ dataset }) => dataset.name === focused);
  again?.querySelector("summary")?.focus();
}

function emptyRow(): HTMLElement {
  return element("li", { class: "empty" }, "This program declares no alarms.");
}

function row(alarm: AlarmView, now: number, open: Set<string>): HTMLElement {
  const { name, state, reason, since, condition, points, periodSeconds, threshold, history } = alarm;
  const sinceText = since === undefined ? "Since its creation" : `For ${formatAge(now - since)}`;
  const changes = element("details", { "data-name": name }, element("summary", {}, "Changes"), changeList(history));
  if (open.has(name)) changes.setAttribute("open", "");
  changes.addEventListener("toggle", () => {
    if (changes.hasAttribute("open")) open.add(name);
    else open.delete(name);
  });
  return element(
    "li",
    { "data-state": state },
    element(
      "div",
      { class: "alarm-text" },
      element("h3", {}, element("span", { class: "badge", "data-state": state }, stateText(state)), ` ${name}`),
      element("p", { class: "condition" }, condition),
      element("p", { class: "hint" }, `${sinceText}. ${reason}`),
      ...(history.length > 0 ? [changes] : []),
    ),
    points.length > 0
      ? drawSparkline(points, periodSeconds * 1000, `${name}, threshold ${String(threshold)}`, threshold)
      : element("p", { class: "hint no-points" }, "no data yet"),
  );
}

function changeList(history: AlarmView["history"]): HTMLElement {
  return element(
    "ol",
    { class: "changes" },
    ...history.map(({ at, from, to, reason }) =>
      element(
        "li",
        {},
        element("time", { datetime: new Date(at).toISOString() }, clockTime(at)),
        ` ${stateText(from)} → ${stateText(to)}: ${reason}`,
      ),
    ),
  );
}
