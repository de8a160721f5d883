// Builds what the handlers share, once per execution environment. Leaves out S3: the SDK would weigh down those who do without.
import { randomBytes } from "node:crypto";
import type { Environment } from "../shared/aws-environment";
import { AwsJsonClient, DYNAMODB, EVENTBRIDGE, readJsonClientSettings } from "../shared/aws-json";
import type { FrameSettings } from "../shared/http";
import { Metrics } from "../shared/log";
import { UPLOAD_METRICS, type UploadHandlerName } from "./contract";
import { DynamoUploadStore } from "./dynamo-store";
import { DynamoTable } from "./dynamo-table";
import { EventBridgeSink } from "./events";
import type { EventSink, UploadStore } from "./ports";
import type { UploadSettings } from "./settings";
import { createUploadId } from "./upload";

/** The system's clock. */
export const now = (): number => Date.now();

/** Makes upload ids from time and chance. */
export const newUploadId = (): string => createUploadId(now(), randomBytes);

/** The component's table. */
export function createStore({ tableName }: UploadSettings, environment: Environment): UploadStore {
  const client = new AwsJsonClient(DYNAMODB, readJsonClientSettings(DYNAMODB, environment, now));
  return new DynamoUploadStore(new DynamoTable(client, tableName));
}

/** The component's event bus. */
export function createEventSink({ eventBusName, bucketName }: UploadSettings, environment: Environment): EventSink {
  const client = new AwsJsonClient(EVENTBRIDGE, readJsonClientSettings(EVENTBRIDGE, environment, now));
  return new EventBridgeSink(client, eventBusName, bucketName);
}

/** Metrics of this bucket. */
export function createMetrics({ bucketName }: UploadSettings): Metrics {
  const { namespace, dimension } = UPLOAD_METRICS;
  return new Metrics({ namespace, dimension, dimensionValue: bucketName }, now);
}

/** The frame of one route. */
export function frameOf({ allowedOrigins, rules }: UploadSettings, route: UploadHandlerName): FrameSettings {
  return { allowedOrigins, tenantClaim: rules.tenantClaim, route };
}
