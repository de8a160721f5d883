// A token bucket over all workers, as one row: the time of the next free slot (generic cell rate algorithm).
//
// A worker reserves a block of slots ahead in one atomic addition and starts each message at its slot. Clocks may differ: a
// difference shifts when slots are used and costs or gives at most that much, once; it never adds slots. The row counts whole
// microseconds: fractions that DynamoDB adds exactly would not survive a JavaScript number.
import { numberIn, type StateResult, type StateTable } from "./state-table";

/** Rate over all workers. */
export interface RateLimitSettings {
  readonly perSecond: number;
  /** Messages that may start at once after a pause. */
  readonly burst: number;
}

/** Slots to start at, in milliseconds since the epoch; or, when none fits, how long until one is free. */
export type Reservation =
  | { readonly kind: "reserved"; readonly slots: readonly number[] }
  | { readonly kind: "full"; readonly retryAfterMs: number };

const KEY = "bucket";
/** No reservation reaches further ahead than a function runs; a row beyond that comes from a clock that was wrong. */
const FARTHEST_SLOT_MS = 3_600_000;
/** Simultaneous workers that got in between, before a reservation is given up for a moment. */
const ATTEMPTS = 6;

/** The bucket. */
export class TokenBucket {
  /** Microseconds from slot to slot. */
  private readonly interval: number;
  /** Microseconds that a rested bucket lies behind. */
  private readonly credit: number;

  constructor(
    private readonly table: StateTable,
    { perSecond, burst }: RateLimitSettings,
    private readonly now: () => number,
  ) {
    this.interval = Math.ceil(1_000_000 / perSecond);
    this.credit = (Math.max(1, Math.floor(burst)) - 1) * this.interval;
  }

  /** Reserves up to `wanted` slots, none of them later than `latest`. One call to the table as a rule, two after a pause. */
  async reserve(wanted: number, latest: number): Promise<Reservation> {
    const end = latest * 1000;
    let next: number | undefined;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const now = this.now() * 1000;
      const floor = now - this.credit;
      const inUse = next !== undefined && next >= floor && next <= now + FARTHEST_SLOT_MS * 1000;
      const first = inUse && next !== undefined ? next : floor;
      const count = Math.min(wanted, Math.floor((end - first) / this.interval) + 1);
      if (count < 1) return { kind: "full", retryAfterMs: Math.max(this.interval, first - now) / 1000 };
      // Nothing is known at first: that the bucket is in use is what costs least to assume.
      const assumed = attempt === 0 || inUse;
      const result = assumed ? await this.advance(floor, end, count) : await this.restart(floor, next, count);
      next = numberIn(result.row, "nextSlot");
      if (result.written && next !== undefined) return { kind: "reserved", slots: this.slotsBefore(next, count) };
    }
    return { kind: "full", retryAfterMs: this.interval / 1000 };
  }

  /** Adds to a row that is in use. */
  private advance(floor: number, end: number, count: number): Promise<StateResult> {
    return this.table.write({
      operation: "UpdateItem",
      key: KEY,
      update: "SET nextSlot = nextSlot + :block",
      condition: "nextSlot BETWEEN :floor AND :last",
      values: {
        ":block": { N: String(count * this.interval) },
        ":floor": { N: String(floor) },
        ":last": { N: String(Math.max(floor, end - (count - 1) * this.interval)) },
      },
    });
  }

  /** Sets a row that is missing, has rested for longer than the burst makes up for, or comes from a wrong clock. */
  private restart(floor: number, seen: number | undefined, count: number): Promise<StateResult> {
    return this.table.write({
      operation: "UpdateItem",
      key: KEY,
      update: "SET nextSlot = :next",
      condition: seen === undefined ? "attribute_not_exists(nextSlot)" : "nextSlot = :seen",
      values: {
        ":next": { N: String(floor + count * this.interval) },
        ...(seen === undefined ? {} : { ":seen": { N: String(seen) } }),
      },
    });
  }

  /** In milliseconds, rounded up: a slot is never used early. */
  private slotsBefore(next: number, count: number): number[] {
    return Array.from({ length: count }, (_, index) => Math.ceil((next - (count - index) * this.interval) / 1000));
  }
}

/** A slot that nobody started at in time is lost: used later, it would add to the slots of others. */
const LATEST_USE_MS = 1000;

/** The slots that one batch has reserved and not used yet. */
export class SlotStock {
  private slots: number[] = [];
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly bucket: TokenBucket,
    /** Messages that may start at the same time: the size of a block. */
    private readonly blockSize: number,
    /** Messages of the batch that still need a slot. */
    private outstanding: number,
    private readonly now: () => number,
  ) {}

  /** The next slot, or how long to wait for one. Calls take turns. */
  next(latest: number): Promise<{ readonly startAt: number } | { readonly retryAfterMs: number }> {
    const result = this.turn.then(() => this.take(latest));
    this.turn = result.catch(() => undefined);
    return result;
  }

  /** Gives back a slot that was not needed. */
  giveBack(startAt: number): void {
    this.slots.unshift(startAt);
  }

  private async take(latest: number): Promise<{ readonly startAt: number } | { readonly retryAfterMs: number }> {
    this.slots = this.slots.filter((slot) => slot >= this.now() - LATEST_USE_MS);
    if (this.slots.length === 0) {
      const reservation = await this.bucket.reserve(Math.max(1, Math.min(this.blockSize, this.outstanding)), latest);
      if (reservation.kind === "full") return reservation;
      // Those of a rested bucket lie in the past, and are there to be used now.
      const now = this.now();
      this.slots = reservation.slots.map((slot) => Math.max(slot, now));
    }
    this.outstanding--;
    return { startAt: this.slots.shift() ?? this.now() };
  }
}
