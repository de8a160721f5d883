// What the console says about queues, their mappings and their move tasks.
import type { Cloud } from "../cloud";
import type { LambdaService } from "../cloud/lambda/service";
import type { MappingInfo } from "../cloud/lambda/control";
import type { MoveTaskInfo, QueueInfo } from "../cloud/sqs/control";
import type { SqsService } from "../cloud/sqs/service";
import type { MappingView, MoveTaskView, QueueView } from "./web/state";

/** Move tasks that are shown. */
const SHOWN_TASKS = 20;

/** Every queue with what takes from it, working queues before the queues of their dead letters. */
export function describeQueues(cloud: Cloud): readonly QueueView[] {
  const queues = findSqs(cloud)?.queues() ?? [];
  const mappings = findLambda(cloud)?.mappings() ?? [];
  return queues
    .map((queue) => describeQueue(queue, queues, mappings))
    .sort((one, other) => one.deadLettersOf.length - other.deadLettersOf.length || (one.name < other.name ? -1 : 1));
}

/** Every event source mapping. */
export function describeMappings(cloud: Cloud): readonly MappingView[] {
  return (findLambda(cloud)?.mappings() ?? []).map(describeMapping);
}

/** The latest move tasks, latest first. */
export function describeMoveTasks(cloud: Cloud): readonly MoveTaskView[] {
  return (findSqs(cloud)?.moveTasks() ?? []).slice(0, SHOWN_TASKS).map(describeTask);
}

function findSqs(cloud: Cloud): SqsService | undefined {
  return cloud.services.find((service): service is SqsService => service.name === "sqs");
}

function findLambda(cloud: Cloud): LambdaService | undefined {
  return cloud.services.find((service): service is LambdaService => service.name === "lambda");
}

function describeQueue(queue: QueueInfo, all: readonly QueueInfo[], mappings: readonly MappingInfo[]): QueueView {
  const { name, arn, fifo, visible, notVisible, delayed, oldestAgeMs, maxReceiveCount } = queue;
  const deadLetters = all.find((other) => other.arn === queue.deadLetterTarget);
  return {
    name,
    arn,
    fifo,
    visible,
    notVisible,
    delayed,
    oldestAgeMs,
    ...(maxReceiveCount === undefined ? {} : { maxReceiveCount }),
    ...(deadLetters ? { deadLetterQueue: { name: deadLetters.name, visible: deadLetters.visible } } : {}),
    deadLettersOf: all.filter(({ deadLetterTarget }) => deadLetterTarget === arn).map((source) => source.name),
    mappings: mappings.filter(({ queueArn }) => queueArn === arn).map(describeMapping),
  };
}

function describeMapping(mapping: MappingInfo): MappingView {
  const { uuid, functionName, enabled, concurrency, limit, lastProcessingResult } = mapping;
  return { uuid, functionName, enabled, concurrency, limit, lastProcessingResult };
}

function describeTask(task: MoveTaskInfo): MoveTaskView {
  const { sourceArn, destinationArn, status, moved, toMove, maxMessagesPerSecond, failureReason, startedAt } = task;
  return {
    source: nameIn(sourceArn),
    destination: destinationArn === undefined ? "the queues they came from" : nameIn(destinationArn),
    status,
    moved,
    toMove,
    ...(maxMessagesPerSecond === undefined ? {} : { maxMessagesPerSecond }),
    ...(failureReason === undefined ? {} : { failureReason }),
    startedAt,
  };
}

function nameIn(arn: string): string {
  return arn.slice(arn.lastIndexOf(":") + 1);
}
