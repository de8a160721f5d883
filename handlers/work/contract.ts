// The simulated work of the dev stack, the load command and the throttling demonstration. Imports nothing.

/** Body of a message of simulated work. */
export interface WorkOrder {
  /** How long the downstream takes, in milliseconds: 0 to 840,000. */
  readonly durationMs: number;
  /** "succeed", "fail" (a retryable error on every attempt), "fail-once" (fails on the first receive only), "reject" (non-retryable). */
  readonly outcome: "succeed" | "fail" | "fail-once" | "reject";
  /** Number within the load, from 1. */
  readonly sequence: number;
  /** Id of the load that sent it. */
  readonly loadId: string;
}
