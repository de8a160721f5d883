// Which message of a queue comes next. Standard queues are fair between groups; FIFO queues keep the order of each group.
import { IndexedHeap } from "./indexed-heap";
import { MessageGroup, type StoredMessage } from "./message";
import { Ring } from "./ring";

/** The messages of a queue that are not in flight, in the order in which they can be received. */
export interface MessageOrder {
  /** Group of new messages. */
  groupOf(id: string | undefined): MessageGroup;
  /** Takes in a new message, which may still be delayed. */
  add(message: StoredMessage): void;
  /** A delayed message has become visible. */
  due(message: StoredMessage): void;
  /** A message in flight has become visible again. */
  giveBack(message: StoredMessage): void;
  /** A message in flight is gone. */
  release(message: StoredMessage): void;
  /** A message that was not in flight is gone. */
  drop(message: StoredMessage): void;
  /**
   * Offers messages until `limit` of them are accepted or none is left. Accepted ones are in flight, others have left the queue.
   */
  take(limit: number, accept: (message: StoredMessage) => boolean): void;
  /** Groups with messages in flight. */
  busyGroups(): number;
  clear(): void;
}

abstract class GroupedOrder {
  protected readonly groups = new Map<string | undefined, MessageGroup>();
  private busy = 0;

  groupOf(id: string | undefined): MessageGroup {
    let group = this.groups.get(id);
    if (!group) this.groups.set(id, (group = new MessageGroup(id)));
    return group;
  }

  busyGroups(): number {
    return this.busy;
  }

  protected countInFlight(group: MessageGroup, change: 1 | -1): void {
    const before = group.inFlight;
    group.inFlight += change;
    if (group.id === undefined) return;
    if (before === 0) this.busy++;
    else if (group.inFlight === 0) this.busy--;
  }

  /** One message of the group has left the queue. */
  protected leave(group: MessageGroup): void {
    if (--group.members === 0) this.groups.delete(group.id);
  }

  protected clearGroups(): void {
    this.groups.clear();
    this.busy = 0;
  }
}

/**
 * Order of a standard queue. The group with the fewest messages in flight comes first, then the oldest message: a tenant whose
 * messages occupy the consumers does not delay the others (fair queues). Messages without a group never count as noisy.
 */
export class FairOrder extends GroupedOrder implements MessageOrder {
  private readonly ready = new IndexedHeap<MessageGroup>({
    comesBefore: (one, other) => {
      const [noise, otherNoise] = [noiseOf(one), noiseOf(other)];
      return noise === otherNoise ? sequenceOf(one) < sequenceOf(other) : noise < otherNoise;
    },
    positionOf: (group) => group.position,
    place: (group, position) => (group.position = position),
  });

  add(message: StoredMessage): void {
    message.group.members++;
    if (message.state === "visible") this.due(message);
  }

  due(message: StoredMessage): void {
    const { group } = message;
    group.waiting.push(message);
    this.settle(group);
  }

  giveBack(message: StoredMessage): void {
    this.countInFlight(message.group, -1);
    this.due(message);
  }

  release(message: StoredMessage): void {
    this.countInFlight(message.group, -1);
    this.drop(message);
  }

  drop(message: StoredMessage): void {
    this.leave(message.group);
    this.settle(message.group);
  }

  take(limit: number, accept: (message: StoredMessage) => boolean): void {
    let accepted = 0;
    while (accepted < limit) {
      const group = this.ready.peek();
      const message = group?.head();
      if (!group || !message) return;
      group.waiting.shift();
      if (accept(message)) {
        accepted++;
        this.countInFlight(group, 1);
      } else this.leave(group);
      this.settle(group);
    }
  }

  clear(): void {
    this.ready.clear();
    this.clearGroups();
  }

  private settle(group: MessageGroup): void {
    if (!group.head()) this.ready.remove(group);
    else if (this.ready.has(group)) this.ready.update(group);
    else this.ready.add(group);
  }
}

function noiseOf(group: MessageGroup): number {
  return group.id === undefined ? 0 : group.inFlight;
}

function sequenceOf(group: MessageGroup): number {
  return group.waiting.peek()?.sequence ?? 0;
}

/**
 * Order of a FIFO queue: a group gives its messages in the order of arrival, and none while one of them is in flight. Groups take
 * turns.
 */
export class FifoOrder extends GroupedOrder implements MessageOrder {
  private readonly ready = new Ring<MessageGroup>();

  add(message: StoredMessage): void {
    message.group.members++;
    message.group.waiting.push(message);
    this.settle(message.group);
  }

  due(message: StoredMessage): void {
    this.settle(message.group);
  }

  giveBack(message: StoredMessage): void {
    const { group } = message;
    this.countInFlight(group, -1);
    // Messages of one receive come back in any order; those before this one are few.
    const earlier: StoredMessage[] = [];
    for (let head = group.head(); head && head.sequence < message.sequence; head = group.head()) {
      group.waiting.shift();
      earlier.push(head);
    }
    group.waiting.unshift(message);
    for (const each of earlier.reverse()) group.waiting.unshift(each);
    this.settle(group);
  }

  release(message: StoredMessage): void {
    this.countInFlight(message.group, -1);
    this.drop(message);
  }

  drop(message: StoredMessage): void {
    this.leave(message.group);
    this.settle(message.group);
  }

  take(limit: number, accept: (message: StoredMessage) => boolean): void {
    let accepted = 0;
    for (let group = this.ready.shift(); group; group = accepted < limit ? this.ready.shift() : undefined) {
      group.position = -1;
      if (group.inFlight > 0) continue;
      let head = group.head();
      while (head?.state === "visible" && accepted < limit) {
        group.waiting.shift();
        if (accept(head)) {
          accepted++;
          this.countInFlight(group, 1);
        } else this.leave(group);
        head = group.head();
      }
      this.settle(group);
    }
  }

  clear(): void {
    this.ready.clear();
    this.clearGroups();
  }

  private settle(group: MessageGroup): void {
    if (group.inFlight > 0 || group.position >= 0 || group.head()?.state !== "visible") return;
    group.position = 0;
    this.ready.push(group);
  }
}
