// A priority queue whose items know their position, so that any of them can leave or move in logarithmic time.

/** How a heap orders its items, and where it keeps their positions. */
export interface HeapSettings<T> {
  comesBefore(one: T, other: T): boolean;
  /** Position of an item; -1 when it is not in the heap. */
  positionOf(item: T): number;
  place(item: T, position: number): void;
}

/** A binary heap, the first item at the top. */
export class IndexedHeap<T> {
  private items: T[] = [];

  constructor(private readonly settings: HeapSettings<T>) {}

  get size(): number {
    return this.items.length;
  }

  peek(): T | undefined {
    return this.items[0];
  }

  has(item: T): boolean {
    return this.settings.positionOf(item) >= 0;
  }

  add(item: T): void {
    this.items.push(item);
    this.rise(item, this.items.length - 1);
  }

  remove(item: T): void {
    const position = this.settings.positionOf(item);
    if (position < 0) return;
    this.settings.place(item, -1);
    const last = this.items.pop();
    if (last === undefined || last === item) return;
    this.settle(last, position);
  }

  /** Call after the item's rank has changed. */
  update(item: T): void {
    const position = this.settings.positionOf(item);
    if (position >= 0) this.settle(item, position);
  }

  /** Every item, in no order. */
  all(): readonly T[] {
    return this.items;
  }

  clear(): void {
    for (const item of this.items) this.settings.place(item, -1);
    this.items = [];
  }

  private settle(item: T, position: number): void {
    const above = this.items[(position - 1) >> 1];
    if (position > 0 && above !== undefined && this.settings.comesBefore(item, above)) this.rise(item, position);
    else this.sink(item, position);
  }

  private rise(item: T, from: number): void {
    const { items, settings } = this;
    let position = from;
    while (position > 0) {
      const above = (position - 1) >> 1;
      const parent = items[above] as T;
      if (!settings.comesBefore(item, parent)) break;
      items[position] = parent;
      settings.place(parent, position);
      position = above;
    }
    items[position] = item;
    settings.place(item, position);
  }

  private sink(item: T, from: number): void {
    const { items, settings } = this;
    let position = from;
    for (;;) {
      let below = 2 * position + 1;
      if (below >= items.length) break;
      if (below + 1 < items.length && settings.comesBefore(items[below + 1] as T, items[below] as T)) below++;
      const child = items[below] as T;
      if (!settings.comesBefore(child, item)) break;
      items[position] = child;
      settings.place(child, position);
      position = below;
    }
    items[position] = item;
    settings.place(item, position);
  }
}
