// Builds the kit from the environment, once per process.
import { randomUUID } from "node:crypto";
import { readCredentials, type Environment } from "../shared/aws-environment";
import {
  AwsJsonClient,
  DYNAMODB,
  readJsonClientSettings,
  SQS,
  type JsonClientSettings,
  type JsonService,
} from "../shared/aws-json";
import type { LineWriter } from "../shared/log";
import { createBodyStore } from "./claim-check";
import { IdempotencyStore } from "./idempotency";
import type { QueueConsumer } from "./message";
import type { Kit } from "./process-message";
import { TokenBucket } from "./rate-limit";
import type { ConsumerSettings } from "./settings";
import { SqsQueue } from "./sqs";
import { StateTable } from "./state-table";

/** What a test or a simulation on a virtual clock replaces. */
export interface KitOverrides {
  readonly now?: () => number;
  readonly random?: () => number;
  readonly sleep?: Kit["sleep"];
  readonly startTimer?: Kit["startTimer"];
  readonly writeLine?: LineWriter;
}

/** The kit for a consumer. */
export function createKit<Body>(
  consumer: QueueConsumer<Body>,
  settings: ConsumerSettings,
  environment: Environment,
  overrides: KitOverrides = {},
): Kit {
  const { now = Date.now, random = Math.random, startTimer = setSystemTimer, writeLine } = overrides;
  const sleep: Kit["sleep"] =
    overrides.sleep ?? ((milliseconds, signal) => sleepUnlessAborted(startTimer, milliseconds, signal));
  const { stateTable, idempotencySeconds, rateLimit, deadLetterQueueUrl, claimCheckBucket, backoff } = settings;
  const table = stateTable && new StateTable(createJsonClient(DYNAMODB, environment, now), stateTable);
  return {
    // The body's type is the team's own promise.
    consumer: consumer as QueueConsumer<never> as QueueConsumer,
    now,
    random,
    sleep,
    startTimer,
    ...(writeLine ? { writeLine } : {}),
    ...(backoff ? { backoff } : {}),
    ...(table && idempotencySeconds !== undefined
      ? { idempotency: new IdempotencyStore(table, idempotencySeconds, now, randomUUID) }
      : {}),
    ...(table && rateLimit ? { rateLimit: new TokenBucket(table, rateLimit, now) } : {}),
    ...(deadLetterQueueUrl ? { deadLetters: createQueue(deadLetterQueueUrl, environment, now) } : {}),
    ...(claimCheckBucket ? { bodies: createBodyStore(claimCheckBucket, environment, now) } : {}),
  };
}

/** A queue. */
export function createQueue(url: string, environment: Environment, now: () => number): SqsQueue {
  return new SqsQueue(createJsonClient(SQS, environment, now), url);
}

/** A client whose credentials are read at each call: in a container they are replaced as they expire. */
export function createJsonClient(
  service: JsonService,
  environment: Environment,
  now: () => number,
  more: Partial<JsonClientSettings> = {},
): AwsJsonClient {
  return new AwsJsonClient(service, {
    ...readJsonClientSettings(service, environment, now),
    ...more,
    get credentials() {
      return readCredentials(environment);
    },
  });
}

function setSystemTimer(milliseconds: number, callback: () => void): () => void {
  const timer = setTimeout(callback, milliseconds);
  return () => clearTimeout(timer);
}

function sleepUnlessAborted(startTimer: Kit["startTimer"], milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const cancel = startTimer(milliseconds, done);
    signal.addEventListener("abort", done, { once: true });
    function done(): void {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
