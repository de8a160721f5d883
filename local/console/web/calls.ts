// The live trace of calls, each with its IAM decisions.
import { byId, clockTime, element } from "./dom.js";
import { concerns } from "./matching.js";
import type { TopologyNode, TraceEvent } from "./state.js";

const SHOWN = 300;

/** The list of calls: newest first, filtered by text and by the chosen resource. */
export function createCalls(nodes: readonly TopologyNode[]): {
  add(trace: TraceEvent): void;
  select(node: TopologyNode | undefined): void;
} {
  const list = byId("calls");
  const filter = byId("calls-filter", HTMLInputElement);
  const pause = byId("calls-pause", HTMLButtonElement);
  const traces: TraceEvent[] = [];
  let chosen: TopologyNode | undefined;
  let paused = false;

  const fits = (trace: TraceEvent): boolean =>
    (!chosen || concerns(chosen, trace)) &&
    describe(trace, nodes).toLowerCase().includes(filter.value.trim().toLowerCase());
  const render = (): void => {
    const rows = traces
      .filter(fits)
      .slice(-SHOWN)
      .reverse()
      .map((trace) => row(trace, nodes));
    list.replaceChildren(...(rows.length > 0 ? rows : [element("li", { class: "empty" }, "No calls yet.")]));
  };
  filter.addEventListener("input", render);
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Go on" : "Pause";
    if (!paused) render();
  });
  render();
  return {
    add(trace) {
      traces.push(trace);
      if (traces.length > 2000) traces.shift();
      if (paused || !fits(trace)) return;
      list.querySelector(".empty")?.remove();
      list.prepend(row(trace, nodes));
      while (list.childElementCount > SHOWN) list.lastElementChild?.remove();
    },
    select(node) {
      chosen = node;
      render();
    },
  };
}

function row(trace: TraceEvent, nodes: readonly TopologyNode[]): HTMLElement {
  const refused = trace.status >= 400;
  const summary = element(
    "summary",
    {},
    element("time", { datetime: new Date(trace.at).toISOString() }, clockTime(trace.at)),
    element("span", { class: refused ? "status refused" : "status" }, String(trace.status)),
    element(
      "span",
      { class: "what" },
      `${trace.service} ${trace.operation}`,
      ...(trace.errorCode ? [` · ${trace.errorCode}`] : []),
      element("span", { class: "caller" }, ` by ${callerName(trace, nodes)}`),
    ),
    element("span", { class: "caller" }, `${trace.durationMs.toFixed(trace.durationMs < 10 ? 1 : 0)} ms`),
  );
  return element("li", {}, element("details", {}, summary, ...facts(trace)));
}

function facts({ id, caller, resource, decisions, detail = {} }: TraceEvent): HTMLElement[] {
  const lines = [
    `request ${id}`,
    `caller ${caller}`,
    ...(resource ? [`resource ${resource}`] : []),
    ...Object.entries(detail).map(([name, value]) => `${name} ${String(value)}`),
  ];
  const decided = decisions.map(({ allowed, action, resource: on, reason }) =>
    element(
      "li",
      {},
      element("strong", { class: allowed ? "allowed" : "denied" }, `${allowed ? "allowed" : "denied"} ${action}`),
      ` on ${on}: ${reason}`,
    ),
  );
  return [element("ul", { class: "decisions" }, ...lines.map((line) => element("li", {}, line)), ...decided)];
}

/** The drawn resource that acts with the caller's role, or the caller's own name. */
function callerName({ caller }: TraceEvent, nodes: readonly TopologyNode[]): string {
  const role = /:assumed-role\/([^/]+)\//.exec(caller)?.[1];
  if (role === undefined) return caller;
  return nodes.find(({ roleArn }) => roleArn.endsWith(`/${role}`))?.name ?? role;
}

function describe(trace: TraceEvent, nodes: readonly TopologyNode[]): string {
  const decided = trace.decisions.map(({ allowed, action }) => `${allowed ? "allowed" : "denied"} ${action}`).join(" ");
  return [
    trace.status,
    trace.service,
    trace.operation,
    trace.errorCode,
    trace.resource,
    callerName(trace, nodes),
    decided,
  ].join(" ");
}
