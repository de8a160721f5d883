// A queue of items with constant cost at both ends, however long it is.

const INITIAL_CAPACITY = 4;

/** A double-ended queue in a ring whose capacity is a power of two. */
export class Ring<T> {
  private items: (T | undefined)[] = [];
  private head = 0;
  private count = 0;

  get length(): number {
    return this.count;
  }

  push(item: T): void {
    this.grow();
    this.items[(this.head + this.count) & (this.items.length - 1)] = item;
    this.count++;
  }

  unshift(item: T): void {
    this.grow();
    this.head = (this.head - 1) & (this.items.length - 1);
    this.items[this.head] = item;
    this.count++;
  }

  shift(): T | undefined {
    if (this.count === 0) return undefined;
    const item = this.items[this.head];
    this.items[this.head] = undefined;
    this.head = (this.head + 1) & (this.items.length - 1);
    this.count--;
    if (this.count === 0) this.clear();
    return item;
  }

  peek(): T | undefined {
    return this.count === 0 ? undefined : this.items[this.head];
  }

  clear(): void {
    this.items = [];
    this.head = 0;
    this.count = 0;
  }

  private grow(): void {
    const { length } = this.items;
    if (this.count < length) return;
    const larger = new Array<T | undefined>(Math.max(INITIAL_CAPACITY, length * 2));
    for (let index = 0; index < this.count; index++) larger[index] = this.items[(this.head + index) & (length - 1)];
    this.items = larger;
    this.head = 0;
  }
}
