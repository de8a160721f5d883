// Puts entries that come in any order, several times or not at all into the one order of the log.
import type { ProgressEvent } from "../../handlers/progress/contract";
import type { Entry } from "./messages";

/** One run's log as this client has it: complete up to `known`, and later entries that wait for those before them. */
export class EventLog {
  readonly #waiting = new Map<number, ProgressEvent | undefined>();

  /** @param known number up to which nothing is wanted, or everything is there */
  constructor(public known: number) {}

  /** Whether entries are missing before some that have come. */
  get hasGap(): boolean {
    return this.#waiting.size > 0;
  }

  /**
   * Takes entries in.
   * @param completeTo the server knows of none but the given ones up to this number
   * @returns events whose turn it is, in order
   */
  add(entries: readonly Entry[], completeTo = 0): ProgressEvent[] {
    for (const { sequence, event } of entries) {
      if (sequence > this.known && !this.#waiting.has(sequence)) this.#waiting.set(sequence, event);
    }
    this.known = Math.max(this.known, completeTo);
    const ready: ProgressEvent[] = [];
    for (const [sequence, event] of [...this.#waiting].sort(([one], [other]) => one - other)) {
      if (sequence > this.known + 1) break;
      if (event) ready.push(event);
      this.#waiting.delete(sequence);
      this.known = Math.max(this.known, sequence);
    }
    return ready;
  }
}
