// The parts of dynalite 4.0.0 that the engine uses. The package has no types and no "exports" field: pin its version.

type DynaliteCallback<T> = (error: Error | null, result?: T) => void;
type DynaliteItem = Record<string, Record<string, unknown>>;

interface DynaliteKeyElement {
  AttributeName: string;
  KeyType: "HASH" | "RANGE";
}

interface DynaliteIndex {
  IndexName: string;
  KeySchema: DynaliteKeyElement[];
}

interface DynaliteTable {
  TableName: string;
  TableStatus: string;
  KeySchema: DynaliteKeyElement[];
  GlobalSecondaryIndexes?: DynaliteIndex[];
  LocalSecondaryIndexes?: DynaliteIndex[];
}

interface DynaliteItemDb {
  lock(key: string, task: (release: <T>(callback: DynaliteCallback<T>) => DynaliteCallback<T>) => void): void;
  get(key: string, callback: DynaliteCallback<DynaliteItem>): void;
  put(key: string, item: DynaliteItem, callback: DynaliteCallback<void>): void;
  del(key: string, callback: DynaliteCallback<void>): void;
}

interface DynaliteStore {
  options: { maxItemSize: number };
  db: { close(): Promise<void> };
  tableDb: { awsAccountId: string; awsRegion: string };
  /** With a callback in second place, tables that are being created or deleted do not exist. */
  getTable(name: string, callback: DynaliteCallback<DynaliteTable>): void;
  getTable(name: string, onlyActive: false, callback: DynaliteCallback<DynaliteTable>): void;
  getItemDb(name: string): DynaliteItemDb;
  getIndexDb(type: string, table: string, index: string): Pick<DynaliteItemDb, "put" | "del">;
}

interface DynaliteDb {
  create(options: { createTableMs: number; deleteTableMs: number; updateTableMs: number }): DynaliteStore;
  createKey(item: DynaliteItem, table: DynaliteTable): string;
  validateKey(key: DynaliteItem, table: DynaliteTable): Error | undefined;
  validateItem(item: DynaliteItem, table: DynaliteTable): Error | undefined;
  itemSize(item: DynaliteItem): number;
}

interface DynaliteRules {
  types: Record<string, unknown>;
  custom?: (data: Record<string, unknown>, store: unknown) => string | undefined;
}

interface DynaliteValidations {
  checkTypes(data: unknown, types: Record<string, unknown>): Record<string, unknown>;
  checkValidations(
    data: Record<string, unknown>,
    types: Record<string, unknown>,
    custom: DynaliteRules["custom"],
    store: unknown,
  ): void;
}

type DynaliteAction = (
  store: DynaliteStore,
  data: Record<string, unknown>,
  callback: DynaliteCallback<Record<string, unknown>>,
) => void;

declare module "dynalite/db/index.js" {
  const db: DynaliteDb;
  export default db;
}
declare module "dynalite/validations/index.js" {
  const validations: DynaliteValidations;
  export default validations;
}
declare module "dynalite/validations/*" {
  const rules: DynaliteRules;
  export default rules;
}
declare module "dynalite/actions/*" {
  const action: DynaliteAction;
  export default action;
}
