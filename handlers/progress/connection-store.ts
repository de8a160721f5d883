// Connections, subscriptions and tickets on Amazon DynamoDB.
import { createHash } from "node:crypto";
import { PROGRESS_TABLE, CONNECTION_SECONDS } from "./contract";
import type { ConnectionStore, TicketStore, Viewer } from "./ports";
import * as rows from "./rows";
import { textIn, toNumber, type ProgressTable, type Row } from "./table";

const { partitionKey, sortKey } = PROGRESS_TABLE;
/** Rows outlive the longest connection by this much, in seconds. */
const SLACK_SECONDS = 300;

/** See ConnectionStore. */
export class DynamoConnectionStore implements ConnectionStore {
  constructor(
    private readonly table: ProgressTable,
    private readonly now: () => number,
  ) {}

  add(connectionId: string, viewer: Viewer): Promise<void> {
    return this.table.put({ ...rows.connectionKey(connectionId), ...toViewerRow(viewer), ...this.expiry() });
  }

  async subscribe(connectionId: string, executionId: string): Promise<void> {
    // This one first: what $disconnect finds must cover all subscriptions.
    await this.table.put({ ...rows.subscriptionKey(connectionId, executionId), ...this.expiry() });
    const connection = { connectionId: { S: connectionId } };
    await this.table.put({ ...rows.subscriberKey(executionId, connectionId), ...connection, ...this.expiry() });
  }

  async unsubscribe(connectionId: string, executionId: string): Promise<void> {
    await this.table.delete(rows.subscriberKey(executionId, connectionId));
    await this.table.delete(rows.subscriptionKey(connectionId, executionId));
  }

  async forget(connectionId: string, watched?: string): Promise<void> {
    const condition = `#${partitionKey} = :partition`;
    const values = { ":partition": { S: rows.connectionPartition(connectionId) } };
    // A subscription that crossed with the end of its connection may be known to its run only.
    const subscriptions = new Set(watched === undefined ? [] : [watched]);
    for await (const row of this.table.query({ condition, values, attributes: [sortKey] })) {
      const executionId = rows.afterPrefix(row, rows.PREFIX.run);
      if (executionId !== undefined) subscriptions.add(executionId);
    }
    for (const executionId of subscriptions) await this.unsubscribe(connectionId, executionId);
    await this.table.delete(rows.connectionKey(connectionId));
  }

  async *subscribers(executionId: string): AsyncGenerator<string> {
    const query = {
      condition: `#${partitionKey} = :partition AND begins_with(#${sortKey}, :prefix)`,
      values: { ":partition": { S: rows.runPartition(executionId) }, ":prefix": { S: rows.PREFIX.subscriber } },
      attributes: ["connectionId"],
    };
    for await (const row of this.table.query(query)) {
      const connectionId = textIn(row, "connectionId");
      if (connectionId !== undefined) yield connectionId;
    }
  }

  private expiry(): Row {
    return rows.expiry(Math.floor(this.now() / 1000) + CONNECTION_SECONDS + SLACK_SECONDS);
  }
}

/** See TicketStore. */
export class DynamoTicketStore implements TicketStore {
  constructor(
    private readonly table: ProgressTable,
    private readonly now: () => number,
  ) {}

  issue(ticket: string, viewer: Viewer, usableUntil: number): Promise<void> {
    return this.table.put({
      ...rows.ticketKey(hashTicket(ticket)),
      ...toViewerRow(viewer),
      usableUntil: toNumber(usableUntil),
      ...rows.expiry(Math.ceil(usableUntil / 1000)),
    });
  }

  async redeem(ticket: string): Promise<Viewer | undefined> {
    const key = rows.ticketKey(hashTicket(ticket));
    const row = await this.table.take(key, "#usableUntil > :now", { ":now": toNumber(this.now()) });
    const owner = row && textIn(row, "owner");
    if (!row || owner === undefined) return undefined;
    const scope = textIn(row, "scope");
    return scope === undefined ? { owner } : { owner, scope };
  }
}

/** The table knows tickets by their hash: whoever reads it cannot connect. */
function hashTicket(ticket: string): string {
  return createHash("sha256").update(ticket).digest("hex");
}

function toViewerRow({ owner, scope }: Viewer): Row {
  return { owner: { S: owner }, ...(scope === undefined ? {} : { scope: { S: scope } }) };
}
