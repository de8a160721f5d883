// The kit behind Lambda's event source mapping for SQS. A batch can arrive twice, as a whole or in part: idempotency.ts says why that
// is harmless where it is switched on; where it is not, `processMessage` has to be idempotent itself.
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import type { Environment } from "../shared/aws-environment";
import { Log } from "../shared/log";
import { createKit, createQueue, type KitOverrides } from "./kit";
import type { MessageAttribute, QueueConsumer, ReceivedMessage } from "./message";
import { applyDelays, processBatch, publishMetrics, type Settled } from "./process-batch";
import { isDone, type Kit, type Turn } from "./process-message";
import { readConsumerSettings } from "./settings";

/** A Lambda handler with partial batch responses. */
export type QueueHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

/** Kept back from the function's time for what follows the messages: back-off, answer. */
const LONGEST_RESERVE_MS = 2000;
const SHORTEST_RESERVE_MS = 200;

/**
 * The handler of a consumer. Reads the environment at once, so call it outside of functions. The mapping must ask for
 * `ReportBatchItemFailures`.
 */
export function createQueueHandler<Body = unknown>(
  consumer: QueueConsumer<Body>,
  environment: Environment = process.env,
  overrides: KitOverrides = {},
): QueueHandler {
  const settings = readConsumerSettings(environment);
  const kit = createKit(consumer, settings, environment, overrides);
  const queue = settings.queueUrl === undefined ? undefined : createQueue(settings.queueUrl, environment, kit.now);
  return async (event, context) => {
    const receivedAt = kit.now();
    const batch = event.Records.map(toReceived);
    const fields = { requestId: context.awsRequestId };
    const log = new Log(fields, kit.writeLine);
    const settled = await withinTime(kit, context, (turn) => processBatch(kit, batch, { ...turn, fields }));
    await orTimeout(kit, context, applyDelays(queue, settled, kit.now() - receivedAt, log));
    publishMetrics(kit, settings.queueName ?? nameOf(batch[0]?.queueArn), settled);
    const failed = settled.filter(({ outcome }) => !isDone(outcome));
    log.info("batch", { messages: batch.length, failed: failed.length, durationMs: kit.now() - receivedAt });
    return { batchItemFailures: failed.map(({ received }) => ({ itemIdentifier: received.id })) };
  };
}

/** Runs with a signal that aborts shortly before the function's time is up. */
async function withinTime(
  { now, startTimer }: Kit,
  context: Context,
  work: (turn: Omit<Turn, "fields">) => Promise<readonly Settled[]>,
): Promise<readonly Settled[]> {
  const startedAt = now();
  const total = context.getRemainingTimeInMillis();
  const usable = Math.max(0, total - Math.min(LONGEST_RESERVE_MS, Math.max(SHORTEST_RESERVE_MS, total / 10)));
  const controller = new AbortController();
  const cancel = startTimer(usable, () => controller.abort(new Error("the function's time is nearly up")));
  try {
    return await work({
      signal: controller.signal,
      deadline: startedAt + usable,
      claimUntil: () => startedAt + total,
    });
  } finally {
    cancel();
  }
}

/** Kept back for the answer itself. */
const ANSWER_MS = 100;

/** Waits for what may be left undone, no longer than the function's time allows: without an answer the whole batch would come again. */
async function orTimeout({ startTimer }: Kit, context: Context, work: Promise<void>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const cancel = startTimer(Math.max(0, context.getRemainingTimeInMillis() - ANSWER_MS), resolve);
    work.then(resolve, reject).finally(cancel);
  });
}

function toReceived(record: SQSRecord): ReceivedMessage {
  const attributes = Object.entries(record.messageAttributes).map(
    ([name, { dataType, stringValue, binaryValue }]): [string, MessageAttribute] => [
      name,
      {
        dataType,
        ...(stringValue === undefined ? {} : { stringValue }),
        ...(binaryValue === undefined ? {} : { binaryValue }),
      },
    ],
  );
  return {
    id: record.messageId,
    receiptHandle: record.receiptHandle,
    text: record.body,
    attributes: Object.fromEntries(attributes),
    system: { ...record.attributes },
    queueArn: record.eventSourceARN,
  };
}

function nameOf(queueArn = ""): string {
  return queueArn.slice(queueArn.lastIndexOf(":") + 1);
}
