// Log lines, per log group.
import { byId, clockTime, element } from "./dom.js";
import type { LogLine } from "./state.js";

const SHOWN = 300;

/** The list of log lines: newest first, of one group or of all. */
export function createLogs(first: readonly LogLine[]): { add(line: LogLine): void } {
  const list = byId("logs");
  const choice = byId("logs-group", HTMLSelectElement);
  const lines: LogLine[] = [];
  const groups = new Set<string>();

  const remember = (line: LogLine): void => {
    lines.push(line);
    if (lines.length > 2000) lines.shift();
    if (groups.has(line.group)) return;
    groups.add(line.group);
    choice.append(element("option", { value: line.group }, line.group));
  };
  const fits = ({ group }: LogLine): boolean => choice.value === "" || choice.value === group;
  const render = (): void => {
    const rows = lines.filter(fits).slice(-SHOWN).reverse().map(row);
    list.replaceChildren(...(rows.length > 0 ? rows : [element("li", { class: "empty" }, "No lines yet.")]));
  };
  choice.addEventListener("change", render);
  first.forEach(remember);
  render();
  return {
    add(line) {
      remember(line);
      if (!fits(line)) return;
      list.querySelector(".empty")?.remove();
      list.prepend(row(line));
      while (list.childElementCount > SHOWN) list.lastElementChild?.remove();
    },
  };
}

function row({ timestamp, group, message }: LogLine): HTMLElement {
  return element(
    "li",
    { title: group },
    element("time", { datetime: new Date(timestamp).toISOString() }, clockTime(timestamp)),
    element("code", {}, message.trimEnd()),
  );
}
