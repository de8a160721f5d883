// The ways to process a batch that bench/queue.ts compares. Bundled as they would be deployed; see bench/queue-overhead.ts.
import { BatchProcessor, EventType, processPartialResponse } from "@aws-lambda-powertools/batch";
import { IdempotencyConfig, makeIdempotent } from "@aws-lambda-powertools/idempotency";
import { DynamoDBPersistenceLayer } from "@aws-lambda-powertools/idempotency/dynamodb";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { createQueueHandler } from "../handlers/queue";

/** A handler of batches. */
export type Way = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

/** Where DynamoDB answers, as a function's environment says it. */
export type DatabaseEnvironment = Readonly<Record<string, string>>;

const ONE_DAY_SECONDS = 86_400;

/** The work itself: reads the body, and nothing more. */
function work(body: unknown): Promise<void> {
  if (typeof body !== "object") throw new Error("the body is no object");
  return Promise.resolve();
}

/** All messages side by side, as Powertools and the kit do it. */
export function bare(): Way {
  return async ({ Records }) => {
    const results = await Promise.allSettled(Records.map(({ body }) => work(JSON.parse(body))));
    const failed = Records.filter((_, index) => results[index]?.status === "rejected");
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  };
}

/** Powertools' batch utility. */
export function powertools(): Way {
  const processor = new BatchProcessor(EventType.SQS);
  return (event, context) =>
    processPartialResponse(event, ({ body }: SQSRecord) => work(JSON.parse(body)), processor, { context });
}

/** The kit, without what needs a table. */
export function kit(): Way {
  return createQueueHandler({ processMessage: ({ body }) => work(body) }, {}, { writeLine: () => undefined });
}

/** Powertools' batch and idempotency utilities, the message id as the key. */
export function powertoolsIdempotent(environment: DatabaseEnvironment): Way {
  const { AWS_REGION: region = "", AWS_ENDPOINT_URL: endpoint = "" } = environment;
  const credentials = {
    accessKeyId: environment.AWS_ACCESS_KEY_ID ?? "",
    secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? "",
  };
  const persistenceStore = new DynamoDBPersistenceLayer({
    tableName: "powertools",
    awsSdkV3Client: new DynamoDBClient({ region, endpoint, credentials }),
  });
  const config = new IdempotencyConfig({ eventKeyJmesPath: "messageId", expiresAfterSeconds: ONE_DAY_SECONDS });
  const processRecord = makeIdempotent(async ({ body }: SQSRecord) => work(JSON.parse(body)), {
    persistenceStore,
    config,
  });
  const processor = new BatchProcessor(EventType.SQS);
  return (event, context) => {
    config.registerLambdaContext(context);
    return processPartialResponse(event, processRecord, processor, { context });
  };
}

/** The kit with idempotency. */
export function kitIdempotent(environment: DatabaseEnvironment): Way {
  return createQueueHandler(
    { processMessage: ({ body }) => work(body) },
    { ...environment, STATE_TABLE_NAME: "kit", IDEMPOTENCY_SECONDS: String(ONE_DAY_SECONDS) },
    { writeLine: () => undefined },
  );
}
