// Simulated work of a step: takes as long as the order says, fails where the order says. A repetition has the same result.
import { createHash } from "node:crypto";
import { ORDER_ERRORS, ORDER_STEPS, type Order, type OrderItem, type OrderStep } from "./contract";

const MAXIMUM_ID_CHARACTERS = 64;
const MAXIMUM_ITEMS = 1000;
const LONGEST_STEP_MS = 60_000;

/** An error with a name that a Catch can match. */
class OrderError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** Makes the handler of a step. */
export function createStep<Result>(
  step: OrderStep,
  finish: (order: Order) => Result,
): (input: unknown) => Promise<Result> {
  return async (input) => {
    const order = readOrder(input);
    await new Promise((resolve) => setTimeout(resolve, order.durationMs ?? 0));
    if (order.failAt === step) throw new OrderError(ORDER_ERRORS[step], `the order asks ${step} to fail`);
    return finish(order);
  };
}

/** An id that the same order gets every time. */
export function createId(prefix: string, { orderId }: Order): string {
  return `${prefix}-${createHash("sha256").update(`${prefix} ${orderId}`).digest("hex").slice(0, 12)}`;
}

/** Throws an OrderError "InvalidOrder" that names what is wrong. */
function readOrder(input: unknown): Order {
  const order = (typeof input === "object" && input !== null ? input : {}) as Partial<Record<keyof Order, unknown>>;
  const { orderId, items, durationMs = 0, failAt } = order;
  const problems = [
    typeof orderId === "string" && orderId.length >= 1 && orderId.length <= MAXIMUM_ID_CHARACTERS
      ? ""
      : `orderId must be a text of 1 to ${MAXIMUM_ID_CHARACTERS} characters`,
    Array.isArray(items) && items.length >= 1 && items.length <= MAXIMUM_ITEMS && items.every(isItem)
      ? ""
      : `items must be 1 to ${MAXIMUM_ITEMS} of sku, quantity and unitPriceCents`,
    typeof durationMs === "number" && durationMs >= 0 && durationMs <= LONGEST_STEP_MS
      ? ""
      : `durationMs must be a number from 0 to ${LONGEST_STEP_MS}`,
    failAt === undefined || ORDER_STEPS.some((step) => step === failAt)
      ? ""
      : `failAt must be one of ${ORDER_STEPS.join(", ")}`,
  ].filter((problem) => problem !== "");
  if (problems.length > 0) throw new OrderError("InvalidOrder", problems.join("; "));
  return order as Order;
}

function isItem(value: unknown): value is OrderItem {
  if (typeof value !== "object" || value === null) return false;
  const { sku, quantity, unitPriceCents } = value as Partial<Record<keyof OrderItem, unknown>>;
  return typeof sku === "string" && isWhole(quantity, 1) && isWhole(unitPriceCents, 0);
}

function isWhole(value: unknown, least: number): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= least;
}
