// StartMessageMoveTask, CancelMessageMoveTask and ListMessageMoveTasks.
import { AwsError } from "../../core/errors";
import type { JsonObject, JsonOperation } from "../../core/json-api";
import { textOf } from "../../core/json-api";
import { authorizeQueue, authorizeSend } from "../access";
import type { MoveTaskInfo } from "../control";
import { MAX_MOVES_PER_SECOND } from "../move-tasks";
import type { Queue } from "../queue";
import { askOf, integer, required, type SqsParts } from "./input";

/** What the caller must be allowed to do with the source. */
const SOURCE_ACTIONS = ["StartMessageMoveTask", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes"];
const MAX_LISTED = 10;

/** Operations on message move tasks. */
export function moveTaskOperations({ queues, moveTasks }: SqsParts): Readonly<Record<string, JsonOperation>> {
  const queueOf = (arn: string, parameter: string): Queue => {
    const queue = queues.get(arn);
    if (queue) return queue;
    throw new AwsError(
      "ResourceNotFoundException",
      `The resource that you specified for the ${parameter} parameter doesn't exist.`,
    );
  };
  return {
    StartMessageMoveTask(input, call) {
      const source = queueOf(required(input, "SourceArn"), "SourceArn");
      call.describe({ resource: source.arn });
      for (const action of SOURCE_ACTIONS) authorizeQueue(askOf(call), source, `sqs:${action}`);
      const rate = integer(input, "MaxNumberOfMessagesPerSecond", 1, MAX_MOVES_PER_SECOND);
      const destinationArn = textOf(input, "DestinationArn");
      const destination = destinationArn === undefined ? undefined : queueOf(destinationArn, "DestinationArn");
      const targets = destination ? [destination] : queues.sourcesOf(source.arn);
      for (const target of targets) authorizeSend(askOf(call), call.principal, target);
      const handle = moveTasks.start({
        source,
        principal: call.principal,
        ...(destination && { destination }),
        ...(rate !== undefined && { maxMessagesPerSecond: rate }),
      });
      return { TaskHandle: handle };
    },
    CancelMessageMoveTask(input, call) {
      const handle = required(input, "TaskHandle");
      const source = moveTasks.sourceOf(handle);
      if (!source) throw new AwsError("ResourceNotFoundException", "Task does not exist.");
      call.describe({ resource: source.arn });
      for (const action of ["CancelMessageMoveTask", ...SOURCE_ACTIONS.slice(1)]) {
        authorizeQueue(askOf(call), source, `sqs:${action}`);
      }
      return { ApproximateNumberOfMessagesMoved: moveTasks.cancel(handle) };
    },
    ListMessageMoveTasks(input, call) {
      const source = queueOf(required(input, "SourceArn"), "SourceArn");
      call.describe({ resource: source.arn });
      for (const action of ["ListMessageMoveTasks", ...SOURCE_ACTIONS.slice(1)]) {
        authorizeQueue(askOf(call), source, `sqs:${action}`);
      }
      const limit = integer(input, "MaxResults", 1, MAX_LISTED) ?? 1;
      return { Results: moveTasks.list(source.arn).slice(0, limit).map(shown) };
    },
  };
}

function shown(task: MoveTaskInfo): JsonObject {
  return {
    ...(task.status === "RUNNING" && { TaskHandle: task.handle }),
    Status: task.status,
    SourceArn: task.sourceArn,
    ...(task.destinationArn !== undefined && { DestinationArn: task.destinationArn }),
    ...(task.maxMessagesPerSecond !== undefined && { MaxNumberOfMessagesPerSecond: task.maxMessagesPerSecond }),
    ApproximateNumberOfMessagesMoved: task.moved,
    ApproximateNumberOfMessagesToMove: task.toMove,
    ...(task.failureReason !== undefined && { FailureReason: task.failureReason }),
    StartedTimestamp: task.startedAt,
  };
}
