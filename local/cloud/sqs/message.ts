// A message in a queue, and how its ids are made. A million of them must fit, so ids are made from numbers when they are shown.
import type { CloudContext, MessageAttribute } from "../core/service";
import { uuidFrom } from "../core/uuid";
import { Ring } from "./ring";

/** A message that has been checked and can be put into a queue. */
export interface MessageDraft {
  readonly body: string;
  /** Size of body and attributes as SQS counts it, in bytes. */
  readonly bytes: number;
  readonly senderId: string;
  readonly attributes?: Readonly<Record<string, MessageAttribute>>;
  readonly groupId?: string;
  readonly deduplicationId?: string;
  readonly traceHeader?: string;
  /** ARN of the queue from which the message came to a dead-letter queue. */
  readonly deadLetterSource?: string;
}

/** Messages with one group id; all messages without one are a group too. */
export class MessageGroup {
  /** What can be received, or will be when it is due; messages that are gone stay until they come to the head. */
  readonly waiting = new Ring<StoredMessage>();
  /** Messages of the group that are in the queue: delayed, visible or in flight. */
  members = 0;
  inFlight = 0;
  /** Place among the groups that can be received from, -1 when there is none. */
  position = -1;

  constructor(readonly id: string | undefined) {}

  /** First message that still exists. */
  head(): StoredMessage | undefined {
    for (let first = this.waiting.peek(); first; first = this.waiting.peek()) {
      if (first.state !== "gone") return first;
      this.waiting.shift();
    }
    return undefined;
  }
}

/** A message in a queue. */
export class StoredMessage {
  state: "delayed" | "visible" | "inFlight" | "gone" = "visible";
  /** For delayed messages and those in flight: when they can be received, in milliseconds since the epoch. */
  visibleAt = 0;
  receiveCount = 0;
  firstReceivedAt = 0;
  /** When it was received last. */
  receivedAt = 0;
  /** Place among those that wait for their time. */
  waitPosition = -1;
  /** Place by age. */
  agePosition = -1;

  constructor(
    /** Number of the message in this run; its id is made from it. */
    readonly serial: number,
    /** Order of arrival in its queue. */
    readonly sequence: number,
    public draft: MessageDraft,
    readonly group: MessageGroup,
    /** Value of SentTimestamp, in milliseconds since the epoch. */
    readonly sentAt: number,
    /** Receives that a source queue has counted before the message came here. */
    readonly receivedBefore: number,
  ) {
    this.receiveCount = receivedBefore;
  }
}

/** Makes message numbers and ids. One for the whole service: a message keeps its id when it is redriven. */
export class MessageIds {
  private last = 0;
  private readonly seed: string;

  constructor(context: CloudContext) {
    this.seed = uuidFrom(context.uniqueId(32));
  }

  next(): number {
    return ++this.last;
  }

  /** The id of a message: different in its first digits for neighbours, so that people can tell them apart. */
  idOf(serial: number): string {
    // A product with an odd number runs through all 32-bit values once.
    const mixed = (Math.imul(serial, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0");
    const high = Math.floor(serial / 0x100000000)
      .toString(16)
      .padStart(4, "0");
    return `${mixed}${this.seed.slice(8, 24)}${high}${this.seed.slice(28)}`;
  }
}

/** SequenceNumber of FIFO queues: twenty digits that grow. */
export function sequenceNumber(sequence: number): string {
  return `18849${String(sequence).padStart(15, "0")}`;
}
