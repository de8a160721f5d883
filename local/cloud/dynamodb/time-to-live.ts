// Time to live: removes items whose expiry has passed, on the injected clock. AWS promises removal within a few days and never
// before the expiry; here a sweep runs every minute of clock time, so an item goes at most a minute after its expiry.
import { recordAct } from "../core/acts";
import type { Timer } from "../core/clock";
import type { CloudContext } from "../core/service";
import type { Item } from "./engine";
import { lockKey } from "./items";
import type { Table, Tables } from "./tables";

/** Time between two sweeps, in milliseconds. */
export const SWEEP_INTERVAL_MS = 60_000;
/** AWS ignores expiries that lie further back: they are taken for mistakes. */
const OLDEST_EXPIRY_MS = 5 * 365 * 24 * 3_600_000;

/** Sweeps tables with a time-to-live attribute. */
export class TimeToLive {
  private timer: Timer | undefined;
  private sweeping = false;

  constructor(
    private readonly context: CloudContext,
    private readonly tables: Tables,
  ) {}

  /** Plans the next sweep, unless one is planned or nothing can expire. */
  plan(): void {
    if (this.timer || !this.tables.all().some(({ settings }) => settings.ttlAttribute)) return;
    this.timer = this.context.clock.setTimer(SWEEP_INTERVAL_MS, () => {
      this.timer = undefined;
      this.plan();
      // A table may go while it is swept; what is left then waits for the next sweep.
      this.sweep().catch(() => undefined);
    });
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  /** Removes expired items of all tables. Does nothing while an earlier sweep runs. */
  private async sweep(): Promise<void> {
    if (this.sweeping) return;
    this.sweeping = true;
    try {
      for (const table of this.tables.all()) {
        if (table.settings.ttlAttribute) await this.sweepTable(table, table.settings.ttlAttribute);
      }
    } finally {
      this.sweeping = false;
    }
  }

  private async sweepTable(table: Table, attribute: string): Promise<void> {
    const now = this.context.clock.now();
    const expired = (await table.engine.items(table.name)).filter((item) => isExpired(item, attribute, now));
    for (const item of expired) await this.remove(table, item, attribute, now);
    if (expired.length > 0) this.trace(table, expired.length);
  }

  private async remove(table: Table, item: Item, attribute: string, now: number): Promise<void> {
    const names = table.stored.KeySchema.map(({ AttributeName }) => AttributeName);
    const Key = Object.fromEntries(names.map((name) => [name, item[name] ?? {}]));
    await this.tables.locks.afterTransactions([lockKey(table, { Key })], async () => {
      // It may have been renewed since the scan.
      const current = await table.engine.read(table.name, Key);
      if (current && isExpired(current, attribute, now)) {
        await table.engine.run("deleteItem", { TableName: table.name, Key });
      }
    });
  }

  private trace(table: Table, items: number): void {
    recordAct(this.context, {
      service: "dynamodb",
      caller: "dynamodb.amazonaws.com",
      operation: "TimeToLive",
      resource: table.arn,
      detail: { items },
    });
  }
}

function isExpired(item: Item, attribute: string, now: number): boolean {
  const seconds = item[attribute]?.N;
  if (typeof seconds !== "string") return false;
  const expiry = Number(seconds) * 1000;
  return expiry <= now && expiry > now - OLDEST_EXPIRY_MS;
}
