// Second step of the example workflow.
import type { Payment } from "./contract";
import { createId, createStep } from "./step";

/** Lambda entry point. */
export const handler = createStep("charge-payment", (order): Payment => ({
  paymentId: createId("payment", order),
  amountCents: order.items.reduce((sum, { quantity, unitPriceCents }) => sum + quantity * unitPriceCents, 0),
}));
