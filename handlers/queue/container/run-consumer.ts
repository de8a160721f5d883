// The kit outside Lambda: polls the queue itself, with the same processing. Stops gracefully: no new polls, messages in work get a
// grace period, the rest goes back to the queue at once.
import { SQS } from "../../shared/aws-json";
import type { Environment } from "../../shared/aws-environment";
import { createHttpClient } from "../../shared/http-client";
import { Log } from "../../shared/log";
import { QUEUE_ENVIRONMENT } from "../contract";
import { createJsonClient, createKit, createQueue, type KitOverrides } from "../kit";
import type { QueueConsumer } from "../message";
import { readConsumerSettings } from "../settings";
import { SqsQueue } from "../sqs";
import { queueArnOf, type ContainerSettings } from "./settings";
import { Worker } from "./worker";

/** What a run is given besides its settings. */
export interface RunOptions {
  /** Region, credentials, endpoints and the kit's own settings. Credentials are read at each call. */
  readonly environment: Environment;
  /** Stops the run. */
  readonly signal: AbortSignal;
  readonly overrides?: KitOverrides;
  /** Told of each poll that was answered. */
  readonly onPoll?: () => void;
  /** Told when all slots are in use, so that nothing polls, and when that ends. */
  readonly onOccupied?: (full: boolean) => void;
}

/** A silent connection outlasts the long poll by this much. */
const POLL_MARGIN_MS = 5000;

/** Consumes a queue until the signal aborts; resolves when all messages are settled. Throws when QUEUE_URL is not set. */
export async function runConsumer<Body = unknown>(
  consumer: QueueConsumer<Body>,
  settings: ContainerSettings,
  options: RunOptions,
): Promise<void> {
  const { environment, signal, overrides = {}, onPoll, onOccupied } = options;
  const { queueUrl, queueName, ...rest } = readConsumerSettings(environment);
  if (queueUrl === undefined) throw new Error(`${QUEUE_ENVIRONMENT.queueUrl} is not set`);
  const kit = createKit({ ...consumer, concurrency: settings.concurrency }, rest, environment, overrides);
  const queueArn = queueArnOf(queueUrl, environment);
  const timeoutMs = settings.waitSeconds * 1000 + POLL_MARGIN_MS;
  const send = createHttpClient(
    new URL(environment.AWS_ENDPOINT_URL_SQS ?? environment.AWS_ENDPOINT_URL ?? "https://sqs").protocol,
  );
  const polls = createJsonClient(SQS, environment, kit.now, {
    exchange: (url, headers, body) => send({ method: "POST", url, headers, body, timeoutMs, signal }),
  });
  const worker = new Worker({
    kit,
    settings,
    polls: new SqsQueue(polls, queueUrl),
    queue: createQueue(queueUrl, environment, kit.now),
    queueArn,
    queueName: queueName ?? queueArn.slice(queueArn.lastIndexOf(":") + 1),
    log: new Log({ route: "container" }, kit.writeLine),
    onPoll: onPoll ?? (() => undefined),
    onOccupied: onOccupied ?? (() => undefined),
  });
  await worker.run(signal);
}
