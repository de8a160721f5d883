// SQS: queues, their messages, redrive and message move tasks.
import { NotSimulatedError } from "../core/errors";
import { serveJson, type JsonApi } from "../core/json-api";
import type { CloudContext, MessageQueues, Service } from "../core/service";
import { Activity } from "./activity";
import type { QueueControl, QueueInfo } from "./control";
import { createMessageQueues } from "./message-queues";
import { Messaging } from "./messaging";
import { MoveTasks } from "./move-tasks";
import { sqsOperations } from "./operations";
import type { Queue } from "./queue";
import { Queues } from "./queues";
import { policyModels } from "./resources/policies";
import { queueModel } from "./resources/queue";

/** A batch of a mebibyte, with room for its JSON form. */
const MAX_REQUEST_BYTES = 8 * 1024 * 1024;

/** SQS, with what other services use and what the console and the tests read. */
export interface SqsService extends Service, MessageQueues, QueueControl {}

/** The SQS service of the embedded cloud. */
export function createSqsService(context: CloudContext): SqsService {
  const activity = new Activity(context);
  const queues = new Queues(context, activity);
  const messaging = new Messaging(context, queues, activity);
  const moveTasks = new MoveTasks(context, queues, activity);
  const api: JsonApi = {
    target: "AmazonSQS",
    version: "1.0",
    errorPrefix: "com.amazonaws.sqs#",
    limitBytes: MAX_REQUEST_BYTES,
    service: "sqs",
    file: "local/cloud/sqs/operations",
    operations: sqsOperations({ context, queues, messaging, moveTasks, activity }),
  };
  return {
    name: "sqs",
    models: [queueModel(queues), ...policyModels(queues)],
    async handle(call) {
      if (/^application\/x-www-form-urlencoded/i.test(call.headers["content-type"] ?? "")) {
        throw new NotSimulatedError("The AWS query protocol of SQS", "local/cloud/sqs/service.ts");
      }
      await serveJson(api, call);
    },
    ...createMessageQueues(context, queues, messaging),
    queues: () => queues.all().map((queue) => infoOf(queue, context.clock.now())),
    moveTasks: () => moveTasks.list(),
    subscribe: (listener) => activity.subscribe(listener),
    stop: async () => {
      moveTasks.stop();
      queues.stop();
      activity.stop();
    },
  };
}

function infoOf(queue: Queue, now: number): QueueInfo {
  queue.settle(now);
  const { name, arn, url, urn } = queue.identity;
  const { redrive } = queue.settings;
  return {
    name,
    arn,
    url,
    urn,
    fifo: queue.fifo,
    visible: queue.visible,
    notVisible: queue.inFlight,
    delayed: queue.delayed,
    oldestAgeMs: queue.oldestAgeMs(now),
    ...(redrive && { deadLetterTarget: redrive.targetArn, maxReceiveCount: redrive.maxReceiveCount }),
  };
}
