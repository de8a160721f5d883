// What an event source mapping is set to do, read from a resource's inputs; the API's requests are turned into such inputs first.
import { InputReader } from "../../core/input-reader";
import type { PropertyMap } from "../../core/resource-model";

/** Settings of one mapping. */
export interface MappingSettings {
  readonly queueArn: string;
  /** Name, partial ARN or ARN of the function, with or without a qualifier. */
  readonly functionName: string;
  readonly enabled: boolean;
  readonly batchSize: number;
  readonly windowSeconds: number;
  /** Concurrent invocations at most; undefined: as many as Lambda scales to. */
  readonly maximumConcurrency: number | undefined;
  /** Event pollers of provisioned mode; undefined: standard mode. */
  readonly pollers: { readonly minimum: number; readonly maximum: number } | undefined;
  /** Whether the function reports the messages that failed. */
  readonly partialResponses: boolean;
  /** Patterns as JSON texts: a message that fits none is deleted unseen. Empty: all fit. */
  readonly filters: readonly string[];
  /** Whether the mapping's own metrics are published. */
  readonly countsEvents: boolean;
}

/** Batch size that Lambda takes when none is given. */
export const DEFAULT_BATCH_SIZE = 10;
const DEFAULT_MINIMUM_POLLERS = 2;
const DEFAULT_MAXIMUM_POLLERS = 200;

/** Whether an ARN names a FIFO queue. */
export function isFifo(queueArn: string): boolean {
  return queueArn.endsWith(".fifo");
}

/** Reads inputs that `checkMapping` found correct. */
export function readSettings(inputs: PropertyMap): MappingSettings {
  const reader = new InputReader(inputs);
  return {
    queueArn: reader.text("eventSourceArn") ?? "",
    functionName: reader.text("functionName") ?? "",
    enabled: reader.flag("enabled") ?? true,
    batchSize: reader.number("batchSize") ?? DEFAULT_BATCH_SIZE,
    windowSeconds: reader.number("maximumBatchingWindowInSeconds") ?? 0,
    maximumConcurrency: reader.nested("scalingConfig")?.number("maximumConcurrency"),
    pollers: readPollers(reader),
    partialResponses: reader.texts("functionResponseTypes").includes("ReportBatchItemFailures"),
    filters: readFilters(reader),
    countsEvents: reader.nested("metricsConfig")?.texts("metrics").includes("EventCount") ?? false,
  };
}

function readPollers(reader: InputReader): MappingSettings["pollers"] {
  const pollers = reader.nested("provisionedPollerConfig");
  if (!pollers) return undefined;
  const minimum = pollers.number("minimumPollers") ?? DEFAULT_MINIMUM_POLLERS;
  return { minimum, maximum: pollers.number("maximumPollers") ?? Math.max(minimum, DEFAULT_MAXIMUM_POLLERS) };
}

function readFilters(reader: InputReader): readonly string[] {
  const filters = reader.nested("filterCriteria")?.list("filters") ?? [];
  return filters.map((filter) => filter.text("pattern") ?? "");
}
