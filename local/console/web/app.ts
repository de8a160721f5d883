// The console page: loads the state once, then follows events.
import { createAlarms } from "./alarms.js";
import { createCalls } from "./calls.js";
import { createDashboards } from "./dashboards.js";
import { byId, element } from "./dom.js";
import { followLive } from "./live.js";
import { createLogs } from "./logs.js";
import { createQueues } from "./queues.js";
import { createSections } from "./sections.js";
import type { ConsoleState, LiveState, LogLine, TraceEvent } from "./state.js";
import { createTopology } from "./topology.js";
import { createWorkflows } from "./workflows.js";

async function main(): Promise<void> {
  const state = (await (await fetch("./api/state")).json()) as ConsoleState;
  showHeader(state);
  showResources(state);
  const topology = createTopology(state, (node) => calls.select(node));
  const calls = createCalls(state.topology.nodes);
  const logs = createLogs(state.logs);
  for (const trace of state.traces) calls.add(trace);
  follow((trace) => {
    calls.add(trace);
    topology.show(trace);
  }, logs.add);
  showLive(topology.showMappings);
}

/** What changes by the second: the badge always, the rest of the section that is shown. */
function showLive(showMappings: (mappings: NonNullable<LiveState["mappings"]>) => void): void {
  let ask = (): void => undefined;
  const sections = createSections(() => ask());
  const dashboards = createDashboards(() => ask());
  const alarms = createAlarms();
  const queues = createQueues();
  const workflows = createWorkflows(() => ask());
  const live = followLive(
    () => {
      const section = sections.current();
      const more = section === "workflows" ? workflows.question() : {};
      return { section, minutes: String(dashboards.minutes()), ...more };
    },
    (state) => {
      showBadge(state.inAlarm);
      if (state.mappings) showMappings(state.mappings);
      if (state.dashboards) dashboards.show(state.dashboards);
      if (state.alarms) alarms.show(state.alarms, state.now);
      if (state.queues) queues.show(state.queues, state.moveTasks ?? []);
      if (state.workflows) workflows.show(state.workflows, state.now);
    },
  );
  ask = live.ask;
}

function showBadge(inAlarm: number): void {
  const badge = byId("alarm-badge");
  badge.hidden = inAlarm === 0;
  badge.dataset.state = "ALARM";
  badge.textContent = `${String(inAlarm)} in alarm`;
}

function showHeader({ project, stack, endpoints, outputs }: ConsoleState): void {
  byId("project").textContent = project;
  byId("stack").textContent = `stack ${stack}`;
  document.title = `${project} (${stack}) · console`;
  byId("endpoints").replaceChildren(
    ...endpoints.map(({ label, url, page }) =>
      element("li", page ? { class: "page" } : {}, element("strong", {}, label), element("a", { href: url }, url)),
    ),
  );
  byId("outputs").replaceChildren(
    ...outputs.flatMap(({ name, value }) => [element("dt", {}, name), element("dd", {}, value)]),
  );
}

function showResources({ resources }: ConsoleState): void {
  byId("resources").replaceChildren(
    ...resources.map(({ name, type, fidelity, summary }) =>
      element(
        "tr",
        {},
        element("td", {}, name),
        element("td", {}, type),
        element("td", {}, fidelity),
        element("td", {}, summary),
      ),
    ),
  );
}

function follow(onTrace: (trace: TraceEvent) => void, onLog: (line: LogLine) => void): void {
  const connection = byId("connection");
  const say = (state: string, text: string): void => {
    connection.dataset.state = state;
    connection.textContent = text;
  };
  const events = new EventSource("./api/events");
  events.addEventListener("open", () => say("live", "live"));
  events.addEventListener("error", () => say("lost", "the local run has ended, or does not answer; trying again"));
  events.addEventListener("trace", ({ data }) => onTrace(JSON.parse(data as string) as TraceEvent));
  events.addEventListener("log", ({ data }) => onLog(JSON.parse(data as string) as LogLine));
}

void main();
