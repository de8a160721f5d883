// What the console, the command line and the tests read of the queues.

/** A queue as people look at it. */
export interface QueueInfo {
  readonly name: string;
  readonly arn: string;
  /** With AWS's own host. */
  readonly url: string;
  /** URN of the declared resource. */
  readonly urn: string;
  readonly fifo: boolean;
  /** Messages that can be received, `ApproximateNumberOfMessages`. */
  readonly visible: number;
  /** Messages in flight. */
  readonly notVisible: number;
  readonly delayed: number;
  /** Age of the oldest message, in milliseconds; 0 for an empty queue. */
  readonly oldestAgeMs: number;
  /** ARN of the dead-letter queue, where there is one. */
  readonly deadLetterTarget?: string;
  /** Receives after which a message goes to the dead-letter queue. */
  readonly maxReceiveCount?: number;
}

/** Something that happened to messages of a queue. */
export interface QueueEvent {
  readonly kind: "sent" | "received" | "deleted" | "expired" | "redriven" | "moved" | "purged" | "declared" | "removed";
  readonly queueArn: string;
  /** How many messages; 0 for the queue itself. */
  readonly messages: number;
}

/** A message move task. */
export interface MoveTaskInfo {
  readonly handle: string;
  readonly status: "RUNNING" | "COMPLETED" | "CANCELLED" | "FAILED";
  readonly sourceArn: string;
  readonly destinationArn?: string;
  readonly maxMessagesPerSecond?: number;
  readonly moved: number;
  /** Messages that waited in the source when the task began. */
  readonly toMove: number;
  readonly failureReason?: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

/** Read access to queues, for the console and the tests. */
export interface QueueControl {
  queues(): readonly QueueInfo[];
  /** Every message move task of this run, the latest first. */
  moveTasks(): readonly MoveTaskInfo[];
  /** Calls `listener` for every later event; returns the function that ends it. */
  subscribe(listener: (event: QueueEvent) => void): () => void;
}
