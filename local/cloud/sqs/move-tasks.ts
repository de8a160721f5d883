// Message move tasks: messages of a dead-letter queue go back to where they came from, or elsewhere, at a limited rate.
import type { Timer } from "../core/clock";
import { AwsError } from "../core/errors";
import type { Principal } from "../core/principal";
import type { CloudContext } from "../core/service";
import { uuidFrom } from "../core/uuid";
import { askAs, authorizeSend } from "./access";
import type { Activity } from "./activity";
import type { MoveTaskInfo } from "./control";
import { invalidParameter, queryCode } from "./errors";
import type { MessageDraft, StoredMessage } from "./message";
import type { Queue } from "./queue";
import type { Queues } from "./queues";

/** Highest rate, also that of tasks that name none, in messages per second. */
export const MAX_MOVES_PER_SECOND = 500;
const TICK_MS = 200;
/** Tasks that ListMessageMoveTasks remembers, per queue. */
const MAX_REMEMBERED = 10;

/** What to move. */
export interface MoveRequest {
  readonly source: Queue;
  /** Left out: each message goes to the queue that it came from. */
  readonly destination?: Queue;
  readonly maxMessagesPerSecond?: number;
  /** Who started the task: must be allowed to send to each destination. */
  readonly principal: Principal;
}

/** Why a task has failed, in SQS's words. */
const UNKNOWN_SOURCE = "CouldNotDetermineMessageSource";

class MoveTask {
  status: MoveTaskInfo["status"] = "RUNNING";
  moved = 0;
  failureReason: string | undefined;
  timer: Timer | undefined;
  /** Messages that may be moved now; grows with time. */
  budget = 0;
  /** Visible messages of the source, the next one last. */
  backlog: StoredMessage[] = [];
  /** Messages whose destination nobody knows. */
  readonly stuck = new Set<StoredMessage>();
  readonly mayReceive = new Set<Queue>();

  constructor(
    readonly request: MoveRequest,
    readonly handle: string,
    readonly startedAt: number,
    readonly toMove: number,
  ) {}

  info(): MoveTaskInfo {
    const { source, destination, maxMessagesPerSecond } = this.request;
    return {
      handle: this.handle,
      status: this.status,
      sourceArn: source.arn,
      ...(destination && { destinationArn: destination.arn }),
      ...(maxMessagesPerSecond !== undefined && { maxMessagesPerSecond }),
      moved: this.moved,
      toMove: this.toMove,
      ...(this.failureReason !== undefined && { failureReason: this.failureReason }),
      startedAt: this.startedAt,
    };
  }
}

/** Runs message move tasks on the clock. */
export class MoveTasks {
  /** The latest first. */
  private tasks: MoveTask[] = [];

  constructor(
    private readonly context: CloudContext,
    private readonly queues: Queues,
    private readonly activity: Activity,
  ) {}

  /** Starts a task. @returns its handle. */
  start(request: MoveRequest): string {
    const { source, destination } = request;
    if (this.queues.sourcesOf(source.arn).length === 0) {
      throw invalidParameter("Source queue must be configured as a Dead Letter Queue.");
    }
    if (destination && destination.fifo !== source.fifo) {
      throw invalidParameter("Source and destination queue must be of the same type.");
    }
    if (destination === source) throw invalidParameter("Source queue arn and destination queue arn must be different.");
    if (this.tasks.some((task) => task.status === "RUNNING" && task.request.source === source)) {
      throw new AwsError(
        "UnsupportedOperation",
        "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
      );
    }
    const now = this.context.clock.now();
    source.settle(now);
    const taskId = uuidFrom(this.context.uniqueId(32));
    const handle = Buffer.from(JSON.stringify({ taskId, sourceArn: source.arn })).toString("base64");
    const task = new MoveTask(request, handle, now, source.visible);
    this.remember(task);
    this.plan(task);
    return handle;
  }

  /** Ends a running task. @returns how many messages it has moved. */
  cancel(handle: string): number {
    const task = this.find(handle);
    if (!task) throw new AwsError("ResourceNotFoundException", "Task does not exist.");
    if (task.status !== "RUNNING") throw new AwsError("UnsupportedOperation", "Task is not running.");
    this.finish(task, "CANCELLED");
    return task.moved;
  }

  /** The source of a task, for the question of permission. */
  sourceOf(handle: string): Queue | undefined {
    return this.find(handle)?.request.source;
  }

  /** Tasks, the latest first. @param sourceArn left out: those of every queue. */
  list(sourceArn?: string): readonly MoveTaskInfo[] {
    const tasks = this.tasks.filter(({ request }) => sourceArn === undefined || request.source.arn === sourceArn);
    return tasks.map((task) => task.info());
  }

  stop(): void {
    for (const task of this.tasks) task.timer?.cancel();
    this.tasks = [];
  }

  private find(handle: string): MoveTask | undefined {
    return this.tasks.find((task) => task.handle === handle);
  }

  private remember(task: MoveTask): void {
    const { source } = task.request;
    const others = this.tasks.filter(({ request }) => request.source !== source);
    const same = this.tasks.filter(({ request }) => request.source === source).slice(0, MAX_REMEMBERED - 1);
    this.tasks = [task, ...same, ...others].sort((one, other) => other.startedAt - one.startedAt);
  }

  private plan(task: MoveTask): void {
    task.timer = this.context.clock.setTimer(TICK_MS, () => this.tick(task));
  }

  private tick(task: MoveTask): void {
    const { source, maxMessagesPerSecond = MAX_MOVES_PER_SECOND } = task.request;
    if (this.queues.get(source.arn) !== source) {
      this.fail(task, queryCode("QueueDoesNotExist"));
      return;
    }
    source.settle(this.context.clock.now());
    task.budget = Math.min(maxMessagesPerSecond, task.budget + (maxMessagesPerSecond * TICK_MS) / 1000);
    try {
      while (task.budget >= 1) {
        const message = this.next(task);
        if (!message) {
          this.end(task);
          return;
        }
        if (this.move(task, message)) task.budget--;
      }
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      this.fail(task, queryCode(error.code));
      return;
    }
    this.plan(task);
  }

  /** The next visible message that the task has not given up; undefined when none is left. */
  private next(task: MoveTask): StoredMessage | undefined {
    for (;;) {
      if (task.backlog.length === 0) {
        const visible = task.request.source
          .visibleMessages()
          .filter((message) => isFree(message) && !task.stuck.has(message));
        task.backlog = visible.reverse();
      }
      const message = task.backlog.pop();
      if (!message || (message.state === "visible" && isFree(message))) return message;
    }
  }

  /** @returns whether the message has been moved. */
  private move(task: MoveTask, message: StoredMessage): boolean {
    const { source, destination } = task.request;
    const { draft } = message;
    const arn = destination?.arn ?? draft.deadLetterSource;
    if (arn === undefined) {
      task.stuck.add(message);
      return false;
    }
    const target = this.queues.require(arn);
    this.checkPermission(task, target);
    const now = this.context.clock.now();
    const serial = this.queues.ids.next();
    const moved = movedDraft(draft, target.fifo ? this.queues.ids.idOf(message.serial) : undefined);
    source.remove(message);
    target.add(serial, moved, now, 0, now);
    task.moved++;
    this.activity.record(source, "moved", 1);
    this.activity.touch(target);
    this.queues.changed(target);
    return true;
  }

  private checkPermission(task: MoveTask, target: Queue): void {
    if (task.mayReceive.has(target)) return;
    const { principal } = task.request;
    authorizeSend(askAs(this.context, principal), principal, target);
    task.mayReceive.add(target);
  }

  private end(task: MoveTask): void {
    if (task.stuck.size > 0) this.fail(task, UNKNOWN_SOURCE);
    else this.finish(task, "COMPLETED");
  }

  private fail(task: MoveTask, reason: string): void {
    task.failureReason = reason;
    this.finish(task, "FAILED");
  }

  private finish(task: MoveTask, status: MoveTaskInfo["status"]): void {
    task.timer?.cancel();
    task.status = status;
    task.backlog = [];
    task.stuck.clear();
    this.context.traces.record({
      id: this.context.uniqueId(20),
      at: task.startedAt,
      durationMs: this.context.clock.now() - task.startedAt,
      caller: "sqs.amazonaws.com",
      service: "sqs",
      operation: "MessageMoveTask",
      resource: task.request.source.arn,
      status: 200,
      ...(task.failureReason !== undefined && { errorCode: task.failureReason }),
      decisions: [],
      detail: { status, moved: task.moved },
    });
  }
}

/** Whether nothing of the message's group is in flight: on FIFO queues the order would be lost. */
function isFree({ draft, group }: StoredMessage): boolean {
  return draft.deduplicationId === undefined || group.inFlight === 0;
}

function movedDraft(draft: MessageDraft, deduplicationId: string | undefined): MessageDraft {
  const { deadLetterSource: _left, deduplicationId: _replaced, ...kept } = draft;
  return { ...kept, ...(deduplicationId !== undefined && { deduplicationId }) };
}
