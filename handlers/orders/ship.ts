// Last step of the example workflow.
import type { Shipment } from "./contract";
import { createId, createStep } from "./step";

/** Lambda entry point. */
export const handler = createStep("ship", (order): Shipment => ({ shipmentId: createId("shipment", order) }));
