// Third step of the example workflow.
import type { Label } from "./contract";
import { createId, createStep } from "./step";

/** Lambda entry point. */
export const handler = createStep("print-label", (order): Label => ({ trackingNumber: createId("parcel", order) }));
