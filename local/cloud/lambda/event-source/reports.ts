// What a mapping tells of itself: its own metrics, where its settings ask for them, and what goes wrong.
import { recordAct } from "../../core/acts";
import { AwsError } from "../../core/errors";
import type { CloudContext } from "../../core/service";
import type { Mapping } from "./mapping";

/** Metrics of a mapping. https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html */
export type MappingMetric =
  "PolledEventCount" | "FilteredOutEventCount" | "InvokedEventCount" | "FailedInvokeEventCount" | "DeletedEventCount";

/** Metrics and problems of one mapping. */
export class Reports {
  constructor(
    private readonly context: Pick<CloudContext, "clock" | "metrics" | "traces" | "uniqueId">,
    private readonly mapping: Mapping,
  ) {}

  /** Publishes a metric, where the mapping's settings ask for it. */
  count(name: MappingMetric, value: number): void {
    const { uuid, settings } = this.mapping;
    if (!settings.countsEvents || value === 0) return;
    const { clock, metrics } = this.context;
    const dimensions = { EventSourceMappingUUID: uuid };
    metrics.put({ namespace: "AWS/Lambda", name, dimensions, value, unit: "Count", at: clock.now() });
  }

  /** Keeps an AWS error as the last result and traces it; anything else is a fault of ours and is thrown. */
  problem(error: unknown, operation: string): void {
    if (!(error instanceof AwsError)) throw error;
    const { context, mapping } = this;
    mapping.lastResult = `PROBLEM: ${error.message}`;
    recordAct(context, {
      service: "lambda",
      caller: mapping.arn,
      operation: `EventSourceMapping.${operation}`,
      resource: mapping.settings.queueArn,
      error,
      detail: { mapping: mapping.uuid },
    });
  }
}
