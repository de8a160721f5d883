// Sending, receiving and deleting, for the API and for other services alike. Permission has been asked before.
import { AwsError } from "../core/errors";
import type { CloudContext, ReceivedMessage } from "../core/service";
import type { Activity } from "./activity";
import { deliver, expiredHandle, readHandle } from "./deliveries";
import type { PreparedMessage } from "./drafts";
import { invalidParameter, invalidValue } from "./errors";
import type { PollRequest } from "./long-polls";
import { sequenceNumber, type StoredMessage } from "./message";
import type { Queue } from "./queue";
import type { Queues } from "./queues";
import { MAX_VISIBILITY_SECONDS } from "./settings";
import { type AcceptedMessage, ShortMemory } from "./short-memory";

/** What the sender of a message is told. */
export interface SentMessage {
  readonly messageId: string;
  /** FIFO queues only. */
  readonly sequenceNumber?: string;
}

/** How to receive. */
export interface ReceiveRequest extends PollRequest {
  /** ReceiveRequestAttemptId of FIFO queues: a repeated attempt gets the same messages. */
  readonly attemptId?: string;
}

interface Attempt {
  readonly message: StoredMessage;
  readonly receiveCount: number;
}

/** Moves messages in and out of queues. */
export class Messaging {
  private readonly attempts = new WeakMap<Queue, ShortMemory<readonly Attempt[]>>();

  constructor(
    private readonly context: CloudContext,
    private readonly queues: Queues,
    private readonly activity: Activity,
  ) {}

  /** Puts messages into a queue, in order, then wakes its receivers. */
  send(queue: Queue, messages: readonly PreparedMessage[]): readonly SentMessage[] {
    const sent = messages.map((message) => this.put(queue, message));
    if (messages.length > 0) this.queues.changed(queue);
    return sent;
  }

  async receive(queue: Queue, request: ReceiveRequest): Promise<readonly ReceivedMessage[]> {
    const repeated = this.repeat(queue, request);
    if (repeated) return this.deliveries(queue, repeated);
    if (!queue.fifo && request.waitMs === 0) this.checkInFlight(queue);
    const messages = await this.queues.pollsOf(queue).receive(request);
    if (request.attemptId !== undefined && messages.length > 0) {
      const attempt = messages.map((message) => ({ message, receiveCount: message.receiveCount }));
      this.attemptsOf(queue).set(request.attemptId, attempt, this.context.clock.now());
    }
    if (messages.length > 0) this.activity.record(queue, "received", messages.length);
    else this.activity.recordEmptyReceive(queue);
    return this.deliveries(queue, messages);
  }

  /** Deletes the message of a handle. A message that is gone already is no error. @throws AwsError for a handle that is none. */
  delete(queue: Queue, handle: string): void {
    const receipt = readHandle(queue, handle);
    const message = queue.findReceived(receipt.serial, this.context.clock.now());
    if (!message) return;
    const isLatest = message.receiveCount === receipt.receiveCount;
    if (queue.fifo && (!isLatest || message.state !== "inFlight")) throw expiredHandle(handle);
    // An old handle of a standard queue is accepted and does nothing: the message has been received again since.
    if (!isLatest) return;
    queue.remove(message);
    this.activity.record(queue, "deleted", 1);
    this.queues.changed(queue);
  }

  /** Changes the visibility timeout of the message in flight with that handle. */
  changeVisibility(queue: Queue, handle: string, timeoutMs: number): void {
    const now = this.context.clock.now();
    const receipt = readHandle(queue, handle);
    const message = queue.findReceived(receipt.serial, now);
    if (message?.receiveCount !== receipt.receiveCount) {
      const reason = "Message does not exist or is not available for visibility timeout change.";
      throw invalidValue(handle, "ReceiptHandle", reason);
    }
    if (message.state !== "inFlight") {
      throw new AwsError("MessageNotInflight", "The message referred to is not in flight.");
    }
    if (now + timeoutMs - message.receivedAt > MAX_VISIBILITY_SECONDS * 1000) {
      throw invalidValue(
        timeoutMs / 1000,
        "VisibilityTimeout",
        `Total VisibilityTimeout for the message is beyond the limit [${MAX_VISIBILITY_SECONDS} seconds]`,
      );
    }
    queue.changeVisibility(message, timeoutMs, now);
    this.activity.touch(queue);
    this.queues.changed(queue);
  }

  private put(queue: Queue, { draft, delayMs }: PreparedMessage): SentMessage {
    const now = this.context.clock.now();
    const key = deduplicationKey(queue, draft.groupId, draft.deduplicationId);
    const earlier = key === undefined ? undefined : queue.deduplication.get(key, now);
    const accepted: AcceptedMessage = earlier ?? queue.add(this.queues.ids.next(), draft, now, delayMs, now);
    if (!earlier) {
      const { serial, sequence } = accepted;
      if (key !== undefined) queue.deduplication.set(key, { serial, sequence }, now);
      this.activity.record(queue, "sent", 1);
      this.activity.recordSize(queue, draft.bytes);
    }
    return {
      messageId: this.queues.ids.idOf(accepted.serial),
      ...(queue.fifo && { sequenceNumber: sequenceNumber(accepted.sequence) }),
    };
  }

  private checkInFlight(queue: Queue): void {
    queue.settle(this.context.clock.now());
    if (queue.isFull) throw new AwsError("OverLimit", "The queue has too many messages in flight.", 403);
  }

  /** Messages of an earlier attempt with the same id, while all of them are still in flight. */
  private repeat(queue: Queue, { attemptId, visibilityMs }: ReceiveRequest): readonly StoredMessage[] | undefined {
    if (attemptId === undefined) return undefined;
    if (!queue.fifo) {
      throw invalidParameter(
        "The request includes a parameter that is not valid for this queue type: ReceiveRequestAttemptId",
      );
    }
    const now = this.context.clock.now();
    queue.settle(now);
    const earlier = this.attemptsOf(queue).get(attemptId, now);
    const isWhole = earlier?.every(
      ({ message, receiveCount }) => message.state === "inFlight" && message.receiveCount === receiveCount,
    );
    if (!earlier || !isWhole) return undefined;
    for (const { message } of earlier) queue.changeVisibility(message, visibilityMs, now);
    return earlier.map(({ message }) => message);
  }

  private deliveries(queue: Queue, messages: readonly StoredMessage[]): readonly ReceivedMessage[] {
    return messages.map((message) => deliver(queue, this.queues.ids, message));
  }

  private attemptsOf(queue: Queue): ShortMemory<readonly Attempt[]> {
    let attempts = this.attempts.get(queue);
    if (!attempts) this.attempts.set(queue, (attempts = new ShortMemory()));
    return attempts;
  }
}

function deduplicationKey(queue: Queue, groupId = "", deduplicationId?: string): string | undefined {
  if (!queue.fifo || deduplicationId === undefined) return undefined;
  return queue.settings.deduplicationByGroup ? `${groupId} ${deduplicationId}` : deduplicationId;
}
