// The tables that exist, by account and Region, with the settings that dynalite does not know.
import { AwsError } from "../core/errors";
import type { JsonObject } from "../core/json-api";
import { Engine, type StoredTable } from "./engine";
import { ItemLocks } from "./locks";

/** Settings of a table beside its keys and indexes. */
export interface TableSettings {
  readonly tableClass: string;
  readonly deletionProtection: boolean;
  readonly pointInTimeRecovery: boolean;
  readonly recoveryPeriodDays: number;
  /** KMS key of server-side encryption; undefined for the key that DynamoDB owns. */
  readonly kmsKeyArn?: string | undefined;
  /** Attribute that holds the expiry, in seconds since the epoch; undefined when nothing expires. */
  readonly ttlAttribute?: string | undefined;
}

/** A declared table. */
export interface Table {
  readonly accountId: string;
  readonly region: string;
  readonly name: string;
  readonly arn: string;
  /** Input of CreateTable. */
  readonly definition: JsonObject;
  readonly settings: TableSettings;
  readonly engine: Engine;
  readonly stored: StoredTable;
}

/** All tables of the embedded cloud. */
export class Tables {
  readonly locks = new ItemLocks();
  private readonly engines = new Map<string, Promise<Engine>>();
  private readonly tables = new Map<string, Table>();

  all(): readonly Table[] {
    return [...this.tables.values()];
  }

  /** Tables of one account and Region, by name. */
  in(accountId: string, region: string): readonly Table[] {
    return this.all()
      .filter((table) => table.accountId === accountId && table.region === region)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  find(arn: string): Table | undefined {
    return this.tables.get(arn);
  }

  /** Engine of an account and Region; opened with its first use. */
  engine(accountId: string, region: string): Promise<Engine> {
    const key = `${accountId}/${region}`;
    const engine = this.engines.get(key) ?? Engine.open(accountId, region);
    this.engines.set(key, engine);
    return engine;
  }

  /** Creates a table. Throws ResourceInUseException when the name is taken. */
  async create(accountId: string, region: string, definition: JsonObject, settings: TableSettings): Promise<Table> {
    const name = String(definition.TableName);
    const arn = tableArn(accountId, region, name);
    if (this.tables.has(arn)) throw new AwsError("ResourceInUseException", `Table already exists: ${name}`);
    const engine = await this.engine(accountId, region);
    await engine.createTable(definition);
    const stored = await engine.table(name);
    if (!stored) throw new Error(`table ${name} vanished while it was created`);
    const table = { accountId, region, name, arn, definition, settings, engine, stored };
    this.tables.set(arn, table);
    return table;
  }

  /** Applies settings, and a changed definition by building the table anew with its items. */
  async update(table: Table, definition: JsonObject, settings: TableSettings): Promise<Table> {
    if (JSON.stringify(definition) === JSON.stringify(table.definition)) {
      const changed = { ...table, settings };
      this.tables.set(table.arn, changed);
      return changed;
    }
    const sameKeys = JSON.stringify(definition.KeySchema) === JSON.stringify(table.definition.KeySchema);
    const items = sameKeys ? await table.engine.items(table.name) : [];
    await this.drop(table);
    const rebuilt = await this.create(table.accountId, table.region, definition, settings);
    for (const Item of items) await rebuilt.engine.run("putItem", { TableName: table.name, Item });
    return rebuilt;
  }

  /** Deletes a table. Throws ValidationException while it is protected. */
  async delete(table: Table): Promise<void> {
    if (table.settings.deletionProtection) {
      throw new AwsError(
        "ValidationException",
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.",
      );
    }
    await this.drop(table);
  }

  async close(): Promise<void> {
    const engines = await Promise.all(this.engines.values());
    this.engines.clear();
    this.tables.clear();
    await Promise.all(engines.map((engine) => engine.close()));
  }

  private async drop(table: Table): Promise<void> {
    this.tables.delete(table.arn);
    await table.engine.deleteTable(table.name);
  }
}

/** ARN of a table. */
export function tableArn(accountId: string, region: string, name: string): string {
  return `arn:aws:dynamodb:${region}:${accountId}:table/${name}`;
}
