// Who may write which item when: single writes queue per item, transactions exclude each other.
import { AwsError } from "../core/errors";

/** Serialises writes per item. Keys are opaque item identities. */
export class ItemLocks {
  private readonly tails = new Map<string, Promise<unknown>>();
  private readonly transactions = new Map<string, Promise<unknown>>();

  /** Whether a transaction on this item is under way. */
  isInTransaction(key: string): boolean {
    return this.transactions.has(key);
  }

  /** Runs a single-item write after earlier writes of that item. Throws TransactionConflictException meanwhile. */
  write<T>(key: string, task: () => Promise<T>): Promise<T> {
    if (this.isInTransaction(key)) {
      throw new AwsError("TransactionConflictException", "Transaction is ongoing for the item");
    }
    return this.enqueue([key], task);
  }

  /** Runs a task over several items after earlier writes and transactions on any of them. */
  async afterTransactions<T>(keys: readonly string[], task: () => Promise<T>): Promise<T> {
    for (let busy = this.busy(keys); busy.length > 0; busy = this.busy(keys)) await Promise.allSettled(busy);
    return this.enqueue(keys, task);
  }

  /** Runs a task over several items after earlier writes; the caller has checked `isInTransaction`. */
  enqueue<T>(keys: readonly string[], task: () => Promise<T>): Promise<T> {
    const earlier = keys.map((key) => this.tails.get(key)).filter((tail) => tail !== undefined);
    const result = Promise.allSettled(earlier).then(task);
    for (const key of keys) this.tails.set(key, result);
    const forget = (): void => {
      for (const key of keys) if (this.tails.get(key) === result) this.tails.delete(key);
    };
    result.then(forget, forget);
    return result;
  }

  /** Runs a transaction: others on these items are refused until it ends. The caller has checked `isInTransaction`. */
  transaction<T>(keys: readonly string[], task: () => Promise<T>): Promise<T> {
    const result = this.enqueue(keys, task);
    for (const key of keys) this.transactions.set(key, result);
    const release = (): void => {
      for (const key of keys) this.transactions.delete(key);
    };
    result.then(release, release);
    return result;
  }

  private busy(keys: readonly string[]): readonly Promise<unknown>[] {
    return keys.map((key) => this.transactions.get(key)).filter((running) => running !== undefined);
  }
}
