// The few DynamoDB operations that the progress table needs. "#name" in an expression stands for the attribute `name`.
import { randomUUID } from "node:crypto";
import type { AwsJsonClient } from "../shared/aws-json";
import { AwsCallError } from "../shared/errors";
import { namesOf } from "../shared/expression-names";

/** A DynamoDB attribute value. */
export type AttributeValue = { readonly S: string } | { readonly N: string } | { readonly SS: readonly string[] };
/** A row, or its key. */
export type Row = Readonly<Record<string, AttributeValue | undefined>>;

/** A row to write. */
export interface RowPut {
  readonly item: Row;
  readonly condition?: string;
}

/** An update of one row. */
export interface RowUpdate {
  readonly key: Row;
  readonly update: string;
  readonly condition: string;
  readonly values: Row;
}

/** A query. */
export interface RowQuery {
  readonly index?: string;
  readonly condition: string;
  readonly values: Row;
  readonly attributes?: readonly string[];
  readonly descending?: boolean;
  readonly limit?: number;
  /** Keys of the row behind which it begins; the row itself may be gone. */
  readonly after?: Row | undefined;
}

/** One table. */
export class ProgressTable {
  constructor(
    private readonly client: AwsJsonClient,
    private readonly tableName: string,
  ) {}

  /** Strongly consistent read. */
  async get(key: Row): Promise<Row | undefined> {
    return (await this.call("GetItem", { Key: key, ConsistentRead: true })).Item as Row | undefined;
  }

  async put(item: Row): Promise<void> {
    await this.call("PutItem", { Item: item });
  }

  async delete(key: Row): Promise<void> {
    await this.call("DeleteItem", { Key: key });
  }

  /** Deletes a row under a condition. Returns the row, or undefined when the condition does not hold. */
  async take(key: Row, condition: string, values: Row): Promise<Row | undefined> {
    const input = {
      Key: key,
      ConditionExpression: condition,
      ...namesOf(condition),
      ExpressionAttributeValues: values,
      ReturnValues: "ALL_OLD",
    };
    try {
      return (await this.call("DeleteItem", input)).Attributes as Row | undefined;
    } catch (error) {
      if (isConditionFailure(error)) return undefined;
      throw error;
    }
  }

  /** Returns false when the condition does not hold. */
  async update(update: RowUpdate): Promise<boolean> {
    try {
      await this.call("UpdateItem", renderUpdate(update));
      return true;
    } catch (error) {
      if (isConditionFailure(error)) return false;
      throw error;
    }
  }

  /** Writes all or nothing. Returns false when a condition does not hold, or another write got in between. */
  async transact(update: RowUpdate | undefined, puts: readonly RowPut[]): Promise<boolean> {
    const TableName = this.tableName;
    const TransactItems = [
      ...(update ? [{ Update: { TableName, ...renderUpdate(update) } }] : []),
      ...puts.map((put) => ({ Put: { TableName, ...renderPut(put) } })),
    ];
    try {
      // The token makes a repetition after a lost answer harmless.
      await this.client.call("TransactWriteItems", { TransactItems, ClientRequestToken: randomUUID() });
      return true;
    } catch (error) {
      if (error instanceof AwsCallError && isLostRace(error)) return false;
      throw error;
    }
  }

  /** All rows of a query. Consistent, except on an index. */
  async *query({ index, condition, values, attributes, descending, limit, after }: RowQuery): AsyncGenerator<Row> {
    const projection = attributes?.map((name) => `#${name}`).join(", ");
    const input = {
      ...(index === undefined ? { ConsistentRead: true } : { IndexName: index }),
      KeyConditionExpression: condition,
      ...(projection === undefined ? {} : { ProjectionExpression: projection }),
      ...namesOf(`${condition} ${projection ?? ""}`),
      ExpressionAttributeValues: values,
      ScanIndexForward: descending !== true,
      ...(limit === undefined ? {} : { Limit: limit }),
    };
    let start: unknown = after;
    let left = limit ?? Infinity;
    do {
      const page = await this.call("Query", { ...input, ...(start === undefined ? {} : { ExclusiveStartKey: start }) });
      for (const row of (page.Items ?? []) as readonly Row[]) {
        if (left-- <= 0) return;
        yield row;
      }
      start = page.LastEvaluatedKey;
    } while (start !== undefined && left > 0);
  }

  private call(operation: string, input: object): Promise<Readonly<Record<string, unknown>>> {
    return this.client.call(operation, { TableName: this.tableName, ...input });
  }
}

/** A text of a row. */
export function textIn(row: Row, name: string): string | undefined {
  const value = row[name];
  return value && "S" in value ? value.S : undefined;
}

/** A number of a row. */
export function numberIn(row: Row, name: string): number | undefined {
  const value = row[name];
  return value && "N" in value ? Number(value.N) : undefined;
}

/** A number as DynamoDB takes it. */
export function toNumber(value: number): AttributeValue {
  return { N: String(value) };
}

function renderUpdate({ key, update, condition, values }: RowUpdate): object {
  return {
    Key: key,
    UpdateExpression: update,
    ConditionExpression: condition,
    ...namesOf(`${update} ${condition}`),
    ExpressionAttributeValues: values,
  };
}

function renderPut({ item, condition }: RowPut): object {
  return { Item: item, ...(condition === undefined ? {} : { ConditionExpression: condition, ...namesOf(condition) }) };
}

function isConditionFailure(error: unknown): boolean {
  return error instanceof AwsCallError && error.code === "ConditionalCheckFailedException";
}

function isLostRace(error: AwsCallError): boolean {
  if (error.code !== "TransactionCanceledException") return false;
  const reasons = (error.body.CancellationReasons ?? []) as readonly { readonly Code?: string }[];
  return reasons.some(({ Code }) => Code === "ConditionalCheckFailed" || Code === "TransactionConflict");
}
