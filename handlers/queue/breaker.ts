// Circuit breaker of a queue's consumption. Called by EventBridge, for a state change of the downstream's alarm and each minute. Events
// can come twice: run-breaker.ts says why that is harmless.
import type { Context } from "aws-lambda";
import { CLOUDWATCH, DYNAMODB } from "../shared/aws-json";
import { Log, Metrics } from "../shared/log";
import { CircuitStore, createAlarmReader, createMapping } from "./breaker-ports";
import { readAlarmEvent, readBreakerSettings } from "./breaker-settings";
import { QUEUE_METRICS } from "./contract";
import { createJsonClient } from "./kit";
import { runBreaker } from "./run-breaker";
import { StateTable } from "./state-table";

const now = (): number => Date.now();
const settings = readBreakerSettings(process.env);
const store = new CircuitStore(new StateTable(createJsonClient(DYNAMODB, process.env, now), settings.stateTable));
const mapping = createMapping(settings.mappingId, process.env, now);
const alarm = createAlarmReader(settings.alarmArn, createJsonClient(CLOUDWATCH, process.env, now));
const { namespace, dimension, circuitOpen } = QUEUE_METRICS;
const metrics = new Metrics({ namespace, dimension, dimensionValue: settings.queueName }, now);

/** Lambda entry point. */
export async function handler(event: unknown, context: Context): Promise<{ readonly phase: string }> {
  const log = new Log({ requestId: context.awsRequestId, route: "breaker" });
  const { phase } = await runBreaker({ store, mapping, alarm, settings, now, log }, readAlarmEvent(event));
  metrics.publish({ name: circuitOpen, value: phase === "open" ? 1 : 0, unit: "Count" });
  return { phase };
}
