// Storage and expressions: dynalite, called in-process, without its HTTP server. One engine per account and Region, in memory.
import { setImmediate } from "node:timers/promises";
import { AwsError } from "../core/errors";
import { isJsonObject, type JsonObject, textOf } from "../core/json-api";

/** An item in DynamoDB's own JSON. */
export type Item = DynaliteItem;
/** A table as dynalite keeps it. */
export type StoredTable = DynaliteTable;
/** A request after dynalite's checks, with parsed expressions under `_updates`, `_condition`, …. */
export type CheckedRequest = Record<string, unknown>;

const ACTIONS = [
  "createTable",
  "deleteTable",
  "describeTable",
  "putItem",
  "getItem",
  "updateItem",
  "deleteItem",
  "query",
  "scan",
  "batchGetItem",
  "batchWriteItem",
] as const;
/** What the engine can do. */
export type EngineAction = (typeof ACTIONS)[number];

interface Library {
  readonly db: DynaliteDb;
  readonly validations: DynaliteValidations;
  readonly rules: ReadonlyMap<EngineAction, DynaliteRules>;
  readonly actions: ReadonlyMap<EngineAction, DynaliteAction>;
}

let library: Promise<Library> | undefined;

/** Loads dynalite with the first table only: it costs some 40 ms. */
function loadLibrary(): Promise<Library> {
  library ??= (async () => {
    const [db, validations] = await Promise.all([
      import("dynalite/db/index.js"),
      import("dynalite/validations/index.js"),
    ]);
    const rules = new Map<EngineAction, DynaliteRules>();
    const actions = new Map<EngineAction, DynaliteAction>();
    for (const action of ACTIONS) {
      rules.set(action, ((await import(`dynalite/validations/${action}.js`)) as { default: DynaliteRules }).default);
      actions.set(action, ((await import(`dynalite/actions/${action}.js`)) as { default: DynaliteAction }).default);
    }
    return { db: db.default, validations: validations.default, rules, actions };
  })();
  return library;
}

/** What a write would do: computed against a copy, so that nothing is stored yet. */
export interface StagedWrite {
  /** The item afterwards; undefined when it is deleted. */
  readonly after: Item | undefined;
  readonly result: JsonObject;
}

/** The tables of one account and Region. */
export class Engine {
  private readonly underWay = new Set<Promise<unknown>>();
  private closed = false;

  private constructor(
    private readonly dynalite: Library,
    private readonly store: DynaliteStore,
  ) {}

  static async open(accountId: string, region: string): Promise<Engine> {
    const dynalite = await loadLibrary();
    const store = dynalite.db.create({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
    store.tableDb.awsAccountId = accountId;
    store.tableDb.awsRegion = region;
    return new Engine(dynalite, store);
  }

  /** Checks a request as DynamoDB does before it looks at any table. Throws SerializationException, ValidationException. */
  check(action: EngineAction, input: JsonObject): CheckedRequest {
    const rules = this.dynalite.rules.get(action);
    if (!rules) throw new Error(`no rules for ${action}`);
    try {
      const data = this.dynalite.validations.checkTypes(structuredClone(input), rules.types);
      this.dynalite.validations.checkValidations(data, rules.types, rules.custom, this.store);
      return data;
    } catch (error) {
      throw toAwsError(error);
    }
  }

  /** Runs a checked request. */
  async run(action: EngineAction, data: CheckedRequest): Promise<JsonObject> {
    return this.runOn(this.store, action, data);
  }

  /** Computes a checked write against `before`, without storing it. */
  async stage(action: EngineAction, data: CheckedRequest, before: Item | undefined): Promise<StagedWrite> {
    let after = before;
    const done = (callback: DynaliteCallback<void>): void => callback(null);
    const itemDb: DynaliteItemDb = {
      lock: (_key, task) => task((callback) => callback),
      get: (_key, callback) => callback(null, structuredClone(before)),
      put: (_key, item, callback) => {
        after = item;
        done(callback);
      },
      del: (_key, callback) => {
        after = undefined;
        done(callback);
      },
    };
    const sandbox: DynaliteStore = {
      ...this.store,
      getItemDb: () => itemDb,
      getIndexDb: () => ({ put: (_key, _item, callback) => done(callback), del: (_key, callback) => done(callback) }),
    };
    const result = await this.runOn(sandbox, action, data);
    return { after, result };
  }

  /** Identity of the item that a checked write or read names. Throws ValidationException when the key does not fit. */
  keyOf(table: StoredTable, data: CheckedRequest): string {
    const { item, invalid } = this.itemOf(table, data);
    if (invalid) throw toAwsError(invalid);
    return this.dynalite.db.createKey(item, table);
  }

  private itemOf(table: StoredTable, data: CheckedRequest): { item: Item; invalid: Error | undefined } {
    if (data.Item) {
      const item = data.Item as Item;
      return { item, invalid: this.dynalite.db.validateItem(item, table) };
    }
    const item = data.Key as Item;
    return { item, invalid: this.dynalite.db.validateKey(item, table) };
  }

  async read(TableName: string, Key: Item): Promise<Item | undefined> {
    const { Item } = await this.run("getItem", { TableName, Key, ConsistentRead: true });
    return Item as Item | undefined;
  }

  /** Bytes of an item, by DynamoDB's own rule. */
  sizeOf(item: Item): number {
    return this.dynalite.db.itemSize(item);
  }

  /** The active table; undefined when there is none. */
  table(name: string): Promise<StoredTable | undefined> {
    return new Promise((resolve) => this.store.getTable(name, (error, table) => resolve(error ? undefined : table)));
  }

  /** Creates a table and waits until it is active. */
  async createTable(definition: JsonObject): Promise<void> {
    const data = this.check("createTable", definition);
    await this.run("createTable", data);
    const name = String(definition.TableName);
    while (!(await this.table(name))) await setImmediate();
  }

  /** Deletes a table and waits until it is gone. */
  async deleteTable(name: string): Promise<void> {
    await this.run("deleteTable", { TableName: name });
    while (await this.exists(name)) await setImmediate();
  }

  private exists(name: string): Promise<boolean> {
    return new Promise((resolve) => this.store.getTable(name, false, (error) => resolve(!error)));
  }

  /** Every item of a table. */
  async items(name: string): Promise<readonly Item[]> {
    const items: Item[] = [];
    let start: unknown;
    do {
      const page = await this.run("scan", { TableName: name, ...(start ? { ExclusiveStartKey: start } : {}) });
      items.push(...((page.Items ?? []) as Item[]));
      start = page.LastEvaluatedKey;
    } while (start);
    return items;
  }

  /** Ends once nothing is under way any more: dynalite would throw outside of its callbacks. What comes later is rejected. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.allSettled(this.underWay);
    await this.store.db.close();
  }

  private runOn(store: DynaliteStore, action: EngineAction, data: CheckedRequest): Promise<JsonObject> {
    if (this.closed) return Promise.reject(new Error("the local DynamoDB has been stopped"));
    const run = this.dynalite.actions.get(action);
    const running = new Promise<JsonObject>((resolve, reject) => {
      run?.(store, data, (error, result) => (error ? reject(toAwsError(error)) : resolve(result ?? {})));
    });
    this.underWay.add(running);
    const forget = (): void => void this.underWay.delete(running);
    running.then(forget, forget);
    return running;
  }
}

/** dynalite's errors carry the answer of AWS in `body`. */
function toAwsError(error: unknown): Error {
  const { body, statusCode } = error as { body?: unknown; statusCode?: number };
  if (!isJsonObject(body)) return error instanceof Error ? error : new Error(String(error));
  const type = String(body.__type);
  const message = textOf(body, "message") ?? textOf(body, "Message") ?? "";
  return new AwsError(type.slice(type.indexOf("#") + 1), message, statusCode ?? 400, { __type: type });
}
