// Proves the token bucket: its rate over random workers with clocks that differ, and its writes on the embedded DynamoDB.
import assert from "node:assert/strict";
import fc from "fast-check";
import { createQueueHandler } from "../../../handlers/queue";
import { createJsonClient } from "../../../handlers/queue/kit";
import { SlotStock, TokenBucket } from "../../../handlers/queue/rate-limit";
import { StateTable, type StateResult, type StateWrite } from "../../../handlers/queue/state-table";
import { DYNAMODB } from "../../../handlers/shared/aws-json";
import { BASE_ENVIRONMENT, failedIds, invocation, queueEvent, startStateTable } from "../../support/queue-stub";

/** The two writes of the bucket, as DynamoDB carries them out. */
class BucketRow {
  next: number | undefined;

  table(): StateTable {
    return this as unknown as StateTable;
  }

  async write({ update = "", values = {} }: StateWrite): Promise<StateResult> {
    const number = (name: string): number | undefined => {
      const value = values[name];
      return value && "N" in value ? Number(value.N) : undefined;
    };
    const adds = update.includes("+");
    const holds = adds
      ? this.next !== undefined && this.next >= number(":floor")! && this.next <= number(":last")!
      : this.next === number(":seen");
    if (holds) this.next = adds ? this.next! + number(":block")! : number(":next")!;
    return { written: holds, row: this.next === undefined ? undefined : { nextSlot: { N: String(this.next) } } };
  }
}

describe("The token bucket", () => {
  it("Q22: over random workers, blocks and clocks never gives more slots than rate, burst and skew allow", async () => {
    const call = fc.record({
      skewMs: fc.integer({ min: -500, max: 500 }),
      wanted: fc.integer({ min: 1, max: 10 }),
      pauseMs: fc.integer({ min: 0, max: 900 }),
    });
    const rate = fc.record({
      perSecond: fc.double({ min: 0.5, max: 200, noNaN: true }),
      burst: fc.integer({ min: 1, max: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(rate, fc.array(call, { minLength: 5, maxLength: 60 }), async (settings, calls) => {
        const row = new BucketRow();
        const used: number[] = [];
        let now = Date.UTC(2026, 0, 1);
        for (const { skewMs, wanted, pauseMs } of calls) {
          now += pauseMs;
          const clock = (): number => now + skewMs;
          const reservation = await new TokenBucket(row.table(), settings, clock).reserve(wanted, clock() + 5000);
          if (reservation.kind === "reserved") {
            assert.ok(reservation.slots.every((slot) => slot <= clock() + 5001));
            used.push(...reservation.slots.map((slot) => Math.max(slot, clock()) - skewMs));
          }
        }
        used.sort((one, other) => one - other);
        for (const [index, start] of used.entries())
          for (let end = index; end < used.length; end++) {
            const seconds = (used[end]! - start + 1000) / 1000;
            const allowed = settings.burst + settings.perSecond * seconds + 1;
            assert.ok(end - index + 1 <= allowed, `${end - index + 1} in ${seconds} s, at most ${allowed}`);
          }
      }),
      { numRuns: 60 },
    );
  });

  it("Q22: gives the whole rate to workers that ask for all of it", async () => {
    const [row, start] = [new BucketRow(), Date.UTC(2026, 0, 1)];
    let [now, given] = [start, 0];
    while (now < start + 60_000) {
      const reservation = await new TokenBucket(row.table(), { perSecond: 30, burst: 5 }, () => now).reserve(
        10,
        now + 1000,
      );
      if (reservation.kind === "reserved") given += reservation.slots.length;
      now += 100;
    }

    assert.ok(given >= 30 * 60 && given <= 30 * 61 + 5, `${given} slots`);
  });

  it("restarts a row that a wrong clock has put far into the future", async () => {
    const [row, now] = [new BucketRow(), Date.UTC(2026, 0, 1)];
    row.next = (now + 7_200_000) * 1000;

    const reservation = await new TokenBucket(row.table(), { perSecond: 1, burst: 1 }, () => now).reserve(
      1,
      now + 1000,
    );

    assert.deepEqual(reservation, { kind: "reserved", slots: [now] });
  });

  it("Q22: lets a whole burst start at once after a pause, and the next message wait", async () => {
    const now = Date.UTC(2026, 0, 1);
    const bucket = new TokenBucket(new BucketRow().table(), { perSecond: 1, burst: 10 }, () => now);
    const stock = new SlotStock(bucket, 10, 11, () => now);

    const starts: number[] = [];
    for (let count = 0; count < 11; count++) {
      const slot = await stock.next(now + 5000);
      starts.push("startAt" in slot ? slot.startAt - now : Number.NaN);
    }

    assert.deepEqual(starts, [...Array.from({ length: 10 }, () => 0), 1000]);
  });

  it("throws a slot away that nobody used in time, and gives back one that was not needed", async () => {
    let now = Date.UTC(2026, 0, 1);
    const bucket = new TokenBucket(new BucketRow().table(), { perSecond: 1, burst: 3 }, () => now);
    const stock = new SlotStock(bucket, 3, 3, () => now);
    const first = await stock.next(now + 5000);
    assert.ok("startAt" in first);
    stock.giveBack(now + 7);

    const returned = await stock.next(now + 5000);
    now += 10_000;
    const fresh = await stock.next(now + 5000);

    assert.deepEqual(returned, { startAt: now - 10_000 + 7 });
    assert.ok("startAt" in fresh && fresh.startAt >= now - 3000);
  });

  describe("on DynamoDB", () => {
    let database: { readonly endpoint: string; close(): Promise<void> };
    let environment: Record<string, string>;

    before(async () => {
      database = await startStateTable();
      environment = { ...BASE_ENVIRONMENT, AWS_ENDPOINT_URL_DYNAMODB: database.endpoint, STATE_TABLE_NAME: "state" };
    });
    after(() => database.close());

    it("Q22: gives simultaneous workers different slots, in one or two calls each", async () => {
      const now = Date.UTC(2026, 0, 1);
      const table = new StateTable(
        createJsonClient(DYNAMODB, environment, () => now),
        "state",
      );
      const buckets = Array.from({ length: 4 }, () => new TokenBucket(table, { perSecond: 3, burst: 1 }, () => now));

      const reservations = await Promise.all(buckets.map((bucket) => bucket.reserve(3, now + 60_000)));

      const slots = reservations.flatMap((one) => (one.kind === "reserved" ? one.slots : []));
      assert.equal(slots.length, 12);
      assert.equal(new Set(slots).size, 12);
      assert.deepEqual(Math.max(...slots) - Math.min(...slots), 3667);
    });

    it("Q22: reserves one slot after the other for a FIFO group, whose messages start one after the other", async () => {
      let now = Date.UTC(2028, 0, 1);
      const starts: number[] = [];
      const consumer = {
        processMessage: async () => {
          starts.push(now);
          now += 3500;
        },
      };
      const handler = createQueueHandler(
        consumer,
        { ...environment, RATE_LIMIT_PER_SECOND: "0.5", RATE_LIMIT_BURST: "1" },
        { now: () => now, writeLine: () => undefined, sleep: async (milliseconds) => void (now += milliseconds) },
      );

      const response = await handler(
        queueEvent([{ group: "a" }, { group: "a" }, { group: "a" }], "w.fifo"),
        invocation(),
      );

      const [first = 0] = starts;
      // Each is at its slot at once: none was reserved ahead and lost.
      assert.deepEqual([failedIds(response), starts.map((start) => start - first)], [[], [0, 3500, 7000]]);
    });

    it("Q22: returns with a delay what would not fit into the function's time", async () => {
      let processed = 0;
      const consumer = { processMessage: async () => void processed++ };
      // A year later, so that the bucket is full again.
      const now = Date.UTC(2027, 0, 1);
      const handler = createQueueHandler(
        consumer,
        { ...environment, RATE_LIMIT_PER_SECOND: "0.1", RATE_LIMIT_BURST: "2" },
        { now: () => now, writeLine: () => undefined },
      );

      const response = await handler(queueEvent([{}, {}, {}, {}]), invocation(10_000));

      assert.deepEqual([processed, failedIds(response).length], [2, 2]);
    });
  });
});
