// Simulated work on a downstream: what the dev stack's queue, the load command and the throttling demonstration process.
import { NonRetryableError } from "../queue/errors";
import type { ProcessMessage } from "../queue/message";
import type { WorkOrder } from "./contract";

const OUTCOMES: ReadonlySet<unknown> = new Set<WorkOrder["outcome"]>(["succeed", "fail", "fail-once", "reject"]);
const LONGEST_WORK_MS = 840_000;

/** Takes as long as the order says and ends as it says. Doing it twice only takes twice the time. */
export const processMessage: ProcessMessage = async ({ body }, { signal, receiveCount, log }) => {
  const order = readOrder(body);
  await work(order.durationMs, signal);
  const { outcome, loadId, sequence } = order;
  if (outcome === "reject") throw new NonRetryableError("the order asks to be rejected");
  if (outcome === "fail" || (outcome === "fail-once" && receiveCount === 1)) throw new Error("the order asks to fail");
  log.info("worked", { loadId, sequence });
};

/** Reads an order. Throws a NonRetryableError that names what is wrong. */
function readOrder(body: unknown): WorkOrder {
  if (typeof body !== "object" || body === null) throw new NonRetryableError("the body is no JSON object");
  const { durationMs, outcome, sequence, loadId } = body as Partial<Record<keyof WorkOrder, unknown>>;
  if (typeof durationMs !== "number" || !(durationMs >= 0 && durationMs <= LONGEST_WORK_MS)) {
    throw new NonRetryableError(`durationMs must be a number from 0 to ${LONGEST_WORK_MS}`);
  }
  if (!OUTCOMES.has(outcome)) throw new NonRetryableError(`outcome must be one of ${[...OUTCOMES].join(", ")}`);
  if (typeof sequence !== "number" || !Number.isInteger(sequence) || sequence < 1) {
    throw new NonRetryableError("sequence must be a whole number from 1");
  }
  if (typeof loadId !== "string") throw new NonRetryableError("loadId must be a text");
  return { durationMs, outcome: outcome as WorkOrder["outcome"], sequence, loadId };
}

function work(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(new Error("the work was cut short"));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  });
}
