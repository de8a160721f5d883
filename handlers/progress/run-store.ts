// Runs and their logs on Amazon DynamoDB. An entry of the log is one transaction: number, state and event, or nothing at all.
import { PROGRESS_TABLE, type ProgressEvent } from "./contract";
import type { EventPage, RunPosition, RunStore } from "./ports";
import type { Entry } from "./progress-log";
import * as rows from "./rows";
import type { RunRecord } from "./run";
import { numberIn, textIn, toNumber, type ProgressTable, type Row, type RowPut, type RowUpdate } from "./table";

const { partitionKey, sortKey, timeToLive, runningIndex } = PROGRESS_TABLE;
const ABSENT = `attribute_not_exists(#${partitionKey})`;
const BEGINS = `#${partitionKey} = :partition AND begins_with(#${sortKey}, :prefix)`;
/** The counter of a minute is of no use after it. */
const STARTS_KEPT_SECONDS = 600;

/** See RunStore. */
export class DynamoRunStore implements RunStore {
  constructor(
    private readonly table: ProgressTable,
    private readonly retentionSeconds: number,
    private readonly now: () => number,
  ) {}

  async find(executionId: string): Promise<RunRecord | undefined> {
    const row = await this.table.get(rows.runKey(executionId));
    return row && rows.toRun(row);
  }

  create(run: RunRecord, event: ProgressEvent): Promise<boolean> {
    return this.table.transact(undefined, [
      { item: rows.toRunRow(run), condition: ABSENT },
      this.putEvent(run.executionId, event),
      ...this.putListed(run),
    ]);
  }

  append(seen: RunRecord, { run, key, event, storedDetail }: Entry): Promise<boolean> {
    const { executionId } = run;
    const detail =
      storedDetail === undefined
        ? []
        : [{ item: { ...rows.detailKey(executionId, key), detail: { S: storedDetail }, ...this.expiry() } }];
    // From its end on, a run is listed for as long as it is kept.
    const listed = run.endedAt === undefined ? [] : this.putListed(run);
    return this.table.transact(this.renderHead(seen, run, key), [
      this.putEvent(executionId, event),
      ...detail,
      ...listed,
    ]);
  }

  async remove(run: RunRecord): Promise<void> {
    if (run.owner !== undefined) await this.table.delete(rows.userRunKey(run.owner, run));
    await this.table.delete(rows.eventKey(run.executionId, 1));
    await this.table.delete(rows.runKey(run.executionId));
  }

  async keep(run: RunRecord): Promise<void> {
    const enough = this.expiresAt() - this.retentionSeconds / 2;
    if (run.expiresAt < enough) {
      await this.table.update({
        key: rows.runKey(run.executionId),
        update: `SET #${timeToLive} = :expiry`,
        condition: `attribute_exists(#${partitionKey})`,
        values: { ":expiry": toNumber(this.expiresAt()) },
      });
    }
    // Each report renews the run's own row, and none of them its place in the list.
    const { owner, startedAt } = run;
    if (owner === undefined || Date.parse(startedAt) / 1000 + this.retentionSeconds >= enough) return;
    const key = rows.userRunKey(owner, run);
    const listed = await this.table.get(key);
    if (!listed || (numberIn(listed, timeToLive) ?? 0) < enough) await this.table.put({ ...key, ...this.expiry() });
  }

  async list(owner: string, limit: number): Promise<readonly RunRecord[]> {
    const values = { ":partition": { S: rows.userPartition(owner) }, ":prefix": { S: rows.PREFIX.run } };
    const ids: string[] = [];
    for await (const row of this.table.query({ condition: BEGINS, values, descending: true, limit })) {
      const [, executionId] = (rows.afterPrefix(row, rows.PREFIX.run) ?? "").split("#");
      if (executionId) ids.push(executionId);
    }
    const runs = await Promise.all(ids.map((id) => this.find(id)));
    return runs.filter((run): run is RunRecord => run?.owner === owner);
  }

  async events(executionId: string, since: number, limit: number): Promise<EventPage> {
    const values = {
      ":partition": { S: rows.runPartition(executionId) },
      ":first": { S: rows.eventSort(since + 1) },
      ":last": { S: `${rows.PREFIX.event}~` },
    };
    const condition = `#${partitionKey} = :partition AND #${sortKey} BETWEEN :first AND :last`;
    const events: ProgressEvent[] = [];
    for await (const row of this.table.query({ condition, values, limit: limit + 1 })) {
      events.push(JSON.parse(textIn(row, "event") ?? "{}") as ProgressEvent);
    }
    return { events: events.slice(0, limit), more: events.length > limit };
  }

  async detail(executionId: string, key: string): Promise<string | undefined> {
    const row = await this.table.get(rows.detailKey(executionId, key));
    return row && textIn(row, "detail");
  }

  countStart(owner: string, limit: number): Promise<boolean> {
    return this.table.update({
      key: rows.startsKey(owner, Math.floor(this.now() / 60_000)),
      update: `SET #${timeToLive} = :expiry ADD #count :one`,
      condition: "attribute_not_exists(#count) OR #count < :limit",
      values: {
        ":expiry": toNumber(Math.floor(this.now() / 1000) + STARTS_KEPT_SECONDS),
        ":one": toNumber(1),
        ":limit": toNumber(limit),
      },
    });
  }

  async *running(until: string, after?: RunPosition): AsyncGenerator<RunPosition> {
    // DynamoDB refuses a start outside of what is asked for.
    if (!after || after.startedAt > until) yield* this.runningUntil(until);
    else {
      yield* this.runningUntil(until, after);
      yield* this.runningUntil(after.startedAt);
    }
  }

  async findPosition(): Promise<RunPosition | undefined> {
    const row = await this.table.get(rows.positionKey());
    const [executionId, startedAt] = [row && textIn(row, "executionId"), row && textIn(row, "startedAt")];
    return executionId === undefined || startedAt === undefined ? undefined : { executionId, startedAt };
  }

  setPosition({ executionId, startedAt }: RunPosition): Promise<void> {
    return this.table.put({ ...rows.positionKey(), executionId: { S: executionId }, startedAt: { S: startedAt } });
  }

  private async *runningUntil(until: string, after?: RunPosition): AsyncGenerator<RunPosition> {
    const query = {
      index: runningIndex.name,
      condition: `#${runningIndex.partitionKey} = :running AND #${runningIndex.sortKey} <= :until`,
      values: { ":running": { S: runningIndex.value }, ":until": { S: until } },
      after: after && rows.runningStart(after),
    };
    for await (const row of this.table.query(query)) {
      yield { executionId: rows.executionIdOf(row), startedAt: textIn(row, runningIndex.sortKey) ?? "" };
    }
  }

  /** Sets the whole state, under the condition that nobody took the number meanwhile. */
  private renderHead(seen: RunRecord, run: RunRecord, key: string): RowUpdate {
    const sets = `SET #state = :state, #sequence = :sequence, #done = :done, #redrives = :redrives, #${timeToLive} = :expiry`;
    const index = `#${runningIndex.partitionKey}`;
    const { endedAt } = run;
    const status =
      endedAt === undefined ? `, ${index} = :running REMOVE #endedAt` : `, #endedAt = :end REMOVE ${index}`;
    return {
      key: rows.runKey(run.executionId),
      update: `${sets}${status} ADD #completed :key`,
      condition: "#sequence = :seen",
      values: {
        ":state": { S: run.state },
        ":sequence": toNumber(run.sequence),
        ":done": toNumber(run.done),
        ":redrives": toNumber(run.redrives),
        ":expiry": toNumber(this.expiresAt()),
        ...(endedAt === undefined ? { ":running": { S: runningIndex.value } } : { ":end": { S: endedAt } }),
        ":key": { SS: [key] },
        ":seen": toNumber(seen.sequence),
      },
    };
  }

  private putListed(run: RunRecord): readonly RowPut[] {
    return run.owner === undefined ? [] : [{ item: { ...rows.userRunKey(run.owner, run), ...this.expiry() } }];
  }

  private putEvent(executionId: string, event: ProgressEvent): RowPut {
    const key = rows.eventKey(executionId, event.sequence);
    return { item: { ...key, event: { S: JSON.stringify(event) }, ...this.expiry() }, condition: ABSENT };
  }

  private expiry(): Row {
    return rows.expiry(this.expiresAt());
  }

  private expiresAt(): number {
    return Math.floor(this.now() / 1000) + this.retentionSeconds;
  }
}
