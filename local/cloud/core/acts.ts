// What services do of their own accord, without a request that the gateway would record: deliveries, redrives, expiries.
import type { Decision } from "./access";
import type { CloudContext } from "./service";

/** Something that a service did. */
export interface Act {
  readonly service: string;
  /** ARN or service principal in whose name. */
  readonly caller: string;
  readonly operation: string;
  /** ARN of what it was done to. */
  readonly resource: string;
  readonly detail?: Readonly<Record<string, string | number | boolean>>;
  /** Why it failed. */
  readonly error?: { readonly statusCode: number; readonly code: string } | undefined;
  readonly decisions?: readonly Decision[];
  /** Request that it belongs to. @default a new one */
  readonly id?: string;
}

/** Records it, done now. */
export function recordAct(
  { traces, clock, uniqueId }: Pick<CloudContext, "traces" | "clock" | "uniqueId">,
  { error, decisions = [], id = uniqueId(20), ...act }: Act,
): void {
  const outcome = error ? { status: error.statusCode, errorCode: error.code } : { status: 200 };
  traces.record({ id, at: clock.now(), durationMs: 0, decisions, ...act, ...outcome });
}
