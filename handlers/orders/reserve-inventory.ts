// First step of the example workflow.
import type { Reservation } from "./contract";
import { createId, createStep } from "./step";

/** Lambda entry point. */
export const handler = createStep("reserve-inventory", (order): Reservation => ({
  reservationId: createId("reservation", order),
  reservedItems: order.items.reduce((sum, { quantity }) => sum + quantity, 0),
}));
