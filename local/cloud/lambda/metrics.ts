// Metrics of functions, with the dimension FunctionName; AWS adds others, which nobody here reads.
import type { CloudContext } from "../core/service";
import type { FunctionRecord } from "./definition";

/** Puts metrics in the namespace AWS/Lambda. */
export class FunctionMetrics {
  constructor(private readonly context: Pick<CloudContext, "clock" | "metrics">) {}

  /** @param at milliseconds since the epoch; now when left out. */
  put(record: FunctionRecord, name: string, value: number, unit = "Count", at = this.context.clock.now()): void {
    const dimensions = { FunctionName: record.latest.name };
    this.context.metrics.put({ namespace: "AWS/Lambda", name, dimensions, value, unit, at });
  }
}
