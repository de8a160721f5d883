// TransactWriteItems and TransactGetItems: all or nothing. Every result is computed first and stored only when all are good.
import { AwsError } from "../core/errors";
import { isJsonObject, type JsonObject, objectsOf, requiredText, textOf } from "../core/json-api";
import type { CloudContext, GatewayCall } from "../core/service";
import type { Item, StagedWrite } from "./engine";
import { currentItem, lockKey, prepare, type PreparedRequest, wantsOldItem } from "./items";
import type { Tables } from "./tables";

/** Kinds of entries, the permission each needs, and the engine's action that computes it. */
const KINDS = {
  Put: { operation: "PutItem", action: "putItem" },
  Update: { operation: "UpdateItem", action: "updateItem" },
  Delete: { operation: "DeleteItem", action: "deleteItem" },
  // A condition check has the shape of a conditional delete that is never stored.
  ConditionCheck: { operation: "ConditionCheckItem", action: "deleteItem" },
} as const;
type Kind = keyof typeof KINDS;

const MAX_ITEMS = 100;
const MAX_TOTAL_BYTES = 4 * 1024 * 1024;
const TOKEN_LIFETIME_MS = 10 * 60 * 1000;

interface Entry extends PreparedRequest {
  readonly kind: Kind;
  readonly input: JsonObject;
  readonly key: string | AwsError;
}

interface Reason {
  readonly Code: string;
  readonly Message?: string;
  readonly Item?: Item;
}

interface Outcome extends Partial<StagedWrite> {
  readonly reason: Reason;
}

interface RememberedToken {
  readonly parameters: string;
  readonly expiresAt: number;
  readonly answer: JsonObject | undefined;
}

/** Runs transactions. */
export class Transactions {
  private readonly tokens = new Map<string, RememberedToken>();

  constructor(
    private readonly context: CloudContext,
    private readonly tables: Tables,
  ) {}

  /** TransactWriteItems. */
  async write(call: GatewayCall, input: JsonObject): Promise<JsonObject> {
    const entries = await this.prepareWrites(call, input);
    const token = textOf(input, "ClientRequestToken");
    if (!token) return this.execute(entries, input);
    const id = `${call.principal.accountId}/${call.region}/${token}`;
    const parameters = JSON.stringify(input.TransactItems);
    const known = this.recall(id, parameters);
    if (known) return known;
    return this.remember(id, parameters, () => this.execute(entries, input));
  }

  /** TransactGetItems. */
  async read(call: GatewayCall, input: JsonObject): Promise<JsonObject> {
    const items = checkedLength(input);
    const gets: { request: PreparedRequest; key: string }[] = [];
    for (const item of items) {
      const get = item.Get;
      if (!isJsonObject(get)) throw validation("TransactItems can only contain Get");
      const request = await prepare(this.tables, call, get, {
        action: "getItem",
        operation: "GetItem",
        enclosing: "TransactGetItems",
      });
      gets.push({ request, key: lockKey(request.table, request.data) });
    }
    const keys = gets.map(({ key }) => key);
    this.refuseConflicts(keys);
    const answers = await this.tables.locks.enqueue(keys, () =>
      Promise.all(gets.map(({ request }) => request.table.engine.run("getItem", request.data))),
    );
    return { Responses: answers.map(({ Item }) => (Item ? { Item } : {})) };
  }

  private async prepareWrites(call: GatewayCall, input: JsonObject): Promise<readonly Entry[]> {
    const entries: Entry[] = [];
    for (const item of checkedLength(input)) {
      const { kind, body } = singleAction(item);
      wantsOldItem(body);
      if (kind === "Update") requiredText(body, "UpdateExpression");
      if (kind === "ConditionCheck") requiredText(body, "ConditionExpression");
      const { action, operation } = KINDS[kind];
      const request = { action, operation, enclosing: "TransactWriteItems" };
      const prepared = await prepare(this.tables, call, body, request);
      entries.push({ ...prepared, kind, input: body, key: keyOrError(prepared) });
    }
    const keys = entries.map(({ key }) => key).filter((key) => typeof key === "string");
    if (new Set(keys).size < keys.length) {
      throw validation("Transaction request cannot include multiple operations on one item");
    }
    call.describe({ resource: [...new Set(entries.map(({ table }) => table.arn))].join(", ") });
    return entries;
  }

  private async execute(entries: readonly Entry[], input: JsonObject): Promise<JsonObject> {
    cancelUnlessGood(entries.map(({ key }) => (typeof key === "string" ? { Code: "None" } : validationReason(key))));
    const keys = entries.map(({ key }) => String(key));
    this.refuseConflicts(keys);
    return this.tables.locks.transaction(keys, async () => {
      const outcomes = await Promise.all(entries.map((entry) => stage(entry, input)));
      cancelUnlessGood(outcomes.map(({ reason }) => reason));
      refuseLargeTransaction(entries, outcomes);
      for (const [index, entry] of entries.entries()) await store(entry, outcomes[index]?.after);
      return capacityOf(entries, outcomes);
    });
  }

  private refuseConflicts(keys: readonly string[]): void {
    const conflict = { Code: "TransactionConflict", Message: "Transaction is ongoing for the item" };
    cancelUnlessGood(keys.map((key) => (this.tables.locks.isInTransaction(key) ? conflict : { Code: "None" })));
  }

  /** The answer of an earlier request with the same token. */
  private recall(id: string, parameters: string): JsonObject | undefined {
    for (const [token, { expiresAt }] of this.tokens)
      if (expiresAt <= this.context.clock.now()) this.tokens.delete(token);
    const known = this.tokens.get(id);
    if (!known) return undefined;
    if (known.parameters !== parameters) {
      throw new AwsError(
        "IdempotentParameterMismatchException",
        "Request parameters do not match the parameters of an earlier request with this ClientRequestToken",
      );
    }
    if (known.answer) return known.answer;
    throw new AwsError("TransactionInProgressException", "The transaction with the given request token is in progress");
  }

  private async remember(id: string, parameters: string, run: () => Promise<JsonObject>): Promise<JsonObject> {
    const expiresAt = this.context.clock.now() + TOKEN_LIFETIME_MS;
    this.tokens.set(id, { parameters, expiresAt, answer: undefined });
    try {
      const answer = await run();
      this.tokens.set(id, { parameters, expiresAt, answer });
      return answer;
    } catch (error) {
      this.tokens.delete(id);
      throw error;
    }
  }
}

function validation(message: string): AwsError {
  return new AwsError("ValidationException", message, 400, { __type: "com.amazon.coral.validate#ValidationException" });
}

function checkedLength(input: JsonObject): readonly JsonObject[] {
  const items = objectsOf(input, "TransactItems");
  if (items.length >= 1 && items.length <= MAX_ITEMS) return items;
  const bound = items.length > MAX_ITEMS ? `less than or equal to ${MAX_ITEMS}` : "greater than or equal to 1";
  throw validation(
    `1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length ${bound}`,
  );
}

function singleAction(item: JsonObject): { kind: Kind; body: JsonObject } {
  const [only, ...others] = Object.entries(item).filter(([, value]) => value !== undefined && value !== null);
  if (!only || others.length > 0 || !isKind(only[0]) || !isJsonObject(only[1])) {
    throw validation("TransactItems can only contain one of Check, Put, Update or Delete");
  }
  return { kind: only[0], body: only[1] };
}

function isKind(name: string): name is Kind {
  return Object.hasOwn(KINDS, name);
}

/** A key that does not fit the table cancels the transaction, with a reason; it does not fail the request. */
function keyOrError({ table, data }: PreparedRequest): string | AwsError {
  try {
    return lockKey(table, data);
  } catch (error) {
    if (error instanceof AwsError) return error;
    throw error;
  }
}

function validationReason(error: AwsError): Reason {
  return { Code: "ValidationError", Message: error.message };
}

async function stage(entry: Entry, input: JsonObject): Promise<Outcome> {
  const before = await currentItem(entry.table, entry.data);
  const data = { ...entry.data, ReturnConsumedCapacity: textOf(input, "ReturnConsumedCapacity") ?? "NONE" };
  try {
    const staged = await entry.table.engine.stage(KINDS[entry.kind].action, data, before);
    return { ...staged, reason: { Code: "None" } };
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    if (error.code !== "ConditionalCheckFailedException") return { reason: validationReason(error) };
    const item = before && wantsOldItem(entry.input) ? { Item: before } : {};
    return { reason: { Code: "ConditionalCheckFailed", Message: "The conditional request failed", ...item } };
  }
}

function cancelUnlessGood(reasons: readonly Reason[]): void {
  if (reasons.every(({ Code }) => Code === "None")) return;
  const codes = reasons.map(({ Code }) => Code).join(", ");
  throw new AwsError(
    "TransactionCanceledException",
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    400,
    { CancellationReasons: reasons },
  );
}

function refuseLargeTransaction(entries: readonly Entry[], outcomes: readonly Outcome[]): void {
  const sizes = entries.map(({ table }, index) => {
    const after = outcomes[index]?.after;
    return after ? table.engine.sizeOf(after) : 0;
  });
  if (sizes.reduce((sum, size) => sum + size, 0) <= MAX_TOTAL_BYTES) return;
  throw validation("The aggregate size of the items in the transaction exceeds 4 MB");
}

async function store({ kind, table, data }: Entry, after: Item | undefined): Promise<void> {
  if (kind === "ConditionCheck") return;
  // Conditions have been checked: only the outcome is written.
  if (after) await table.engine.run("putItem", { TableName: table.name, Item: after });
  else await table.engine.run("deleteItem", { TableName: table.name, Key: data.Key });
}

/** Transactions cost twice the capacity of single writes. */
function capacityOf(entries: readonly Entry[], outcomes: readonly Outcome[]): JsonObject {
  const units = new Map<string, number>();
  for (const [index, { table }] of entries.entries()) {
    const used = outcomes[index]?.result?.ConsumedCapacity;
    if (!isJsonObject(used)) continue;
    units.set(table.name, (units.get(table.name) ?? 0) + 2 * Number(used.CapacityUnits));
  }
  if (units.size === 0) return {};
  const capacity = [...units].map(([TableName, CapacityUnits]) => ({
    TableName,
    CapacityUnits,
    WriteCapacityUnits: CapacityUnits,
  }));
  return { ConsumedCapacity: capacity };
}
