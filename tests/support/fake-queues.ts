// Queues in memory for tests of their consumers: visibility, groups and dead-letter queues on the clock, and nothing else of SQS.
import { createHash } from "node:crypto";
import type { AccessControl } from "../../local/cloud/core/access";
import type { Clock } from "../../local/cloud/core/clock";
import { AwsError } from "../../local/cloud/core/errors";
import type { Principal } from "../../local/cloud/core/principal";
import type {
  MessageQueues,
  OutgoingMessage,
  QueueFacts,
  ReceivedMessage,
  ReceiveSettings,
} from "../../local/cloud/core/service";

interface StoredMessage {
  readonly id: string;
  readonly message: OutgoingMessage;
  readonly sentAt: number;
  receives: number;
}

interface Waiting {
  readonly wake: () => void;
}

/** One queue, open for inspection. */
export interface FakeQueue {
  readonly visibilityTimeoutSeconds: number;
  readonly fifo: boolean;
  readonly maxReceiveCount: number;
  readonly deadLetters: OutgoingMessage[];
  /** Visible messages, the oldest first; read from `head` on. */
  visible: StoredMessage[];
  head: number;
  readonly inFlight: Map<string, StoredMessage>;
  readonly waiting: Set<Waiting>;
  /** Receives that came back, empty ones included. */
  receives: number;
}

/** Settings of a new queue. */
export type FakeQueueSettings = Partial<Pick<FakeQueue, "visibilityTimeoutSeconds" | "fifo" | "maxReceiveCount">>;

/** The queues of one test. */
export class FakeQueues implements MessageQueues {
  readonly queues = new Map<string, FakeQueue>();
  private serial = 0;

  constructor(
    private readonly clock: Clock,
    private readonly access: Pick<AccessControl, "decide">,
  ) {}

  add(arn: string, settings: FakeQueueSettings = {}): FakeQueue {
    const queue: FakeQueue = {
      visibilityTimeoutSeconds: 30,
      fifo: arn.endsWith(".fifo"),
      maxReceiveCount: Infinity,
      ...settings,
      deadLetters: [],
      visible: [],
      head: 0,
      inFlight: new Map(),
      waiting: new Set(),
      receives: 0,
    };
    this.queues.set(arn, queue);
    return queue;
  }

  describe(arn: string): QueueFacts | undefined {
    const queue = this.queues.get(arn);
    return (
      queue && { url: `https://sqs/${arn}`, fifo: queue.fifo, visibilityTimeoutSeconds: queue.visibilityTimeoutSeconds }
    );
  }

  send(arn: string, message: OutgoingMessage, principal: Principal): string {
    const queue = this.open(arn, "SendMessage", principal);
    const id = `message-${String(++this.serial)}`;
    queue.visible.push({ id, message, sentAt: this.clock.now(), receives: 0 });
    wake(queue);
    return id;
  }

  async receive(arn: string, settings: ReceiveSettings, principal: Principal): Promise<readonly ReceivedMessage[]> {
    const queue = this.open(arn, "ReceiveMessage", principal);
    let taken = this.take(queue, settings.maximumMessages);
    const until = this.clock.now() + settings.waitTimeMs;
    while (taken.length === 0 && this.clock.now() < until && !settings.signal?.aborted) {
      await this.change(queue, until - this.clock.now(), settings.signal);
      if (!settings.signal?.aborted) taken = this.take(queue, settings.maximumMessages);
    }
    queue.receives++;
    return taken;
  }

  delete(arn: string, handles: readonly string[], principal: Principal): void {
    const queue = this.open(arn, "DeleteMessage", principal);
    for (const handle of handles) queue.inFlight.delete(handle);
    if (queue.fifo) wake(queue);
  }

  changeVisibility(): void {
    throw new Error("not needed here");
  }

  private open(arn: string, operation: string, principal: Principal): FakeQueue {
    const action = `sqs:${operation}`;
    const resourceAccountId = arn.split(":")[4] ?? "";
    const { allowed } = this.access.decide({ principal, action, resource: arn, resourceAccountId });
    if (!allowed) throw new AwsError("AccessDenied", `${principal.arn} may not ${action}`, 403);
    const queue = this.queues.get(arn);
    if (!queue) throw new AwsError("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.");
    return queue;
  }

  private take(queue: FakeQueue, maximum: number): ReceivedMessage[] {
    const taken = queue.fifo ? takeGroups(queue, maximum) : takeOldest(queue, maximum);
    const received: ReceivedMessage[] = [];
    const handles: string[] = [];
    for (const stored of taken) {
      if (++stored.receives > queue.maxReceiveCount) {
        queue.deadLetters.push(stored.message);
        continue;
      }
      const handle = `${stored.id}/${String(stored.receives)}`;
      queue.inFlight.set(handle, stored);
      handles.push(handle);
      received.push(toReceived(stored, handle));
    }
    if (handles.length > 0) this.expireLater(queue, handles);
    return received;
  }

  private expireLater(queue: FakeQueue, handles: readonly string[]): void {
    this.clock.setTimer(queue.visibilityTimeoutSeconds * 1000, () => {
      const back: StoredMessage[] = [];
      for (const handle of handles) {
        const stored = queue.inFlight.get(handle);
        if (queue.inFlight.delete(handle) && stored) back.push(stored);
      }
      if (back.length === 0) return;
      queue.visible = [...back, ...queue.visible.slice(queue.head)];
      queue.head = 0;
      wake(queue);
    });
  }

  private change(queue: FakeQueue, waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        queue.waiting.delete(waiting);
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const timer = this.clock.setTimer(waitMs, end);
      const waiting = { wake: end };
      queue.waiting.add(waiting);
      signal?.addEventListener("abort", end, { once: true });
    });
  }
}

function wake(queue: FakeQueue): void {
  for (const waiting of [...queue.waiting]) waiting.wake();
}

function takeOldest(queue: FakeQueue, maximum: number): readonly StoredMessage[] {
  const taken = queue.visible.slice(queue.head, queue.head + maximum);
  queue.head += taken.length;
  if (queue.head > 1000 && queue.head * 2 > queue.visible.length) {
    queue.visible = queue.visible.slice(queue.head);
    queue.head = 0;
  }
  return taken;
}

/** Groups with a message in flight wait. */
function takeGroups(queue: FakeQueue, maximum: number): readonly StoredMessage[] {
  const busy = new Set([...queue.inFlight.values()].map(({ message }) => message.groupId));
  const taken = queue.visible.filter(({ message }) => !busy.has(message.groupId)).slice(0, maximum);
  queue.visible = queue.visible.filter((stored) => !taken.includes(stored));
  return taken;
}

function toReceived({ id, message, sentAt, receives }: StoredMessage, receiptHandle: string): ReceivedMessage {
  return {
    messageId: id,
    receiptHandle,
    body: message.body,
    md5OfBody: createHash("md5").update(message.body).digest("hex"),
    systemAttributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: String(sentAt),
      ...(message.groupId === undefined ? {} : { MessageGroupId: message.groupId }),
    },
    attributes: message.attributes ?? {},
  };
}
