// What Lambda refuses of a mapping's settings, whoever sets them.
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
import { AwsError, type InputProblem } from "../../core/errors";
import { InputReader } from "../../core/input-reader";
import type { PropertyMap } from "../../core/resource-model";
import { compileFilters } from "./filter";
import { DEFAULT_BATCH_SIZE, isFifo } from "./settings";

const KNOWN_INPUTS = [
  "batchSize",
  "enabled",
  "eventSourceArn",
  "filterCriteria",
  "functionName",
  "functionResponseTypes",
  "kmsKeyArn",
  "maximumBatchingWindowInSeconds",
  "metricsConfig",
  "provisionedPollerConfig",
  "region",
  "scalingConfig",
  "tags",
  "useResourceTimeoutForPropagation",
];

/** Settings of streams, brokers and databases. */
const FOREIGN_INPUTS = [
  "amazonManagedKafkaEventSourceConfig",
  "bisectBatchOnFunctionError",
  "destinationConfig",
  "documentDbEventSourceConfig",
  "maximumRecordAgeInSeconds",
  "maximumRetryAttempts",
  "parallelizationFactor",
  "queues",
  "selfManagedEventSource",
  "selfManagedKafkaEventSourceConfig",
  "sourceAccessConfigurations",
  "startingPosition",
  "startingPositionTimestamp",
  "topics",
  "tumblingWindowInSeconds",
];

const QUEUE_ARN = /^arn:aws:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}(\.fifo)?$/;
/** Lambda's default quota; ten on request. */
const MAXIMUM_FILTERS = 5;
const FIFO_BATCH_SIZE = 10;
/** Above this, Lambda wants a batching window: one receive of SQS brings no more. */
const RECEIVE_SIZE = 10;

/** All problems of a mapping's inputs. */
export function checkMapping(inputs: PropertyMap): readonly InputProblem[] {
  const reader = new InputReader(inputs);
  reader.allowOnly(...KNOWN_INPUTS, ...FOREIGN_INPUTS);
  reader.requiredText("functionName");
  const queueArn = checkSource(reader);
  for (const name of FOREIGN_INPUTS) {
    if (reader.has(name)) reader.refuse(name, `is not valid for SQS event sources; leave it out`);
  }
  checkBatches(reader, isFifo(queueArn));
  checkScaling(reader);
  checkLists(reader);
  checkFilters(reader);
  reader.flag("enabled");
  reader.textMap("tags");
  reader.matching("kmsKeyArn", /^arn:aws:kms:[a-z0-9-]+:\d{12}:key\/.+$/, "the ARN of a KMS key");
  return reader.problems;
}

function checkSource(reader: InputReader): string {
  const arn = reader.requiredText("eventSourceArn") ?? "";
  if (arn === "" || QUEUE_ARN.test(arn)) return arn;
  const reason = arn.startsWith("arn:aws:sqs:")
    ? `must be the ARN of a queue, got ${arn}`
    : "is not simulated by the local run for sources other than SQS queues; use a queue, or run this part on AWS";
  reader.refuse("eventSourceArn", reason);
  return arn;
}

function checkBatches(reader: InputReader, fifo: boolean): void {
  const batchSize = reader.integer("batchSize", 1, fifo ? FIFO_BATCH_SIZE : 10_000) ?? DEFAULT_BATCH_SIZE;
  const windowSeconds = reader.integer("maximumBatchingWindowInSeconds", 0, 300) ?? 0;
  if (fifo && windowSeconds > 0) {
    reader.refuse("maximumBatchingWindowInSeconds", "is not supported for FIFO queues; leave it out");
  } else if (!fifo && batchSize > RECEIVE_SIZE && windowSeconds < 1) {
    const reason = "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10";
    reader.refuse("maximumBatchingWindowInSeconds", reason);
  }
}

function checkScaling(reader: InputReader): void {
  const scaling = reader.nested("scalingConfig");
  scaling?.allowOnly("maximumConcurrency");
  const maximum = scaling?.integer("maximumConcurrency", 2, 1000);
  const pollers = reader.nested("provisionedPollerConfig");
  if (!pollers) return;
  pollers.allowOnly("minimumPollers", "maximumPollers");
  const least = pollers.integer("minimumPollers", 2, 200);
  const most = pollers.integer("maximumPollers", 2, 10_000);
  if (least !== undefined && most !== undefined && least > most) {
    pollers.refuse("minimumPollers", `must not be above maximumPollers (${String(most)}), got ${String(least)}`);
  }
  if (maximum !== undefined) {
    reader.refuse(
      "provisionedPollerConfig",
      "cannot be set together with scalingConfig.maximumConcurrency; choose one of the two",
    );
  }
}

function checkLists(reader: InputReader): void {
  for (const type of reader.texts("functionResponseTypes")) {
    if (type !== "ReportBatchItemFailures") {
      reader.refuse("functionResponseTypes", `must be one of ReportBatchItemFailures, got ${type}`);
    }
  }
  const metrics = reader.nested("metricsConfig");
  metrics?.allowOnly("metrics");
  for (const metric of metrics?.texts("metrics") ?? []) {
    if (metric !== "EventCount") metrics?.refuse("metrics", `must be one of EventCount, got ${metric}`);
  }
}

function checkFilters(reader: InputReader): void {
  const criteria = reader.nested("filterCriteria");
  criteria?.allowOnly("filters");
  const filters = criteria?.list("filters") ?? [];
  if (filters.length > MAXIMUM_FILTERS) {
    const reason = `must be at most ${String(MAXIMUM_FILTERS)} (Lambda's quota; ten on request), got ${String(filters.length)}`;
    criteria?.refuse("filters", reason);
  }
  for (const filter of filters) {
    filter.allowOnly("pattern");
    const pattern = filter.requiredText("pattern");
    if (pattern !== undefined) checkPattern(filter, pattern);
  }
}

function checkPattern(filter: InputReader, pattern: string): void {
  try {
    compileFilters([pattern]);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    filter.refuse("pattern", error.message);
  }
}
