// Builds what the handlers share, once per execution environment.
import type { Environment } from "../shared/aws-environment";
import { AwsJsonClient, DYNAMODB, readJsonClientSettings, type JsonService } from "../shared/aws-json";
import { Metrics } from "../shared/log";
import { DynamoConnectionStore, DynamoTicketStore } from "./connection-store";
import { PROGRESS_METRICS } from "./contract";
import { DynamoDurationStore } from "./duration-store";
import type { DurationStore, RunStore } from "./ports";
import { DynamoRunStore } from "./run-store";
import type { ProgressSettings } from "./settings";
import { STEP_FUNCTIONS, StepFunctionsWorkflow } from "./step-functions";
import { ProgressTable } from "./table";

/** The system's clock. */
export const now = (): number => Date.now();

/** The stores on the component's table. */
export function createStores(
  { tableName, retentionSeconds }: ProgressSettings,
  environment: Environment,
): {
  readonly runs: RunStore;
  readonly connections: DynamoConnectionStore;
  readonly tickets: DynamoTicketStore;
  readonly durations: DurationStore;
} {
  const table = new ProgressTable(createClient(DYNAMODB, environment), tableName);
  return {
    runs: new DynamoRunStore(table, retentionSeconds, now),
    connections: new DynamoConnectionStore(table, now),
    tickets: new DynamoTicketStore(table, now),
    durations: new DynamoDurationStore(table),
  };
}

/** The component's state machine. */
export function createWorkflow({ startArn }: ProgressSettings, environment: Environment): StepFunctionsWorkflow {
  return new StepFunctionsWorkflow(createClient(STEP_FUNCTIONS, environment), startArn);
}

/** Metrics of this workflow. */
export function createMetrics({ workflowName }: ProgressSettings): Metrics {
  const { namespace, dimension } = PROGRESS_METRICS;
  return new Metrics({ namespace, dimension, dimensionValue: workflowName }, now);
}

/** Waits. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function createClient(service: JsonService, environment: Environment): AwsJsonClient {
  return new AwsJsonClient(service, readJsonClientSettings(service, environment, now));
}
