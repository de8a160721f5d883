// Declared dashboards, widget by widget, on CloudWatch's grid.
import { type Chart, type ChartData, createChart, createValueTable, drawSparkline } from "./chart.js";
import { byId, element } from "./dom.js";
import { placeWidgets, readingOrder } from "./grid.js";
import { type Block, type Inline, parseMarkdown } from "./markdown.js";
import { formatNumber } from "./scale.js";
import { valueAt } from "./series.js";
import type { AlarmWidget, ChartWidget, DashboardView, WidgetView } from "./state.js";

/** A widget that is on the page. */
interface ShownWidget {
  readonly box: HTMLElement;
  update(widget: WidgetView, dashboard: DashboardView): void;
}

/** The section of dashboards. @param onRange called when another span of time was chosen. */
export function createDashboards(onRange: () => void): {
  show(dashboards: readonly DashboardView[]): void;
  minutes(): number;
} {
  const choice = byId("dashboard-choice", HTMLSelectElement);
  const range = byId("dashboard-range", HTMLSelectElement);
  const grid = byId("dashboard");
  let latest: readonly DashboardView[] = [];
  let shown = "";
  let widgets: readonly ShownWidget[] = [];

  const render = (): void => {
    const dashboard = latest.find(({ name }) => name === choice.value) ?? latest[0];
    if (!dashboard) {
      grid.replaceChildren(element("p", { class: "empty" }, "This program declares no dashboard."));
      shown = "";
      return;
    }
    const key = JSON.stringify([dashboard.name, dashboard.widgets.map(({ kind, title }) => [kind, title])]);
    if (key !== shown) {
      widgets = dashboard.widgets.map(createWidget);
      layOut(grid, dashboard, widgets);
      shown = key;
    }
    for (const [index, widget] of dashboard.widgets.entries()) widgets[index]?.update(widget, dashboard);
  };
  choice.addEventListener("change", render);
  range.addEventListener("change", onRange);
  return {
    minutes: () => Number(range.value),
    show(dashboards) {
      latest = dashboards;
      offer(
        choice,
        dashboards.map(({ name }) => name),
      );
      render();
    },
  };
}

function offer(choice: HTMLSelectElement, names: readonly string[]): void {
  const known = [...choice.options].map(({ value }) => value);
  if (known.join("\n") === names.join("\n")) return;
  const before = choice.value;
  choice.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
  if (names.includes(before)) choice.value = before;
}

function layOut(grid: HTMLElement, { widgets }: DashboardView, shown: readonly ShownWidget[]): void {
  const places = placeWidgets(widgets);
  grid.replaceChildren(
    ...readingOrder(places).flatMap((index) => {
      const place = places[index];
      const box = shown[index]?.box;
      if (!place || !box) return [];
      box.style.setProperty("--column", `${String(place.x + 1)} / span ${String(place.width)}`);
      box.style.setProperty("--row", `${String(place.y + 1)} / span ${String(place.height)}`);
      box.style.setProperty("--height", String(place.height));
      return [box];
    }),
  );
}

function createWidget(widget: WidgetView): ShownWidget {
  if (widget.kind === "metric") return createMetricWidget(widget);
  const content = element("div", { class: "widget-content" });
  return {
    box: frame(widget, content),
    update(next) {
      if (next.kind === "text") content.replaceChildren(...parseMarkdown(next.markdown).map(drawBlock));
      if (next.kind === "alarm") content.replaceChildren(alarmList(next));
      if (next.kind === "not-simulated")
        content.replaceChildren(element("p", { class: "empty" }, `Not simulated by the local run: ${next.reason}`));
    },
  };
}

function frame({ title, kind }: WidgetView, content: HTMLElement, ...tools: readonly HTMLElement[]): HTMLElement {
  const head = element("div", { class: "widget-head" }, element("h3", {}, title), ...tools);
  const shown = title === "" && tools.length === 0 ? [content] : [head, content];
  const name: Record<string, string> = title === "" ? {} : { "aria-label": title };
  return element("section", { class: `widget widget-${kind}`, ...name }, ...shown);
}

function createMetricWidget(first: WidgetView & ChartWidget): ShownWidget {
  const content = element("div", { class: "widget-content" });
  const toggle = element("button", { type: "button", class: "quiet", "aria-pressed": "false" }, "Table");
  const notes = element("p", { class: "hint" });
  const box = frame(first, content, toggle);
  const chart: Chart | undefined = first.view === "timeSeries" || first.view === "bar" ? createChart() : undefined;
  let data: ChartData | undefined;
  let asTable = false;
  const render = (): void => {
    if (!data) return;
    notes.textContent = data.widget.problems.join(" ");
    const after = data.widget.problems.length > 0 ? [notes] : [];
    if (asTable) {
      content.replaceChildren(element("div", { class: "widget-table" }, createValueTable(data)), ...after);
      return;
    }
    // The chart stays in its place: a replaced box would lose the pointer.
    if (!chart) content.replaceChildren(singleValues(data.widget), ...after);
    else if (chart.box.parentElement !== content) content.replaceChildren(chart.box, ...after);
    chart?.update(data);
  };
  toggle.addEventListener("click", () => {
    asTable = !asTable;
    toggle.setAttribute("aria-pressed", String(asTable));
    toggle.textContent = asTable ? "Chart" : "Table";
    render();
  });
  return {
    box,
    update(widget, { from, to }) {
      if (widget.kind !== "metric") return;
      data = { title: widget.title, widget, from, to };
      render();
    },
  };
}

/** The latest values as large numbers; a gauge shows where they lie between its bounds. */
function singleValues({ series, view, left, sparkline }: ChartWidget): HTMLElement {
  return element(
    "dl",
    { class: "numbers" },
    ...series.map(({ label, points, stat, periodSeconds }) => {
      const value = valueAt(points);
      return element(
        "div",
        { title: `${stat} over ${String(periodSeconds)} s` },
        element("dt", {}, label),
        element("dd", {}, value === undefined ? "–" : formatNumber(value)),
        ...(view === "gauge" ? [gauge(label, value ?? 0, left)] : []),
        ...(sparkline && points.length > 1 ? [drawSparkline(points, periodSeconds * 1000, label)] : []),
      );
    }),
  );
}

function gauge(label: string, value: number, { min = 0, max = 100 }: ChartWidget["left"]): HTMLElement {
  const bounds = { min: String(min), max: String(max), value: String(value) };
  return element("meter", { ...bounds, "aria-label": `${label}: ${formatNumber(value)} of ${formatNumber(max)}` });
}

function alarmList({ alarms }: AlarmWidget): HTMLElement {
  return element(
    "ul",
    { class: "alarm-tiles" },
    ...alarms.map(({ name, state, reason }) =>
      element(
        "li",
        { "data-state": state, title: reason },
        element("span", {}, name),
        element("strong", {}, stateText(state)),
      ),
    ),
  );
}

/** A state as people read it. */
export function stateText(state: string): string {
  return state === "INSUFFICIENT_DATA" ? "No data" : state === "ALARM" ? "In alarm" : state;
}

function drawBlock(block: Block): HTMLElement {
  switch (block.kind) {
    case "heading":
      // The page has its own h1 to h3.
      return element(`h${String(Math.min(block.level + 3, 6))}`, {}, ...block.content.map(drawInline));
    case "list":
      return element(
        block.ordered ? "ol" : "ul",
        {},
        ...block.items.map((item) => element("li", {}, ...item.map(drawInline))),
      );
    case "table":
      return element(
        "table",
        {},
        element("thead", {}, tableRow("th", block.head)),
        element("tbody", {}, ...block.rows.map((row) => tableRow("td", row))),
      );
    case "code":
      return element("pre", {}, element("code", {}, block.text));
    case "rule":
      return element("hr", {});
    case "paragraph":
      return element("p", {}, ...block.content.map(drawInline));
  }
}

function tableRow(tag: string, cells: readonly (readonly Inline[])[]): HTMLElement {
  return element("tr", {}, ...cells.map((cell) => element(tag, {}, ...cell.map(drawInline))));
}

function drawInline({ kind, text, href = "" }: Inline): Node {
  if (kind === "text") return document.createTextNode(text);
  return kind === "link" ? element("a", { href, rel: "noreferrer" }, text) : element(kind, {}, text);
}
