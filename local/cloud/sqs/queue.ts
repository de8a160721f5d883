// One queue: its messages from sending to deletion. Time is passed in; nothing here waits or asks for permission.
import { IndexedHeap } from "./indexed-heap";
import { FairOrder, FifoOrder, type MessageOrder } from "./message-order";
import { type MessageDraft, StoredMessage } from "./message";
import type { QueueSettings } from "./settings";
import { type AcceptedMessage, ShortMemory } from "./short-memory";

/** Messages in flight that a queue allows: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html */
const MAX_IN_FLIGHT = { standard: 120_000, fifo: 20_000 } as const;

/** How a queue tells what happens to it. */
export interface QueueEvents {
  /** Messages have gone because their retention period has passed. */
  expired(queue: Queue, messages: number): void;
  /**
   * A message has been received too often.
   * @returns whether it has gone to the dead-letter queue; false when there is none.
   */
  exhausted(queue: Queue, message: StoredMessage): boolean;
  /** Messages may have become available. */
  changed(queue: Queue): void;
}

/** Facts that identify a queue. */
export interface QueueIdentity {
  readonly name: string;
  readonly arn: string;
  /** With AWS's own host. */
  readonly url: string;
  readonly region: string;
  readonly accountId: string;
  readonly urn: string;
}

/** A queue with its messages. */
export class Queue {
  readonly order: MessageOrder;
  /** First messages of the last five minutes, by deduplication id. */
  readonly deduplication = new ShortMemory<AcceptedMessage>();
  readonly createdAt: number;
  modifiedAt: number;
  lastPurgeAt = Number.NEGATIVE_INFINITY;
  tags: Readonly<Record<string, string>> = {};
  visible = 0;
  inFlight = 0;
  delayed = 0;
  private sequence = 0;
  /** Messages that have been received, by number. */
  private readonly received = new Map<number, StoredMessage>();
  /** Delayed messages and those in flight. */
  private readonly waiting = new IndexedHeap<StoredMessage>({
    comesBefore: (one, other) =>
      one.visibleAt === other.visibleAt ? one.sequence < other.sequence : one.visibleAt < other.visibleAt,
    positionOf: (message) => message.waitPosition,
    place: (message, position) => (message.waitPosition = position),
  });
  private readonly byAge = new IndexedHeap<StoredMessage>({
    comesBefore: (one, other) => one.sentAt < other.sentAt,
    positionOf: (message) => message.agePosition,
    place: (message, position) => (message.agePosition = position),
  });

  /** @param key part of receipt handles that nobody can guess. */
  constructor(
    readonly identity: QueueIdentity,
    readonly key: string,
    public settings: QueueSettings,
    private readonly events: QueueEvents,
    now: number,
  ) {
    this.order = settings.fifo ? new FifoOrder() : new FairOrder();
    this.createdAt = now;
    this.modifiedAt = now;
  }

  get arn(): string {
    return this.identity.arn;
  }

  get fifo(): boolean {
    return this.settings.fifo;
  }

  get size(): number {
    return this.byAge.size;
  }

  /** Whether the queue holds as many messages in flight as it may. */
  get isFull(): boolean {
    return this.inFlight >= (this.fifo ? MAX_IN_FLIGHT.fifo : MAX_IN_FLIGHT.standard);
  }

  /** When the next message becomes visible, undefined when none waits. */
  nextVisibleAt(): number | undefined {
    return this.waiting.peek()?.visibleAt;
  }

  /** Puts a message into the queue. @param sentAt differs from `now` for a message that was redriven from a standard queue. */
  add(
    serial: number,
    draft: MessageDraft,
    sentAt: number,
    delayMs: number,
    now: number,
    receivedBefore = 0,
  ): StoredMessage {
    const group = this.order.groupOf(draft.groupId);
    const message = new StoredMessage(serial, ++this.sequence, draft, group, sentAt, receivedBefore);
    if (delayMs > 0) {
      message.state = "delayed";
      message.visibleAt = now + delayMs;
      this.waiting.add(message);
      this.delayed++;
    } else this.visible++;
    this.byAge.add(message);
    this.order.add(message);
    return message;
  }

  /** Takes up to `limit` messages into flight. */
  receive(limit: number, visibilityMs: number, now: number): readonly StoredMessage[] {
    this.settle(now);
    const room = (this.fifo ? MAX_IN_FLIGHT.fifo : MAX_IN_FLIGHT.standard) - this.inFlight;
    const taken: StoredMessage[] = [];
    this.order.take(Math.min(limit, room), (message) => {
      if (this.redrives(message)) return false;
      this.fly(message, visibilityMs, now);
      taken.push(message);
      return true;
    });
    return taken;
  }

  /** The received message of that number; undefined when it is gone. */
  findReceived(serial: number, now: number): StoredMessage | undefined {
    this.settle(now);
    return this.received.get(serial);
  }

  /** Removes a message for good. */
  remove(message: StoredMessage): void {
    const { state } = message;
    if (state === "gone") return;
    this.forget(message);
    this.waiting.remove(message);
    if (state === "inFlight") this.order.release(message);
    else this.order.drop(message);
  }

  /** Changes when a message in flight becomes visible. */
  changeVisibility(message: StoredMessage, timeoutMs: number, now: number): void {
    message.visibleAt = now + timeoutMs;
    this.waiting.update(message);
    this.settle(now);
  }

  /** Removes every message. */
  purge(): number {
    const messages = this.byAge.size;
    for (const message of this.byAge.all()) message.state = "gone";
    this.byAge.clear();
    this.waiting.clear();
    this.received.clear();
    this.order.clear();
    this.visible = this.inFlight = this.delayed = 0;
    return messages;
  }

  /** Applies new settings. The delay of a FIFO queue counts for messages that wait already. */
  configure(settings: QueueSettings, now: number): void {
    const delayChanged = settings.fifo && settings.delaySeconds !== this.settings.delaySeconds;
    this.settings = settings;
    this.modifiedAt = now;
    if (!delayChanged) return;
    for (const message of [...this.waiting.all()]) {
      if (message.state !== "delayed") continue;
      message.visibleAt = message.sentAt + settings.delaySeconds * 1000;
      this.waiting.update(message);
    }
  }

  /** Visible messages in the order of arrival. */
  visibleMessages(): readonly StoredMessage[] {
    return this.byAge
      .all()
      .filter(({ state }) => state === "visible")
      .sort((one, other) => one.sequence - other.sequence);
  }

  /** Age of the oldest message, in milliseconds. */
  oldestAgeMs(now: number): number {
    const oldest = this.byAge.peek();
    return oldest ? Math.max(0, now - oldest.sentAt) : 0;
  }

  /** Brings the queue to the present: messages expire, delays and visibility timeouts end. */
  settle(now: number): void {
    this.expire(now);
    for (let next = this.waiting.peek(); next && next.visibleAt <= now; next = this.waiting.peek()) {
      this.waiting.remove(next);
      this.count(next, -1);
      const wasInFlight = next.state === "inFlight";
      next.state = "visible";
      this.visible++;
      if (wasInFlight) this.order.giveBack(next);
      else this.order.due(next);
    }
  }

  private expire(now: number): void {
    const limit = now - this.settings.retentionSeconds * 1000;
    let expired = 0;
    for (let oldest = this.byAge.peek(); oldest && oldest.sentAt <= limit; oldest = this.byAge.peek()) {
      this.remove(oldest);
      expired++;
    }
    if (expired > 0) this.events.expired(this, expired);
  }

  private redrives(message: StoredMessage): boolean {
    const { redrive } = this.settings;
    if (!redrive || message.receiveCount - message.receivedBefore < redrive.maxReceiveCount) return false;
    if (!this.events.exhausted(this, message)) return false;
    this.forget(message);
    return true;
  }

  private fly(message: StoredMessage, visibilityMs: number, now: number): void {
    this.count(message, -1);
    message.state = "inFlight";
    this.inFlight++;
    message.receiveCount++;
    if (message.firstReceivedAt === 0) message.firstReceivedAt = now;
    message.receivedAt = now;
    message.visibleAt = now + visibilityMs;
    this.waiting.add(message);
    this.received.set(message.serial, message);
  }

  private forget(message: StoredMessage): void {
    this.count(message, -1);
    message.state = "gone";
    this.byAge.remove(message);
    this.received.delete(message.serial);
    // What is left in the order must not hold the body.
    message.draft = GONE;
  }

  private count(message: StoredMessage, change: 1 | -1): void {
    if (message.state === "visible") this.visible += change;
    else if (message.state === "delayed") this.delayed += change;
    else if (message.state === "inFlight") this.inFlight += change;
  }
}

const GONE: MessageDraft = { body: "", bytes: 0, senderId: "" };
