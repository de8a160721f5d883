// Workflows: the graph, the executions, the history and the data of one of them, and who is connected.
import { byId, clockTime, element } from "./dom.js";
import { formatAge } from "./scale.js";
import type { ConnectionView, EventView, ExecutionRow, ExecutionView, WorkflowsView } from "./state.js";
import { createWorkflowGraph } from "./workflow-graph.js";

/** The section of workflows. The newest execution is followed until another one is chosen. */
export function createWorkflows(onChange: () => void): {
  /** What to ask the server for. */
  question(): Readonly<Record<string, string>>;
  show(workflows: WorkflowsView, now: number): void;
} {
  const graph = createWorkflowGraph();
  const history = createHistory();
  const machines = byId("machine-choice", HTMLSelectElement);
  let chosen = "";
  let listed = "";
  machines.addEventListener("change", () => {
    chosen = "";
    onChange();
  });
  const choose = (arn: string): void => {
    chosen = chosen === arn ? "" : arn;
    listed = "";
    onChange();
  };
  return {
    question: () => ({ machine: machines.value, execution: chosen, ...history.seen() }),
    show({ machines: all, shown, connections }, now) {
      if (machines.childElementCount !== all.length) {
        machines.replaceChildren(...all.map(({ arn, name }) => element("option", { value: arn }, name)));
        machines.value = shown?.arn ?? "";
      }
      graph.show(shown);
      history.show(shown?.execution);
      showData(shown?.execution);
      const rows = shown?.executions ?? [];
      const next = JSON.stringify([rows, shown?.execution?.arn, chosen]);
      if (next !== listed || rows.some(({ status }) => status === "RUNNING")) {
        const focused = document.activeElement?.closest<HTMLElement>("#executions tr")?.dataset.arn;
        const drawn = rows.map((row) => executionRow(row, row.arn === shown?.execution?.arn, chosen, now, choose));
        byId("executions").replaceChildren(...(drawn.length > 0 ? drawn : [emptyRow("No execution was started yet.")]));
        drawn
          .find(({ dataset }) => dataset.arn === focused)
          ?.querySelector("button")
          ?.focus();
        listed = next;
      }
      showConnections(connections, now);
    },
  };
}

function executionRow(
  { arn, name, status, startedAt, stoppedAt, error }: ExecutionRow,
  isShown: boolean,
  chosen: string,
  now: number,
  choose: (arn: string) => void,
): HTMLElement {
  const button = element("button", { type: "button", "aria-pressed": String(chosen === arn) }, name);
  button.addEventListener("click", () => choose(arn));
  return element(
    "tr",
    { "data-arn": arn, ...(isShown ? { "aria-current": "true" } : {}) },
    element("td", {}, button),
    element("td", {}, statusBadge(status)),
    element("td", {}, clockTime(startedAt)),
    element("td", { class: "figure" }, spanText((stoppedAt ?? now) - startedAt)),
    element("td", {}, error ?? ""),
  );
}

function statusBadge(status: string): HTMLElement {
  const state = status === "SUCCEEDED" ? "OK" : status === "RUNNING" ? "RUNNING" : "ALARM";
  return element("span", { class: "badge", "data-state": state }, status.toLowerCase().replace("_", " "));
}

/** Milliseconds below a minute, minutes and seconds above. */
function spanText(milliseconds: number): string {
  return milliseconds < 60_000 ? `${(milliseconds / 1000).toFixed(3)} s` : formatAge(milliseconds);
}

/** Only what is new is asked for and appended, so that what was unfolded stays unfolded. */
function createHistory(): {
  seen(): { readonly seen: string; readonly after: string };
  show(execution: ExecutionView | undefined): void;
} {
  const body = byId("history");
  const reports = byId("history-reports", HTMLInputElement);
  let seen = "";
  let after = 0;
  reports.addEventListener("change", () => body.classList.toggle("with-reports", reports.checked));
  return {
    seen: () => ({ seen, after: String(after) }),
    show(execution) {
      if (execution?.arn !== seen || after === 0) body.replaceChildren();
      if (execution?.arn !== seen) after = 0;
      seen = execution?.arn ?? "";
      byId("history-count").textContent = execution ? `${String(execution.eventCount)} events` : "";
      for (const event of execution?.events ?? []) {
        if (event.id <= after) continue;
        body.append(eventRow(event, execution?.startedAt ?? 0));
        after = event.id;
      }
      if (!body.hasChildNodes()) body.append(emptyRow("Nothing happened yet."));
    },
  };
}

function eventRow({ id, at, type, state, woven, details }: EventView, startedAt: number): HTMLElement {
  return element(
    "tr",
    woven ? { class: "report" } : {},
    element("td", { class: "figure" }, String(id)),
    element("td", {}, type),
    element("td", {}, state),
    element("td", { class: "figure" }, spanText(at - startedAt)),
    element("td", {}, ...(details === undefined ? [] : [unfoldable("Details", details)])),
  );
}

function unfoldable(title: string, text: string): HTMLElement {
  return element("details", {}, element("summary", {}, title), element("pre", { tabindex: "0" }, text));
}

function emptyRow(text: string): HTMLElement {
  return element("tr", {}, element("td", { class: "empty", colspan: "5" }, text));
}

/** Input, output and cause of the execution that is shown. */
function showData(execution: ExecutionView | undefined): void {
  const { name = "", status = "", error, cause, redriveCount = 0, input = "", output } = execution ?? {};
  const redriven = redriveCount > 0 ? `, redriven ${String(redriveCount)} times` : "";
  const says = execution ? `${name}: ${status.toLowerCase().replace("_", " ")}${redriven}` : "No execution yet";
  setText("workflow-says", error === undefined ? says : `${says}, ${error}`);
  setText("execution-input", input);
  setText("execution-output", output ?? cause ?? "");
  byId("execution-data").hidden = !execution;
  byId("execution-result").hidden = (output ?? cause) === undefined;
  setText("execution-output-title", output === undefined && cause !== undefined ? "Cause" : "Output");
}

/** Leaves a text alone that has not changed: it may be selected, or be read aloud. */
function setText(id: string, text: string): void {
  const place = byId(id);
  if (place.textContent !== text) place.textContent = text;
}

function showConnections(connections: readonly ConnectionView[], now: number): void {
  byId("connection-count").textContent = `${String(connections.length)} open`;
  const rows = connections.map(({ id, api, owner, connectedAt, lastActiveAt }) =>
    element(
      "tr",
      {},
      element("td", {}, element("code", {}, id)),
      element("td", {}, owner ?? "–"),
      element("td", {}, api),
      element("td", {}, clockTime(connectedAt)),
      element("td", { class: "figure" }, formatAge(now - lastActiveAt)),
    ),
  );
  byId("connections").replaceChildren(...(rows.length > 0 ? rows : [emptyRow("Nobody is connected.")]));
}
