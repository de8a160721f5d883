// Queues: what waits, what is being worked on, how old, where dead letters go, who takes from them, and moves.
import { byId, clockTime, element } from "./dom.js";
import { formatAge, formatCount } from "./scale.js";
import type { MappingView, MoveTaskView, QueueView } from "./state.js";

/** The section of queues. */
export function createQueues(): { show(queues: readonly QueueView[], tasks: readonly MoveTaskView[]): void } {
  const list = byId("queues");
  const moves = byId("move-tasks");
  return {
    show(queues, tasks) {
      const rows = queues.map(queueCard);
      list.replaceChildren(
        ...(rows.length > 0 ? rows : [element("li", { class: "empty" }, "This program declares no queues.")]),
      );
      moves.replaceChildren(
        ...(tasks.length > 0
          ? tasks.map(moveRow)
          : [element("li", { class: "empty" }, "No messages were moved in this run.")]),
      );
    },
  };
}

function queueCard(queue: QueueView): HTMLElement {
  const { name, fifo, visible, notVisible, delayed, oldestAgeMs, deadLettersOf, mappings } = queue;
  const isDeadLetters = deadLettersOf.length > 0;
  const kind = isDeadLetters ? `dead letters of ${deadLettersOf.join(", ")}` : fifo ? "FIFO queue" : "standard queue";
  return element(
    "li",
    { class: isDeadLetters && visible + notVisible > 0 ? "card warned" : "card" },
    element("h3", {}, name),
    element("p", { class: "hint" }, kind),
    element(
      "dl",
      { class: "numbers" },
      fact("Waiting", formatCount(visible)),
      fact("In flight", formatCount(notVisible)),
      fact("Delayed", formatCount(delayed)),
      fact("Oldest", oldestAgeMs > 0 ? formatAge(oldestAgeMs) : "–"),
    ),
    ...deadLetters(queue),
    ...mappings.flatMap(mappingLines),
  );
}

function fact(name: string, value: string): HTMLElement {
  return element("div", {}, element("dt", {}, name), element("dd", {}, value));
}

function deadLetters({ deadLetterQueue, maxReceiveCount, deadLettersOf }: QueueView): HTMLElement[] {
  if (!deadLetterQueue)
    return deadLettersOf.length > 0 ? [] : [element("p", { class: "hint" }, "No dead-letter queue.")];
  const { name, visible } = deadLetterQueue;
  const after = maxReceiveCount === undefined ? "" : ` after ${String(maxReceiveCount)} receives`;
  return [
    element(
      "p",
      { class: visible > 0 ? "dead warned" : "dead" },
      `Dead letters${after}: `,
      element("strong", {}, formatCount(visible)),
      ` in ${name}`,
    ),
  ];
}

function mappingLines({ functionName, enabled, concurrency, limit, lastProcessingResult }: MappingView): HTMLElement[] {
  const share = element("meter", {
    min: "0",
    max: String(Math.max(limit, 1)),
    value: String(concurrency),
    "aria-label": `${functionName}: ${String(concurrency)} of ${String(limit)} batches at once`,
  });
  return [
    element(
      "div",
      { class: "mapping" },
      element("span", { class: "badge", "data-state": enabled ? "OK" : "PAUSED" }, enabled ? "Enabled" : "Paused"),
      element("span", {}, `→ ${functionName}`),
      element("span", { class: "mapping-count" }, `${String(concurrency)} of ${String(limit)} at once`),
      share,
      element("span", { class: "hint" }, `Last result: ${lastProcessingResult}`),
    ),
  ];
}

function moveRow(task: MoveTaskView): HTMLElement {
  const { source, destination, status, moved, toMove, maxMessagesPerSecond, failureReason, startedAt } = task;
  const pace = maxMessagesPerSecond === undefined ? "" : `, at most ${String(maxMessagesPerSecond)} a second`;
  return element(
    "li",
    { class: "mapping" },
    element("span", { class: "badge", "data-state": moveState(status) }, status.toLowerCase()),
    element("span", {}, `${source} → ${destination}`),
    element("span", { class: "mapping-count" }, `${String(moved)} of ${String(toMove)}${pace}`),
    element("progress", {
      max: String(Math.max(toMove, 1)),
      value: String(moved),
      "aria-label": `moved from ${source}`,
    }),
    element("span", { class: "hint" }, `Began ${clockTime(startedAt)}${failureReason ? `. ${failureReason}` : ""}`),
  );
}

function moveState(status: string): string {
  return status === "FAILED" ? "ALARM" : status === "CANCELLED" ? "PAUSED" : "OK";
}
