// Deduplication of FIFO queues, and repeated receive attempts: both remember for five minutes.
import { Ring } from "./ring";

const MEMORY_MS = 5 * 60_000;

interface Remembered<T> {
  readonly key: string;
  readonly value: T;
  readonly until: number;
}

/** Remembers values for five minutes from when they came. */
export class ShortMemory<T> {
  private readonly values = new Map<string, Remembered<T>>();
  private readonly order = new Ring<Remembered<T>>();

  get(key: string, now: number): T | undefined {
    for (let first = this.order.peek(); first && first.until <= now; first = this.order.peek()) {
      this.order.shift();
      if (this.values.get(first.key) === first) this.values.delete(first.key);
    }
    return this.values.get(key)?.value;
  }

  set(key: string, value: T, now: number): void {
    const remembered = { key, value, until: now + MEMORY_MS };
    this.values.set(key, remembered);
    this.order.push(remembered);
  }

  delete(key: string): void {
    this.values.delete(key);
  }
}

/** What the first message with a deduplication id was. */
export interface AcceptedMessage {
  readonly serial: number;
  readonly sequence: number;
}
