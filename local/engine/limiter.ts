// Bounds how many provider operations run at a time.

/** Runs tasks, at most `limit` at once, in the order in which they arrive. */
export class Limiter {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(private readonly limit: number) {
    if (!Number.isInteger(limit) || limit < 1)
      throw new RangeError(`parallel must be a whole number of 1 or more, not ${limit}`);
  }

  /** Tasks that run or wait. */
  get pending(): number {
    return this.#running + this.#waiting.length;
  }

  /** Runs the task when its turn comes. */
  async run<T>(task: () => T | Promise<T>): Promise<T> {
    if (this.#running >= this.limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await task();
    } finally {
      // The slot passes to the next in line, or is given back.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
